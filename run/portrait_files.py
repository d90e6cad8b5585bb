"""What portraits leave as files beside videos: motion templates and faces set by hand as `.motion`, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core import BadMotionFile, CannotWrite, Host, Motion, TransferJob, UsageError, VideoSource
from ..face_motion.portrait_crop import CROP_PX
from ..models.live_portrait.expression import Expression
from ..models.live_portrait.expression_keys import frames_between, read_keys
from ..models.live_portrait.made_motion import motion_of_faces, motion_of_template
from ..models.live_portrait.region import pasted_regions
from ..models.registry import engine_spec
from ..pose.motion_file import save_motion
from ..video import check_place, open_video
from .character_film import is_character_film, prepare_character_film
from .enrichment import enriched
from .motion_cache import is_motion_file, load_or_extract
from .places import cache_folder
from .preflight import input_is_there, may_replace
from .prepare import prepare_character
from .sound import find_film

LARGEST_TEXT_BYTES = 1 << 20


def is_template(path: Path) -> bool:
    return path.suffix.lower() in (".pkl", ".pickle")


def write_template(template: Path, output: Path, *, rate: float | None = None, overwrite: bool = False) -> Motion:
    """The published motion template (`.pkl`) as a `.motion` file; nothing in it is run. `rate` in place of its own.

    BadMotionFile, UsageError or CannotWrite in one line.
    """
    if template.is_dir() or not template.exists():
        raise BadMotionFile(f"There is no motion template {template}.")
    check_motion_output(output, overwrite=overwrite)
    motion = motion_of_template(template, rate)
    save_motion(motion, output)
    return motion


def write_face_motion(
    keyframes: str, sliders: Mapping[str, object], output: Path, *, rate: float, overwrite: bool = False
) -> Motion:
    """Keyframes of a face (see `expression_keys`) as a `.motion` file that drives any portrait."""
    check_motion_output(output, overwrite=overwrite)
    motion = motion_of_faces(frames_between(read_keys(keyframes, Expression.from_plain(sliders)), rate), rate)
    save_motion(motion, output)
    return motion


def portrait_motion(
    driving: Path,
    host: Host,
    *,
    settings: Mapping[str, object] | None = None,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    detector: str = "auto",
    person: str = "auto",
    cache: Path | None = None,
) -> Motion:
    """What the head in a driving video (or a `.motion` file whose film is there) does, as codes beside its joints:
    read once, for any portrait and without the film from then on.

    `settings` are LivePortrait's; faces=all reads everybody's. Raises what finding people raises, InputError where no
    face is seen, MissingWeights, MissingPackage, Cancelled.
    """
    spec, folder = engine_spec("live-portrait"), cache or cache_folder()
    asked = spec.settings.from_plain(settings or {})
    input_is_there("driving video", driving)
    spec.identity(asked, host)  # weights that are missing are told before any work
    motion, _ = load_or_extract(
        driving,
        host,
        folder,
        start_seconds=start_seconds,
        stop_seconds=stop_seconds,
        detector=detector,
        person=person,
    )

    def film() -> VideoSource | None:
        source = motion.source
        path = find_film(motion, driving).path if is_motion_file(driving) else driving
        return None if path is None else open_video(path, start_seconds=source.start_seconds, stop_seconds=source.stop_seconds)  # fmt: skip

    return enriched(motion, spec.open(asked, host, 0), film, folder, host)


def read_keyframes(path: Path) -> str:
    """The text of a keyframe file; UsageError where it cannot be one."""
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise UsageError(f"{path} has {path.stat().st_size >> 20} MB; keyframes are a few lines of text.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"The keyframes {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The keyframes {path} are no text; lines such as 0.5: smile=1 would work.") from None


def check_motion_output(output: Path, *, overwrite: bool) -> None:
    """UsageError or CannotWrite before any work."""
    if not is_motion_file(output):
        raise UsageError(f"A motion is written to a .motion file, not to {output}; {output.with_suffix('.motion')}?")
    check_output(output, overwrite=overwrite)


def check_output(output: Path, *, overwrite: bool) -> None:
    """CannotWrite where no file may be put there."""
    if output.is_dir():
        raise CannotWrite(f"The output {output} is a folder; name a file in it.")
    check_place(output)
    may_replace(output, overwrite=overwrite, known=False)


def portrait_regions(job: TransferJob, num_frames: int, cache: Path, host: Host) -> Iterator[np.ndarray]:
    """Where a LivePortrait job pastes what it made, uint8 `[H,W]`: one mask for a picture, one a frame for a film.

    Its character is prepared anew, from what the run has kept. Without paste_back one white mask of the crop's size.
    """
    spec = engine_spec(job.engine)
    settings: Any = spec.settings.from_plain(job.settings)
    if is_character_film(job):
        character = prepare_character_film(job, spec.size_multiple, cache, host)
    else:
        character = prepare_character(job, spec.needs(settings), spec.size_multiple, cache, host)
    if not settings.paste_back:
        return iter([np.full((CROP_PX, CROP_PX), 255, np.uint8)])
    return pasted_regions(character, settings, num_frames)


def edit_portrait(
    picture: Path,
    sliders: Mapping[str, object],
    host: Host,
    *,
    settings: Mapping[str, object] | None = None,
    character_pose: Path | None = None,
    cache: Path | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The portrait with the face that `sliders` (see `Expression`) set, uint8 `[H,W,3]`, and where it was pasted, uint8
    `[H,W]`; `settings` are LivePortrait's.

    Raises UsageError, InputError where there is no face, MissingWeights, MissingPackage, Cancelled.
    """
    motion, folder = motion_of_faces([Expression.from_plain(sliders)], 25.0), cache or cache_folder()
    spec = engine_spec("live-portrait")
    asked = spec.settings.from_plain(settings or {})
    job = TransferJob(
        character=str(picture),
        driving="sliders",
        output="picture",
        engine=spec.name,
        settings=asked.plain(),
        character_pose=None if character_pose is None else str(character_pose),
    )
    input_is_there("character picture", picture)
    spec.identity(asked, host)  # weights that are missing are told before any work
    character = prepare_character(job, spec.needs(asked), spec.size_multiple, folder, host)
    chunk = next(iter(spec.open(asked, host, 0).transfer(character, motion)))
    (region,) = portrait_regions(job, 1, folder, host)
    return chunk.pixels[0], region
