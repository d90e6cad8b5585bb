"""The colours of somebody's trunk: what tells people apart when places no longer do."""

from __future__ import annotations

import cv2
import numpy as np

_CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def trunk_colours(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """float64 `[64]`, sum 1: colours between shoulders and hips, 4 steps per channel.

    `picture` is uint8 `[H,W,3]`; `corners` `[4,2]` px are both shoulders and, in turning order, both hips.
    """
    middle = corners.mean(axis=0)
    quad = (middle + (corners - middle) * 0.8 + 1e-3 * _CORNERS).astype(np.float32)  # never quite flat
    turn = cv2.getPerspectiveTransform(quad, ((_CORNERS + 1) * 12).astype(np.float32))
    patch = np.asarray(
        cv2.warpPerspective(picture, turn, (24, 24), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    )
    bins = (patch // 64).astype(np.int64) @ np.array([16, 4, 1])
    return np.bincount(bins.ravel(), minlength=64) / bins.size


def alike_colours(a: np.ndarray, b: np.ndarray) -> float:
    """How much two histograms share: 1 = the same colours, 0 = none in common."""
    return float(np.minimum(a, b).sum())
