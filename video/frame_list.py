"""Frames already in memory, as a source: a ComfyUI IMAGE batch, or a list in a test."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..core import FrameChunk, Timeline, VideoInfo


class FrameList:
    """A core.VideoSource over an array; chunks are views of it, not copies."""

    def __init__(self, pixels: np.ndarray, timing: Fraction | int | Timeline, *, has_audio: bool = False) -> None:
        """`pixels` uint8 `[T,H,W,3]` RGB (or float32 0..1); `timing` a rate in frames per second or a timeline."""
        FrameChunk(pixels, 0)  # its checks are ours
        self._pixels = pixels
        self._timeline = timing if isinstance(timing, Timeline) else Timeline.constant(len(pixels), Fraction(timing))
        if self._timeline.num_frames != len(pixels):
            raise ValueError(f"{len(pixels)} frames need as many time stamps, not {self._timeline.num_frames}")
        self._has_audio = has_audio

    @property
    def info(self) -> VideoInfo:
        return VideoInfo(
            width=int(self._pixels.shape[2]),
            height=int(self._pixels.shape[1]),
            rate=self._timeline.rate,
            num_frames=len(self._pixels),
            time_base=self._timeline.time_base,
            timestamps="constant" if self._timeline.is_constant else "variable",
            has_audio=self._has_audio,
        )

    def timeline(self) -> Timeline:
        return self._timeline

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        """Frames from index `start` to the end, `length` at a time."""
        if length < 1 or start < 0:
            raise ValueError(f"chunks have at least 1 frame and begin at 0 or later, not {length} and {start}")
        for first in range(start, len(self._pixels), length):
            part = slice(first, min(first + length, len(self._pixels)))
            yield FrameChunk(self._pixels[part], first, self._timeline.pts[part].copy())
