"""Finished frames on their way through the finishers into a journal; the only loop of finishing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any

import numpy as np

from ..core import FrameChunk, Host, Timeline, VideoInfo
from ..finishing.chain import Chain
from ..pose.cuts import CutFinder
from ..video import VideoFile, encode_chunk, open_video
from .journal import Journal
from .pieces import write_behind

FINISHING = "finishing"
LOOKING = "looking"
"""Stages of `host.step`."""
CUTS_VERSION = 1
"""Changed whenever the same film would give other cuts."""
_PIECE_BYTES = 48 << 20
_PIECE_FRAMES = 32


def piece_frames(size: tuple[int, int]) -> int:
    """Frames per piece: as many as lie in memory lightly, the same for the same size always."""
    return max(4, min(_PIECE_FRAMES, _PIECE_BYTES // (3 * size[0] * size[1]) // 4 * 4))


def find_cuts_of(film: VideoFile, total: int, host: Host) -> tuple[int, ...]:
    """Index of the first frame after each cut; every frame is decoded once."""
    finder, done = CutFinder(), 0
    for chunk in film.chunks(8):
        for frame in chunk.pixels:
            finder.feed(frame)
        done = chunk.stop
        host.step(done, max(done, total), LOOKING)
    return finder.cuts()


def render(chain: Chain, journal: Journal, fmt: Any, host: Host) -> None:
    """Commit every finished frame that the journal lacks. Raises what finishers raise, CannotWrite, Cancelled."""
    clip = chain.clip
    total, rate = clip.num_frames, clip.timeline.rate
    host.step(journal.num_frames, total, FINISHING)
    if journal.num_frames == total:
        return
    chunks = chain.results(journal.num_frames, piece_frames(clip.size))
    with closing(_stepping(chunks, host, total)) as stepping:  # type: ignore[type-var]
        write_behind(stepping, lambda chunk: _commit(journal, chunk, fmt, rate))
    if journal.num_frames != total:
        raise RuntimeError(f"finishing made {journal.num_frames} of {total} frames")


def _commit(journal: Journal, chunk: FrameChunk, fmt: Any, rate: Fraction) -> None:
    journal.commit(chunk, lambda c, path: encode_chunk(c, path, fmt, rate))


def _stepping(chunks: Iterator[FrameChunk], host: Host, total: int) -> Iterator[FrameChunk]:
    for chunk in chunks:
        yield chunk
        host.step(chunk.stop, total, FINISHING, chunk.pixels[-1])


class PieceFrames:
    """The lossless pieces of a journal as a core.VideoSource."""

    def __init__(self, journal: Journal, timeline: Timeline, *, alpha: bool) -> None:
        self._pieces, self._files, self._alpha = list(journal.pieces), journal.files, alpha
        width, height = journal.pieces[-1].size
        self._info = VideoInfo(width, height, timeline.rate, journal.num_frames, timeline.time_base)

    @property
    def info(self) -> VideoInfo:
        return self._info

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        """Frames from index `start` to the end; a chunk never reaches over the end of a piece."""
        for piece, path in zip(self._pieces, self._files, strict=True):
            if piece.stop <= start:
                continue
            for chunk in open_video(path, alpha=self._alpha).chunks(length, max(0, start - piece.start)):
                yield FrameChunk(chunk.pixels, piece.start + chunk.start, alpha=chunk.alpha)


class StillFrames:
    """One picture as a core.VideoSource, as often as it is needed."""

    def __init__(self, pixels: np.ndarray, num_frames: int, rate: Fraction) -> None:
        self._pixels, self._num_frames = pixels, num_frames
        height, width = pixels.shape[:2]
        self._info = VideoInfo(width, height, rate, num_frames, 1 / rate)

    @property
    def info(self) -> VideoInfo:
        return self._info

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        for first in range(start, self._num_frames, length):
            count = min(length, self._num_frames - first)
            yield FrameChunk(np.broadcast_to(self._pixels, (count, *self._pixels.shape)), first)
