"""Zero-phase smoothing that keeps fast peaks: Savitzky-Golay (a sliding parabola), also at the ends.

A parabola follows a turning wrist where a mean would flatten it, and being symmetric it does not lag.
Windows between two odd lengths are blended, so that the strength works without steps.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..core import FACE
from .outliers import runs

PART_SECONDS = ((slice(0, 23), 0.30), (FACE, 0.15), (slice(91, 133), 0.20))
"""Joints and their window at strength 2: a face speaks and a hand waves faster than a body walks."""
SHORTEST_SAMPLES = 5  # at strength 2, whatever the rate: three samples of a parabola are no smoothing


def window_frames(seconds: float, rate: float, strength: float) -> float:
    """Length of the window in frames, real-valued: in between, two odd windows are blended."""
    return max(seconds * rate, SHORTEST_SAMPLES) * strength / 2


def reach_frames(rate: float, strength: float) -> int:
    """How many frames to each side of a frame its smoothed value depends on."""
    return int(max(window_frames(s, rate, strength) for _, s in PART_SECONDS)) + 4


def smooth(points: np.ndarray, known: np.ndarray, rate: float, strength: float) -> np.ndarray:
    """Every unbroken stretch of known samples smoothed by itself; `points` float64 `[n,133,2]`, `known` bool `[n,133]`."""
    out = points.copy()
    for joints, seconds in PART_SECONDS:
        window = window_frames(seconds, rate, strength)
        columns = range(133)[joints]
        groups: dict[bytes, list[int]] = {}
        for j in columns:
            groups.setdefault(known[:, j].tobytes(), []).append(j)
        for group in groups.values():
            for start, stop in runs(known[:, group[0]]):
                out[start:stop, group] = _blend(points[start:stop, group], window)
    return out


def _blend(values: np.ndarray, window: float) -> np.ndarray:
    odd = max(1, int((window - 1) // 2) * 2 + 1)
    share = min(max((window - odd) / 2, 0.0), 1.0)
    if share == 0.0:
        return parabola(values, odd)
    return (1 - share) * parabola(values, odd) + share * parabola(values, odd + 2)


def parabola(values: np.ndarray, window: int) -> np.ndarray:
    """`[n,...]` smoothed over `window` (odd) samples; over fewer where there are fewer, not at all under five."""
    n = len(values)
    window = min(window, n if n % 2 else n - 1)
    if window < 5:
        return values.copy()
    half = window // 2
    hat = _hat(window)
    out = np.empty_like(values)
    middle = np.zeros_like(values[: n - 2 * half])
    for k in range(window):  # tap by tap: the same bits whatever the length of the block
        middle += hat[half, k] * values[k : k + n - 2 * half]
    out[half : n - half] = middle
    trail = (half,) + (1,) * (values.ndim - 1)
    for rows, part, samples in ((slice(0, half), out[:half], values[:window]),
                                (slice(half + 1, window), out[n - half :], values[n - window :])):  # fmt: skip
        part[:] = 0.0
        for k in range(window):
            part += hat[rows, k].reshape(trail) * samples[k]
    return out


@lru_cache(maxsize=64)
def _hat(window: int) -> np.ndarray:
    """`[w,w]`: row k gives the value at sample k of the parabola fitted to all w samples."""
    t = np.linspace(-1.0, 1.0, window)
    q, _ = np.linalg.qr(np.stack([np.ones(window), t, t * t], 1))
    return q @ q.T
