"""A body's rough outline from its joints alone: limbs as thick lines, torso and head filled."""

from __future__ import annotations

import cv2
import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND

SEEN = 0.3
_FAR_PX = 30000.0  # OpenCV's drawing wraps beyond 16 bits
# Joints and the width of the limb between them, in distances between the shoulders
_LIMBS = (
    (5, 7, 0.42), (7, 9, 0.34), (6, 8, 0.42), (8, 10, 0.34), (11, 13, 0.55), (13, 15, 0.45), (12, 14, 0.55),
    (14, 16, 0.45), (15, 17, 0.35), (15, 18, 0.35), (15, 19, 0.35), (16, 20, 0.35), (16, 21, 0.35), (16, 22, 0.35),
)  # fmt: skip
_TORSO = [5, 6, 12, 11]


def figure_shape(points: np.ndarray, scores: np.ndarray, size: tuple[int, int], thickness: float = 1.0) -> np.ndarray:
    """uint8 `[H,W]`: 255 on the body of joints `[133,2]` px with scores `[133]`; empty where none is seen.

    `thickness` scales all widths: below 1 a shape that surely lies inside the body.
    """
    mask = np.zeros((size[1], size[0]), np.uint8)
    seen = (scores >= SEEN) & (np.abs(points) < _FAR_PX).all(-1)
    if not seen.any():
        return mask
    whole = np.round(points).clip(-_FAR_PX, _FAR_PX).astype(int)
    unit = _unit(points, seen) * thickness
    for a, b, width in _LIMBS:
        if seen[a] and seen[b]:
            cv2.line(mask, whole[a].tolist(), whole[b].tolist(), 255, max(1, round(width * unit)))
    torso = [whole[j] for j in _TORSO if seen[j]]
    if len(torso) >= 3:
        outline = cv2.convexHull(np.array(torso, np.int32))
        cv2.fillConvexPoly(mask, outline, 255)
        cv2.polylines(mask, [outline], True, 255, max(1, round(0.3 * unit)))
    for hand, wrist in ((LEFT_HAND, 9), (RIGHT_HAND, 10)):
        fingers = whole[hand][seen[hand]]
        if len(fingers) >= 3:
            outline = cv2.convexHull(fingers.astype(np.int32))
            cv2.fillConvexPoly(mask, outline, 255)
            cv2.polylines(mask, [outline], True, 255, max(1, round(0.15 * unit)))
        elif seen[wrist]:
            cv2.circle(mask, whole[wrist].tolist(), max(1, round(0.3 * unit)), 255, -1)
    head = [*range(5), *range(*FACE.indices(133))]
    known = points[[j for j in head if seen[j]]]
    if len(known) >= 2:
        low, high = known.min(0), known.max(0)
        middle, radius = (low + high) / 2, 0.5 * float(np.linalg.norm(high - low)) * (0.4 + 0.9 * thickness)
        middle[1] -= 0.25 * radius  # hair is above the brows, where no joint is
        cv2.circle(mask, np.round(middle).astype(int).tolist(), max(1, round(radius)), 255, -1)
    return mask


def _unit(points: np.ndarray, seen: np.ndarray) -> float:
    """Distance between the shoulders, px; from the torso where they are seen from the side."""
    lengths = [4.0]
    if seen[[5, 6]].all():
        lengths.append(float(np.linalg.norm(points[5] - points[6])))
    for a, b in ((5, 11), (6, 12)):
        if seen[[a, b]].all():
            lengths.append(0.6 * float(np.linalg.norm(points[a] - points[b])))
    if len(lengths) == 1:
        extent = points[seen].max(0) - points[seen].min(0)
        lengths.append(0.25 * float(extent.max()))
    return max(lengths)
