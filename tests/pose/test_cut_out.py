"""Cut-outs of drawn characters whose true alpha is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from motion_transfer.core import LEFT_HAND, RIGHT_HAND, Character, InputError, PoseTrack
from motion_transfer.pose.cut_out import cut_out, find_silhouette
from motion_transfer.pose.silhouette import fit_skeleton
from motion_transfer.pose.soft_edge import clean_edge_colours, extend_colours, soft_alpha

W, H = 360, 480
FINE = 4
"""Drawn so many times larger and averaged, for a true soft edge."""


def toy():
    """RGB float `[H,W,3]` and alpha float `[H,W]` of a toy: white belly and eyes, blue body, brown limbs."""
    colours = np.zeros((H * FINE, W * FINE, 3), np.uint8)
    alpha = np.zeros((H * FINE, W * FINE), np.uint8)

    def at(x, y):
        return round(x * FINE), round(y * FINE)

    def disc(x, y, rx, ry, colour):
        for canvas, value in ((colours, colour), (alpha, 255)):
            cv2.ellipse(canvas, at(x, y), at(rx, ry), 0, 0, 360, value, -1, cv2.LINE_AA)

    def limb(points, width, colour):
        path = np.array([at(*p) for p in points], np.int32)
        for canvas, value in ((colours, colour), (alpha, 255)):
            cv2.polylines(canvas, [path], False, value, width * FINE, cv2.LINE_AA)

    limb([(155, 360), (150, 450)], 34, (120, 80, 50))
    limb([(205, 360), (210, 450)], 34, (120, 80, 50))
    limb([(130, 220), (70, 310)], 28, (120, 80, 50))
    limb([(230, 220), (305, 250), (236, 320)], 22, (120, 80, 50))  # a hand on the hip, with a hole
    disc(180, 280, 62, 100, (40, 70, 170))
    disc(180, 290, 36, 60, (255, 255, 255))
    disc(180, 110, 72, 70, (40, 70, 170))
    for x in (155, 205):
        disc(x, 100, 18, 22, (255, 255, 255))
        disc(x, 103, 7, 9, (20, 20, 30))
    size = (W, H)
    return (
        cv2.resize(colours, size, interpolation=cv2.INTER_AREA).astype(np.float32),
        cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255,
    )


def solid_toy():
    """The toy's colours carried on beyond its outline, and its alpha."""
    colours, alpha = toy()
    return extend_colours(colours, (alpha > 0.999).astype(np.float32)), alpha


def over(background):
    """The toy on a background, uint8, and its true alpha."""
    colours, alpha = solid_toy()
    mixed = colours * alpha[..., None] + background * (1 - alpha[..., None])
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8), alpha


def white():
    return np.full((H, W, 3), 255, np.float32)


def sky():
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    return np.stack([150 + 60 * y / H, 190 + 40 * y / H, 235 - 20 * x / W], -1)


def meadow():
    rng = np.random.default_rng(11)
    coarse = cv2.GaussianBlur(rng.normal(size=(H, W)).astype(np.float32), (0, 0), 6)
    fine = cv2.GaussianBlur(rng.normal(size=(H, W)).astype(np.float32), (0, 0), 1)
    shade = coarse / coarse.std() * 18 + fine / fine.std() * 10
    return np.clip(np.stack([90 + shade, 150 + shade, 60 + 0.6 * shade], -1), 0, 255)


def pose_of(alpha):
    points, scores = fit_skeleton(np.round(alpha * 255).astype(np.uint8))
    return PoseTrack(points[None], scores[None], (W, H))


def with_hole_closed(alpha):
    flooded = (alpha >= 0.5).astype(np.uint8)
    cv2.floodFill(flooded, None, (0, 0), 2)
    return (flooded != 2).astype(np.float32)


def overlap(found, true):
    a, b = found >= 128, true >= 0.5
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("background", [white, sky])
def test_a_toy_on_a_plain_background_is_cut_out_exactly(background):
    pixels, alpha = over(background())
    found = cut_out(Character(pixels, "0", pose=pose_of(alpha)))
    assert overlap(found, alpha) > 0.99
    # Mean over the picture: an outline of about 2,000 px of 172,800, half a pixel off, would be 0.6 %.
    assert np.abs(found / 255 - alpha).mean() < 0.003
    edge = (alpha > 0.1) & (alpha < 0.9)
    assert np.abs(found[edge] / 255 - alpha[edge]).mean() < 0.12


def test_the_hole_between_arm_and_body_is_open_and_white_eyes_stay():
    pixels, alpha = over(white())
    found = cut_out(Character(pixels, "0", pose=pose_of(alpha)))
    assert alpha[262, 262] == 0, "drawn with a hole there"
    assert found[262, 262] == 0
    assert found[100, 145] == found[90, 205] == 255  # eyes
    assert found[290, 180] == 255  # belly


def test_a_toy_on_a_busy_background_is_cut_out_by_its_joints():
    pixels, alpha = over(meadow())
    found = cut_out(Character(pixels, "0", pose=pose_of(alpha)))
    assert overlap(found, alpha) > 0.95


def test_a_large_picture_is_cut_out_at_its_own_size():
    pixels, alpha = over(sky())
    factor = 4
    large = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found = cut_out(Character(large, "0"))
    assert found.shape == (H * factor, W * factor)
    true = cv2.resize(alpha, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    assert overlap(found, with_hole_closed(true)) > 0.985  # without joints the hole stays closed


def test_the_same_picture_gives_the_same_alpha():
    pixels, alpha = over(meadow())
    character = Character(pixels, "0", pose=pose_of(alpha))
    assert np.array_equal(cut_out(character), cut_out(character))


def test_alpha_of_the_picture_is_returned_untouched():
    pixels, alpha = over(white())
    given = np.round(alpha * 255).astype(np.uint8)
    assert np.array_equal(cut_out(Character(pixels, "0", alpha=given)), given)


def test_an_opaque_alpha_channel_says_nothing_and_segmentation_is_used():
    pixels, alpha = over(sky())
    found = cut_out(Character(pixels, "0", alpha=np.full((H, W), 255, np.uint8), pose=pose_of(alpha)))
    assert overlap(found, alpha) > 0.99


def test_an_empty_alpha_is_refused():
    with pytest.raises(InputError, match="empty"):
        cut_out(Character(np.zeros((50, 40, 3), np.uint8), "0", alpha=np.zeros((50, 40), np.uint8)))


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_is_refused_with_what_would_help(shade):
    with pytest.raises(InputError, match="`mask`"):
        cut_out(Character(np.full((120, 100, 3), shade, np.uint8), "0"))


def test_the_silhouette_is_known_only_where_the_background_is_plain():
    pixels, alpha = over(sky())
    found = find_silhouette(pixels, None)
    assert found is not None and overlap(found, with_hole_closed(alpha)) > 0.95
    assert find_silhouette(over(meadow())[0], None) is None


def test_clean_colours_leave_no_halo_when_the_character_is_put_elsewhere():
    colours, alpha = solid_toy()
    green, magenta = np.array([0, 255, 0], np.float32), np.array([255, 0, 255], np.float32)
    a = alpha[..., None]
    pixels = np.round(colours * a + green * (1 - a)).astype(np.uint8)
    given = np.round(alpha * 255).astype(np.uint8)
    cleaned = clean_edge_colours(pixels, given)
    edge = (alpha > 0.02) & (alpha < 0.98)
    truth = (colours * a + magenta * (1 - a))[edge]
    naive = np.abs((pixels * a + magenta * (1 - a))[edge] - truth).mean()
    clean = np.abs((cleaned * a + magenta * (1 - a))[edge] - truth).mean()
    assert naive > 15
    assert clean < 4  # levels; measured 1.6
    assert np.array_equal(cleaned[given == 255], pixels[given == 255])
    beyond = cv2.dilate((given > 0).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & (given == 0)
    assert np.abs(cleaned[beyond].astype(float) - green).max(1).min() > 30, "green is still there"


def test_clean_colours_of_an_opaque_picture_change_nothing():
    pixels, _ = over(meadow())
    assert np.array_equal(clean_edge_colours(pixels, np.full((H, W), 255, np.uint8)), pixels)


def test_a_mixture_of_two_colours_is_told_apart():
    ramp = np.linspace(0, 1, 41, dtype=np.float32)
    row = np.concatenate([np.zeros(20, np.float32), ramp, np.ones(20, np.float32)])
    alpha = np.tile(row, (30, 1))
    fore, back = np.array([200, 60, 40], np.float32), np.array([40, 90, 210], np.float32)
    pixels = np.round(fore * alpha[..., None] + back * (1 - alpha[..., None])).astype(np.uint8)
    found = soft_alpha(pixels, alpha == 1, alpha == 0)
    assert np.abs(found - alpha).max() < 0.03  # rounding to levels and the spread of the two colours


def test_without_mediapipe_a_plain_background_still_works(monkeypatch):
    from motion_transfer.core import MissingPackage
    from motion_transfer.pose import still_person

    def missing():
        raise MissingPackage("Finding joints needs MediaPipe, which is not installed")

    monkeypatch.setattr(still_person, "solutions", missing)
    pixels, alpha = over(sky())
    character = Character(pixels, "0", pose=pose_of(alpha))
    assert overlap(cut_out(character), alpha) > 0.99
    with pytest.raises(MissingPackage):
        cut_out(replace(character, pixels=over(meadow())[0]))


def test_the_sky_between_sleeve_and_skirt_is_no_part_of_a_drawn_person():
    """The networks are in doubt there and the skirt has the sky's colour; only the drawn outlines tell."""
    import json
    from pathlib import Path

    media = Path(__file__).resolve().parents[2] / "demo" / "media"
    pixels = np.ascontiguousarray(cv2.imread(str(media / "heroine.png"))[..., 2::-1])
    truth = np.array(json.loads((media / "heroine_truth.json").read_text())["points"], np.float32)
    pose = PoseTrack(truth[None], np.full((1, 133), 0.9, np.float32), (pixels.shape[1], pixels.shape[0]))
    found = cut_out(Character(pixels, "0", pose=pose))
    for hip, wrist in ((11, 9), (12, 10)):
        x, y = (0.35 * truth[hip] + 0.65 * truth[wrist]).astype(int)
        assert found[y - 3 : y + 4, x - 3 : x + 4].max() < 30
    inside = truth[[0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]].astype(int)
    assert found[inside[:, 1], inside[:, 0]].min() > 220

    fingers = np.stack([truth[hand] for hand in (LEFT_HAND, RIGHT_HAND)])[:, [k for k in range(1, 21) if k % 4]]
    x, y = np.rint(fingers.reshape(-1, 2)).astype(int).T
    assert found[y, x].min() >= 250  # their skin has the sky's colour, and was seen through within its outline
