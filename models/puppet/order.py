"""What needs the whole clip before the first frame: the apparent size, and which piece lies in front of which.

One streaming pass keeps a few numbers per frame. Orders change with hysteresis, so nothing flickers, and
since they are decided before anything is drawn, a run that goes on in the middle draws the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .rig import Rig

_SIZE_DEADBAND = 1.12  # less change of apparent size than this is measurement, not depth
_BLOCK_FRAMES = 512

FRONT_LEFT_LEG, LEFT_ARM_BEHIND, RIGHT_ARM_BEHIND, LEFT_LEG_OVER, RIGHT_LEG_OVER = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class ClipPlan:
    """Per frame of the clip."""

    size: np.ndarray
    """float32 `[T]`: apparent size over the picture's."""
    flags: np.ndarray
    """uint8 `[T]`: sums of the constants above."""


def survey(
    rig: Rig, fetch: Callable[[int, int], tuple[np.ndarray, np.ndarray]], num_frames: int, rate: float,
    cuts: tuple[int, ...] = (), progress: Callable[[int], None] | None = None,
) -> ClipPlan:  # fmt: skip
    """`fetch(start, stop)` gives target points `[n,133,2]` and scores `[n,133]` on the character's picture."""
    columns = []
    for start in range(0, num_frames, _BLOCK_FRAMES):
        stop = min(start + _BLOCK_FRAMES, num_frames)
        columns.append(_measure(rig, *fetch(start, stop)))
        if progress:
            progress(stop)
    facts = np.concatenate(columns, 1)
    size = np.ones(num_frames, np.float32)
    flags = np.zeros(num_frames, np.uint8)
    for start, stop in zip((0, *cuts), (*cuts, num_frames), strict=True):
        piece = facts[:, start:stop]
        size[start:stop] = _apparent_size(piece[0], rate)
        flags[start:stop] = _orders(piece, size[start:stop])
    return ClipPlan(size, flags)


def _measure(rig: Rig, p: np.ndarray, s: np.ndarray) -> np.ndarray:
    """float32 `[6,n]`: size ratio, shoulder ratio, facing, ankle difference, left and right knee heights."""
    p = p.astype(np.float64)

    def ratio(a: int, b: int) -> np.ndarray:
        rest = np.hypot(*(rig.points[a] - rig.points[b]))
        seen = (np.minimum(s[:, a], s[:, b]) > 0.3) & (min(rig.scores[a], rig.scores[b]) > 0.05) & (rest > 4)
        now = np.hypot(*np.moveaxis(p[:, a] - p[:, b], -1, 0))
        return np.where(seen, now / max(rest, 1.0), np.nan)

    bones = [(5, 6), (5, 7), (6, 8), (7, 9), (8, 10), (11, 13), (12, 14), (13, 15), (14, 16), (5, 11), (6, 12)]
    ratios = np.stack([ratio(a, b) for a, b in bones])
    count = np.isfinite(ratios).sum(0)
    with np.errstate(all="ignore"):
        filled = np.where(np.isfinite(ratios), ratios, -np.inf)
        # Bones look shorter, never longer, than they are: the upper end of the ratios is the size.
        top = -np.sort(-filled, axis=0)[2]
    top = np.where(count >= 4, top, np.nan)
    shoulder0 = max(np.hypot(*(rig.shoulders[0] - rig.shoulders[1])), 4.0)
    neck = p[:, [5, 6]].mean(1)
    facing = (p[:, 0, 0] - neck[:, 0]) / shoulder0 - (rig.points[0, 0] - rig.neck[0]) / shoulder0
    leg = max(np.hypot(*(rig.pelvis - rig.neck)), 4.0)
    ankles = (p[:, 15, 1] - p[:, 16, 1]) / leg
    knees = [(p[:, k, 1] - p[:, h, 1]) / leg for h, k in ((11, 13), (12, 14))]
    width = np.hypot(*np.moveaxis(p[:, 5] - p[:, 6], -1, 0)) / shoulder0
    swapped = np.sign((p[:, 5, 0] - p[:, 6, 0]) * (rig.shoulders[0, 0] - rig.shoulders[1, 0]))
    return np.stack([top, width * swapped, facing, ankles, *knees]).astype(np.float32)


def _apparent_size(raw: np.ndarray, rate: float) -> np.ndarray:
    good = np.isfinite(raw)
    if good.sum() < 2:
        return np.ones(len(raw), np.float32)
    t = np.arange(len(raw))
    full = np.interp(t, t[good], raw[good])
    calm = gaussian_filter1d(full, max(rate * 0.5, 1.0), mode="nearest")
    calm = np.clip(calm, 0.3, 4.0)
    if calm.max() / calm.min() < _SIZE_DEADBAND**2:
        middle = float(np.median(calm))
        calm = np.full(len(raw), 1.0 if 1 / _SIZE_DEADBAND < middle < _SIZE_DEADBAND else middle)
    return calm.astype(np.float32)


def _hold(on: np.ndarray, off: np.ndarray, start: bool) -> np.ndarray:
    """bool `[T]`: becomes true where `on`, false where `off`, else stays as it was."""
    out, now = np.empty(len(on), bool), start
    for t, (a, b) in enumerate(zip(on.tolist(), off.tolist(), strict=True)):
        now = True if a else False if b else now
        out[t] = now
    return out


def _orders(facts: np.ndarray, size: np.ndarray) -> np.ndarray:
    width, facing = facts[1] / size, facts[2] / size
    side = _hold(width < 0.5, width > 0.68, bool(width[0] < 0.58))
    to_right = _hold(facing > 0.06, facing < -0.06, bool(facing[0] > 0))  # looks to the viewer's right
    # The arm on the far side of a body seen from the side: looking right, that is the left one.
    flags = np.where(side & to_right, LEFT_ARM_BEHIND, 0) | np.where(side & ~to_right, RIGHT_ARM_BEHIND, 0)
    # The lower foot stands nearer; from the side the near leg is known.
    lower = _hold(facts[3] / size > 0.05, facts[3] / size < -0.05, bool(facts[3][0] > 0))
    near_left = np.where(side, ~to_right, lower)
    flags = flags | np.where(near_left, FRONT_LEFT_LEG, 0)
    for knee, flag in ((facts[4], LEFT_LEG_OVER), (facts[5], RIGHT_LEG_OVER)):
        up = _hold(knee / size < 0.12, knee / size > 0.3, bool(knee[0] / size[0] < 0.12))
        flags = flags | np.where(up, flag, 0)
    return flags.astype(np.uint8)


def layer_order(flags: int) -> list[str]:
    """Names of the pieces from back to front."""
    legs = ["right_leg", "left_leg"] if flags & FRONT_LEFT_LEG else ["left_leg", "right_leg"]
    over = {"left_leg": LEFT_LEG_OVER, "right_leg": RIGHT_LEG_OVER}
    behind = {"left_arm": LEFT_ARM_BEHIND, "right_arm": RIGHT_ARM_BEHIND}
    return [
        *(a for a, f in behind.items() if flags & f),
        *(n for n in legs if not flags & over[n]),
        "core",
        *(n for n in legs if flags & over[n]),
        *(a for a, f in behind.items() if not flags & f),
        "locks",
    ]
