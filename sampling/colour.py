"""Colour at a coarse grid: what is left of a picture when people, grain and detail are averaged away, and how far
two colours lie apart for the eye."""

from __future__ import annotations

import cv2
import numpy as np

LONG_SIDE_CELLS = 24
"""Coarse enough to be kept as a few kilobytes, fine enough to tell a wall from a floor."""
_LEAST_SPREAD = 4 / 255  # below it there is no contrast whose change could be told from noise


def grid_of(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells for a picture."""
    longest = max(height, width)
    rows, columns = (max(1, min(side, round(side * LONG_SIDE_CELLS / longest))) for side in (height, width))
    return rows, columns


def cells(frames: np.ndarray) -> np.ndarray:
    """float32 `[n,rows,columns,3]` 0..1: means over cells of `[n,H,W,3]`, uint8 or float 0..1."""
    rows, columns = grid_of(*frames.shape[1:3])
    small = np.empty((len(frames), rows, columns, 3), np.float32)
    for k, frame in enumerate(frames):
        if frame.dtype == np.uint8:
            frame = frame.astype(np.float32) / 255
        small[k] = cv2.resize(np.ascontiguousarray(frame, np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return small


def whole_cells(inside: np.ndarray) -> np.ndarray:
    """float32 `[n,rows,columns]`: 1 where all of a cell of bool `[n,H,W]` is True, else 0."""
    rows, columns = grid_of(*inside.shape[1:3])
    small = np.empty((len(inside), rows, columns), np.float32)
    for k, one in enumerate(inside):
        small[k] = cv2.resize(one.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) > 0.999
    return small


def spread(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A grid `[rows,columns,3]` as a smooth picture `[H,W,3]`; `size` is width, height."""
    return cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)


def match(
    source: np.ndarray, target: np.ndarray, weight: np.ndarray, gain_limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """(gain, offset), float64 `[3]`, that give `source * gain + offset` the mean and spread of `target`.

    `source` and `target` `[...,3]` show the same things, `weight` `[...]` says which count. The ratio of spreads,
    not a regression: noise in `source` would make a regression's slope too small, and contrast would fade from
    window to window. The gain stays within 1/gain_limit..gain_limit.
    """
    w = weight.reshape(-1, 1).astype(np.float64)
    s, t = source.reshape(-1, 3).astype(np.float64), target.reshape(-1, 3).astype(np.float64)
    total = w.sum()
    if total <= 0:
        return np.ones(3), np.zeros(3)
    s_mean, t_mean = (w * s).sum(0) / total, (w * t).sum(0) / total
    s_spread = np.sqrt((w * (s - s_mean) ** 2).sum(0) / total)
    t_spread = np.sqrt((w * (t - t_mean) ** 2).sum(0) / total)
    known = (s_spread > _LEAST_SPREAD) & (t_spread > _LEAST_SPREAD)
    gain = np.where(known, t_spread / np.maximum(s_spread, 1e-9), 1.0).clip(1 / gain_limit, gain_limit)
    return gain, t_mean - gain * s_mean


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of sRGB 0..1 `[...,3]`, float64."""
    rgb = np.clip(np.asarray(rgb, np.float64), 0, 1)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(  # IEC 61966-2-1
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def delta_e(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """CIE76 distance of two sRGB colours 0..1 `[...,3]`; about 2 is the least that people see."""
    return np.sqrt(((lab(a) - lab(b)) ** 2).sum(-1))
