"""Skeletons fitted to drawn figures whose joints are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_transfer.core import BODY, WHOLE_BODY
from motion_transfer.pose.silhouette import GUESSED, SHOWN, fit_skeleton

LIMB_JOINTS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
SIZE = 480


class Figure:
    """A figure drawn from circles, capsules and polygons around known joints; x, y in hundredths of its height."""

    def __init__(self):
        self.mask = np.zeros((SIZE, SIZE + 200), np.uint8)
        self.joints = np.full((17, 2), np.nan)

    def px(self, p):
        return np.array([self.mask.shape[1] / 2 + p[0] * 4.2, 30 + p[1] * 4.2])

    def _at(self, p):
        return tuple(np.round(self.px(p)).astype(int).tolist())

    def capsule(self, a, b, ra, rb=None):
        rb = ra if rb is None else rb
        a, b = np.array(a, float), np.array(b, float)
        for t in np.linspace(0, 1, 60):
            cv2.circle(self.mask, self._at(a + (b - a) * t), round(4.2 * (ra + (rb - ra) * t)), 255, -1)

    def polygon(self, *points):
        cv2.fillPoly(self.mask, [np.array([self._at(p) for p in points], np.int32)], 255)

    def ellipse(self, centre, rx, ry):
        cv2.ellipse(self.mask, self._at(centre), (round(rx * 4.2), round(ry * 4.2)), 0, 0, 360, 255, -1)

    def put(self, joint, p):
        self.joints[joint] = self.px(p)


def figure(
    *, head=(8, 9), neck_y=20.0, shoulder=(12, 23), torso=11, waist=9, hip=(6, 52), leg=(4.5, 3.5), arm=(3.2, 2.4),
    foot=4.0, stance=7.0, left_arm=((17, 37), (20, 50)), right_arm=None, hand=3.2, legs=True,
):  # fmt: skip
    """A figure facing the viewer; its left is at positive x. `left_arm` is elbow, wrist; the right one mirrors it."""
    f = Figure()
    f.ellipse((0, neck_y - 3 - head[1]), *head)
    f.put(0, (0, neck_y - 3 - head[1] + 0.25 * head[1]))
    f.capsule((0, neck_y - 5), (0, shoulder[1]), min(0.45 * head[0], 0.5 * torso))
    f.polygon(
        (-torso, shoulder[1] - 2), (torso, shoulder[1] - 2), (waist, hip[1] - 8), (torso * 0.9, hip[1] + 3),
        (-torso * 0.9, hip[1] + 3), (-waist, hip[1] - 8),
    )  # fmt: skip
    right = [(-x, y) for x, y in left_arm] if right_arm is None else right_arm
    for side, bend, joints in ((1, left_arm, (5, 7, 9, 11, 13, 15)), (-1, right, (6, 8, 10, 12, 14, 16))):
        top = (side * shoulder[0] * 0.9, shoulder[1])
        f.capsule(top, bend[0], arm[0])
        f.capsule(bend[0], bend[1], arm[0], arm[1])
        along = np.subtract(bend[1], bend[0])
        along = along / np.linalg.norm(along)
        f.capsule(bend[1], bend[1] + along * hand * 1.4, hand * 0.8)
        hip_at, ankle = (side * hip[0], hip[1]), (side * stance, 100 - foot)
        knee = tuple((np.array(hip_at) + ankle) / 2)
        if legs:
            f.capsule(hip_at, ankle, *leg)
            f.capsule(ankle, (ankle[0] + side * 2.5, 100 - 0.5 * foot), leg[1] * 0.9, 0.5 * foot)
        for joint, at in zip(joints, (top, *bend, hip_at, knee, ankle), strict=True):
            f.put(joint, at)
    return f


def adult_a():
    return figure()


def adult_t():
    return figure(left_arm=((26, 23.5), (38, 24)))


def adult_raised():
    return figure(left_arm=((23, 14), (27, 1)))


def one_up_one_down():
    return figure(left_arm=((24, 15), (30, 3)), right_arm=((-17, 37), (-20, 50)))


def wave_with_bent_elbow():
    return figure(left_arm=((24, 33), (29, 19)))


def chibi():
    return figure(
        head=(20, 19), neck_y=44, shoulder=(10, 48), torso=10, waist=9, hip=(5, 74), leg=(5, 4.5), foot=5, stance=6,
        left_arm=((17, 58), (21, 67)), arm=(3.6, 3), hand=3.5,
    )  # fmt: skip


def gingerbread():
    return figure(
        head=(15, 15), neck_y=32, shoulder=(13, 38), torso=13, waist=12, hip=(8, 68), leg=(8, 7.5), foot=8, stance=14,
        left_arm=((23, 41), (30, 43)), arm=(7, 6.5), hand=6.5,
    )  # fmt: skip


def robot():
    f = figure(
        head=(1, 1), neck_y=24, shoulder=(16, 30), torso=15, waist=15, hip=(8, 62), leg=(4, 4), foot=5, stance=8,
        left_arm=((22, 44), (23, 57)), arm=(3, 3), hand=3,
    )  # fmt: skip
    f.polygon((-11, 2), (11, 2), (11, 21), (-11, 21))
    f.capsule((0, 0), (0, 24), 3)
    f.put(0, (0, 13))
    return f


def bear():
    f = figure(
        head=(16, 14), neck_y=36, shoulder=(13, 42), torso=15, waist=17, hip=(8, 76), leg=(8, 7), foot=6, stance=10,
        left_arm=((21, 52), (26, 62)), arm=(5.5, 5), hand=5,
    )  # fmt: skip
    for side in (-1, 1):
        f.ellipse((side * 12, 7), 6, 6)
    return f


def rabbit():
    f = figure(
        head=(13, 12), neck_y=52, shoulder=(10, 56), torso=11, waist=12, hip=(6, 82), leg=(5.5, 5), foot=5, stance=7,
        left_arm=((17, 64), (20, 72)), arm=(3.6, 3.2), hand=3.4,
    )  # fmt: skip
    for side in (-1, 1):
        f.capsule((side * 5, 30), (side * 9, 4), 4)
    return f


def cat_with_tail():
    f = figure(
        head=(15, 13), neck_y=32, shoulder=(11, 37), torso=12, waist=13, hip=(7, 72), leg=(6, 5), foot=5, stance=8,
        left_arm=((19, 47), (22, 57)), arm=(4, 3.6), hand=3.8,
    )  # fmt: skip
    for side in (-1, 1):
        f.polygon((side * 4, 8), (side * 14, 12), (side * 13, -1))
    for a, b in (((8, 70), (24, 76)), ((24, 76), (32, 66)), ((32, 66), (31, 54))):
        f.capsule(a, b, 3)
    return f


def wizard_in_a_robe():
    f = figure(
        head=(9, 9), neck_y=34, shoulder=(11, 38), torso=11, waist=12, hip=(6, 66), legs=False,
        left_arm=((20, 48), (26, 56)), arm=(4.5, 4), foot=3, stance=8,
    )  # fmt: skip
    f.polygon((-11, 40), (11, 40), (17, 100), (-17, 100))
    f.polygon((-10, 16), (10, 16), (0, -4))
    return f


def soldier_with_arms_at_the_sides():
    return figure(left_arm=((13.5, 38), (13.5, 52)), arm=(3.4, 3))


def ghost():
    """No neck, no legs, stubs for arms."""
    f = Figure()
    f.ellipse((0, 30), 27, 30)
    f.polygon((-27, 30), (27, 30), (29, 100), (-29, 100))
    f.capsule((24, 52), (38, 60), 5)
    f.capsule((-24, 52), (-38, 60), 5)
    f.put(9, (38, 60))
    f.put(10, (-38, 60))
    return f


# Mean error allowed, % of the height, where the outline shows the joint; measured values are about half.
FIGURES = {
    adult_a: 4, adult_t: 4, adult_raised: 4, one_up_one_down: 4, wave_with_bent_elbow: 4, chibi: 4, gingerbread: 4,
    robot: 4, bear: 4, rabbit: 4, cat_with_tail: 4, wizard_in_a_robe: 5, soldier_with_arms_at_the_sides: 5,
}  # fmt: skip


def errors_percent(f):
    points, scores = fit_skeleton(f.mask)
    height = np.ptp(np.nonzero(f.mask.any(1))[0])
    return 100 * np.linalg.norm(points[BODY] - f.joints, axis=1) / height, points, scores


@pytest.mark.parametrize("draw", FIGURES, ids=lambda d: d.__name__)
def test_joints_lie_where_they_were_drawn(draw):
    error, _, _ = errors_percent(draw())
    assert np.nanmean(error) < FIGURES[draw]
    assert np.nanmax(error) < 3 * FIGURES[draw]


def test_scores_tell_what_the_outline_shows_from_what_is_guessed():
    _, _, scores = errors_percent(adult_a())
    assert scores[list(LIMB_JOINTS)] == pytest.approx(SHOWN)
    _, _, scores = errors_percent(soldier_with_arms_at_the_sides())
    assert scores[[7, 8, 9, 10]] == pytest.approx(GUESSED)
    assert scores[[13, 14, 15, 16]] == pytest.approx(SHOWN)
    _, _, scores = errors_percent(ghost())
    assert scores[[13, 14, 15, 16]] == pytest.approx(GUESSED)
    assert scores[[9, 10]] == pytest.approx(SHOWN)


@pytest.mark.parametrize("draw", [chibi, rabbit, robot], ids=lambda d: d.__name__)
def test_a_figure_and_its_mirror_image_have_mirrored_joints(draw):
    f = draw()
    points, _ = fit_skeleton(f.mask)
    mirrored, _ = fit_skeleton(np.ascontiguousarray(f.mask[:, ::-1]))
    mirrored[:, 0] = f.mask.shape[1] - 1 - mirrored[:, 0]
    swapped = mirrored[np.array(WHOLE_BODY.mirror)]
    # The working size has 160 px of height: one of its pixels is 2.7 px here.
    assert np.linalg.norm(points[BODY] - swapped[BODY], axis=1).max() < 2 * 2.7


def test_size_and_place_of_the_figure_do_not_matter():
    f = cat_with_tail()
    points, scores = fit_skeleton(f.mask)
    large = cv2.resize(f.mask, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    large = np.pad(large, ((40, 0), (0, 90)))
    again, again_scores = fit_skeleton(large)
    expected = (points + 0.5) * 2 - 0.5 + [0, 40]
    assert np.abs(again[BODY] - expected[BODY]).max() < 2 * 2.7  # one working pixel, doubled
    assert np.array_equal(scores, again_scores)


def test_a_figure_cut_off_by_the_border_has_its_legs_below_it():
    f = adult_a()
    border = 30 + round(46 * 4.2)
    points, scores = fit_skeleton(f.mask[:border])
    assert points[11:13, 1].min() > points[5:7, 1].max()
    assert points[13:17, 1].min() > border
    assert scores[11:17].max() <= GUESSED


def test_specks_and_pinholes_change_nothing():
    f = bear()
    points, _ = fit_skeleton(f.mask)
    worn = f.mask.copy()
    rng = np.random.default_rng(3)
    worn[rng.integers(0, SIZE, 300), rng.integers(0, SIZE, 300)] ^= 255
    again, _ = fit_skeleton(worn)
    assert np.abs(again[BODY] - points[BODY]).max() < 3 * 2.7


@pytest.mark.parametrize("mask", [np.zeros((50, 50), np.uint8), np.pad(np.full((3, 3), 255, np.uint8), 20)])
def test_nothing_to_fit_is_said(mask):
    with pytest.raises(ValueError, match="silhouette"):
        fit_skeleton(mask)


def test_any_blob_gives_finite_joints():
    rng = np.random.default_rng(5)
    for _ in range(12):
        noise = cv2.GaussianBlur(rng.normal(size=(200, 260)).astype(np.float32), (0, 0), 14)
        points, scores = fit_skeleton(np.where(noise > noise.mean(), 255, 0).astype(np.uint8))
        assert np.isfinite(points).all() and scores.min() >= 0 and scores.max() <= 1
