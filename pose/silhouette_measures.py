"""What is measured on a silhouette before a body is fitted into it: axis, legs' gap, arms, neck, widths."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from .silhouette_shape import Extremity, Shape, find_axis, find_extremities, runs


@dataclass(frozen=True)
class Frame:
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
    def of(cls, shape: Shape) -> Frame:
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
        widths = [b - a for y in range(neck + 2, crotch) for a, b in [run_at(core[y], axis)] if b > a]
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


def run_at(row: np.ndarray, x: float) -> tuple[int, int]:
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
    width = np.array([b - a for a, b in (run_at(core[y], axis) for y in rows)], float)
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
