"""How long a person's bones are, from a whole clip: aware of foreshortening and of coming nearer.

A projected bone is at most as long as the true one, so a high quantile over the clip is the bone seen
square-on; what all bones do together over time is the person coming nearer or going away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

NECK, PELVIS = 133, 134
"""Joints that are added to the 133: middle of the shoulders, middle of the hips."""

BONES = (
    ("torso", PELVIS, NECK),
    ("shoulder", NECK, 5), ("shoulder", NECK, 6), ("hip", PELVIS, 11), ("hip", PELVIS, 12),
    ("upper_arm", 5, 7), ("upper_arm", 6, 8), ("forearm", 7, 9), ("forearm", 8, 10),
    ("thigh", 11, 13), ("thigh", 12, 14), ("shank", 13, 15), ("shank", 14, 16),
    ("foot", 15, 17), ("foot", 15, 18), ("foot", 15, 19), ("foot", 16, 20), ("foot", 16, 21), ("foot", 16, 22),
    ("neck", NECK, 0),
)  # fmt: skip
"""Group, parent, child; from the pelvis outwards. Left and right share a group and thus a ratio."""

_EARS = 135
MEASURES = (
    ("head", 50, 31), ("hand", 91, 100), ("hand", 112, 121), ("ears", 3, 4), ("eyes", 1, 2), ("nape", NECK, _EARS),
)  # fmt: skip
"""Lengths that are no bones: root of the nose to chin, wrist to middle knuckle, ear to ear, eye to eye, neck to the
ears' middle. The last is the same from the front and from the side, where neck to nose is not."""

GROUPS = tuple(dict.fromkeys([g for g, _, _ in BONES] + [g for g, _, _ in MEASURES]))
CORE = ("torso", "shoulder", "upper_arm", "thigh", "shank")
SCALE_GROUPS = ("torso", "shoulder", "upper_arm", "forearm", "thigh", "shank", "neck")

CONFIDENT = 0.45
LENGTH_QUANTILE = 0.92
UNSURE_QUANTILE = 0.85  # where the apparent size changes, its own error is in the longest
QUANTILES = {"head": 0.7, "torso": 0.5}
"""Where the longest is not the truest: a mouth opens and a head nods; shoulders rise with the arms, and nothing shows
a trunk foreshortened as often as a limb."""
SCALE_QUANTILE = 0.85
SCALE_SMOOTH_SECONDS = 1.5  # for whether it changes at all
SCALE_FOLLOW_SECONDS = 0.3  # where it does: a walker comes nearer step by step
SAME_SIZE = 1.12  # less change than this within a shot is noise, not a change of distance
ROUNDS = 4

# Ranges of human bodies in units of the torso; wide, they only save clips that never show a bone square-on.
PLAUSIBLE = {
    "shoulder": (0.27, 0.62), "hip": (0.13, 0.40), "upper_arm": (0.38, 0.95), "forearm": (0.32, 0.90),
    "thigh": (0.55, 1.35), "shank": (0.50, 1.35), "foot": (0.20, 0.62), "neck": (0.18, 0.80),
}  # fmt: skip


@dataclass(frozen=True)
class BodyLengths:
    """What `measure_lengths` found."""

    lengths_px: dict[str, float]
    """Per group, at the apparent size of frame 0; a group that was never seen is missing."""
    scale: np.ndarray
    """float64 `[T]`: apparent size, 1 in frame 0."""
    seen: dict[str, float]
    """Per group, the share of frames that show one of its bones."""


def sample_lengths(points: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 `[n, len(BONES) + len(MEASURES)]` in px, nan where an end is doubtful or outside the picture.

    `points` `[n,135,2]` with neck and pelvis, `scores` `[n,135]`.
    """
    # pixels reach half a pixel beyond their centres, to every side: a mirrored clip measures the same
    points = np.concatenate([points, points[:, [3, 4]].mean(1, keepdims=True)], 1)
    scores = np.concatenate([scores, scores[:, [3, 4]].min(1, keepdims=True)], 1)
    inside = (points >= -0.5).all(-1) & (points < np.asarray(size) - 0.5).all(-1)
    good = inside & (scores >= CONFIDENT)
    out = np.empty((len(points), len(BONES) + len(MEASURES)), np.float32)
    for k, (_, a, b) in enumerate((*BONES, *MEASURES)):
        length = np.hypot(points[:, a, 0] - points[:, b, 0], points[:, a, 1] - points[:, b, 1])
        out[:, k] = np.where(good[:, a] & good[:, b], length, np.nan)
    return out


def measure_lengths(samples: np.ndarray, rate: float, edges: Sequence[int], *, plausible: bool = True) -> BodyLengths:
    """Bone lengths and apparent size from what `sample_lengths` gave for every frame.

    `edges`: first frame of every shot and, last, the number of frames. `plausible` keeps the result within
    human proportions: for people, not for a drawn character.
    """
    columns = _columns()
    scale = np.ones(len(samples))
    lengths: dict[str, float] = {}
    for _ in range(ROUNDS):
        lengths = {}
        highest = LENGTH_QUANTILE if scale.max() == scale.min() else UNSURE_QUANTILE
        for group, which in columns.items():
            values = (samples[:, which] / scale[:, None]).ravel()
            values = values[np.isfinite(values)]
            if len(values):
                quantile = min(highest, QUANTILES.get(group, highest))
                lengths[group] = float(np.quantile(values, quantile if len(samples) > 4 else 1.0))
        used = [(columns[g], lengths[g]) for g in SCALE_GROUPS if lengths.get(g, 0) > 0]
        if len(samples) < 5 or not used:
            break
        relative = np.concatenate([samples[:, which] / length for which, length in used], 1)
        scale = _apparent_size(_row_quantile(relative, SCALE_QUANTILE), rate, edges)
    seen = {g: float(np.isfinite(samples[:, which]).any(1).mean()) for g, which in columns.items()}
    if plausible and "torso" in lengths:
        for group, (low, high) in PLAUSIBLE.items():
            if group in lengths:
                lengths[group] = float(np.clip(lengths[group], low * lengths["torso"], high * lengths["torso"]))
    return BodyLengths({g: v for g, v in lengths.items() if v > 0}, scale, seen)


def _columns() -> dict[str, list[int]]:
    columns: dict[str, list[int]] = {g: [] for g in GROUPS}
    for k, (group, _, _) in enumerate((*BONES, *MEASURES)):
        columns[group].append(k)
    return columns


def _row_quantile(rows: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile of the finite values of every row, nan where there are none."""
    ordered = np.sort(np.where(np.isfinite(rows), rows, np.inf), axis=1).astype(np.float64)
    count = np.isfinite(rows).sum(1)
    place = np.maximum(count - 1, 0) * quantile
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    at = np.arange(len(rows))
    a, b = ordered[at, low], ordered[at, high]
    with np.errstate(invalid="ignore"):  # inf - inf in rows without a value, which become nan below
        value = a + (b - a) * (place - low)
    return np.where(count > 0, value, np.nan)


def _local_lines(values: np.ndarray, window: int) -> np.ndarray:
    """Hann-weighted lines through `window` (odd) neighbours: at the ends, too, who comes nearer is coming nearer."""
    kernel = np.hanning(window + 2)[1:-1]
    away = np.arange(window) - window // 2

    def around(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.convolve(np.pad(rows, window // 2), weights[::-1], "valid")[: len(rows)]

    ones = np.ones(len(values))
    w, wx, wxx = (around(ones, kernel * away**power) for power in (0, 1, 2))
    wy, wxy = around(values, kernel), around(values, kernel * away)
    spread = w * wxx - wx**2
    return np.where(spread > 1e-9, (wxx * wy - wx * wxy) / np.maximum(spread, 1e-9), wy / w)


def _apparent_size(top: np.ndarray, rate: float, edges: Sequence[int]) -> np.ndarray:
    scale = np.ones(len(top))
    for start, stop in pairwise(edges):
        shot = top[start:stop]
        known = np.isfinite(shot)
        if not known.any():
            continue
        n = stop - start
        shot = np.interp(np.arange(n), np.nonzero(known)[0], shot[known])
        calm, followed = (
            _local_lines(shot, max(3, min(n // 6 * 2, round(seconds * rate) // 2 * 2) + 1))
            for seconds in (SCALE_SMOOTH_SECONDS, SCALE_FOLLOW_SECONDS)
        )
        scale[start:stop] = np.median(calm) if calm.max() < SAME_SIZE * calm.min() else followed
    return scale / scale[0]
