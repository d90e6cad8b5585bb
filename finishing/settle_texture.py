"""Texture that shows in one frame only, brought back to what the frames before and after agree on.

Both neighbours are moved onto the frame by optical flow. Where a pixel lies outside of what the two show, and not far
outside, it is moved to the nearer of them; where it lies between them nothing happens, so that steady motion, shading
and sharp edges stay as they are.
"""

from __future__ import annotations

import cv2
import numpy as np

_FLICKER_LEVELS = 10.0
"""A difference larger than this is a thing that moved, not texture that flickers."""
_FLOW_PX = 480


def settle_texture(before: np.ndarray, now: np.ndarray, after: np.ndarray, strength: float) -> np.ndarray:
    """uint8 `[H,W,3]`: `now` between its neighbours of the same shot; `strength` 0..1."""
    grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in (before, now, after)]
    then, later = (_moved(f, grey[1], g) for f, g in ((before, grey[0]), (after, grey[2])))
    low, high = np.minimum(then, later), np.maximum(then, later)
    # each stays within uint8: at most one of the two is not 0
    down, up = cv2.subtract(now, high), cv2.subtract(low, now)
    step = up.astype(np.float32) - down
    # judged by the strongest channel of the neighbourhood, else edges would change colour
    size = cv2.blur(np.abs(step).max(axis=2), (5, 5)) + np.abs(step).max(axis=2)
    apart = cv2.blur(cv2.subtract(high, low).max(axis=2).astype(np.float32), (3, 3))
    share = strength * np.exp(-np.square(size / (2 * _FLICKER_LEVELS)) - np.square(apart / _FLICKER_LEVELS))
    return np.clip(np.rint(now + step * share[..., None]), 0, 255).astype(np.uint8)


def _moved(frame: np.ndarray, onto: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """`frame` moved to lie on the picture whose grey is `onto`; `grey` is its own."""
    height, width = grey.shape
    scale = min(1.0, _FLOW_PX / max(height, width))
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = [cv2.resize(g, size, interpolation=cv2.INTER_AREA) for g in (onto, grey)]
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = finder.calc(small[0], small[1], np.zeros((size[1], size[0], 2), np.float32))
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    x = np.arange(width, dtype=np.float32)[None] + flow[..., 0] * np.float32(width / size[0])
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1] * np.float32(height / size[1])
    return cv2.remap(frame, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
