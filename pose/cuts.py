"""Where one shot of a clip ends and the next begins, told while the frames go by.

A cut is a frame that differs from the one before much more than its neighbours do from theirs, with other
colours, or half as much again and twice as far above them with the same ones. A flash differs on both sides and is none; a pan or fast motion differs on both sides too. The
thresholds are those of the survey of driving clips: mean difference 12 of 255, three times the
neighbours, histogram overlap under 0.75.
"""

from __future__ import annotations

import cv2
import numpy as np

MEAN_DIFFERENCE = 12.0
"""Of 255, on a small picture."""
ABOVE_NEIGHBOURS = 3.0
OTHER_VIEW = 1.5
OVERLAP = 0.75
"""Of 32-bin histograms, mean of the three channels; 1 = the same colours."""
FLICKER = 1.35
"""Factor of brightness from one frame to the next that is taken for a change of light."""
_BINS = 32
_SMALL = 96  # px on the longer side: enough to tell shots apart, and cheap


class CutFinder:
    """Give it every frame in order; it keeps one small picture and three numbers."""

    def __init__(self) -> None:
        self._count = 0
        self._small: np.ndarray | None = None
        self._histogram: np.ndarray | None = None
        self._before = 0.0  # difference of the frame before the last one to its predecessor
        self._last = 0.0  # difference of the last frame to its predecessor
        self._last_overlap = 1.0
        self._found: list[int] = []

    def feed(self, frame: np.ndarray) -> bool:
        """Whether `frame` (uint8 `[H,W,3]`) looks like the first one of a new shot, judged by the past alone.

        Whether it was one (and not a flash) is known a frame later; see `cuts`.
        """
        small = _shrunk(frame)
        histogram = _histogram(small)
        difference, overlap = 0.0, 1.0
        if self._small is not None and self._histogram is not None:
            difference = float(np.abs(small - self._small).mean())
            overlap = float(np.minimum(histogram, self._histogram).sum()) / 3
            if difference > MEAN_DIFFERENCE:  # a lamp that flickers changes the light, not the shot
                light = float(small.mean()) / max(1.0, float(self._small.mean()))
                if 1 / FLICKER < light < FLICKER:
                    difference = min(difference, float(np.abs(small - light * self._small).mean()))
        if self._is_cut(self._last, self._last_overlap, self._before, difference):
            self._found.append(self._count - 1)
        suspected = self._is_cut(difference, overlap, self._last, 0.0)
        self._before, self._last, self._last_overlap = self._last, difference, overlap
        self._small, self._histogram = small, histogram
        self._count += 1
        return suspected

    def cuts(self) -> tuple[int, ...]:
        """Index of the first frame after each cut, among the frames given so far, taking the last as the end."""
        at_the_end = self._is_cut(self._last, self._last_overlap, self._before, 0.0)
        return (*self._found, *([self._count - 1] if at_the_end else []))

    @property
    def settled(self) -> tuple[int, ...]:
        """The cuts that no later frame can take back: all but one at the last frame."""
        return tuple(self._found)

    @staticmethod
    def _is_cut(difference: float, overlap: float, before: float, after: float) -> bool:
        around = max(before, after)
        other_colours = difference > MEAN_DIFFERENCE and difference > ABOVE_NEIGHBOURS * around and overlap < OVERLAP
        # Two views of one room have the same colours.
        other_view = difference > OTHER_VIEW * MEAN_DIFFERENCE and difference > 2 * ABOVE_NEIGHBOURS * around
        return other_colours or other_view


def find_cuts(frames: np.ndarray) -> tuple[int, ...]:
    """All cuts of a clip in memory, `[T,H,W,3]` uint8."""
    finder = CutFinder()
    for frame in frames:
        finder.feed(frame)
    return finder.cuts()


def _shrunk(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    stride = max(1, max(height, width) // (4 * _SMALL))
    scale = min(1.0, _SMALL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.ascontiguousarray(frame[::stride, ::stride]), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small).astype(np.int16)


def _histogram(small: np.ndarray) -> np.ndarray:
    """float64 `[96]`: 32 bins for each channel, each summing to 1."""
    bins = (small // (256 // _BINS)).reshape(-1, 3) + np.arange(3) * _BINS
    return np.bincount(bins.ravel(), minlength=3 * _BINS) / (small.size / 3)
