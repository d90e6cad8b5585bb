"""What cannot work is refused here, before a minute is spent: a request is looked at from every side.

Opens headers only; the pictures and the motion are read later, by those who need them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import (
    BadMotionFile,
    CannotWrite,
    EngineSpec,
    InputError,
    Need,
    PersonChoice,
    TransferJob,
    UnreadableImage,
    UnreadableVideo,
    UsageError,
    VideoSource,
)
from ..models.registry import engine_spec
from ..video import check_audio_fits, check_place, is_picture, open_video, output_format
from .character_film import is_character_film
from .digests import digest_of
from .finish_steps import Step, beside_is_there, plan_steps
from .motion_cache import is_motion_file

# Bytes per pixel of finished video that even a quiet clip takes, estimated low: refusing a run that
# would have fitted is worse than meeting a full disk, which the journal survives.
_LEAST_BYTES_PER_PIXEL = {"high": 0.01, "medium": 0.006, "low": 0.003, "lossless": 0.1, "alpha": 0.05}
_SPARE_BYTES = 32 << 20


@dataclass(frozen=True)
class Plan:
    """A request that can work, as far as one can tell without doing it."""

    spec: EngineSpec
    settings: Any
    needs: frozenset[Need]
    output: Path
    format: Any
    driving_is_motion: bool
    steps: tuple[Step, ...] = ()
    """What is done to the finished frames."""
    character_is_film: bool = False


def plan_run(job: TransferJob) -> Plan:
    """UsageError or InputError for anything that can be seen to fail from here."""
    spec = engine_spec(job.engine)
    settings = spec.settings.from_plain(job.settings)
    steps = plan_steps(job.finish)
    beside_is_there(steps, {"character": job.character, "original": job.driving, "mask": job.driving_mask})
    output = Path(job.output)
    if output.is_dir():
        raise CannotWrite(f"The output {output} is a folder; name a file in it, such as {output / 'out.mp4'}.")
    format = output_format(output, job.quality)
    for what, given in _inputs(job).items():
        if given is not None:
            input_is_there(what, Path(given))
        if given is not None and output.exists() and Path(given).exists() and output.samefile(given):
            raise UsageError(f"The output {output} is the {what} itself; choose another name (`output`).")
    check_place(output)
    if not is_motion_file(job.driving):
        video = _opened(job)
        if job.audio and job.audio_file is None and video.info.has_audio:
            check_audio_fits(job.driving, output)
    if job.audio_file is not None:
        check_audio_fits(job.audio_file, output)
    film = spec.takes_film and is_character_film(job)
    return Plan(spec, settings, spec.needs(settings), output, format, is_motion_file(job.driving), steps, film)


def _opened(job: TransferJob) -> VideoSource:
    """The driving video. UnreadableVideo, which tells whether it and the character changed places."""
    try:
        return open_video(job.driving, start_seconds=job.start_seconds, stop_seconds=job.stop_seconds)
    except UnreadableVideo:
        if is_picture(job.driving) and not is_picture(job.character):
            raise UnreadableVideo(
                f"{job.driving} is a picture and {job.character} is not: the character's picture comes first, "
                f"the driving video second."
            ) from None
        if Path(job.driving).suffix.lower() == ".json":
            raise UnreadableVideo(
                f"{job.driving} is no video; if it holds joints (OpenPose JSON), 'motion-transfer extract "
                f"{job.driving}', given their frame rate, makes a .motion of it, which drives."
            ) from None
        raise


def _inputs(job: TransferJob) -> dict[str, str | None]:
    return {
        "character picture": job.character,
        "driving video": job.driving,
        "mask": job.mask,
        "character's pose file": job.character_pose,
        "audio file": job.audio_file,
        "mask of the person": PersonChoice.parse(job.person).mask_file or None,
        "driver's mask": job.driving_mask,
    }


_FAULTS: dict[str, type[InputError]] = {
    "character picture": UnreadableImage,
    "driving video": UnreadableVideo,
    "mask": UnreadableImage,
    "character's pose file": BadMotionFile,
    "audio file": InputError,
    "mask of the person": UnreadableImage,
    "driver's mask": InputError,
}


def input_is_there(what: str, path: Path) -> None:
    """The right kind of InputError if it is not, or if it is a folder."""
    fault = BadMotionFile if is_motion_file(path) else _FAULTS[what]
    if path.is_dir():
        raise fault(f"The {what} {path} is a folder; a file is needed.")
    if not path.exists():
        raise fault(f"There is no {what} {path}.")


def may_replace(output: Path, *, overwrite: bool, known: bool) -> None:
    """CannotWrite if `output` is somebody else's work: it exists, and no run of this very job left it (`known`)."""
    if output.exists() and not overwrite and not known:
        raise CannotWrite(
            f"{output} exists already and was not made by this very job. "
            f"It can be replaced (`overwrite`); or choose another name (`output`)."
        )


def disk_suffices(folder: Path, quality: str, size: tuple[int, int], num_frames: int) -> None:
    """CannotWrite if not even a quiet clip would fit; pieces and the joined file lie side by side for a moment."""
    needed, free = disk_bytes(folder, quality, size, num_frames)
    if free < needed:
        raise CannotWrite(
            f"{num_frames} frames of {size[0]}x{size[1]} at quality {quality} need about {needed / 1e6:.0f} MB in "
            f"{folder}, where {free / 1e6:.0f} MB are free. A smaller size (`resolution`) or quality (`quality=low`) would help."
        )


def disk_bytes(folder: Path, quality: str, size: tuple[int, int], num_frames: int) -> tuple[int, int]:
    """What even a quiet clip takes in `folder`, and what is free there."""
    pixels = size[0] * size[1] * num_frames
    needed = int(2 * pixels * _LEAST_BYTES_PER_PIXEL[quality]) + _SPARE_BYTES
    return needed, shutil.disk_usage(folder).free


def opaque_in_spite_of_alpha(spec: EngineSpec) -> str:
    """What is to be known where quality alpha was asked for and the engine's frames have nothing see-through."""
    offers = any(o.name == "background" and "transparent" in o.choices for o in spec.settings.options())
    how = (
        "the setting background=transparent makes them see-through"
        if offers
        else f"{spec.title} paints the whole picture"
    )
    return f"Quality alpha was asked for, but these frames are opaque everywhere: {how}."


def parts_folder(output: Path, work_dir: Path | None) -> Path:
    """Where the journals of `output` are: a hidden folder beside it, or one of its own in `work_dir`, which is made.

    CannotWrite where it cannot be.
    """
    if work_dir is None:
        return output.parent / f".{output.name}.parts"
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if work_dir.is_file() else (error.strerror or str(error)).lower()
        raise CannotWrite(f"{work_dir} cannot be the work folder ({why}); name another (`work_dir`).") from None
    return work_dir / f"{output.name}.{digest_of({'path': str(output.absolute())})[:8]}.parts"
