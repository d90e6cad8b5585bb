"""Restored faces that hold still where the face holds still.

A restorer looks at one frame and invents: skin, lashes, teeth come out a little different each time, and noise in
the frames becomes a face that crawls. Where the face as it came in did not change (noise apart), the restored ones
of the frames around are averaged; where it did, at a blink or a word, a frame keeps its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

REACH_SECONDS = 0.1
_MOST_REACH = 4
_GUIDE_PX = 128
_BLUR_PX = 1.5
"""Of the small guide: enough that grain of 10 levels is half a level in it."""
_SAME_LEVELS = 4.0
"""Difference of two guides at which the other frame counts 1/e."""
_LIGHT_PX = 24.0
"""Standard deviation, of 512: what is coarser belongs to the frame's light and colour, not to the face's detail."""


def reach_frames(rate: float) -> int:
    """Frames on each side, 1 to 4."""
    return max(1, min(_MOST_REACH, round(REACH_SECONDS * rate)))


def guide_of(crop: np.ndarray) -> np.ndarray:
    """float32 `[128,128,3]`: the face that came in, uint8 `[512,512,3]`, without its noise."""
    small = cv2.resize(crop, (_GUIDE_PX, _GUIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    return cv2.GaussianBlur(small, (0, 0), _BLUR_PX)


def with_light_of(restored: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """float32 `[512,512,3]`: the restored face with the light and colours that the frame has, levels 0..255.

    Restorers shift colours, and by another amount in each frame.
    """
    small = (_GUIDE_PX, _GUIDE_PX)
    step = cv2.resize(crop.astype(np.float32) - restored, small, interpolation=cv2.INTER_AREA)
    sigma = _LIGHT_PX * _GUIDE_PX / crop.shape[0]
    coarse = cv2.GaussianBlur(step, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return restored + cv2.resize(coarse, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def steadied(
    restored: Sequence[np.ndarray], guides: Sequence[np.ndarray], places: Sequence[int], strength: float
) -> np.ndarray:
    """float32 `[512,512,3]`: the restored face of place 0, averaged with its like.

    `restored` and `guides` are those of the frames at `places` (0 is this frame, -1 the one before, ...), all in the
    crop of the same followed square. `strength` 0..1 is what a neighbour that did not change counts.
    """
    here = places.index(0)
    if strength == 0 or len(places) == 1:
        return restored[here]
    total, weight = restored[here].astype(np.float32, copy=True), None
    size = restored[here].shape[1::-1]
    for k, place in enumerate(places):
        if place == 0:
            continue
        away = np.abs(guides[k] - guides[here]).max(axis=2)
        away = cv2.dilate(away, np.ones((3, 3), np.uint8))  # an edge that moved changes what lies beside it
        alike = strength * np.exp(-np.square(away / _SAME_LEVELS))
        alike = cv2.resize(alike, size, interpolation=cv2.INTER_LINEAR)
        total += alike[..., None] * restored[k]
        weight = alike if weight is None else weight + alike
    assert weight is not None
    return total / (1 + weight)[..., None]
