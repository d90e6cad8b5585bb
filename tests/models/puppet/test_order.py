"""Which piece lies in front: decided once for the clip, and never flickering."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.models.puppet.order import (
    FRONT_LEFT_LEG,
    LEFT_ARM_BEHIND,
    LEFT_LEG_OVER,
    RIGHT_ARM_BEHIND,
    layer_order,
    survey,
)
from motion_transfer.models.puppet.rig import find_rig


@pytest.fixture(scope="module")
def rig(figure):
    return find_rig(figure.pose.points[0], figure.pose.scores[0], figure.alpha)


def turned(rig, turn, frames):
    """Points of a body whose shoulders narrow by cos(turn), nose going to the side it turns to."""
    p = np.repeat(rig.points[None], frames, 0)
    middle = rig.neck[0]
    p[:, 5:17, 0] = middle + (p[:, 5:17, 0] - middle) * np.cos(turn)[:, None]
    p[:, 0, 0] += 30 * np.sin(turn)
    return p.astype(np.float32)


def plan(rig, points):
    scores = np.full(points.shape[:2], 0.9, np.float32)
    return survey(rig, lambda a, b: (points[a:b], scores[a:b]), len(points), 24.0)


def test_facing_us_both_arms_are_in_front(rig):
    flags = plan(rig, turned(rig, np.zeros(30), 30)).flags
    assert not (flags & (LEFT_ARM_BEHIND | RIGHT_ARM_BEHIND)).any()
    assert layer_order(0)[-3:] == ["left_arm", "right_arm", "locks"]


def test_looking_to_the_viewers_right_hides_the_left_arm(rig):
    flags = plan(rig, turned(rig, np.full(30, 1.3), 30)).flags
    assert (flags & LEFT_ARM_BEHIND).all() and not (flags & RIGHT_ARM_BEHIND).any()
    assert layer_order(LEFT_ARM_BEHIND)[0] == "left_arm"
    flags = plan(rig, turned(rig, np.full(30, -1.3), 30)).flags
    assert (flags & RIGHT_ARM_BEHIND).all()


def test_noise_about_a_threshold_does_not_flicker(rig):
    noise = np.random.default_rng(0).normal(0, 0.03, 400)
    flags = plan(rig, turned(rig, np.arccos(0.55) + noise, 400)).flags
    assert (np.diff(flags.astype(int)) != 0).sum() <= 2


def test_the_lower_foot_is_in_front(rig):
    points = turned(rig, np.zeros(10), 10)
    points[:, 15, 1] += 15
    assert (plan(rig, points).flags & FRONT_LEFT_LEG).all()
    assert layer_order(FRONT_LEFT_LEG).index("left_leg") > layer_order(FRONT_LEFT_LEG).index("right_leg")


def test_a_raised_knee_comes_in_front_of_the_trunk(rig):
    points = turned(rig, np.zeros(10), 10)
    points[:, 13, 1] = points[:, 11, 1] - 10
    flags = plan(rig, points).flags
    assert (flags & LEFT_LEG_OVER).all()
    order = layer_order(int(flags[0]))
    assert order.index("left_leg") > order.index("core") > order.index("right_leg")


def test_apparent_size_follows_a_walk_to_the_camera_but_not_noise(rig):
    steady = turned(rig, np.zeros(120), 120) + np.random.default_rng(0).normal(0, 1, (120, 133, 2)).astype(np.float32)
    assert np.array_equal(plan(rig, steady).size, np.ones(120, np.float32))
    grow = np.linspace(1, 2, 120)[:, None, None].astype(np.float32)
    nearer = (turned(rig, np.zeros(120), 120) - 140) * grow + 140
    size = plan(rig, nearer).size
    assert size[0] == pytest.approx(1.0, abs=0.15) and size[-1] == pytest.approx(2.0, abs=0.15)
    assert (np.diff(size) >= -1e-3).all()
