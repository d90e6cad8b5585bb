"""Where every joint of the dancer is in the picture, and whether it can be seen there."""

from __future__ import annotations

import numpy as np

from motion_transfer.core import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLE_BODY

from .body import whole_body_joints
from .figure import DancerPose, Figure
from .render import SUPERSAMPLING, Buffers, Camera

# A joint lies inside the body; it counts as seen unless something stands further in front of it than the
# flesh around it is thick. Metres, with some room for a joint seen from its thick side.
FLESH = np.full(WHOLE_BODY.num_joints, 0.06)
FLESH[BODY] = 0.07
FLESH[[0, 1, 2]] = 0.022
FLESH[[3, 4]] = 0.030
FLESH[[5, 6]] = 0.095
FLESH[[11, 12]] = 0.155
FLESH[[13, 14]] = 0.10
FLESH[FEET] = 0.08
FLESH[FACE] = 0.018
FLESH[LEFT_HAND] = FLESH[RIGHT_HAND] = 0.024


def project_joints(pose: DancerPose, fig: Figure, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Pixels float64 [133,2] and distance from the camera [133], in the order of WHOLE_BODY."""
    joints = whole_body_joints(pose, fig)
    return camera.project(np.stack([joints[name] for name in WHOLE_BODY.joints]))


def visible_joints(xy: np.ndarray, depth: np.ndarray, buffers: Buffers) -> np.ndarray:
    """bool [133]: in the picture and not behind another part of the body."""
    fine = np.rint(xy * SUPERSAMPLING + (SUPERSAMPLING - 1) / 2).astype(int)
    H, W = buffers.depth.shape
    inside = (fine >= 0).all(1) & (fine[:, 0] < W) & (fine[:, 1] < H)
    surface = buffers.depth[np.clip(fine[:, 1], 0, H - 1), np.clip(fine[:, 0], 0, W - 1)]
    return inside & (surface > depth - FLESH)
