"""Moving pictures as values: what a clip is, a chunk of its frames, and when each frame is shown.

Nothing here opens a file. Pixels are numpy in ComfyUI's layout, `[T,H,W,3]` RGB; a rate is a
`Fraction`, never a float, because 29.97 as a float drifts away from its sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np

TimestampPolicy = Literal["constant", "variable"]


@dataclass(frozen=True)
class VideoInfo:
    """What can be said of a clip without decoding all of it."""

    width: int
    """Pixels, as displayed (after the rotation flag)."""
    height: int
    """Pixels, as displayed."""
    rate: Fraction
    """Nominal frames per second."""
    num_frames: int | None
    """Exact where known, None where only decoding can tell."""
    time_base: Fraction
    """Seconds per unit of every time stamp of this clip."""
    timestamps: TimestampPolicy = "constant"
    has_audio: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a video is at least 1x1 px, not {self.width}x{self.height}")
        if self.rate <= 0 or self.time_base <= 0:
            raise ValueError(f"rate and time base are positive, not {self.rate} and {self.time_base}")


@dataclass(frozen=True)
class FrameChunk:
    """Some consecutive frames of a timeline."""

    pixels: np.ndarray
    """`[T,H,W,3]` RGB, uint8; float32 0..1 only where a source has more than 8 bits."""
    start: int
    """Index of the first frame on the timeline."""
    pts: np.ndarray | None = None
    """int64 `[T]`, in units of the source's time base; None on frames that an engine made."""
    alpha: np.ndarray | None = None
    """uint8 `[T,H,W]`, straight (not premultiplied); None means opaque."""
    state: Mapping[str, object] | None = None
    """Plain JSON values that the engine wants back when a broken run goes on after this chunk."""
    ahead: np.ndarray | None = None
    """uint8 `[k,H,W,3]`: the k frames behind this chunk as far as they are made, which the engine wants back too."""

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.ndim != 4 or shape[3] != 3 or shape[0] < 1:
            raise ValueError(f"frames are [T,H,W,3] with T >= 1, not {list(shape)}")
        if self.pixels.dtype not in (np.uint8, np.float32):
            raise ValueError(f"frames are uint8 or float32, not {self.pixels.dtype}")
        if self.alpha is not None and (self.alpha.shape != shape[:3] or self.alpha.dtype != np.uint8):
            raise ValueError(f"alpha is uint8 {list(shape[:3])}, not {self.alpha.dtype} {list(self.alpha.shape)}")
        if self.ahead is not None and (self.ahead.shape[1:] != shape[1:] or self.ahead.dtype != np.uint8):
            raise ValueError(
                f"ahead is uint8 [k,{shape[1]},{shape[2]},3], not {self.ahead.dtype} {list(self.ahead.shape)}"
            )
        if self.pts is not None and self.pts.shape != (shape[0],):
            raise ValueError(f"{shape[0]} frames need {shape[0]} time stamps, not {list(self.pts.shape)}")

    @property
    def num_frames(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def stop(self) -> int:
        """Half open: index after the last frame."""
        return self.start + self.num_frames

    def __repr__(self) -> str:
        alpha = "" if self.alpha is None else " with alpha"
        return f"FrameChunk({self.start}..{self.stop}, {self.pixels.dtype} {list(self.pixels.shape)}{alpha})"


class VideoSource(Protocol):
    """A file, a ComfyUI VIDEO or IMAGE, or a list in a test; read from the start, any number of times."""

    @property
    def info(self) -> VideoInfo: ...

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        """Frames from index `start` to the end, in order, `length` at a time (the last may be shorter)."""
        ...


@dataclass(frozen=True)
class Timeline:
    """When each frame is shown. This is what 'exact timing' means: it is copied, never recomputed."""

    pts: np.ndarray
    """int64 `[T]`, strictly rising, in units of `time_base`."""
    time_base: Fraction
    """Seconds per unit."""
    rate: Fraction
    """Nominal frames per second."""
    last_duration: int = 0
    """Units that the last frame is shown; 0 means one nominal frame."""

    def __post_init__(self) -> None:
        if self.pts.ndim != 1 or self.pts.dtype != np.int64 or len(self.pts) < 1:
            raise ValueError(f"time stamps are int64 [T] with T >= 1, not {self.pts.dtype} {list(self.pts.shape)}")
        if len(self.pts) > 1 and bool((np.diff(self.pts) <= 0).any()):
            raise ValueError("time stamps must rise")
        if self.time_base <= 0 or self.rate <= 0:
            raise ValueError(f"time base and rate are positive, not {self.time_base} and {self.rate}")

    @classmethod
    def constant(cls, num_frames: int, rate: Fraction) -> Timeline:
        """Evenly spaced from zero at `rate`."""
        return cls(np.arange(num_frames, dtype=np.int64), 1 / Fraction(rate), Fraction(rate), 1)

    @property
    def num_frames(self) -> int:
        return len(self.pts)

    def seconds(self, index: int) -> float:
        """When frame `index` is shown, for people; exact arithmetic stays with `pts`."""
        return float(int(self.pts[index]) * self.time_base)

    @property
    def is_constant(self) -> bool:
        """Whether every frame lasts as long as its neighbours, within the rounding of the time base."""
        if len(self.pts) < 3:
            return True
        steps = np.diff(self.pts)
        return int(steps.max() - steps.min()) <= 1

    def cut(self, start: int, stop: int) -> Timeline:
        """Frames start..stop (half open); time stamps stay as they are."""
        last = self.last_duration if stop >= self.num_frames else int(self.pts[stop] - self.pts[stop - 1])
        return Timeline(self.pts[start:stop].copy(), self.time_base, self.rate, last)

    def __repr__(self) -> str:
        kind = "constant" if self.is_constant else "variable"
        return f"Timeline({self.num_frames} frames, {self.rate} frames/s, {kind})"
