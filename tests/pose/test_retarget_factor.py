"""The retargeting factor: less or more movement about the rest pose, without a jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synth_person
from retarget_cases import angles_of, case, character_of, whole

from motion_transfer.core import FACE, RIGHT_HAND, PoseTrack, UsageError
from motion_transfer.pose.retarget import plan_retarget


def test_factor_one_is_exactly_the_unscaled_result():
    driver, character, _, _ = case("A adult to child")
    plain = whole(plan_retarget(driver, character, rate=24))
    factored = whole(plan_retarget(driver, character, rate=24, factor=1.0))
    assert np.array_equal(plain.points, factored.points)
    nearly = whole(plan_retarget(driver, character, rate=24, factor=1 + 1e-9))
    # the polar way round gives the same place; where the arm passes the zenith nothing may flip
    assert np.abs(plain.points - nearly.points).max() < 0.01


def test_factor_zero_stands_still_in_the_characters_own_pose():
    driver, character, _, _ = case("A adult to child")
    plan = plan_retarget(driver, character, rate=24, factor=0.0)
    track, rest = whole(plan), plan.rest()
    assert np.abs(track.points - rest.points).max() < 0.01
    # hands hang on the wrist; apart from that gap of half a pixel's noise, rest is what the picture shows
    assert np.abs(rest.points[:, :91] - character.points[:, :91]).max() < 0.01
    assert np.abs(rest.points - character.points).max() < 2.0


def test_a_larger_factor_does_not_exaggerate_how_the_driver_is_built():
    driver, character, _, _ = case("B adult to chibi", gaps=False)
    plain, more = (whole(plan_retarget(driver, character, rate=24, factor=f)).points for f in (1.0, 1.6))
    for span, root in ((FACE, 0), (slice(1, 5), 0)):
        assert np.abs((more[:, span] - more[:, [root]]) - (plain[:, span] - plain[:, [root]])).max() < 1e-3
    fingers = [np.linalg.norm(p[:, 100] - p[:, 91], axis=-1) for p in (plain, more)]
    assert np.abs(fingers[0] - fingers[1]).max() < 1e-3


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.3])
def test_factor_scales_limb_angles_about_the_rest_pose(factor):
    driver, character, _, _ = case("C adult to lanky", gaps=False, wave=False)
    plain = angles_of(whole(plan_retarget(driver, character, rate=24)).points, ("upper_arm", "thigh", "torso"))
    scaled = angles_of(
        whole(plan_retarget(driver, character, rate=24, factor=factor)).points, ("upper_arm", "thigh", "torso")
    )
    rest = angles_of(character.points, ("upper_arm", "thigh", "torso"))
    away = np.angle(np.exp(1j * (plain - rest)))
    assert np.degrees(np.abs(np.angle(np.exp(1j * (scaled - rest - factor * away))))).max() < 0.1


def windmill(frames=96, turns=2.0):
    """A front-facing person whose right arm turns round and round, seen square-on, without noise."""
    points, _ = synth_person.project(synth_person.make_rest("adult")[None], 832, 480)
    points = np.repeat(points, frames, 0)
    angle = np.pi / 2 + 2 * np.pi * turns * np.arange(frames) / frames
    arm = np.stack([np.cos(angle), np.sin(angle)], -1)
    upper, lower = (np.linalg.norm(points[0, a] - points[0, b]) for a, b in ((6, 8), (8, 10)))
    hand = points[:, RIGHT_HAND] - points[:, 10, None]
    points[:, 8] = points[:, 6] + upper * arm
    points[:, 10] = points[:, 8] + lower * arm
    points[:, RIGHT_HAND] = points[:, 10, None] + hand
    return PoseTrack(points.astype(np.float32), np.full((frames, 133), 0.9, np.float32), (832, 480))


@pytest.mark.parametrize("factor", [0.0, 0.4, 0.7, 1.3, 2.0])
def test_an_arm_going_all_the_way_round_never_jumps(factor):
    character, _ = character_of("adult")
    elbow = whole(plan_retarget(windmill(), character, rate=24, smooth=0, factor=factor)).points[:, 8].astype(float)
    length = np.linalg.norm(character.points[0, 6] - character.points[0, 8])
    steps = np.linalg.norm(np.diff(elbow, axis=0), axis=1) / length
    driven = 2 * np.pi * 2 / 96  # radians per frame
    # the factor's share, and at most half a turn more while whole turns are wound back over 0.4 s (1.5 x at its middle)
    assert steps.max() <= factor * driven + (1.5 * np.pi / 9.6 if factor else 0) + 0.02


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_waving_overhead_does_not_jump_where_plus_180_becomes_minus_180(factor):
    points, _ = synth_person.project(synth_person.make_rest("adult")[None], 832, 480)
    rest_angle = np.arctan2(*(points[0, 8] - points[0, 6])[::-1])
    t = np.arange(72)
    away = np.pi * (1 - np.cos(np.pi * np.minimum(t / 24, 1))) / 2 + np.where(t > 24, 0.3 * np.sin((t - 24) / 3), 0)
    driver = windmill(72)
    moved = driver.points.copy()
    upper = np.linalg.norm(points[0, 8] - points[0, 6])
    arm = np.stack([np.cos(rest_angle + away), np.sin(rest_angle + away)], -1)
    shift = (points[0, 6] + upper * arm - moved[:, 8]).astype(np.float32)
    moved[:, 8] += shift
    moved[:, 10] += shift
    character, _ = character_of("adult")
    elbow = (
        whole(plan_retarget(replace(driver, points=moved), character, rate=24, smooth=0, factor=factor))
        .points[:, 8]
        .astype(float)
    )
    steps = np.linalg.norm(np.diff(elbow, axis=0), axis=1) / upper
    assert steps.max() < factor * np.abs(np.diff(away)).max() * 1.1 + 0.02


def test_a_factor_out_of_range_says_what_would_work():
    driver, character, _, _ = case("A adult to child")
    with pytest.raises(UsageError, match="0 to 2"):
        plan_retarget(driver, character, rate=24, factor=2.5)
