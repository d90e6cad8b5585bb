"""What the picture does not show: gradients go on without a seam, the rest of the picture stays as it is."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from motion_transfer.core import Character
from motion_transfer.models.puppet.background import empty_stage
from motion_transfer.models.puppet.hidden import bleed_colours, grow, membrane
from motion_transfer.models.puppet.layers import _like_the_sleeve
from motion_transfer.models.puppet.parts import LIMBS, _rests_of_hair
from motion_transfer.models.puppet.puppet import Puppet


def ramp(height=150, width=200):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([40 + 0.6 * x, 200 - 0.5 * y, 90 + 0.2 * x + 0.3 * y], -1)


def disc(height=150, width=200, radius=38):
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 2, height // 2), radius, 1, -1)
    return mask > 0


def test_a_membrane_continues_a_gradient():
    picture, hole = ramp(), disc()
    broken = np.where(hole[..., None], 0, picture)
    assert np.abs(membrane(broken, ~hole) - picture)[hole].max() < 1.5  # the exact answer is the ramp itself
    assert np.array_equal(membrane(broken, ~hole)[~hole], picture[~hole])


def test_growing_keeps_the_known_and_stays_in_its_range():
    picture, hole = ramp(), disc()
    grown = grow(np.where(hole[..., None], 255, picture), ~hole)
    assert np.allclose(grown[~hole], picture[~hole], atol=1e-3)
    assert grown.min() >= picture.min() - 1 and grown.max() <= picture.max() + 1


def test_the_rim_of_a_cut_out_loses_the_old_background():
    alpha = (cv2.GaussianBlur(disc().astype(np.float32), (0, 0), 2) * 255).astype(np.uint8)
    share = alpha[..., None] / 255
    mixed = np.rint(np.array([220, 30, 30]) * share + np.array([0, 0, 255]) * (1 - share)).astype(np.uint8)
    clean = bleed_colours(mixed, alpha)
    rim = (alpha > 20) & (alpha < 250)
    assert np.abs(mixed[rim].astype(int) - (220, 30, 30)).max() > 100
    assert np.abs(clean[rim].astype(int) - (220, 30, 30)).max() <= 6  # 250/255 of alpha still holds 2 % of the blue


def test_the_empty_stage_is_the_picture_away_from_the_character(figure):
    stage = empty_stage(figure)
    far = cv2.dilate(figure.alpha, np.ones((15, 15), np.uint8)) == 0
    assert np.array_equal(stage[far], figure.pixels[far])


def test_a_plain_gradient_shows_no_trace_of_the_character(figure):
    y, x = np.mgrid[: figure.size[1], : figure.size[0]].astype(np.float32)
    truth = np.stack([120 + 0.2 * x, 150 + 0.16 * y, 200 - 0.12 * y], -1)
    share = figure.alpha[..., None] / 255
    seen = np.rint(figure.pixels * share + truth * (1 - share)).astype(np.uint8)
    stage = empty_stage(dataclasses.replace(figure, pixels=seen))
    assert np.abs(stage - truth).max() <= 4  # levels; soft rims are cut wide, the rest is rounding


def test_texture_is_continued_rather_than_smeared():
    random = np.random.default_rng(1)
    checks = ((np.indices((160, 240)).sum(0) // 8) % 2 * 120 + 60).astype(np.float32)
    picture = np.clip(checks[..., None] + random.normal(0, 4, (160, 240, 3)), 0, 255).astype(np.uint8)
    alpha = disc(160, 240, 30).astype(np.uint8) * 255
    stage = empty_stage(Character(picture, "checks", alpha))
    inside = disc(160, 240, 24)
    # A smooth fill would have almost no contrast; the pattern's own is 60 levels.
    assert stage[inside].astype(float).std() > 40
    assert np.array_equal(stage, empty_stage(Character(picture, "checks", alpha)))


def test_what_is_left_of_an_arm_around_hair_is_hair():
    arm, locks = np.zeros((120, 80), bool), np.zeros((120, 80), bool)
    arm[40:, 20:60] = True
    locks[30:80, 30:50] = True
    arm &= ~locks
    arm[24:40, 51:53] = True  # the outer line of a strand
    arm[25:29, 33:37] = True  # an island in it
    hair = _rests_of_hair(arm, locks, 4)
    assert hair[24:34, 51:53].all() and hair[25:29, 33:37].all()
    assert not hair[84:].any() and hair.sum() < 0.1 * arm.sum()
    assert not _rests_of_hair(arm, np.zeros_like(locks), 4).any()


def test_a_collar_over_a_shoulder_does_not_turn_with_the_arm(figure):
    """The round end of an arm's piece shows colours of the sleeve only: a collar there went round with it."""
    puppet = Puppet(figure)
    chain = puppet.rig.chain("left_arm")
    assert chain is not None
    own = puppet.labels == LIMBS["left_arm"]
    x, y = np.rint(chain.joints[0]).astype(int)
    pixels = puppet.pixels.copy()
    collar = (slice(y - 12, y + 4), slice(x - 22, x - 6))
    pixels[collar] = np.where(own[collar][..., None], pixels[collar], np.uint8((250, 220, 40)))
    like = _like_the_sleeve(chain, pixels, puppet.labels, own)
    yellow = (np.abs(pixels.astype(int) - (250, 220, 40)).max(-1) == 0) & ~own
    assert yellow.sum() > 50
    assert like[cv2.erode(yellow.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0].max() < 0.1
    assert np.median(like[own & (np.hypot(*np.indices(own.shape)[::-1] - chain.joints[0][:, None, None]) < 20)]) > 0.95
