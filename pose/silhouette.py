"""A skeleton fitted to a silhouette: for mascots, toys and animals that stand upright and face the viewer.

The axis of symmetry gives left and right; the notch at the bottom the legs; what reaches out at the
sides the arms; the narrowest place between two wide ones the neck; the largest circle above it the
head. What the silhouette does not show is filled in by proportion, and the scores say so.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND
from .body_template import lower_body_below, place_face, place_foot, place_hand, place_hands
from .silhouette_measures import Frame, run_at
from .silhouette_shape import middle_way, prepare, runs

SHOWN = 0.6
"""Score of a joint for which the outline gives evidence."""
GUESSED = 0.35
"""Score of a joint placed by proportion."""
FACE_SCORE = 0.2
ELBOW, WRIST = 0.42, 0.82
"""Places of elbow and wrist on the way from shoulder to fingertip of an adult; their ratio is used."""


def fit_skeleton(silhouette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points float32 `[133,2]` in px and scores float32 `[133]` of the figure in uint8 `[H,W]`, 255 = figure.

    Takes the figure to face the viewer: its left hand is on the right of the picture. Raises
    ValueError when the silhouette is empty or only a few pixels wide.
    """
    shape = prepare(silhouette)
    frame = Frame.of(shape)
    points, scores = np.zeros((133, 2)), np.zeros(133)
    _place_head(frame, points, scores)
    _place_arms(frame, points, scores)
    if shape.cut_off and frame.notch is None:
        points[11:23] = points[5]
        lower_body_below(points, "shoulders")
        scores[11:23] = GUESSED
    else:
        _place_legs(frame, points, scores)
    points = shape.back(points).astype(np.float32)
    points[FACE] = place_face(points[2], points[1])
    scores[FACE] = FACE_SCORE
    place_hands(points)
    for side, wrist, part in ((1, 9, LEFT_HAND), (-1, 10, RIGHT_HAND)):
        if side in frame.arms:
            tip = shape.back(frame.arms[side].tip)
            length = float(np.linalg.norm(tip - points[wrist]))
            points[part] = place_hand(2 * points[wrist] - tip, points[wrist], is_left=side > 0, length=length)
    return points, scores.astype(np.float32)


def _place_head(f: Frame, points: np.ndarray, scores: np.ndarray) -> None:
    head = f.core.copy()
    head[f.neck + 1 :] = False
    # Open at the neck: the largest circle may reach down into it but not stop at the cut.
    depth = cv2.distanceTransform(np.pad(head, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    near = np.abs(np.arange(head.shape[1]) - f.axis) < 0.25 * f.shape.height
    depth = depth * near[None]
    radius = float(depth.max())
    if radius < 2:
        radius = max(2.0, 0.5 * (f.neck - f.shape.top))
        centre = np.array([f.axis, f.neck - radius])
    else:
        ys, xs = np.nonzero(depth > 0.97 * radius)
        centre = np.array([xs.mean(), ys.mean()])
    face = np.array([[0, 0.2], [0.33, -0.05], [-0.33, -0.05], [0.95, 0.05], [-0.95, 0.05]])  # nose, eyes, ears
    points[:5] = centre + face * radius
    scores[:5] = 0.45 if f.neck_shown else GUESSED


def _place_arms(f: Frame, points: np.ndarray, scores: np.ndarray) -> None:
    torso = f.crotch - f.neck
    for side, shoulder, elbow, wrist in ((1, 5, 7, 9), (-1, 6, 8, 10)):
        at = np.array([f.axis + side * 0.8 * f.half_width, f.neck + 0.14 * torso])
        arm = f.arms.get(side)
        if arm is None:
            _arm_by_proportion(f, side, at, (shoulder, elbow, wrist), points, scores)
            continue
        tip = (int(arm.tip[0]), int(arm.tip[1]))
        way = middle_way(f.shape.mask, f.depth, f.middle, tip)
        free = way[_inside(arm.part, way)]
        if len(free) < 5:
            free = np.linspace(arm.base, arm.tip, 8)
        points[shoulder] = _shoulder_behind(f, side, free)
        limb = np.concatenate([points[shoulder][None], free, arm.tip[None]])
        thickness = float(f.depth[tuple(np.round(free[-max(3, len(free) // 3) :]).astype(int).T[::-1])].max())
        points[elbow], points[wrist] = _joints_on(limb, hand=2.1 * thickness)
        scores[[shoulder, elbow, wrist]] = SHOWN
    if set(f.arms) == {-1, 1}:  # shoulders of one body are about as high
        points[5:7, 1] = 0.5 * points[5:7, 1] + 0.5 * points[5:7, 1].mean()


def _inside(part: np.ndarray, way: np.ndarray) -> np.ndarray:
    x, y = np.round(way).astype(int).T
    return part[np.clip(y, 0, part.shape[0] - 1), np.clip(x, 0, part.shape[1] - 1)]


def _shoulder_behind(f: Frame, side: int, free: np.ndarray) -> np.ndarray:
    """The joint that an arm hangs on: its straight upper part `free` `[n,2]`, carried on into the torso.

    The way along the middle cannot be followed there, since it turns down to the torso's middle.
    """
    torso = f.crotch - f.neck
    target = f.axis + side * 0.76 * f.half_width
    start = free[0]
    upper = free[min(len(free) - 1, max(3, round(0.45 * len(free))))]
    back = start - upper
    back = back / max(float(np.linalg.norm(back)), 1e-6)
    inward = -side * back[0]
    length = max(0.0, side * (start[0] - target)) / max(inward, 0.25)
    joint = start + back * min(length, 0.6 * torso)
    joint[0] = f.axis + side * np.clip(side * (joint[0] - f.axis), 0.6 * f.half_width, 1.1 * f.half_width)
    joint[1] = np.clip(joint[1], f.neck + 0.07 * torso, f.neck + 0.33 * torso)
    return joint


def _joints_on(limb: np.ndarray, hand: float) -> tuple[np.ndarray, np.ndarray]:
    """Elbow and wrist on the way `[n,2]` from shoulder to fingertip: at its bend, else by proportion; `hand` in px."""
    steps = np.linalg.norm(np.diff(limb, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    total = max(float(length[-1]), 1e-6)

    def at(share: float) -> np.ndarray:
        return np.array([np.interp(share * total, length, limb[:, k]) for k in (0, 1)])

    wrist = 1 - float(np.clip(hand / total, 0.15, 0.36))
    bent = ELBOW / WRIST * wrist
    chord = limb[-1] - limb[0]
    across = np.array([-chord[1], chord[0]]) / max(float(np.linalg.norm(chord)), 1e-6)
    off = np.abs((limb - limb[0]) @ across)
    off[(length < 0.34 * wrist * total) | (length > 0.75 * wrist * total)] = 0
    if off.max() > 0.1 * total:
        bent = float(length[int(np.argmax(off))] / total)
    return at(bent), at(wrist)


def _arm_by_proportion(
    f: Frame, side: int, at: np.ndarray, joints: tuple[int, int, int], points: np.ndarray, scores: np.ndarray
) -> None:
    """An arm that hangs close to the body, just inside the outline."""
    torso = f.crotch - f.neck
    shoulder, elbow, wrist = joints
    points[shoulder] = at
    for joint, share in ((elbow, 0.55), (wrist, 0.92)):
        y = int(np.clip(f.neck + share * torso, f.shape.top, f.shape.bottom))
        a, b = run_at(f.shape.mask[y], f.axis)
        edge = (b - 1 if side > 0 else a) - side * 0.12 * (b - a)
        points[joint] = (edge if b > a else at[0], y)
    scores[list(joints)] = GUESSED


def _place_legs(f: Frame, points: np.ndarray, scores: np.ndarray) -> None:
    mask, bottom = f.shape.mask, f.shape.bottom
    torso = f.crotch - f.neck
    for side, hip, knee, ankle, foot in ((1, 11, 13, 15, 17), (-1, 12, 14, 16, 20)):
        if f.notch:
            rows = np.arange(f.crotch, bottom + 1)
            spans = [_leg_run(mask[y], f.axis, side) for y in rows]
            spans = [(a, b) if b > a else (0, 0) for a, b in spans]
            there = np.array([b > a for a, b in spans])
            rows, spans = rows[there], [s for s, t in zip(spans, there, strict=True) if t]
        else:
            rows, spans = np.arange(0), []
        if len(rows) < 3:
            a, b = run_at(mask[max(bottom - 2, 0)], f.axis)
            x = f.axis + side * 0.25 * min(b - a, 2.2 * f.half_width)
            length = bottom - f.crotch
            points[hip] = (x, f.crotch - 0.1 * torso)
            points[ankle] = (x, bottom - 0.15 * length)
            points[knee] = (points[hip] + points[ankle]) / 2
            scores[[hip, knee, ankle, *range(foot, foot + 3)]] = GUESSED
            points[foot : foot + 3] = place_foot(points[ankle], height=0.13 * max(length, 4.0), outward=side)
            continue
        middle = np.array([(a + b - 1) / 2 for a, b in spans])
        wide = float(np.median([b - a for a, b in spans]))
        end = int(rows[-1])
        length = end - f.crotch
        upper = middle[: max(1, len(rows) // 3)]
        foot_height = _foot_height(np.array([b - a for a, b in spans], float), length)
        hip_x = f.axis + 0.95 * (float(np.median(upper)) - f.axis)
        points[hip] = (hip_x, f.crotch - 0.12 * torso)
        shank = (rows > f.crotch + 0.55 * length) & (rows < end - foot_height)
        x = float(np.median(middle[shank])) if shank.any() else float(middle[-1])
        points[ankle] = (x, end - foot_height)
        knee_y = (points[hip][1] + points[ankle][1]) / 2
        near = np.abs(rows - knee_y) <= 2
        straight = (points[hip][0] + points[ankle][0]) / 2
        points[knee] = (float(np.median(middle[near])) if near.any() else straight, knee_y)
        scores[[hip, knee, ankle, *range(foot, foot + 3)]] = SHOWN
        a, b = spans[-1 - min(2, len(spans) - 1)]
        toe = b - 1 if side > 0 else a
        reach = max(side * (toe - x), 0.2 * wide)
        points[foot] = (x + 0.45 * side * reach, end - 0.12 * foot_height)
        points[foot + 1] = (x + 0.85 * side * reach, end - 0.25 * foot_height)
        points[foot + 2] = (x - 0.2 * side * reach, end - 0.3 * foot_height)


def _foot_height(width: np.ndarray, length: int) -> float:
    """From the ankle to the ground, in px, from the leg's width in every row: where it widens, or by proportion."""
    usual = min(0.16 * length, 0.5 * float(np.median(width)))
    n = len(width)
    if n < 12:
        return 0.3 * length
    shin = slice(round(0.35 * n), round(0.85 * n))
    narrow = int(np.argmin(width[shin])) + shin.start
    wider = np.nonzero(width[narrow:] > 1.12 * width[narrow])[0]
    if len(wider) and width[narrow:].max() > 1.25 * width[narrow]:
        return max(usual, 0.75 * (n - narrow - int(wider[0])))
    return usual


def _leg_run(row: np.ndarray, axis: float, side: int) -> tuple[int, int]:
    """The run of the leg on this side: the nearest to the axis whose middle lies there."""
    found = [(a, b) for a, b in runs(row) if side * ((a + b - 1) / 2 - axis) > 0]
    return min(found, key=lambda r: abs((r[0] + r[1] - 1) / 2 - axis), default=(0, 0))
