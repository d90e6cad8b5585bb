"""Heat maps, ViTPose's answer: the peak of each joint's map, moved by DARK to where a Gaussian would have its top.

Source: Zhang et al., Distribution-Aware Coordinate Representation (arXiv 1910.06278), equations 9 and 10, with the
11 px blur that the maps were trained for. Only the 15 x 15 px around each peak are blurred, eight times faster than
whole maps and equal to 1e-4 px. Not UDP: the whole-body weights (of ViTPose+, too) were trained without it.
"""

from __future__ import annotations

import numpy as np

from .crops import to_frame

_BLUR_PX = 11
_SIGMA_PX = 2.0  # OpenCV's choice for 11 px: 0.3 * ((11 - 1) / 2 - 1) + 0.8
_REACH = 2  # second differences are taken over two pixels
_SIDE = 2 * _REACH + 1
_WINDOW = _SIDE + _BLUR_PX - 1
_FLOOR = 1e-10
_LONGEST_STEP_PX = 3.0
"""A Newton step beyond what the differences have seen says that the peak is none; the plain peak is kept."""


def _blur_rows() -> np.ndarray:
    """float32 `[5,15]`: takes a window to the blurred 5 px in its middle, along one axis."""
    kernel = np.exp(-((np.arange(_BLUR_PX) - _BLUR_PX // 2) ** 2) / (2 * _SIGMA_PX**2))
    rows = np.zeros((_SIDE, _WINDOW))
    for i in range(_SIDE):
        rows[i, i : i + _BLUR_PX] = kernel / kernel.sum()
    return rows.astype(np.float32)


_BLUR = _blur_rows()


def decode_heat_maps(maps: np.ndarray, centres: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 `[m,K,2]` px and scores float32 `[m,K]` (the peaks, as they are) of float32 `maps` `[m,K,h,w]`.

    A joint whose peak is <= 0 stands at map pixel -1, as elsewhere.
    """
    m, joints, height, width = maps.shape
    flat = maps.reshape(m * joints, height * width)
    at = flat.argmax(axis=1)
    peaks = flat[np.arange(len(flat)), at]
    rows, columns = np.divmod(at, width)
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    points[peaks <= 0] = -1
    inner = (peaks > 0) & (columns > 1) & (columns < width - 2) & (rows > 1) & (rows < height - 2)
    which = np.flatnonzero(inner)
    if len(which):
        border = _BLUR_PX // 2
        padded = np.zeros((len(which), height + 2 * border, width + 2 * border), np.float32)
        padded[:, border:-border, border:-border] = flat[which].reshape(-1, height, width)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (_WINDOW, _WINDOW), axis=(1, 2))
        windows = windows[np.arange(len(which)), rows[which] - _REACH, columns[which] - _REACH]
        points[which] += _newton_step(_BLUR @ windows @ _BLUR.T, peaks[which])
    points = points.reshape(m, joints, 2)
    return to_frame(points, (width, height), centres, sizes), peaks.reshape(m, joints)


def _newton_step(blurred: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """float64 `[n,2]` map pixels from the middle of each 5 x 5 patch to the top of a Gaussian through it."""
    scale = peaks / np.maximum(blurred.max(axis=(1, 2)), _FLOOR)
    f = np.log(np.maximum(blurred * scale[:, None, None], _FLOOR)).astype(np.float64)
    middle = f[:, 2, 2]
    dx, dy = (f[:, 2, 3] - f[:, 2, 1]) / 2, (f[:, 3, 2] - f[:, 1, 2]) / 2
    dxx = (f[:, 2, 4] - 2 * middle + f[:, 2, 0]) / 4
    dyy = (f[:, 4, 2] - 2 * middle + f[:, 0, 2]) / 4
    dxy = (f[:, 3, 3] - f[:, 1, 3] - f[:, 3, 1] + f[:, 1, 1]) / 4
    determinant = dxx * dyy - dxy * dxy
    flat = determinant == 0
    determinant = np.where(flat, 1, determinant)
    step = -np.stack([dyy * dx - dxy * dy, dxx * dy - dxy * dx], axis=1) / determinant[:, None]
    step[flat | ~(np.abs(step) <= _LONGEST_STEP_PX).all(axis=1)] = 0
    return step
