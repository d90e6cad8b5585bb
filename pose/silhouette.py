"""A skeleton fitted to a silhouette: for mascots, toys and animals that stand upright and face the viewer.

The axis of symmetry gives left and right; the notch at the bottom the legs; what reaches out at the
sides the arms; the narrowest place between two wide ones the neck; the largest circle above it the
head. What the silhouette does not show is filled in by proportion, and the scores say so.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from ..core import FACE
from .body_template import lower_body_below, place_face, place_foot, place_hands
from .silhouette_shape import Extremity, Shape, find_axis, find_extremities, middle_way, prepare, runs

SHOWN = 0.6
"""Score of a joint for which the outline gives evidence."""
GUESSED = 0.35
"""Score of a joint placed by proportion."""
FACE_SCORE = 0.2
ELBOW, WRIST = 0.42, 0.82
"""Places of elbow and wrist on the way from shoulder to fingertip, of an adult arm."""


def fit_skeleton(silhouette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points float32 `[133,2]` in px and scores float32 `[133]` of the figure in uint8 `[H,W]`, 255 = figure.

    Takes the figure to face the viewer: its left hand is on the right of the picture. Raises
    ValueError when the silhouette is empty or only a few pixels wide.
    """
    shape = prepare(silhouette)
    frame = _Frame.of(shape)
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
    return points, scores.astype(np.float32)


@dataclass(frozen=True)
class _Frame:
    """The measures from which all joints are made, in working px."""

    shape: Shape
    axis: float
    depth: np.ndarray
    """Distance to the outline."""
    middle: tuple[int, int]
    """The pixel in the middle of the torso."""
    notch: tuple[int, int] | None
    """First (crotch) and last row of the gap between the legs."""
    arms: dict[int, Extremity]
    """By side: -1 at the viewer's left, 1 at the right."""
    core: np.ndarray
    """bool: the figure without arms, ears and tail."""
    neck: int
    neck_shown: bool
    crotch: int
    half_width: float
    """Of the torso."""

    @classmethod
    def of(cls, shape: Shape) -> _Frame:
        mask, height = shape.mask, shape.height
        depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
        axis = find_axis(mask)
        middle = _middle_of_torso(shape, depth, axis)
        notch = _gap_between_legs(shape, axis)
        reaching = find_extremities(mask, middle, height)
        sideways = [e for e in reaching if _is_sideways(e, shape, axis, notch)]
        core = mask & ~np.logical_or.reduce([np.zeros_like(mask), *(e.part for e in sideways)])
        crotch = notch[0] if notch else 0
        neck, neck_shown = _find_neck(core, shape, axis, crotch)
        arms = _choose_arms(sideways, shape, axis, neck, notch)
        if not notch:
            crotch = round(shape.bottom - 0.28 * (shape.bottom - neck))
        widths = [b - a for y in range(neck + 2, crotch) for a, b in [_run_at(core[y], axis)] if b > a]
        half = 0.5 * float(np.median(widths)) if widths else 0.2 * height
        half *= 1.0 if len(arms) == 2 else 0.85 if arms else 0.72  # arms that hang close are in the width
        return cls(shape, axis, depth, middle, notch, arms, core, neck, neck_shown, crotch, half)


def _middle_of_torso(shape: Shape, depth: np.ndarray, axis: float) -> tuple[int, int]:
    """The deepest place near the axis in the middle of the figure, rather high than low."""
    h, w = depth.shape
    y, x = np.mgrid[0:h, 0:w]
    at = (y - shape.top) / shape.height
    worth = depth * np.exp(-(((x - axis) / (0.08 * shape.height)) ** 2)) * np.exp(-(((at - 0.52) / 0.16) ** 2))
    row, column = np.unravel_index(int(np.argmax(worth * shape.mask)), depth.shape)
    return int(column), int(row)


def _run_at(row: np.ndarray, x: float) -> tuple[int, int]:
    """The run of True that holds `x`, else the nearest within reach; (0, 0) when the row is empty."""
    found = runs(row)
    return min(found, key=lambda r: max(r[0] - x, x - (r[1] - 1), 0.0), default=(0, 0))


def _gap_between_legs(shape: Shape, axis: float) -> tuple[int, int] | None:
    """First and last row of the longest gap in the lower half that has the figure on both sides of the axis."""
    near = 0.035 * shape.height
    best, first = None, None
    for y in range(round(shape.top + 0.4 * shape.height), shape.bottom + 2):
        found = runs(shape.mask[y])
        gaps = [(a[1], b[0]) for a, b in itertools.pairwise(found)]
        has_gap = any(a - near <= axis <= b + near for a, b in gaps)
        if has_gap and first is None:
            first = y
        if not has_gap and first is not None:
            if best is None or y - first > best[1] - best[0] + 1:
                best = (first, y - 1)
            first = None
    return best if best and best[1] - best[0] >= 0.03 * shape.height else None


def _is_sideways(e: Extremity, shape: Shape, axis: float, notch: tuple[int, int] | None) -> bool:
    """Whether it is an arm, an ear or a tail, not the head and not a leg."""
    columns = np.nonzero(e.part.any(0))[0]
    side = 1 if e.tip[0] > axis else -1
    inner = columns.min() - axis if side > 0 else axis - columns.max()
    if inner < -0.04 * shape.height:
        return False  # goes across the axis: the head, or both legs in one
    low = notch[0] - 0.02 * shape.height if notch else shape.top + 0.82 * shape.height
    is_leg = e.tip[1] > low and (e.base[1] > low - 0.06 * shape.height or e.tip[1] > shape.bottom - 0.1 * shape.height)
    return not (is_leg and abs(e.tip[0] - axis) < 0.45 * shape.height and _is_lowest(e, shape, axis, side))


def _is_lowest(e: Extremity, shape: Shape, axis: float, side: int) -> bool:
    """Whether nothing on its side of the figure reaches lower by more than a tail would."""
    half = shape.mask.copy()
    cut = round(axis)
    if side > 0:
        half[:, :cut] = False
    else:
        half[:, cut + 1 :] = False
    lowest = int(np.nonzero(half.any(1))[0].max())
    return bool(np.nonzero(e.part.any(1))[0].max() >= lowest - 2)


def _find_neck(core: np.ndarray, shape: Shape, axis: float, crotch: int) -> tuple[int, bool]:
    """The row where the core is narrow between a wide head and a wide body, and whether there is one."""
    first = int(np.nonzero(core.any(1))[0].min())
    last = crotch or round(shape.bottom - 0.15 * shape.height)
    rows = np.arange(first, max(last, first + 8))
    width = np.array([b - a for a, b in (_run_at(core[y], axis) for y in rows)], float)
    width = ndimage.gaussian_filter1d(width, 0.008 * shape.height, mode="nearest")
    head = np.maximum.accumulate(width)
    body = np.maximum.accumulate(width[::-1])[::-1]
    ratio = width / np.maximum(np.minimum(head, body), 1)
    at = (rows - first) / (shape.bottom - first)
    allowed = (at > 0.1) & (at < 0.72)
    if allowed.any():
        worth = np.where(allowed, ratio + 0.25 * np.maximum(at - 0.5, 0), 9)
        best = int(np.argmin(worth))
        if ratio[best] < 0.93:
            return int(rows[best]), True
    wide = shape.mask.any(0).sum() / shape.height
    return round(first + (0.42 if wide > 0.55 else 0.24) * (shape.bottom - first)), False


def _choose_arms(
    sideways: list[Extremity], shape: Shape, axis: float, neck: int, notch: tuple[int, int] | None
) -> dict[int, Extremity]:
    """For each side what is most like an arm: joined below the head, above the hips, reaching far."""
    low = notch[0] if notch else shape.bottom - 0.12 * shape.height
    arms: dict[int, tuple[float, Extremity]] = {}
    for e in sideways:
        side = 1 if e.tip[0] > axis else -1
        from_neck = (e.base[1] - neck) / shape.height
        to_hip = (low - e.base[1]) / shape.height
        if from_neck < -0.06 or to_hip < 0.02 or e.prominence < 0.06 * shape.height:
            continue
        worth = e.prominence / shape.height - 0.8 * max(from_neck - 0.12, 0) - 0.8 * max(-from_neck, 0)
        if side not in arms or worth > arms[side][0]:
            arms[side] = (worth, e)
    return {side: e for side, (_, e) in arms.items()}


def _place_head(f: _Frame, points: np.ndarray, scores: np.ndarray) -> None:
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


def _place_arms(f: _Frame, points: np.ndarray, scores: np.ndarray) -> None:
    torso = f.crotch - f.neck
    for side, shoulder, elbow, wrist in ((1, 5, 7, 9), (-1, 6, 8, 10)):
        at = np.array([f.axis + side * 0.8 * f.half_width, f.neck + 0.14 * torso])
        arm = f.arms.get(side)
        if arm is None:
            _arm_by_proportion(f, side, at, (shoulder, elbow, wrist), points, scores)
            continue
        tip = (int(arm.tip[0]), int(arm.tip[1]))
        way = middle_way(f.shape.mask, f.depth, f.middle, tip)
        outside = side * (way[:, 0] - f.axis) > 0.8 * f.half_width
        inside = np.nonzero(~outside)[0]
        start = int(inside.max()) if len(inside) and inside.max() < len(way) - 4 else 0
        # Where an arm hangs, its way leaves the torso below the joint; a level or raised one tells its height.
        further = way[min(start + max(4, len(way) // 5), len(way) - 1)] - way[start]
        hanging = max(0.0, float(further[1])) / max(float(np.linalg.norm(further)), 1e-6)
        y = (1 - 0.7 * hanging) * way[start, 1] + 0.7 * hanging * (f.neck + 0.1 * torso)
        y = float(np.clip(y, f.neck + 0.04 * torso, f.neck + 0.3 * torso))
        points[shoulder] = (at[0], y)
        limb = np.concatenate([points[shoulder][None], way[start + 1 :], arm.tip[None]])
        points[elbow], points[wrist] = _joints_on(limb)
        scores[[shoulder, elbow, wrist]] = SHOWN
    if set(f.arms) == {-1, 1}:  # shoulders of one body are about as high
        points[5:7, 1] = 0.5 * points[5:7, 1] + 0.5 * points[5:7, 1].mean()


def _joints_on(limb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elbow and wrist on the way `[n,2]` from shoulder to fingertip: at its bend, else by proportion."""
    steps = np.linalg.norm(np.diff(limb, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    total = max(float(length[-1]), 1e-6)

    def at(share: float) -> np.ndarray:
        return np.array([np.interp(share * total, length, limb[:, k]) for k in (0, 1)])

    bent = ELBOW
    chord = limb[-1] - limb[0]
    across = np.array([-chord[1], chord[0]]) / max(float(np.linalg.norm(chord)), 1e-6)
    off = np.abs((limb - limb[0]) @ across)
    off[(length < 0.28 * total) | (length > 0.62 * total)] = 0
    if off.max() > 0.1 * total:
        bent = float(length[int(np.argmax(off))] / total)
    return at(bent), at(WRIST)


def _arm_by_proportion(
    f: _Frame, side: int, at: np.ndarray, joints: tuple[int, int, int], points: np.ndarray, scores: np.ndarray
) -> None:
    """An arm that hangs close to the body, just inside the outline."""
    torso = f.crotch - f.neck
    shoulder, elbow, wrist = joints
    points[shoulder] = at
    for joint, share in ((elbow, 0.55), (wrist, 0.92)):
        y = int(np.clip(f.neck + share * torso, f.shape.top, f.shape.bottom))
        a, b = _run_at(f.shape.mask[y], f.axis)
        edge = (b - 1 if side > 0 else a) - side * 0.12 * (b - a)
        points[joint] = (edge if b > a else at[0], y)
    scores[list(joints)] = GUESSED


def _place_legs(f: _Frame, points: np.ndarray, scores: np.ndarray) -> None:
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
            a, b = _run_at(mask[max(bottom - 2, 0)], f.axis)
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
        foot_height = min(0.16 * length, 0.5 * wide) if length > 0.1 * f.shape.height else 0.3 * length
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
        points[foot] = (x + 0.5 * side * reach, end)
        points[foot + 1] = (x + 0.9 * side * reach, end - 0.1 * foot_height)
        points[foot + 2] = (x - 0.25 * side * reach, end - 0.2 * foot_height)


def _leg_run(row: np.ndarray, axis: float, side: int) -> tuple[int, int]:
    """The run of the leg on this side: the nearest to the axis whose middle lies there."""
    found = [(a, b) for a, b in runs(row) if side * ((a + b - 1) / 2 - axis) > 0]
    return min(found, key=lambda r: abs((r[0] + r[1] - 1) / 2 - axis), default=(0, 0))
