"""Which detections to believe: scores with hysteresis for hands, and a running median against jumps.

Everything here looks at most a few frames to each side (the hands' state is found once for a clip), so
a clip can be worked on in blocks and gives the same bits.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..core import LEFT_HAND, RIGHT_HAND, PoseTrack

SEEN = 0.3  # body and face joints below this are not believed; the field's own threshold (DWPose, MimicMotion)
HAND_ON, HAND_OFF = 0.4, 0.2  # mean score of a hand at which it appears and at which it is lost
SHORTEST_HAND_SECONDS = 0.1  # a hand seen for less is a false alarm
MADS = 4.0
FLOOR_OF_HEIGHT = 0.02
SPIKE_FLOOR = 1.5  # times the floor above: a hand that stops dead bends its path in one frame too, but by less
HANDS = (LEFT_HAND, RIGHT_HAND)


def person_height_px(track: PoseTrack) -> float:
    """Median over the clip of the longer side of the box around the believed body joints; 1 if nobody is there."""
    step = max(1, track.num_frames // 512)
    points, seen = track.points[::step, :17].astype(np.float64), track.scores[::step, :17] >= SEEN
    enough = seen.sum(1) > 3
    if not enough.any():
        return 1.0
    points, seen = points[enough], seen[enough][..., None]
    sides = np.where(seen, points, -np.inf).max(1) - np.where(seen, points, np.inf).min(1)
    return max(float(np.median(sides.max(1))), 1e-6)


def hands_present(scores: np.ndarray, rate: float, edges: tuple[int, ...]) -> np.ndarray:
    """bool `[T,2]`: is the left, the right hand there? Two thresholds, so that a doubtful hand does not flicker.

    `edges` are the first frame of every shot and, last, the number of frames.
    """
    present = np.zeros((len(scores), 2), bool)
    shortest = max(2, round(SHORTEST_HAND_SECONDS * rate))
    for side, hand in enumerate(HANDS):
        mean = scores[:, hand].mean(1)
        for start, stop in itertools.pairwise(edges):
            level = mean[start:stop]
            # the last clear word counts: 1 = came, 0 = went; before the first one, what the first frame says
            event = np.where((level >= HAND_ON) | (level < HAND_OFF), np.arange(len(level)), -1)
            last = np.maximum.accumulate(event)
            state = np.where(last >= 0, level[np.maximum(last, 0)] >= HAND_ON, level[0] >= SEEN)
            for a, b in runs(state):
                if b - a < shortest and b - a < len(level):
                    state[a:b] = False
            present[start:stop, side] = state
    return present


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open stretches where a bool `[T]` is true."""
    steps = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return list(zip(np.nonzero(steps == 1)[0].tolist(), np.nonzero(steps == -1)[0].tolist(), strict=True))


def jumps(points: np.ndarray, believed: np.ndarray, half_window: int, floor_px: float) -> np.ndarray:
    """bool `[n,J]`: believed samples that lie far from the running median of their believed neighbours (Hampel),
    or leave the straight line between the samples beside them far more than is usual around there.

    The second test finds what the first cannot: an outlier on a fast limb, where the median's spread is wide.
    """
    bad = np.zeros(believed.shape, bool)
    for first in range(0, believed.shape[1], 19):  # some joints at a time keep the windows small in memory
        some = slice(first, first + 19)
        bad[:, some] = _jumps(points[:, some], believed[:, some], half_window, floor_px)
    return bad & believed


def _jumps(points: np.ndarray, believed: np.ndarray, half_window: int, floor_px: float) -> np.ndarray:
    n = len(points)
    known = np.where(believed[..., None], points, np.inf)
    padded = np.pad(known, ((half_window, half_window), (0, 0), (0, 0)), constant_values=np.inf)
    windows = [padded[k : k + n] for k in range(2 * half_window + 1)]
    for k in range(half_window):
        # only pairs count: a median over one side of a moving limb lies beside it, not on it
        lonely = ~(np.isfinite(windows[k]) & np.isfinite(windows[-1 - k]))
        windows[k], windows[-1 - k] = (np.where(lonely, np.inf, windows[m]) for m in (k, -1 - k))
    count = np.isfinite(np.stack([w[..., 0] for w in windows])).sum(0)
    middle = _median(windows, count)
    spread = 1.4826 * _median([np.abs(w - middle) for w in windows], count)
    distance = np.hypot(*np.moveaxis(np.where(believed[..., None], points - middle, 0.0), -1, 0))
    far = distance > MADS * np.hypot(spread[..., 0], spread[..., 1]) + floor_px
    return far | _spikes(points, believed, half_window, SPIKE_FLOOR * floor_px)


def _spikes(points: np.ndarray, believed: np.ndarray, half_window: int, floor_px: float) -> np.ndarray:
    n = len(points)
    if n < 3:
        return np.zeros(believed.shape, bool)
    bend = np.full((n, believed.shape[1], 1), np.inf)
    inner = points[1:-1] - (points[:-2] + points[2:]) / 2
    known = believed[1:-1] & believed[:-2] & believed[2:]
    bend[1:-1, :, 0] = np.where(known, np.hypot(inner[..., 0], inner[..., 1]), np.inf)
    padded = np.pad(bend, ((half_window, half_window), (0, 0), (0, 0)), constant_values=np.inf)
    windows = [padded[k : k + n] for k in range(2 * half_window + 1)]
    usual = _median(windows, np.isfinite(np.stack([w[..., 0] for w in windows])).sum(0))[..., 0]
    bend = bend[..., 0]
    before, after = windows[half_window - 1][..., 0], windows[half_window + 1][..., 0]
    sharp = np.isfinite(bend) & (bend > MADS * usual + floor_px)
    # an outlier bends the path half as much one frame before and after: only the summit is one
    known_before, known_after = np.isfinite(before), np.isfinite(after)
    spike = sharp & (known_before | known_after)
    spike &= ~known_before | ((bend >= before) & (before >= bend / 4))
    spike &= ~known_after | ((bend >= after) & (after >= bend / 4))
    # the bend next to an end is the end's own fault if the next one is straight
    spike[:-1] |= (sharp & ~known_before & (after < bend / 4))[1:]
    spike[1:] |= (sharp & ~known_after & (before < bend / 4))[:-1]
    return spike


def _median(rows: list[np.ndarray], count: np.ndarray) -> np.ndarray:
    """Median over the list of the `count` smallest, where the rest are infinite; 0 where there are none."""
    rows = list(rows)
    for turn in range(len(rows)):  # odd-even transposition sort, element by element
        for k in range(turn % 2, len(rows) - 1, 2):
            rows[k], rows[k + 1] = np.minimum(rows[k], rows[k + 1]), np.maximum(rows[k], rows[k + 1])
    out = rows[len(rows) // 2].copy()
    fewer = count < len(rows)
    if fewer.any():
        known = count[fewer]
        some = np.stack([r[fewer] for r in rows])
        at = np.arange(len(known))
        middle = (some[np.maximum(known - 1, 0) // 2, at] + some[known // 2, at]) / 2
        out[fewer] = np.where(known[:, None] > 0, middle, 0.0)
    return out
