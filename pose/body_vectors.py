"""Bone vectors of a moving person, also where a joint is hidden for long.

A joint that is hidden too long to be filled is not guessed: its bone eases from where it was last seen
to the character's own rest pose, and back in time for when it is seen again.
"""

from __future__ import annotations

import numpy as np

from .body_lengths import BONES, NECK, PELVIS
from .outliers import runs

EASE_SECONDS = 0.75
TAKE_OVER_SECONDS = 0.25  # in which one shoulder stands in for both, when the other is about to be hidden


def reach_frames(rate: float) -> int:
    """How many frames to each side of a frame its vectors depend on."""
    return 2 * round(EASE_SECONDS * rate) + round(TAKE_OVER_SECONDS * rate) + 2


def with_middles(points: np.ndarray, seen: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """`[n,135,2]` and `[n,135]`: the 133 joints, then neck and pelvis; one seen side is enough for a middle."""
    n = len(points)
    more, known = np.empty((n, 135, 2)), np.empty((n, 135), bool)
    more[:, :133], known[:, :133] = points, seen
    ramp = max(1, round(TAKE_OVER_SECONDS * rate))
    for middle, a, b in ((NECK, 5, 6), (PELVIS, 11, 12)):
        more[:, middle], known[:, middle] = _middle(points, seen, a, b, ramp)
    return more, known


def middle_of_ears(points: np.ndarray, seen: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """`[n,2]` and `[n]`; one seen ear is enough."""
    return _middle(points, seen, 3, 4, max(1, round(TAKE_OVER_SECONDS * rate)))


def _middle(points: np.ndarray, seen: np.ndarray, a: int, b: int, ramp: int) -> tuple[np.ndarray, np.ndarray]:
    wa, wb = (_weight(seen[:, j], ramp)[:, None] for j in (a, b))
    total = wa + wb
    both = (points[:, a] + points[:, b]) / 2
    mean = (wa * points[:, a] + wb * points[:, b]) / np.where(total > 0, total, 1.0)
    return np.where((wa == wb) | (total == 0), both, mean), total[:, 0] > 0


def _weight(seen: np.ndarray, ramp: int) -> np.ndarray:
    """1 where seen, falling to 0 over `ramp` frames before it is hidden and rising after."""
    return np.where(seen, np.minimum(_distance_to_hidden(seen) / (ramp + 1), 1.0), 0.0)


def _distance_to_hidden(seen: np.ndarray) -> np.ndarray:
    far = len(seen) + 10**9  # beyond the ends of a shot nothing is hidden
    at = np.arange(len(seen))
    before = np.maximum.accumulate(np.where(seen, -far, at))
    after = np.minimum.accumulate(np.where(seen, far, at)[::-1])[::-1]
    return np.minimum(at - before, after - at).astype(np.float64)


def bone_vectors(points: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """px vectors `[n,20,2]` parent -> child in the order of BONES, and bool `[n,20]`: both ends are seen."""
    parents, children = [a for _, a, _ in BONES], [b for _, _, b in BONES]
    return points[:, children] - points[:, parents], known[:, children] & known[:, parents]


def ease_hidden(vectors: np.ndarray, seen: np.ndarray, rest: np.ndarray, rate: float, *, turn: bool = True) -> None:
    """Replace hidden vectors `[n,k,2]`, in place, by ones that leave and reach the seen ones without a jump.

    `rest` `[n,k,2]` is what they ease to; `turn` moves them along a circle (bones), else straight.
    `vectors` must be one shot, or a part of it that begins and ends `reach_frames` outside of what is used.
    """
    ease = max(1, round(EASE_SECONDS * rate))
    mix = _turn if turn else _straight
    groups: dict[bytes, list[int]] = {}
    for k in range(seen.shape[1]):
        groups.setdefault(seen[:, k].tobytes(), []).append(k)
    for some in groups.values():
        for start, stop in runs(~seen[:, some[0]]):
            at = np.arange(start, stop)
            target = rest[start:stop][:, some]
            left = 1.0 - _step((at - start + 1) / (ease + 1)) if start > 0 else np.zeros(len(at))
            right = 1.0 - _step((stop - at) / (ease + 1)) if stop < len(seen) else np.zeros(len(at))
            last = vectors[start - 1, some][None] if start > 0 else target
            following = vectors[stop, some][None] if stop < len(seen) else target
            if stop - start <= 2 * ease and start > 0 and stop < len(seen):
                across = _step((at - start + 1) / (stop - start + 1))
                seen_side = mix(np.broadcast_to(last, target.shape), following, across)
                vectors[start:stop, some] = mix(target, seen_side, np.maximum(left, right))
            else:
                vectors[start:stop, some] = np.where(
                    (left >= right)[:, None, None], mix(target, last, left), mix(target, following, right)
                )


def _step(u: np.ndarray) -> np.ndarray:
    u = np.clip(u, 0.0, 1.0)
    return u * u * (3 - 2 * u)


def _straight(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + share[:, None, None] * (b - a)


def _turn(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From a to b along the shorter way round, lengths in between too."""
    long_a, long_b = np.hypot(a[..., 0], a[..., 1]), np.hypot(b[..., 0], b[..., 1])
    angle = np.arctan2(a[..., 1], a[..., 0])
    way = wrap(np.arctan2(b[..., 1], b[..., 0]) - angle)
    angle, length = angle + share[:, None] * way, long_a + share[:, None] * (long_b - long_a)
    return np.stack([length * np.cos(angle), length * np.sin(angle)], -1)


def wrap(angle: np.ndarray) -> np.ndarray:
    """The same direction within -pi..pi."""
    return angle - 2 * np.pi * np.round(angle / (2 * np.pi))
