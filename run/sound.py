"""Where the sound of a finished video comes from, and where the film behind a `.motion` file lies today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..core import InputError, Motion, Timeline, TransferJob
from ..video import check_audio_fits, file_sha256
from .motion_cache import is_motion_file


@dataclass(frozen=True)
class Sound:
    """A file whose sound is copied, and which part of it."""

    path: Path
    sha256: str
    trim: tuple[float, float | None] | None
    """Seconds of that file; None = all of it."""

    @property
    def key(self) -> list[object]:
        """What of it determines the finished file."""
        return [self.sha256, None if self.trim is None else list(self.trim)]


@dataclass(frozen=True)
class Film:
    """The video a motion was extracted from: where it is, or why it cannot be used."""

    path: Path | None
    why_not: str = ""


def find_film(motion: Motion, motion_file: Path) -> Film:
    """The very file that the motion came from, where it was or beside the `.motion` file."""
    named = Path(motion.source.path)
    changed: Path | None = None
    for path in dict.fromkeys((named, motion_file.parent / named.name)):
        if path.is_file():
            if file_sha256(path) == motion.source.sha256:
                return Film(path)
            changed = path
    if changed is not None:
        return Film(None, f"{changed} is not the file any more that {motion_file.name} was extracted from")
    return Film(None, f"{named} is neither there any more nor beside {motion_file.name}")


def driving_film(motion: Motion, motion_file: Path) -> Path:
    """As `find_film`, for who cannot do without. InputError says why not and what would work."""
    film = find_film(motion, motion_file)
    if film.path is None:
        raise InputError(
            f"These settings need the frames of the driving video, but {film.why_not}. Give the video instead."
        )
    return film.path


def find_sound(
    job: TransferJob, motion: Motion, note: Callable[[str], None], timeline: Timeline | None = None
) -> Sound | None:
    """The sound that belongs under the finished frames; None if there is none, and then a note says why.

    `timeline` is that of the finished frames, where it is not the motion's own.
    """
    if job.audio_file is not None:
        path = Path(job.audio_file)
        return Sound(path, file_sha256(path), (0.0, float(_shown(timeline or motion.timeline))))
    if not job.audio or not motion.source.has_audio:
        return None
    driving = Path(job.driving)
    source = motion.source
    trim = (
        None
        if source.start_seconds == 0 and source.stop_seconds is None
        else (source.start_seconds, source.stop_seconds)
    )
    if timeline is not None and _shown(timeline) + 1 / timeline.rate < _shown(motion.timeline):
        trim = (source.start_seconds, source.start_seconds + float(_shown(timeline)))
    if not is_motion_file(driving):
        return Sound(driving, motion.source.sha256, trim)
    film = find_film(motion, driving)
    if film.path is None:
        note(f"No sound: {film.why_not}. Another file can give one (`audio_file`).")
        return None
    check_audio_fits(film.path, job.output)
    return Sound(film.path, motion.source.sha256, trim)


def _shown(timeline: Timeline) -> Fraction:
    """Seconds from the first frame to the end of the last."""
    return int(timeline.pts[-1] - timeline.pts[0]) * timeline.time_base + 1 / timeline.rate
