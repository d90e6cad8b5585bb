"""Wan-Animate's twenty joints and nineteen limbs, measured the way its retargeting measures them.

Points are 0..1 of a picture's width and height, as the published code keeps them. Facts from Wan2.2,
`pose2d_utils.py` and `retarget_pose.py`.
"""

from __future__ import annotations

import math

import numpy as np

from ..core import PoseTrack

FIRST = (0, 6, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 17, 20)
SECOND = (0, 5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 18, 21)
"""Wan's joint is the mean of these two of ours: only the neck and the toes are true means."""
NECK = 1
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17), (13, 18), (10, 19),
)  # fmt: skip
"""Parent, child, from the neck outwards."""
SIDES_TAKE_LARGER = ((0, 1), (2, 4), (3, 5), (6, 9), (7, 10), (8, 11), (17, 18))
SIDES_TAKE_MEAN = ((13, 15), (14, 16))
SURE = 0.5

_CHAINS = ((2, 3, 4), (5, 6, 7), (11, 12, 13, 18), (8, 9, 10, 19))
# limb, its mirror image; share of neck to hip that stands in for it
_REPAIRS = (
    (((2, 3), (3, 4), (11, 12), (12, 13), (13, 18)), ((5, 6), (6, 7), (8, 9), (9, 10), (10, 19))),
    (((5, 6), (6, 7), (8, 9), (9, 10), (10, 19)), ((2, 3), (3, 4), (11, 12), (12, 13), (13, 18))),
)
_ARMS = 2


def wan_joints(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """float64 `[n,20,3]` x and y 0..1 and score; bool `[n,20]`: seen at all."""
    # divided in float32, as the published pipeline does
    unit = (track.points / np.array(track.size, np.float32)).astype(np.float32)
    unit = np.concatenate([unit, track.scores[..., None]], -1)
    joints = (unit[:, FIRST] + unit[:, SECOND]) / 2
    seen = (track.scores[:, FIRST] > 0) & (track.scores[:, SECOND] > 0)
    return joints.astype(np.float64), seen


def limb_lengths(points: np.ndarray, known: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float64 `[19]` px of one pose `[20,3]`, and which limbs have both ends."""
    px = points[:, :2] * size
    lengths = np.array([math.hypot(*(px[a] - px[b])) for a, b in LIMBS])
    return lengths, np.array([bool(known[a] and known[b]) for a, b in LIMBS])


def standing_scale(
    a: np.ndarray, a_known: np.ndarray, a_size: tuple[int, int],
    b: np.ndarray, b_known: np.ndarray, b_size: tuple[int, int],
) -> float | None:  # fmt: skip
    """a's height over b's in px, from nose to ankles or else to hips; None where neither is sure in both."""
    for low in ((10, 13), (8, 11)):
        joints = [0, *low]
        if not (a_known[joints].all() and b_known[joints].all()):
            continue
        if (a[joints, 2] > SURE).all() and (b[joints, 2] > SURE).all():
            heights = [s[1] * abs((p[low[0], 1] + p[low[1], 1]) / 2 - p[0, 1]) for p, s in ((a, a_size), (b, b_size))]
            if heights[0] > 0 and heights[1] > 0:
                return heights[0] / heights[1]
    return None


def headless_scale(a_size: tuple[int, int], b_size: tuple[int, int]) -> float:
    """What the pictures' areas say where the persons say nothing."""
    return math.sqrt(a_size[0] * a_size[1]) / math.sqrt(b_size[0] * b_size[1])


def full_body(points: np.ndarray, known: np.ndarray, least: float) -> bool:
    """Hips and ankles are seen, above the picture's lower border."""
    joints = [8, 10, 11, 13]
    return bool(known[joints].all() and (points[joints, 1] <= 1).all() and (points[joints, 2] >= least).all())


def complete(points: np.ndarray, known: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The pose with what is missing hung straight down: as long as on the other side, else a share of the torso."""
    if known.all():
        return points, known
    points, known = points.copy(), known.copy()
    for chain in _CHAINS:
        missing = False
        for joint in chain:
            missing = missing or not known[joint]
            known[joint] = known[joint] and not missing
    for limbs, mirrored in _REPAIRS:
        for k, ((a, b), (other_a, other_b)) in enumerate(zip(limbs, mirrored, strict=True)):
            if not known[a] or known[b]:
                continue
            if known[other_a] and known[other_b]:
                length = math.hypot(*((points[other_a, :2] - points[other_b, :2]) * size))
            else:
                torsos = [
                    math.hypot(*((points[NECK, :2] - points[hip, :2]) * size)) if known[NECK] and known[hip] else 0.0
                    for hip in (8, 11)
                ]
                shares = (0.5, 0.5) if k < _ARMS else (1.0, 0.2) if k == len(limbs) - 1 else (1.0, 1.0)
                length = max(t * s for t, s in zip(torsos, shares, strict=True))
            if length > 0:
                points[b, :2] = points[a, :2] + (0.0, length / size[1])
                known[b] = True
    return points, known


def breadth(points: np.ndarray, size: tuple[int, int]) -> tuple[float, float]:
    """Width of the head in 0..1 of the picture's width, and of the shoulders in px; of one pose `[20,3]`."""
    head = points[[0, 14, 15, 16, 17], 0]
    return float(np.ptp(head)), math.hypot(*((points[5, :2] - points[2, :2]) * size))
