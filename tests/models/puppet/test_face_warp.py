"""Displacement fields: never folded, and truly inverted."""

import cv2
import numpy as np

from motion_transfer.models.puppet.face_warp import WarpGrid


def test_no_warp_folds_however_wild_the_points():
    rng = np.random.default_rng(5)
    grid = WarpGrid(200, 240, 5.0)
    for scale in (2.0, 10.0, 60.0):
        field = cv2.GaussianBlur(rng.normal(0, scale, (*grid.shape, 2)).astype(np.float32), (0, 0), 2.0) * 4
        field = (field.reshape(-1, 2) * grid.fade(grid.nodes, 0.2)[:, None]).astype(np.float32)
        u = (grid.unfolding_share([field]) * field).reshape(*grid.shape, 2)
        du, dv = np.diff(u, axis=1)[:-1] / grid.spacing[0], np.diff(u, axis=0)[:, :-1] / grid.spacing[1]
        area = (1 + du[..., 0]) * (1 + dv[..., 1]) - du[..., 1] * dv[..., 0]
        assert area.min() > 0.2
        assert grid.unfolding_share([field * 1e-3]) == 1.0


def test_inversion_leads_back():
    grid = WarpGrid(200, 240, 5.0)
    x, y = grid.nodes.T
    bump = np.exp(-((x - 100) ** 2 + (y - 120) ** 2) / 40**2) * grid.fade(grid.nodes, 0.1)
    field = (bump[:, None] * (18.0, 24.0)).astype(np.float32)
    assert grid.unfolding_share([field]) == 1.0
    back = grid.invert([field])[0]
    came = (grid.nodes + back.reshape(-1, 2)).astype(np.float32)
    moved = cv2.remap(
        grid.dense(field.reshape(*grid.shape, 2)), came[None, :, 0], came[None, :, 1], cv2.INTER_LINEAR
    ).reshape(-1, 2)
    assert np.abs(came + moved - grid.nodes).max() < 0.35  # OpenCV reads between pixels in steps of 1/32
