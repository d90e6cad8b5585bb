"""A made face put back into its frame: the feather, the colours around it, and only the pixels that change.

The blend weighs each pixel of the crop by how far inside it lies. Pixels outside of the crop's square are never
touched, and a region of the frame that holds the square is all that is computed.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ..core import UsageError
from .portrait_crop import CROP_PX

FEATHER_PX = 16
MOST_FEATHER_PX = 128
_RING_PX = 32
_MOST_LEVELS = 32.0
"""Colours are moved by no more than this: a larger step is a face that differs, not a light."""
_FIT_PX = 64
_FEWEST = 64
"""Pixels of the ring that must lie on the frame."""


def feather(feather_px: int = FEATHER_PX, size_px: int = CROP_PX) -> np.ndarray:
    """uint8 `[size,size]`: 255 inside, falling to 0 over `feather_px` px before the edge; 0 = a hard edge.

    With 16 of 512 this is the authors' mask, value for value: floor(255 clip(1 - d/16, 0, 1)), d the distance from the
    square [16, 496].
    """
    if not 0 <= feather_px <= MOST_FEATHER_PX:
        raise UsageError(f"The feather goes from 0 to {MOST_FEATHER_PX} px of the {size_px} px crop, not {feather_px}.")
    if feather_px == 0:
        return np.full((size_px, size_px), 255, np.uint8)
    at = np.arange(size_px)
    away = np.maximum(np.maximum(feather_px - at, at - (size_px - feather_px)), 0).astype(np.float64)
    share = 1 - np.hypot(away[:, None], away[None]) / feather_px
    return np.floor(255 * np.clip(share, 0, 1)).astype(np.uint8)


def paste(
    frame: np.ndarray,
    made: np.ndarray,
    matrix: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    match: float = 0.0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The uint8 frame `[H,W,3]` with the crop `made` uint8 `[n,n,3]` where `matrix` `[3,3]` (frame to crop) took it from.

    `mask` uint8 `[n,n]` on the crop, 0 = keep the frame, 255 = take the made pixel; without one the feather of 16 px.
    `match` 0..1 moves the colours of the crop towards those that the frame has around its edge. The result is new, or
    written to `out`, which may be `frame` itself.
    """
    matrix = np.asarray(matrix, np.float64)
    target = frame.copy() if out is None else out
    if target is not frame and out is not None:
        np.copyto(target, frame)
    mask = feather(size_px=made.shape[0]) if mask is None else mask
    if mask.shape != made.shape[:2] or mask.dtype != np.uint8:
        raise UsageError(f"The mask of a {made.shape[1]}x{made.shape[0]} crop is uint8 of that size, not {mask.dtype} {list(mask.shape)}.")  # fmt: skip
    region = _region(matrix, made.shape[0], frame.shape)
    if region is None:
        return target
    x0, y0, x1, y1 = region
    if match:
        made = matched(frame, made, matrix, match)
    back = np.linalg.inv(matrix)[:2]
    back[:, 2] -= (x0, y0)
    size = (x1 - x0, y1 - y0)
    # the feather still weighs 15 of 255 on the last row and column: black from beyond them would draw a dark line
    here = cv2.warpAffine(made, back, size, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpAffine(mask, back, size)
    share = weight.astype(np.float32) * np.float32(1 / 255)
    under = np.ascontiguousarray(target[y0:y1, x0:x1])
    target[y0:y1, x0:x1] = cv2.blendLinear(here, under, share, 1 - share)
    return target


def matched(frame: np.ndarray, made: np.ndarray, matrix: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """The crop `made` with its colours moved to those of the frame in a ring along its edge, uint8 `[n,n,3]`.

    Each channel gets one plane of differences, so that light from one side is met on both; no more than 32 levels.
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"Colour matching goes from 0 to 1, not {strength:g}.")
    size = made.shape[0]
    shrink = np.diag([_FIT_PX / size, _FIT_PX / size, 1.0])
    # pixel centres lie at integers: the corner of a small pixel is half a pixel before its centre
    shrink[:2, 2] = (_FIT_PX / size - 1) / 2
    to_small = shrink @ matrix
    x, y = _ring()
    on_frame = np.linalg.inv(to_small)[:2] @ np.stack([x, y, np.ones(len(x))])
    inside = ((on_frame >= 0) & (on_frame <= [[frame.shape[1] - 1], [frame.shape[0] - 1]])).all(axis=0)
    x, y = x[inside], y[inside]
    if len(x) < _FEWEST:
        return made
    small = cv2.resize(made, (_FIT_PX, _FIT_PX), interpolation=cv2.INTER_AREA)
    under = cv2.warpAffine(frame, to_small[:2], (_FIT_PX, _FIT_PX))
    step = under[y, x].astype(np.float64) - small[y, x]
    plane = np.stack([np.ones(len(x)), x / (_FIT_PX - 1) - 0.5, y / (_FIT_PX - 1) - 0.5], axis=1)
    # a second fit without what the first one cannot explain: an ear or a collar is no light
    off = np.abs(step - plane @ _fitted(plane, step)).max(axis=1)
    kept = off <= max(2 * np.median(off), 4.0)
    fit, most = strength * _fitted(plane[kept], step[kept]), strength * _MOST_LEVELS
    across = np.linspace(-0.5, 0.5, size)[:, None]
    line, fall = fit[0] + across * fit[1], np.tile(fit[2], size)
    # as a matrix product, six times as fast as a sum whose last axis are three colours
    grid = np.hstack([np.ones_like(across), across]).astype(np.float32) @ np.stack([line.ravel(), fall]).astype(np.float32)  # fmt: skip
    grid = grid.reshape(made.shape)
    if np.abs(grid[:: size - 1, :: size - 1]).max() > most:  # a plane is steepest in its corners
        np.clip(grid, -most, most, out=grid)
    return cv2.add(made, grid, dtype=cv2.CV_8U)


@cache
def _ring() -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixels along the edge of a small crop."""
    at = np.arange(_FIT_PX)
    edge = np.minimum(at, _FIT_PX - 1 - at)
    y, x = np.nonzero(np.minimum(edge[:, None], edge[None]) < _RING_PX * _FIT_PX / CROP_PX)
    return x, y


def _fitted(plane: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The plane's three numbers per channel; a strip of a ring, where they are not all known, takes the least of them."""
    return np.linalg.lstsq(plane.T @ plane, plane.T @ step, rcond=1e-9)[0]


def _region(matrix: np.ndarray, size_px: int, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """x0, y0, x1, y1 (half open) of the pixels of the frame that the crop's square can reach; None if it misses."""
    corners = np.array([[-1, -1, 1], [size_px, -1, 1], [-1, size_px, 1], [size_px, size_px, 1]], np.float64)
    on_frame = (np.linalg.inv(matrix) @ corners.T)[:2]
    x0, y0 = np.maximum(np.floor(on_frame.min(axis=1)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(on_frame.max(axis=1)) + 1, (shape[1], shape[0])).astype(int)
    return (int(x0), int(y0), int(x1), int(y1)) if x1 > x0 and y1 > y0 else None
