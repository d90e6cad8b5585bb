"""How the light of a picture changed since the frame before, place by place, with what moved taken out.

The frame before is moved onto this one by optical flow on small pictures. Where the two then show the same thing,
what is left is a gain per channel: that of the whole picture, and how a coarse grid of places differs from it.
"""

from __future__ import annotations

import cv2
import numpy as np

_CELL_PX = 16
"""Of the small picture: fewer pixels are easily all covered by something that moves."""
_SMALL_PX = 192
_DARK, _BRIGHT = 8.0, 247.0
"""Levels beyond which a gain cannot be told: black stays black, and white is cut off."""
_ALIKE_LEVELS = (12.0, 7.0, 5.0)
"""Round by round: light of one side only must not be taken for things that differ before it is known."""
_AROUND = np.ones((5, 5), np.uint8)
_PRIOR_SHARE = 0.25
"""Share of a cell's pixels that must be alike before it is believed as much as the whole picture is."""


def grid_of(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns for a picture of width, height."""
    width, height = size
    scale = min(1.0, _SMALL_PX / max(size)) / _CELL_PX
    return max(1, round(height * scale)), max(1, round(width * scale))


class LightChanges:
    """Give it the frames of one clip in order."""

    def __init__(self, size: tuple[int, int]) -> None:
        scale = min(1.0, _SMALL_PX / max(size))
        self._small = (max(16, round(size[0] * scale)), max(16, round(size[1] * scale)))
        self._rows, self._columns = grid_of(size)
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        x, y = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in self._small))
        self._at = np.stack([x, y], axis=2)

    def feed(self, frame: np.ndarray) -> np.ndarray:
        """float32 `[rows,columns,3]`: logarithm of this frame's light over that of the frame before; 0 for the first.

        `frame` uint8 `[H,W,3]`.
        """
        small = cv2.resize(np.ascontiguousarray(frame), self._small, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        before, self._before = self._before, (small, grey)
        if before is None:
            return np.zeros((self._rows, self._columns, 3), np.float32)
        # of equal light, else the flow walks along every slope of brightness to make up for the difference
        level = np.clip(float(np.median(grey)) / max(float(np.median(before[1])), 1.0), 0.8, 1.25)
        then = cv2.convertScaleAbs(before[1], alpha=level)
        at = self._at + self._flow.calc(grey, then, np.zeros((*grey.shape, 2), np.float32))
        moved = cv2.remap(before[0], at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return self._changes(small.astype(np.float32), moved.astype(np.float32))

    def _changes(self, now: np.ndarray, then: np.ndarray) -> np.ndarray:
        usable = ((np.minimum(now, then).min(axis=2) > _DARK) & (np.maximum(now, then).max(axis=2) < _BRIGHT)).astype(np.float32)  # fmt: skip
        if usable.mean() < 0.02:
            return np.zeros((self._rows, self._columns, 3), np.float32)
        chosen = usable > 0
        whole = np.median(np.log(now[chosen]) - np.log(then[chosen]), axis=0).astype(np.float32)
        cells, local = (self._columns, self._rows), np.zeros((self._rows, self._columns, 3), np.float32)
        for alike in _ALIKE_LEVELS:  # each time without what the one before shows to be something else
            field = cv2.resize(local, self._small, interpolation=cv2.INTER_LINEAR) + whole
            off = np.abs(now - then * np.exp(field)).max(axis=2)
            # what lies beside a thing that moved is not to be trusted either
            weight = (usable / (1 + np.square(cv2.dilate(off, _AROUND) / alike)) ** 2)[..., None]
            total_now, total_then = ((p * weight).sum((0, 1)) for p in (now, then))
            if total_then.min() < 1:
                return np.zeros_like(local)
            whole = np.log(total_now / total_then)
            here, there = (cv2.resize(p * weight, cells, interpolation=cv2.INTER_AREA) for p in (now, then))
            prior = _PRIOR_SHARE * total_then / weight.size  # of an average cell
            local = np.log((here + prior * np.exp(whole)) / (there + prior)) - whole
            local = cv2.blur(local, (3, 3), borderType=cv2.BORDER_REPLICATE)
        return (local + whole).astype(np.float32)
