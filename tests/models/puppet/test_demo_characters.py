"""The demo's characters, small, with their known joints: what went wrong on them once."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import Character, PoseTrack
from motion_transfer.models.puppet.face_eye_shape import detected_shape
from motion_transfer.models.puppet.face_eyes import Eye
from motion_transfer.models.puppet.parts import LOCKS
from motion_transfer.models.puppet.puppet import Puppet

MEDIA = Path(__file__).resolve().parents[3] / "demo" / "media"
WIDTH = 480


def character_of(name: str) -> Character:
    picture = cv2.cvtColor(cv2.imread(str(MEDIA / f"{name}.png"), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    truth = json.loads((MEDIA / f"{name}_truth.json").read_text(encoding="utf-8"))
    scale = WIDTH / picture.shape[1]
    picture = cv2.resize(picture, (WIDTH, round(picture.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    points = np.array(truth["points"], np.float32)[None, :, :2] * scale
    scores = np.full((1, 133), 0.9, np.float32)
    pose = PoseTrack(points, scores, (picture.shape[1], picture.shape[0]))
    pixels, alpha = np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])
    return Character(pixels, name, alpha, pose, has_background=False)


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


def test_a_robots_shell_is_no_hair():
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
