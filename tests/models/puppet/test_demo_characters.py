"""The demo's characters, small, with their known joints: what went wrong on them once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_transfer.models.puppet.drive import pull
from motion_transfer.models.puppet.face_eye_shape import detected_shape
from motion_transfer.models.puppet.face_eyes import Eye
from motion_transfer.models.puppet.parts import HEAD, LOCKS
from motion_transfer.models.puppet.puppet import Puppet

Y, X = np.mgrid[:160, :240].astype(np.float32)
CONTOUR = np.array([[90, 80], [108, 66], [132, 66], [150, 80], [132, 94], [108, 94]], np.float64)
BROW = np.array([[90, 40], [105, 36], [120, 34], [135, 36], [150, 40]], np.float64)


def eye_over(lighter: np.ndarray) -> np.ndarray:
    """uint8 `[160,240,3]`: an eye in brown skin that is lighter below by as much."""
    picture = np.full((160, 240, 3), 100.0)
    picture += np.clip(lighter, 0, 150)[..., None]
    cv2.ellipse(picture, (120, 80), (30, 15), 0, 0, 360, (250, 250, 250), -1)
    cv2.circle(picture, (120, 80), 11, (20, 20, 30), -1)
    return cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.uint8)


def test_a_robots_shell_is_no_hair(character_of):
    """White shoulders as white as its head were taken for hair, and the arms under them were painted olive."""
    character = character_of("robot")
    puppet = Puppet(character)
    assert not (puppet.labels == LOCKS).any()
    picture = character.pixels[character.alpha > 128].astype(np.int64)
    colours = np.unique(picture // 16, axis=0)
    for sheet in puppet.sheets:
        if "arm" in sheet.layer.name:
            texture = sheet.layer.texture[sheet.layer.texture[..., 3] > 200][:, :3].astype(np.int64) // 16
            strange = [c for c in np.unique(texture, axis=0) if np.abs(colours - c).max(1).min() > 1]
            assert sum((texture == c).all(1).sum() for c in strange) < 0.005 * len(texture), sheet.layer.name


@pytest.mark.parametrize("is_flat", [False, True])
def test_a_muzzle_under_half_an_eye_stays_where_it_is(is_flat):
    """Small pictures of drawings count as photos: a clear-cut border is believed in both."""
    shaded, sure = eye_over(np.where((X + 0.4 * Y > 150) & (Y > 100), 118, 0)), eye_over(np.zeros(X.shape))
    light = eye_over(1.2 * (X - 60) + 2.0 * (Y - 70))  # as strong, but little by little
    for picture, alone in ((shaded, True), (sure, False), (light, is_flat)):
        eye = Eye(picture, detected_shape(CONTOUR, np.array([0.0, 1.0])), BROW, is_flat)
        upper, rise = eye.closing(0.9 * eye._lid_height, -0.2 * eye._lid_height)
        assert upper > 0.9 and (rise == 0) == alone
        assert np.allclose(eye._seam, eye._lower) == alone  # the upper lid comes all the way down


@pytest.mark.parametrize("name", ["heroine", "mascot", "robot"])
def test_a_head_as_wide_as_the_shoulders_leaves_the_chest_to_the_trunk(character_of, name):
    """Half of the mascot's and the robot's trunk was taken for head, and turned with every nod."""
    puppet = Puppet(character_of(name))
    rig = puppet.rig
    y, x = np.mgrid[: puppet.labels.shape[0], : puppet.labels.shape[1]].astype(np.float32)
    below = ((x - rig.neck[0]) * rig.spine[0] + (y - rig.neck[1]) * rig.spine[1]) / rig.spine_length**2 > 0.1
    assert ((puppet.labels == HEAD) & below).sum() < 0.01 * (puppet.labels == HEAD).sum()
    nodding = rig.points[None].astype(np.float32).copy()
    scores = np.full((1, 133), 0.9, np.float32)
    v = nodding[0, :5] - rig.neck
    c, s = np.cos(0.3), np.sin(0.3)
    nodding[0, :5] = rig.neck + np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], 1)
    posed = puppet.pose(pull(rig, nodding, scores, np.ones(1)), 0)
    chest = np.hypot(*(puppet.vertices - (rig.neck + 0.4 * rig.spine)).T) < 0.15 * rig.spine_length
    assert chest.any() and np.hypot(*(posed - puppet.vertices)[chest].T).max() < 1.0
