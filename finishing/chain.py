"""Several finishers one after another, streamed: frames of the source go in as they are needed, groups come out.

Memory holds the neighbourhoods of one group per finisher, whatever the length of the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import FrameChunk, InputError
from .finisher import Clip, Finisher, Survey

READ_FRAMES = 8
"""Frames read from the source at a time."""

Source = Callable[[int], Iterator[FrameChunk]]
"""Frames from an index to the end, in order."""


@dataclass(frozen=True)
class Stage:
    """A finisher at work on a clip."""

    finisher: Finisher
    given: Clip
    """What goes in."""
    made: Clip
    """What comes out."""


class Chain:
    """Put together finisher by finisher, because a survey may look at what the ones before it make."""

    def __init__(self, clip: Clip, source: Source) -> None:
        self._clip, self._source = clip, source
        self._stages: list[Stage] = []

    @property
    def clip(self) -> Clip:
        """What comes out."""
        return self._stages[-1].made if self._stages else self._clip

    def frames_to_survey(self) -> Iterator[FrameChunk]:
        """What the next finisher surveys: the source's frames, after those finishers only that reshape them."""
        return _results([s for s in self._stages if s.finisher.reshapes], self._source, 0)

    def add(self, finisher: Finisher, found: Survey) -> None:
        """`found` is the finisher's survey of this clip. UsageError or InputError where it does not fit the clip."""
        given = self.clip
        self._stages.append(Stage(finisher, given, finisher.begin(given, found)))

    def results(self, start: int, length: int) -> Iterator[FrameChunk]:
        """Finished frames from index `start` to the end, `length` at a time; the last may be shorter."""
        held: list[FrameChunk] = []
        first, count = start, 0
        for chunk in _results(self._stages, self._source, start):
            chunk = _from(chunk, first + count)
            while chunk is not None:
                part, rest = _split(chunk, first + length)
                held.append(part)
                count += part.num_frames
                if count == length:
                    whole, held = _joined(held), []
                    first, count = first + length, 0
                    yield whole
                    del whole
                chunk = rest
        if held:
            yield _joined(held)


def _results(stages: Sequence[Stage], source: Source, start: int) -> Iterator[FrameChunk]:
    """Frames in order, beginning at `start` or a little before it."""
    if not stages:
        yield from source(start)
        return
    *below, stage = stages
    finisher, total, num_given = stage.finisher, stage.made.num_frames, stage.given.num_frames
    begin = start // finisher.group * finisher.group
    reader: _Reader | None = None
    for first in range(begin, total, finisher.group):
        stop = min(first + finisher.group, total)
        low, high = finisher.span(first, stop)
        low, high = max(0, low), min(num_given, high)
        if reader is None:
            reader = _Reader(_results(below, source, low))
        made = finisher.finish(reader.window(low, high), first, stop)
        if made.start != first or made.stop != stop or made.pixels.dtype != np.uint8:
            raise RuntimeError(f"{type(finisher).__name__} made {made} where {first}..{stop} were asked for")
        yield made


class _Reader:
    """A window that moves forward over frames that come in order."""

    def __init__(self, chunks: Iterator[FrameChunk]) -> None:
        self._chunks = chunks
        self._held: list[FrameChunk] = []

    def window(self, start: int, stop: int) -> FrameChunk:
        """Frames start..stop; what lies before `start` is forgotten."""
        while not self._held or self._held[-1].stop < stop:
            chunk = next(self._chunks, None)
            if chunk is None:
                got = self._held[-1].stop if self._held else 0
                raise InputError(f"The video ends after {got} frames, though it promised more; get the file again.")
            self._held.append(chunk)
        self._held = [c for c in self._held if c.stop > start]
        if self._held[0].start > start:
            raise RuntimeError(f"frame {start} was asked for after it was let go")
        return _joined([_cut(c, start, stop) for c in self._held if c.start < stop])


def _cut(chunk: FrameChunk, start: int, stop: int) -> FrameChunk:
    first, last = max(start, chunk.start) - chunk.start, min(stop, chunk.stop) - chunk.start
    alpha = None if chunk.alpha is None else chunk.alpha[first:last]
    return FrameChunk(chunk.pixels[first:last], chunk.start + first, alpha=alpha)


def _from(chunk: FrameChunk, start: int) -> FrameChunk | None:
    return None if chunk.stop <= start else _cut(chunk, start, chunk.stop)


def _split(chunk: FrameChunk, at: int) -> tuple[FrameChunk, FrameChunk | None]:
    return _cut(chunk, chunk.start, at), _cut(chunk, at, chunk.stop) if chunk.stop > at else None


def _joined(chunks: list[FrameChunk]) -> FrameChunk:
    if len(chunks) == 1:
        return chunks[0]
    pixels = np.concatenate([c.pixels for c in chunks])
    alpha = None
    if any(c.alpha is not None for c in chunks):  # a source leaves the alpha of wholly opaque chunks out
        opaque = [np.full(c.pixels.shape[:3], 255, np.uint8) if c.alpha is None else c.alpha for c in chunks]
        alpha = np.concatenate(opaque)
    return FrameChunk(pixels, chunks[0].start, alpha=alpha)
