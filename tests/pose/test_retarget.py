"""Retargeting against exact truth: the same motion played by the other body, from the seeded generator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from retarget_cases import (
    CASES,
    CORE,
    FEET,
    angles_of,
    case,
    core_error,
    group_lengths,
    hide,
    joint_error,
    slide,
    whole,
)

from motion_transfer.core import FACE, LEFT_HAND, RIGHT_HAND
from motion_transfer.pose.retarget import plan_retarget


@pytest.mark.parametrize(
    ("name", "core_percent", "joint_percent"),
    [
        ("A adult to child", 2.0, 2.5),
        ("B adult to chibi", 2.0, 4.5),
        ("C adult to lanky", 2.0, 2.5),
        ("D side view", 4.0, 2.5),
        ("E to the camera", 2.0, 2.5),  # the driver grows by 0.9, the truth, whose legs are short, by 0.4
        ("F child to adult", 2.0, 2.5),
    ],
)
def test_the_motion_is_that_of_the_other_body(name, core_percent, joint_percent):
    driver, character, truth, _ = case(name)
    track = whole(plan_retarget(driver, character, rate=24))
    assert core_error(track.points, truth) <= core_percent
    assert joint_error(track.points, truth, character) <= joint_percent


def test_it_hardly_matters_where_the_clip_begins():
    core, joints = [], []
    for first in range(0, 45, 5):
        driver, character, truth, _ = case("A adult to child", first=first)
        track = whole(plan_retarget(driver, character, rate=24))
        core.append(core_error(track.points, truth))
        joints.append(joint_error(track.points, truth, character))
    assert max(core) <= 2.0 and np.ptp(core) < 1.0
    assert max(joints) <= 2.5 and np.ptp(joints) < 1.0


@pytest.mark.parametrize("name", ["A adult to child", "B adult to chibi", "C adult to lanky", "F child to adult"])
def test_bones_have_the_characters_length(name):
    """What a bone measures where it is seen square-on (its high quantile over the clip) is the picture's length."""
    driver, character, _, _ = case(name)
    ours = group_lengths(whole(plan_retarget(driver, character, rate=24)).points)
    own = group_lengths(character.points)
    for group in CORE:
        assert abs(ours[group] / own[group] - 1) < 0.02, group


def test_a_character_with_short_thighs_keeps_them():
    driver, character, _, contact = case("A adult to child")
    points = character.points.copy()
    for hip, knee, ankle in ((11, 13, 15), (12, 14, 16)):
        points[0, knee] = points[0, hip] + 0.38 * (points[0, ankle] - points[0, hip])
    short = replace(character, points=points)
    track = whole(plan_retarget(driver, short, rate=24))
    ours, own = group_lengths(track.points), group_lengths(points)
    assert abs(ours["thigh"] / own["thigh"] - 1) < 0.02 and abs(ours["shank"] / own["shank"] - 1) < 0.02
    assert slide(track, short, contact) < 1.0
    knees = np.diff(track.points[:, [13, 14]].astype(float), 3, axis=0)
    usual = np.diff(whole(plan_retarget(driver, character, rate=24)).points[:, [13, 14]].astype(float), 3, axis=0)
    assert np.sqrt((knees**2).mean()) < 1.6 * np.sqrt((usual**2).mean())  # no knee snaps to the other side


def test_angles_are_the_drivers():
    driver, character, _, _ = case("C adult to lanky", noise=0, gaps=False)
    track = whole(plan_retarget(driver, character, rate=24, smooth=0))
    groups = ("torso", "shoulder", "hip", "upper_arm", "forearm")
    turned = angles_of(track.points, groups) - angles_of(driver.points, groups)
    assert np.abs(np.angle(np.exp(1j * turned))).max() < 1e-3  # float32 pixels of short bones
    napes = [t.points[:, [3, 4]].mean(1) - t.points[:, [5, 6]].mean(1) for t in (track, driver)]
    angles = [np.arctan2(nape[:, 1], nape[:, 0]) for nape in napes]
    assert np.abs(np.angle(np.exp(1j * (angles[0] - angles[1])))).max() < 1e-3
    legs = angles_of(track.points, ("thigh", "shank")) - angles_of(driver.points, ("thigh", "shank"))
    assert np.degrees(np.abs(np.angle(np.exp(1j * legs))).max()) < 3  # lanky's thigh and shank differ by 2 %


@pytest.mark.parametrize("name", [n for n in CASES if n[0] in "ABCDF"])
def test_feet_in_contact_do_not_slide(name):
    driver, character, _, contact = case(name)
    assert slide(whole(plan_retarget(driver, character, rate=24)), character, contact) <= 1.0


@pytest.mark.parametrize("name", [n for n in CASES if n[0] in "ABCDF"])
def test_soles_stay_on_the_ground(name):
    driver, character, _, _ = case(name)
    track = whole(plan_retarget(driver, character, rate=24))
    lowest = track.points[:, FEET, 1].max(1)
    ground = character.points[0, FEET, 1].max()
    assert np.abs(lowest - ground).max() / np.ptp(character.points[0, :, 1]) < 0.02
    assert abs(lowest[0] - ground) < 0.01


def test_the_first_frame_stands_on_the_character():
    driver, character, _, _ = case("B adult to chibi")
    first = plan_retarget(driver, character, rate=24).track(0, 1).points[0]
    assert abs(first[[11, 12], 0].mean() - character.points[0, [11, 12], 0].mean()) < 0.01


def test_hands_are_rigid_to_wrists_and_the_face_to_the_head():
    driver, character, _, _ = case("C adult to lanky", gaps=False)
    plan = plan_retarget(driver, character, rate=24, smooth=0)
    out, given_ = whole(plan).points.astype(float), driver.points.astype(float)
    for hand, wrist in ((LEFT_HAND, 9), (RIGHT_HAND, 10)):
        assert np.abs(out[:, hand.start] - out[:, wrist]).max() < 1e-3
        shape = (given_[:, hand] - given_[:, hand.start, None]) * plan.ratios["hand"]
        assert np.abs(out[:, hand] - out[:, wrist, None] - shape).max() < 1e-3
    shape = (given_[:, FACE] - given_[:, :1]) * plan.ratios["head"]
    assert np.abs(out[:, FACE] - out[:, :1] - shape).max() < 1e-3


@pytest.mark.parametrize("name", ["B adult to chibi", "D side view"])
def test_a_turned_head_stays_on_its_neck(name):
    """Nose and neck lie apart as far as the head is turned; the middle of the ears shows where the head sits."""
    driver, character, truth, _ = case(name)
    track = whole(plan_retarget(driver, character, rate=24))
    away = [t[:, [3, 4]].mean(1) - t[:, [5, 6]].mean(1) for t in (track.points.astype(float), truth)]
    assert np.linalg.norm(away[0] - away[1], axis=-1).mean() < 0.05 * np.ptp(character.points[0, :, 1])
    # ears that nobody sees leave the head where the nose is held by the neck
    hidden = hide(driver, slice(None), [3, 4])
    moved = whole(plan_retarget(hidden, character, rate=24)).points
    assert (
        np.isfinite(moved).all()
        and np.abs(moved[:, :1] - track.points[:, :1]).max() < np.ptp(character.points[0, :, 1]) / 4
    )


def test_the_way_to_the_camera_is_as_long_as_asked():
    """By default as long as the legs, in heads; at 1 the figure grows as the driver does."""
    driver, character, truth, _ = case("E to the camera")

    def growth(points):
        torso = np.linalg.norm(points[:, [5, 6]].mean(1) - points[:, [11, 12]].mean(1), axis=-1)
        return float(np.median(torso[-6:]) / np.median(torso[:6]))

    plan = plan_retarget(driver, character, rate=24)
    assert plan.ratios["depth"] == pytest.approx(0.62, abs=0.03)  # the bodies' own: legs 0.62, heads 1.04
    assert growth(whole(plan).points) == pytest.approx(growth(truth), rel=0.06)
    whole_way = plan_retarget(driver, character, rate=24, ratios={"depth": 1.0})
    assert growth(whole(whole_way).points) == pytest.approx(growth(driver.points), rel=0.02)
    for place in ("character", "driver"):
        nearer = plan_retarget(driver, character, rate=24, place=place, ratios={"depth": 4.0})
        assert np.isfinite(whole(nearer).points).all()
    assert plan_retarget(driver, character, rate=24, place="driver").ratios["depth"] == 1.0


@pytest.mark.parametrize("rate", [12, Fraction(30000, 1001), 120])
def test_all_usual_rates_work(rate):
    driver, character, truth, contact = case("A adult to child", frames=round(2 * rate), fps=float(rate), gaps=False)
    track = whole(plan_retarget(driver, character, rate=rate))
    assert joint_error(track.points, truth, character) < 2.5
    assert slide(track, character, contact) < 1.0
