"""The eighteen OpenPose joints of a whole-body pose, 0..1 of its picture, as DWPose hands them on."""

from __future__ import annotations

import numpy as np

ORDER = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""OpenPose joint -> joint of COCO-WholeBody; -1 is the neck."""
NECK = 1
SHOULDERS = (5, 6)
SEEN = 0.3


def openpose_body(points: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """float64 `[n,18,2]` and `[n,18]` from px points `[n,133,2]` and scores `[n,133]`.

    The neck is the shoulders' middle; it scores 1 where both are seen (> 0.3), else 0, as DWPose writes it.
    """
    body = points[:, ORDER].astype(np.float64)
    body_scores = scores[:, ORDER].astype(np.float64)
    left, right = (scores[:, j] > SEEN for j in SHOULDERS)
    body[:, NECK] = points[:, list(SHOULDERS)].astype(np.float64).mean(1)
    body_scores[:, NECK] = left & right
    return body / size, body_scores
