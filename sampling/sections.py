"""Long clips for engines that denoise their windows jointly: overlapping sections, faded into one another as pixels.

The windows of one section are denoised together, so memory grows with it; a clip of any length is therefore cut into
sections, each knowing nothing of the others but the frames that it shares with them. Which frames go where is pure
arithmetic; how a section is made is the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import Finished, FrameChunk, UsageError


@dataclass(frozen=True)
class Section:
    """Frames start..stop (half open) of the clip, denoised together."""

    index: int
    start: int
    stop: int
    faded_in: int
    """Leading frames that the section before makes too."""
    faded_out: int
    """Trailing frames that the section behind makes too."""

    @property
    def num_frames(self) -> int:
        return self.stop - self.start

    @property
    def ready(self) -> int:
        """Half open: frames start..ready are finished when this section is made; the rest waits for the next one."""
        return self.stop - self.faded_out


def plan_sections(num_frames: int, longest: int, overlap: int) -> tuple[Section, ...]:
    """As few sections of at most `longest` frames as will do, of as equal lengths as can be.

    Neighbours share exactly `overlap` frames, and no frame belongs to three. So none is shorter than (longest +
    overlap) // 2 unless the clip is: windows of half a section always fit.
    """
    if num_frames < 1 or overlap < 0 or longest < max(1, 3 * overlap):
        raise ValueError(
            f"sections need a frame, and three overlaps in each, not {num_frames} frames, {longest}, {overlap}"
        )
    if num_frames <= longest:
        return (Section(0, 0, num_frames, 0, 0),)
    count = -(-(num_frames - overlap) // (longest - overlap))
    new = num_frames - overlap  # every section adds its share of these, the first one the overlap too
    edges = [new * k // count for k in range(count + 1)]
    last = count - 1
    return tuple(
        Section(k, edges[k], edges[k + 1] + overlap, overlap if k else 0, overlap if k < last else 0)
        for k in range(count)
    )


class SectionStream:
    """The finished frames of a plan, section by section; holds one section and the frames that it shares."""

    def __init__(self, sections: Sequence[Section], after: Finished | None = None) -> None:
        """`after`: goes on where these sections had broken off. UsageError where they cannot have."""
        self._sections, self._begun = tuple(sections), 0
        self._held: np.ndarray | None = None
        self.seams: list[float] = []
        """Of each seam so far: how far its two versions are apart, mean over its frames, in levels of 0..255."""
        if after is not None:
            self._go_on(after)

    @property
    def is_done(self) -> bool:
        return self._begun == len(self._sections)

    def chunks(self, make: Callable[[Section], np.ndarray]) -> Iterator[FrameChunk]:
        """One chunk a section. `make` gives all frames of a section, uint8 `[n,H,W,3]`, which become the stream's own.

        A chunk's `state` and `ahead` are what a stream needs to go on behind it with the very same pixels.
        """
        for section in self._sections[self._begun :]:
            frames = make(section)
            if len(frames) != section.num_frames or frames.dtype != np.uint8:
                raise ValueError(
                    f"a section of {section.num_frames} frames was made as {frames.dtype} {list(frames.shape)}"
                )
            if section.faded_in:
                assert self._held is not None
                self.seams.append(round(mean_difference(self._held, frames[: section.faded_in]), 3))
                fade(self._held, frames[: section.faded_in])
            ready = section.ready - section.start
            self._held = frames[ready:].copy() if section.faded_out else None
            yield FrameChunk(frames[:ready], section.start, state={"seams": list(self.seams)}, ahead=self._held)
            del frames

    def _go_on(self, after: Finished) -> None:
        behind = next((s for s in self._sections if s.ready == after.num_frames), None)
        held = 0 if after.ahead is None else len(after.ahead)
        if behind is None or held != behind.faded_out:
            raise UsageError(
                f"No section of this plan ends at frame {after.num_frames} with {held} frames begun behind it; the "
                f"finished frames are of other settings."
            )
        self._begun = behind.index + 1
        self._held = after.ahead
        seams = (after.state or {}).get("seams", [])
        self.seams = list(seams) if isinstance(seams, list) else []


def fade(before: np.ndarray, after: np.ndarray) -> None:
    """Lays `before` over `after`, both uint8 `[k,H,W,3]`, its share falling evenly from frame to frame; in place.

    Neither end of the stretch is of one version alone: the shares are k/(k+1) ... 1/(k+1). Whole numbers, so the same
    everywhere.
    """
    parts = len(after) + 1
    for k in range(len(after)):
        mixed = after[k].astype(np.uint32) * (k + 1)
        mixed += before[k].astype(np.uint32) * (parts - k - 1)
        after[k] = (mixed + parts // 2) // parts


def mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two clips uint8 `[k,H,W,3]`, 0..255."""
    frames = zip(one, other, strict=True)
    return float(np.mean([np.abs(a.astype(np.int16) - b.astype(np.int16)).mean() for a, b in frames]))
