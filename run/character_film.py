"""A character that is a film, for engines that take one: its frames at the working size, and its own motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core import (
    Character,
    CharacterFilm,
    FrameChunk,
    Host,
    Motion,
    Timeline,
    TransferJob,
    UnreadableVideo,
    UsageError,
    VideoInfo,
    VideoSource,
)
from ..video import is_picture, open_video
from .motion_cache import load_or_extract
from .prepare import fit, moved_pose, working_size


def is_character_film(job: TransferJob) -> bool:
    """Whether the character is a film: no picture by its header, and a video. UsageError where what only pictures
    have is given beside it."""
    if is_picture(job.character):
        return False
    try:
        open_video(job.character)
    except UnreadableVideo:
        return False  # what it is instead of a picture is said where pictures are read
    for what, given in (("mask", job.mask), ("character_pose", job.character_pose)):
        if given is not None:
            raise UsageError(f"{what} belongs to a picture, but the character {job.character} is a video; leave it out.")  # fmt: skip
    return True


def prepare_character_film(job: TransferJob, size_multiple: int, cache: Path, host: Host) -> Character:
    """The character as the engine will see it: scaled down as a picture would be, its motion found once and kept.

    Raises UnreadableVideo, NoPersonFound and what detectors raise.
    """
    path = Path(job.character)
    motion, _ = load_or_extract(path, host, cache, detector=job.detector)
    frames = FittedFrames(open_video(path), motion.source.sha256, job.resolution, size_multiple)
    first = next(iter(frames.chunks(1)), None)
    if first is None:
        raise UnreadableVideo(f"{path} has no frames.")
    size = (frames.info.width, frames.info.height)
    tracks = tuple(moved_pose(t, motion.size, job.resolution, size_multiple, size) for t in motion.tracks)
    motion = replace(motion, tracks=tracks)
    return Character(
        pixels=np.ascontiguousarray(first.pixels[0]),
        sha256=motion.source.sha256,
        pose=motion.main.cut(0, 1),
        name=path.stem,
        film=CharacterFilm(frames, motion),
    )


def shown_cuts(character: Character, motion: Motion, timeline: Timeline) -> tuple[int, ...]:
    """Where the finished frames, shown at `timeline`, are cut: as the film that is moved, else as the driver."""
    cuts = motion.cuts if character.film is None else character.film.motion.cuts
    return tuple(cut for cut in cuts if cut < timeline.num_frames)


@dataclass(frozen=True)
class FittedFrames:
    """A film at its working size: never enlarged, its sides multiples of `multiple`."""

    source: VideoSource
    sha256: str
    resolution: str
    multiple: int

    @property
    def info(self) -> VideoInfo:
        info = self.source.info
        width, height = working_size((info.width, info.height), self.resolution, self.multiple)
        return replace(info, width=width, height=height)

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        size = (self.info.width, self.info.height)
        for chunk in self.source.chunks(length, start):
            if (chunk.pixels.shape[2], chunk.pixels.shape[1]) == size:
                yield chunk
                continue
            fitted = np.empty((chunk.num_frames, size[1], size[0], 3), np.uint8)
            for k, pixels in enumerate(chunk.pixels):
                fitted[k] = fit(Character(pixels, self.sha256), self.resolution, self.multiple, blend=False).pixels
            yield replace(chunk, pixels=fitted, alpha=None)
