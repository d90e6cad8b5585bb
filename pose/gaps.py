"""Short gaps filled with a curve, relative to the joint that carries the hidden one.

A hidden wrist goes on moving with its elbow: only what the forearm did is guessed. Cubic Hermite between
the last and the next believed sample; end slopes from least squares, pulled half way to the chord,
because a slope alone overshoots on noisy tracks.
"""

from __future__ import annotations

import numpy as np

from .outliers import runs

FILLED_SCORE = 0.5
MAX_GAP_SECONDS = 0.5
SLOPE_SECONDS = 0.34  # how far from a gap its end slope looks
SLOPE_SAMPLES_SECONDS = 0.21  # and how many samples it takes there: 5 at 24 frames/s

LEVELS: tuple[dict[int | None, tuple[int, ...]], ...] = (
    {None: (0, 5, 6, 11, 12)},
    {5: (7,), 6: (8,), 11: (13,), 12: (14,), 0: (1, 2, 3, 4, *range(23, 91))},
    {7: (9,), 8: (10,), 13: (15,), 14: (16,)},
    {15: (17, 18, 19), 16: (20, 21, 22), 9: tuple(range(91, 112)), 10: tuple(range(112, 133))},
)
"""Carrying joint -> carried joints, from the trunk outwards."""


def reach_frames(rate: float) -> int:
    """How many frames to each side of a frame its filled value depends on."""
    return len(LEVELS) * (max_gap_frames(rate) + _slope_frames(rate) + 1)


def max_gap_frames(rate: float) -> int:
    return int(MAX_GAP_SECONDS * rate)


def _slope_frames(rate: float) -> int:
    return max(3, round(SLOPE_SECONDS * rate))


def fill_gaps(points: np.ndarray, believed: np.ndarray, rate: float) -> np.ndarray:
    """Fills `points` float64 `[n,133,2]` in place; gives bool `[n,133]`: where it did."""
    filled = np.zeros(believed.shape, bool)
    for level in LEVELS:
        for carrier, carried in level.items():
            for joints in _alike(believed, carried):
                _fill(points, believed, filled, carrier, joints, rate)
    return filled


def _alike(believed: np.ndarray, joints: tuple[int, ...]) -> list[list[int]]:
    """Joints grouped by when they are seen; most fingers share one group."""
    groups: dict[bytes, list[int]] = {}
    for j in joints:
        groups.setdefault(believed[:, j].tobytes(), []).append(j)
    return list(groups.values())


def _fill(
    points: np.ndarray, believed: np.ndarray, filled: np.ndarray, carrier: int | None, joints: list[int], rate: float
) -> None:
    seen = believed[:, joints[0]]
    longest, span = max_gap_frames(rate), _slope_frames(rate)
    samples = max(3, round(SLOPE_SAMPLES_SECONDS * rate))
    for start, stop in runs(~seen):
        before, after = start - 1, stop
        if before < 0 or after >= len(seen) or stop - start > longest:
            continue
        first, last = max(before - span, 0), min(after + span, len(seen) - 1)
        usable = seen[first : last + 1].copy()
        values = points[first : last + 1][:, joints].copy()  # s j 2
        if carrier is not None:
            carries = believed[first : last + 1, carrier] | filled[first : last + 1, carrier]
            if carries[before - first : after - first + 1].all():
                base = points[first : last + 1, carrier]
                usable &= carries
                values -= base[:, None]
            else:
                carrier = None
        chord = (values[after - first] - values[before - first]) / (after - before)
        left = np.nonzero(usable[: before - first + 1])[0][-samples:]
        right = np.nonzero(usable[after - first :])[0][:samples] + (after - first)
        slope_before, slope_after = _slope(values, left, chord), _slope(values, right, chord)
        length = float(after - before)
        u = (np.arange(before + 1, after) - before)[:, None, None] / length
        p, q = values[before - first], values[after - first]
        curve = (2 * u**3 - 3 * u**2 + 1) * p + (u**3 - 2 * u**2 + u) * length * slope_before
        curve += (-2 * u**3 + 3 * u**2) * q + (u**3 - u**2) * length * slope_after
        if carrier is not None:
            curve += points[start:stop, carrier][:, None]
        points[start:stop, joints] = curve
        filled[start:stop, joints] = True


def _slope(values: np.ndarray, at: np.ndarray, chord: np.ndarray) -> np.ndarray:
    """px per frame at the end of a gap, `[j,2]`."""
    if len(at) < 3:
        return chord
    t = (at - at[0]).astype(np.float64)
    t -= t.sum() / len(t)
    rise = np.zeros_like(chord)
    for k, index in enumerate(at):  # one sample after the other: the same bits whatever the number of joints
        rise += t[k] * values[index]
    return 0.5 * rise / (t * t).sum() + 0.5 * chord
