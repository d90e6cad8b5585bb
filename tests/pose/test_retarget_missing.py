"""Retargeting where driver or character show only a part, or nobody, or another shot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from retarget_cases import FEET, LEGS, case, driver_of, group_lengths, hide, whole

from motion_transfer.core import NoPersonFound, PoseTrack
from motion_transfer.pose.retarget import plan_retarget


def test_legs_that_the_driver_never_shows_stay_as_in_the_picture():
    driver, character, _, _ = case("A adult to child")
    half = hide(driver, slice(None), slice(11, 23))
    plan = plan_retarget(half, character, rate=24)
    track = whole(plan)
    hips = track.points[:, [11, 12]].mean(1, keepdims=True)
    own = character.points[:, LEGS] - character.points[:, [11, 12]].mean(1, keepdims=True)
    assert np.abs(track.points[:, LEGS] - hips - own).max() < 0.01
    assert np.allclose(track.scores[:, LEGS], 0.9)
    assert plan.report["legs"] == "at rest" and plan.report["root"] == "neck"
    assert abs(group_lengths(track.points)["torso"] / group_lengths(character.points)["torso"] - 1) < 0.02


def test_a_swaying_half_body_driver_bends_the_character_and_leaves_its_feet():
    driver, character, _, _ = case("A adult to child")
    still = np.repeat(driver.points[:1], 48, 0)
    sway = 12.0 * np.sin(np.arange(48) / 5)
    still[..., 0] += sway[:, None].astype(np.float32)
    half = hide(replace(driver, points=still, scores=np.full((48, 133), 0.9, np.float32)), slice(None), slice(11, 23))
    points = whole(plan_retarget(half, character, rate=24)).points
    assert np.ptp(points[:, 0, 0]) > 0.9 * np.ptp(sway)
    assert np.ptp(points[:, 15, 0]) < 0.35 * np.ptp(sway)


def test_a_half_body_character_gets_legs_below_the_picture():
    driver, character, _, _ = case("A adult to child")
    half = hide(character, slice(None), slice(13, 23))
    track = whole(plan_retarget(driver, half, rate=24))
    assert (track.points[:, [15, 16], 1] > track.points[:, [11, 12], 1]).all()
    upper = ("torso", "shoulder", "upper_arm", "forearm")
    ours, own = group_lengths(track.points, upper), group_lengths(character.points, upper)
    assert all(abs(ours[g] / own[g] - 1) < 0.02 for g in upper)


@pytest.mark.parametrize(
    "joints", [slice(0, 5), [6], [8, 10], [11], slice(23, 91), slice(91, 133), [5, 6], slice(1, 5), list(range(15, 23))]
)
@pytest.mark.parametrize("factor", [1.0, 0.6])
def test_missing_parts_on_either_side_work(joints, factor):
    driver, character, _, _ = case("A adult to child")
    for a, b in ((hide(driver, slice(None), joints), character), (driver, hide(character, slice(None), joints))):
        plan = plan_retarget(a, b, rate=24, factor=factor)
        track = whole(plan)
        box = np.ptp(track.points[:, :23].reshape(-1, 2), axis=0)
        assert (box < 4 * np.array(character.size)).all()
        steps = np.linalg.norm(np.diff(track.points[:, :17].astype(float), axis=0), axis=-1)
        assert steps.max() < 0.2 * np.ptp(character.points[0, :, 1])
        assert np.isfinite(plan.face_in_rest(0, 48)).all()
        assert all(np.isfinite(r) and r > 0 for r in plan.ratios.values())


def test_a_driver_unseen_for_long_is_eased_over_with_score_zero():
    driver, character, _, _ = case("A adult to child", frames=96)
    gone = hide(driver, slice(30, 70), slice(None))
    track = whole(plan_retarget(gone, character, rate=24))
    assert not track.scores[30:70].any() and track.scores[29].any() and track.scores[70].any()
    seen = whole(plan_retarget(driver, character, rate=24)).points[:, :17].astype(float)
    steps = np.linalg.norm(np.diff(track.points[:, :17].astype(float), axis=0), axis=-1).max(1)
    usual = np.linalg.norm(np.diff(seen, axis=0), axis=-1).max()
    assert steps.max() < 1.3 * usual


def test_one_hidden_arm_eases_to_rest_and_back():
    driver, character, _, _ = case("A adult to child", frames=120, gaps=False)
    arm = [7, 9, *range(91, 112)]
    track = whole(plan_retarget(hide(driver, slice(20, 100), arm), character, rate=24))
    away = track.points[60, 9] - track.points[60, 5]
    own = character.points[0, 9] - character.points[0, 5]
    assert np.abs(away - own).max() < 0.5
    assert not track.scores[25:95, 9].any()
    moved = plan_retarget(hide(driver, slice(20, 100), arm), character, rate=24).track(0, 120, hidden_score=1.0)
    assert (moved.scores[25:95, 9] == 1).all() and np.array_equal(moved.points, track.points)
    steps = np.linalg.norm(np.diff(track.points[:, 9] - track.points[:, 5], axis=0), axis=-1)
    assert steps.max() < 0.04 * np.ptp(character.points[0, :, 1])


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_clips_of_a_few_frames_work(frames, factor):
    driver, character, _, _ = case("A adult to child", frames=frames, gaps=False)
    plan = plan_retarget(driver, character, rate=24, factor=factor)
    assert whole(plan).num_frames == frames and plan.face_in_rest(0, frames).shape == (frames, 68, 2)


def test_every_shot_begins_where_the_character_stands():
    a, character, _, _ = case("A adult to child")
    b, _ = driver_of(first=20, frames=40, px_per_m=230.0, cx=0.7)  # nearer, elsewhere
    both = PoseTrack(np.concatenate([a.points, b.points]), np.concatenate([a.scores, b.scores]), a.size)
    track = whole(plan_retarget(both, character, rate=24, cuts=(48,)))
    own = character.points[0]
    for first in (0, 48):
        assert abs(track.points[first, [11, 12], 0].mean() - own[[11, 12], 0].mean()) < 0.01
        assert abs(track.points[first, FEET, 1].max() - own[FEET, 1].max()) < 0.01
    lengths, expected = group_lengths(track.points[48:]), group_lengths(character.points)
    assert abs(lengths["upper_arm"] / expected["upper_arm"] - 1) < 0.06


def test_nobody_to_measure_is_told():
    driver, character, _, _ = case("A adult to child")
    with pytest.raises(NoPersonFound, match="48 frames"):
        plan_retarget(hide(driver, slice(None), slice(None)), character, rate=24)
    with pytest.raises(NoPersonFound, match="0 of 17"):
        plan_retarget(driver, hide(character, slice(None), slice(None)), rate=24)
