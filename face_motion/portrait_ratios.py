"""How far lids and lips are open in a picture, measured at face points: height over width.

The networks that set lids and lips were made for these ratios at 203 points: the middle of the upper lid from that of
the lower one, over the corners of the eye; the middles of the inner lips, over the outer corners of the mouth. The
same is measured here at those points, at the mesh of MediaPipe, which has the same places, and at core.FACE's 68.
Those have no point in the middle of a lid but two beside it: the height in the middle is that of a lid's usual curve
through the corners and those two (on 342 eyes: within 0.004 of the mesh's own ratio at the median, 0.015 at the 95th
percentile; the mean of the two pairs, often taken instead, is 0.038 too small).

A ratio grows as the head turns away, because widths shrink: that is so in the originals too.
"""

from __future__ import annotations

import numpy as np

from ..core import UsageError

WIDEST = 1.0
"""Larger ratios are no lids and no lips but a face seen from its side."""
_TINY_PX = 1e-6  # as the authors have it in the denominator
_LID_CURVE = 2.4
"""A lid rises to 1 - |2u - 1|^2.4 of its height at the share u of the way from corner to corner: a little flatter than
a parabola, fitted to the mesh on 171 faces of 16 clips and 21 pictures."""
_SMALLEST_BULGE = 0.4  # of the height in the middle: below, points lie at the corner and say little of the middle

# Number of points -> corners, upper and lower middle of the person's right eye, left eye, and of the mouth.
_MIDDLES = {
    203: ((0, 12, 6, 18), (24, 36, 30, 42), (48, 66, 90, 102)),
    468: ((33, 133, 159, 145), (362, 263, 386, 374), (61, 291, 13, 14)),
}
_MIDDLES[478] = _MIDDLES[468]
_EYES_68 = ((36, 39, (37, 38), (41, 40)), (42, 45, (43, 44), (47, 46)))
_LIPS_68 = (48, 54, 62, 66)


def eye_ratios(points: np.ndarray) -> np.ndarray:
    """float32 `[T,2]`, the person's right eye first, 0..1: a shut eye is near 0, one as usual 0.25 to 0.4.

    Of face points `[T,K,2]` px, K = 68 as core.FACE, 478 or 468 as MediaPipe's mesh, or the authors' 203.
    """
    points = _points(points)
    if points.shape[1] == 68:
        columns = [_lid_gap(points, *eye) for eye in _EYES_68]
    else:
        columns = [_ratio(points, *eye) for eye in _MIDDLES[points.shape[1]][:2]]
    return np.stack(columns, axis=1).clip(0, WIDEST).astype(np.float32)


def lip_ratios(points: np.ndarray) -> np.ndarray:
    """float32 `[T,1]`, 0..1: shut lips are near 0. Points as for `eye_ratios`."""
    points = _points(points)
    places = _LIPS_68 if points.shape[1] == 68 else _MIDDLES[points.shape[1]][2]
    return _ratio(points, *places)[:, None].clip(0, WIDEST).astype(np.float32)


def _points(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.ndim != 3 or points.shape[1] not in (68, *_MIDDLES) or points.shape[2] != 2:
        raise UsageError(f"Lids and lips are measured at [T,K,2] points with K 68, 468, 478 or 203; there are {list(points.shape)}.")  # fmt: skip
    return points


def _ratio(points: np.ndarray, a: int, b: int, upper: int, lower: int) -> np.ndarray:
    return _distance(points[:, upper], points[:, lower]) / (_distance(points[:, a], points[:, b]) + _TINY_PX)


def _lid_gap(points: np.ndarray, a: int, b: int, upper: tuple[int, int], lower: tuple[int, int]) -> np.ndarray:
    """The ratio in the middle of an eye whose lids have two points each, by the curve of a lid."""
    start, across = points[:, a], points[:, b] - points[:, a]
    width = np.linalg.norm(across, axis=1)
    along = across / np.maximum(width, _TINY_PX)[:, None] ** 2
    heights = []
    for up, low in zip(upper, lower, strict=True):
        share = np.einsum("td,td->t", (points[:, up] + points[:, low]) / 2 - start, along)
        bulge = np.maximum(1 - np.abs(2 * share - 1) ** _LID_CURVE, _SMALLEST_BULGE)
        heights.append(_distance(points[:, up], points[:, low]) / bulge)
    return np.mean(heights, axis=0) / (width + _TINY_PX)


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)
