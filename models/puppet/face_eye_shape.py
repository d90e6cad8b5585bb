"""The outline of an eye in the picture: the detector's six points, or the drawing where that is clearly larger.

Detectors fit human-sized eyes into the big eyes of drawn characters; lids cut along those would leave
half of the eye uncovered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .face_picture import sample

STATIONS = 65
_OUTLINE_CONTRAST = 40
"""Levels across an outline, at its weaker quarter."""
_AGREE = 1.35
"""Two drawn eyes are believed when their sizes differ by no more than this factor."""


@dataclass(frozen=True)
class EyeFrame:
    """Where u (corner to corner, -1..1) and v (downwards, px) lie in the picture."""

    origin: np.ndarray
    across: np.ndarray
    down: np.ndarray
    half: float
    """Half the width, px."""
    detected_height: float
    """Of the six points, px: what displacements of lids are measured by."""


@dataclass(frozen=True)
class EyeShape:
    """Edges of the lids: v in px at `STATIONS` even u."""

    frame: EyeFrame
    upper: np.ndarray
    lower: np.ndarray
    is_drawn: bool = False
    """The outline of the drawing, not of the detector."""


def detected_shape(contour: np.ndarray, down: np.ndarray) -> EyeShape:
    """From the six points: corner, two above, corner, two below back to the first."""
    left, right = contour[0], contour[3]
    half = float(np.linalg.norm(right - left)) / 2
    origin, across = (left + right) / 2, (right - left) / (2 * half)
    below = np.array([-across[1], across[0]])
    if below @ down < 0:
        below = -below
    u, v = (contour - origin) @ across / half, (contour - origin) @ below
    frame = EyeFrame(origin, across, below, half, float((v[[4, 5]] - v[[1, 2]]).mean()))
    return EyeShape(frame, _cubic(u[[0, 1, 2, 3]], v[[0, 1, 2, 3]]), _cubic(u[[0, 5, 4, 3]], v[[0, 5, 4, 3]]))


def drawn_shapes(pixels: np.ndarray, shapes: list[EyeShape], brows: list[np.ndarray]) -> list[EyeShape]:
    """`shapes` replaced by what is drawn, where both eyes agree that it is larger (a lone eye is not believed)."""
    found = [_drawn_shape(pixels, s, b) for s, b in zip(shapes, brows, strict=True)]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return shapes
    for sizes in (
        [f.frame.half for f in found if f],
        [float((f.lower - f.upper).max()) for f in found if f],
    ):
        if max(sizes) > _AGREE * min(sizes):
            return shapes
    return [f for f in found if f]


def _drawn_shape(pixels: np.ndarray, shape: EyeShape, brow: np.ndarray) -> EyeShape | None:
    """The region that differs from the skin around it and holds the detected eye; None where there is no
    such clear, convex region, or it is no larger than detected."""
    frame, upper, lower = shape.frame, shape.upper, shape.lower
    origin, across, down, half = frame.origin, frame.across, frame.down, frame.half
    brow_v = float(np.median((brow - origin) @ down))
    tall = float((lower - upper)[20:45].mean())
    middle = float((upper + lower)[20:45].mean()) / 2
    reach = 2.3 * half
    top = max(middle - 2.6 * half, brow_v + 0.1 * tall)
    bottom = middle + 2.4 * half
    step = max(half / 24, 0.5)
    us, vs = np.arange(-reach, reach, step), np.arange(top, bottom, step)
    if len(us) < 12 or len(vs) < 8 or top > float(upper[20:45].mean()):
        return None
    at = origin + us[None, :, None] * across + vs[:, None, None] * down
    colours = sample(cv2.GaussianBlur(pixels, (0, 0), max(0.5, 0.4 * step)), at)
    uu, vv = np.meshgrid(us / half, (vs - middle) / half)
    lid_at = (np.clip(us / half, -1, 1) + 1) / 2 * (len(upper) - 1)
    known = (
        (np.abs(uu) < 1)
        & (vs[:, None] > np.interp(lid_at, range(STATIONS), upper))
        & (vs[:, None] < np.interp(lid_at, range(STATIONS), lower))
    )
    for region in (_unlike_skin(colours, uu, vv, known), _inside_edges(colours, uu, vv, known)):
        if region is None:
            continue
        lids = _lids(region, us, vs, known)
        if lids is None:
            continue
        shift, wide, top_edge, bottom_edge = lids
        missed = float(region[~known].sum()) / max(float(region.sum()), 1.0)
        is_round = tall > 0.8 * half  # six points are too few for an eye rounder than people have
        if (
            (is_round and missed > 0.06)
            or wide >= 1.12 * half
            or float((bottom_edge - top_edge).max()) >= 1.25 * float((lower - upper).max())
        ):
            moved = replace(frame, origin=origin + shift * across, half=wide)
            return EyeShape(moved, top_edge, bottom_edge, is_drawn=True)
    return None


def _unlike_skin(colours: np.ndarray, uu: np.ndarray, vv: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """What differs from a plane of colour through the skin around, as one piece with the known eye."""
    ring = (np.hypot(uu / 1.9, vv / 1.6) > 1) & (np.hypot(uu / 2.3, vv / 2.1) < 1)
    if ring.sum() < 20:
        return None
    basis = np.stack([np.ones_like(uu), uu, vv], -1)
    near = ring & (np.abs(colours - np.median(colours[ring], axis=0)).max(-1) < 60)
    if near.sum() < 0.4 * ring.sum():
        return None
    plane = np.linalg.lstsq(basis[near], colours[near], rcond=None)[0]
    differs = (np.abs(colours - basis @ plane).max(-1) > 38).astype(np.uint8)
    differs = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(differs)
    counts = np.bincount(labels[known & (differs > 0)], minlength=2)
    counts[0] = 0
    return (labels == counts.argmax()).astype(np.uint8) if counts.max() > 0 else None


def _inside_edges(colours: np.ndarray, uu: np.ndarray, vv: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """What the strongest edges between the known eye and the skin further out enclose (watershed)."""
    seeds = np.zeros(known.shape, np.int32)
    seeds[np.hypot(uu / 1.75, vv / 1.45) > 1] = 2
    seeds[cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 1
    if not (seeds == 1).any():
        return None
    picture = np.ascontiguousarray(np.clip(colours, 0, 255).astype(np.uint8))
    marked = cv2.watershed(picture, seeds)
    region = (marked == 1).astype(np.uint8)
    rim = cv2.dilate(region, np.ones((5, 5), np.uint8)) - cv2.erode(region, np.ones((5, 5), np.uint8))
    box = np.ones((5, 5), np.uint8)
    contrast = (cv2.dilate(picture, box).astype(np.int16) - cv2.erode(picture, box)).max(-1)
    # a true outline is strong nearly everywhere; a shadow's edge fades
    return region if np.percentile(contrast[rim > 0], 25) > _OUTLINE_CONTRAST else None


def _lids(
    blob: np.ndarray, us: np.ndarray, vs: np.ndarray, known: np.ndarray
) -> tuple[float, float, np.ndarray, np.ndarray] | None:
    """(shift along u px, half width px, upper v, lower v) of a region, if it is as convex as an eye."""
    step = float(us[1] - us[0])
    blob = cv2.morphologyEx(blob, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(blob, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(blob, contours, -1, 1, -1)
    if blob[0].any() or blob[-1].any() or blob[:, 0].any() or blob[:, -1].any() or (blob > 0)[known].mean() < 0.7:
        return None
    outline = cv2.convexHull(
        np.concatenate([c for c in contours if cv2.contourArea(c) >= 0.2 * blob.sum()] or contours)
    )
    hull = np.zeros_like(blob)
    cv2.drawContours(hull, [outline], -1, 1, -1)
    columns = np.flatnonzero(hull.sum(0) >= 2)
    if len(columns) < 8 or blob.sum() < 0.82 * hull.sum():
        return None
    blob = hull
    wide = (columns[-1] - columns[0] + 2) * step / 2
    first = blob[:, columns].argmax(0)
    last = len(vs) - 1 - blob[::-1, columns].argmax(0)
    grid = np.linspace(columns[0], columns[-1], STATIONS)
    edge_v = []
    for row, out in ((first, -1), (last, 1)):
        v = vs[row] + out * 0.5 * step
        v = np.convolve(np.pad(v, 2, mode="edge"), np.ones(5) / 5, "valid")
        edge_v.append(np.interp(grid, columns, v))
    shift = float(us[columns[0]] + us[columns[-1]]) / 2
    return shift, wide, edge_v[0], np.maximum(edge_v[1], edge_v[0])


def _cubic(u: np.ndarray, v: np.ndarray, count: int = STATIONS) -> np.ndarray:
    """v at `count` even u from -1 to 1 on the cubic through four points."""
    u = np.maximum.accumulate(u + np.arange(4) * 1e-3)
    return np.polyval(np.polyfit(u, v, 3), np.linspace(-1, 1, count))
