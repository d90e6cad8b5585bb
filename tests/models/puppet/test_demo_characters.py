"""The demo's characters, small, with their known joints: what went wrong on them once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_transfer.models.puppet.drive import pull
from motion_transfer.models.puppet.face import FacePuppet
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
        if alone:
            shut = eye.draw(picture, 1.0, rise).astype(int)
            below = (eye._v > eye._lower + 6) & (np.abs(eye._xs - 120) < 40)
            assert np.abs(shut - picture[eye.rows, eye.cols])[below].max() <= 1


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


def shut_eyes(character, eye_ids, margin):
    """uint8 `[h,w,3]` and the same of the open eye: both lids half way, around the points of one eye."""
    points = character.pose.points[0, 23:91].copy()
    puppet = FacePuppet(character.pixels, character.alpha, points)
    driven = points.copy()
    for up, low in ((37, 41), (38, 40), (43, 47), (44, 46)):
        driven[up] += 0.9 * (points[low] - points[up])
    out = []
    (x0, y0), (x1, y1) = points[eye_ids].min(0) - margin, points[eye_ids].max(0) + margin
    for p in (points, driven):
        patch, (x, y) = puppet.patch(p)
        out.append(patch[round(y0) - y : round(y1) - y, round(x0) - x : round(x1) - x, :3].astype(int))
    return out[1], out[0]


@pytest.mark.parametrize("eye", [range(36, 42), range(42, 48)])
def test_a_drawn_eye_shuts_to_one_line_and_takes_its_outline_along(character_of, eye):
    """The mascot's true lids lie inside a thick outline, whose sides were left standing: a V."""
    shut, opened = shut_eyes(character_of("mascot"), list(eye), np.array([12, 12]))
    dark, before = (p.sum(-1) < 240 for p in (shut, opened))
    assert before.sum() > 500
    assert 15 < dark.sum() < 0.2 * before.sum()
    assert dark.sum(0).max() <= 5  # px of line in any column; the outline was 30 there
    rows = np.nonzero(dark.any(1))[0]
    assert np.ptp(rows) < 0.5 * shut.shape[0]


@pytest.mark.parametrize("eye", [range(36, 42), range(42, 48)])
def test_lashes_of_a_drawn_face_stay_dark_when_its_eyes_shut(character_of, eye):
    """Where an outline was found around the lashes the line took the colour of skin."""
    shut, _ = shut_eyes(character_of("heroine"), list(eye), np.array([0, 4]))
    middle = shut[:, shut.shape[1] // 3 : -shut.shape[1] // 3].sum(-1)
    assert np.median(middle.min(0)) < 0.45 * np.median(middle)


@pytest.mark.parametrize("eye", [range(36, 42), range(42, 48)])
def test_light_eyes_in_a_dark_face_shut_to_a_line_of_light(character_of, eye):
    shut, _ = shut_eyes(character_of("robot"), list(eye), np.array([0, 4]))
    middle = shut[:, shut.shape[1] // 3 : -shut.shape[1] // 3].sum(-1)
    assert np.median(middle.max(0)) > np.median(middle) + 120


def test_a_wide_open_mouth_shows_its_own_depth_when_it_opens_further(character_of):
    """The robot's mouth is a blue that black was painted into."""
    character = character_of("robot")
    points = character.pose.points[0, 23:91].copy()
    driven = points.copy()
    driven[[55, 56, 57, 58, 59, 65, 66, 67, 6, 7, 8, 9, 10], 1] += 14
    patch, (x, y) = FacePuppet(character.pixels, character.alpha, points).patch(driven)
    (x0, y0), (x1, y1) = driven[60:68].min(0).astype(int) - (x, y), driven[60:68].max(0).astype(int) - (x, y)
    inside = patch[y0 + 3 : y1 - 3, x0 + 8 : x1 - 8, :3]
    assert (inside.max(-1) < 45).mean() < 0.01


def test_the_trunk_grown_behind_an_arm_has_no_feathers(character_of):
    """Its lower end followed the ragged border of the arm in spikes, which were seen when the arm lifted."""
    puppet = Puppet(character_of("mascot"))
    chain = puppet.rig.chain("left_arm")
    core = next(s.layer for s in puppet.sheets if s.layer.name == "core")
    assert chain is not None
    reach = round(0.2 * chain.radius[0])
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    behind = core.support & np.isin(puppet.labels, [3, 4])
    feathers = behind & (cv2.morphologyEx(core.support.astype(np.uint8), cv2.MORPH_OPEN, disc) == 0)
    feathers &= np.hypot(*(np.indices(behind.shape)[::-1] - chain.joints[0][:, None, None])) > 2 * reach
    assert behind.sum() > 1000 and feathers.sum() < 25
