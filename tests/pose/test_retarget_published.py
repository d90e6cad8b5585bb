"""The published ways of retargeting give the originals' numbers, and say clearly what they cannot do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synth_person
from retarget_cases import case, hide

from motion_transfer.core import LEFT_HAND, RIGHT_HAND, NoPersonFound, PoseTrack, UsageError
from motion_transfer.pose.openpose_18 import openpose_body
from motion_transfer.pose.retarget import MODES, plan_retarget
from motion_transfer.pose.retarget_mimicmotion import FITTED, linear_fit
from motion_transfer.pose.retarget_wan import WAN_TO_BODY, WanRetarget

DATA = Path(__file__).parent / "data"
with np.load(DATA / "retarget_goldens.npz") as _file:
    GOLDENS = dict(_file)
with np.load(DATA / "draw_keypoints.npz") as _file:
    DRIVERS = dict(_file)


def cases_of(kind):
    return sorted({tuple(k.split("/")[1:3]) for k in GOLDENS if k.startswith(kind + "/")})


def golden(kind, name, driver):
    prefix = f"{kind}/{name}/{driver}/"
    return {k[len(prefix) :]: v for k, v in GOLDENS.items() if k.startswith(prefix)}


def track(kps, size):
    return PoseTrack(kps[..., :2].copy(), kps[..., 2].copy(), (int(size[0]), int(size[1])))


def driver_and_reference(kind, name, driver):
    found = golden(kind, name, driver)
    return track(DRIVERS[driver], DRIVERS[driver + "_size"]), track(found["ref"][None], found["size"]), found


def standing(body):
    points, _ = synth_person.project(synth_person.make_rest(body)[None], 832, 480)
    return PoseTrack(points.astype(np.float32), np.full((1, 133), 0.9, np.float32), (832, 480))


def assert_is(made, found):
    """Wan's twenty joints and both hands; its 'left' hand is the person's right one."""
    of_body = WAN_TO_BODY | {18: 17, 19: 20}
    joints = sorted(of_body)
    body = made.points[:, [of_body[j] for j in joints]]
    assert np.abs(body - found["body"][:, joints]).max() < 1e-3  # px; float32 at some thousand px
    neck = made.points[:, [5, 6]].astype(float).mean(1)
    assert np.abs(neck - found["body"][:, 1]).max() < 1e-3
    for span, name in ((RIGHT_HAND, "lhand"), (LEFT_HAND, "rhand")):
        seen = made.scores[:, span] > 0
        assert np.array_equal(seen, ~(found[name] == -1).all(-1))
        assert np.array_equal(made.points[:, span][seen], found[name][seen])


@pytest.mark.parametrize(("name", "driver"), [c for c in cases_of("wan") if not c[0].endswith("edit")])
def test_wan_as_published_is_equal_to_the_original(name, driver):
    driving, reference, found = driver_and_reference("wan", name, driver)
    plan = plan_retarget(driving, reference, rate=24, mode="wan", smooth=0)
    assert_is(plan.track(0, 48), found)


def test_wan_with_edited_standard_poses_is_equal_to_the_original():
    driving, reference, found = driver_and_reference("wan", "adult_to_child_edit", "adult")
    plan = WanRetarget(driving, reference, rate=24.0, edited=(standing("adult"), standing("child")))
    assert_is(plan.track(0, 48), found)


def test_all_goldens_of_wan_are_tried():
    assert len(cases_of("wan")) == 8


@pytest.mark.parametrize(("name", "driver"), cases_of("mimic"))
def test_mimicmotions_fit_is_equal_to_the_original(name, driver):
    driving, reference, found = driver_and_reference("mimic", name, driver)
    made = plan_retarget(driving, reference, rate=24, mode="mimicmotion", smooth=0).track(0, 48)
    body, _ = openpose_body(made.points, made.scores, made.size)
    unit = made.points / np.array(made.size)
    assert np.abs(body - found["body"]).max() < 1e-6  # of the picture's width; float32
    assert np.abs(unit[::8, 23:91] - found["faces"][:, 0]).max() < 1e-6
    # DWPose hands on left hands first, then right ones
    assert np.abs(np.stack([unit[::8, LEFT_HAND], unit[::8, RIGHT_HAND]], 1) - found["hands"]).max() < 1e-6


@pytest.mark.parametrize("name", ["plain", "missing", "two_people"])
def test_the_linear_fit_of_given_joints_is_equal_to_the_original(name):
    found = {k.removeprefix(f"rescale/{name}."): v for k, v in GOLDENS.items() if k.startswith(f"rescale/{name}.")}
    height, width, driving_height, driving_width = (int(n) for n in found["sizes"])
    joints = [j for j in FITTED if found["ref.subset"][0, j] >= 0]
    frames = sorted(int(k.split(".")[1]) for k in found if k.startswith("in.") and k.endswith(".body"))
    alone = np.stack([b for b in (found[f"in.{f}.body"] for f in frames) if len(b) == 18])[:, joints]
    slope, intercept = linear_fit(
        alone, np.ones(alone.shape[:2], bool), found["ref.body"][joints], ((driving_width, driving_height), (width, height))
    )  # fmt: skip
    for f in frames:  # everybody is moved, those who were not alone too
        assert np.abs(found[f"in.{f}.body"] * slope + intercept - found[f"out.{f}.body"]).max() < 1e-9


def test_no_retargeting_is_the_driver_letterboxed():
    driver, character, _, _ = case("D side view")
    plan = plan_retarget(driver, character, rate=24, mode="none", smooth=0)
    made, scale = plan.track(0, 48), 832 / 1280
    assert made.size == character.size and plan.ratios == {}
    bars = (480 - 720 * scale) / 2
    expected = (driver.points + 0.5) * scale - 0.5 + [0, bars]
    assert np.abs(made.points - expected).max() < 1e-3
    assert np.array_equal(made.scores, driver.scores)


@pytest.mark.parametrize("mode", [m for m in MODES if m != "ours"])
def test_any_stretch_of_a_published_way_gives_the_same_bits(mode):
    driver, character, _, _ = case("A adult to child", frames=300)
    plan = plan_retarget(hide(driver, slice(100, 120), [9, *range(91, 112)]), character, rate=24, mode=mode)
    track = plan.track(0, 300)
    for start, stop in ((0, 1), (250, 270), (99, 300), (5, 5)):
        piece = plan.track(start, stop)
        assert np.array_equal(piece.points, track.points[start:stop])
        assert np.array_equal(piece.scores, track.scores[start:stop])
    assert 0 <= plan.report["in_frame"] <= 1


@pytest.mark.parametrize("joints", [slice(13, 17), [7, 9], [8, 9, 10, 14, 16, 20, 21, 22], slice(15, 23), slice(1, 5)])
@pytest.mark.parametrize("mode", ["wan", "mimicmotion"])
def test_joints_of_score_zero_do_not_spoil_the_published_ways(mode, joints):
    """Their place means nothing, so wherever it lies the rest comes out the same."""
    driver, character, _, _ = case("A adult to child", gaps=False)
    gone = hide(driver, slice(None), joints)
    elsewhere = gone.points.copy()
    elsewhere[:, joints] = 5000.0
    for pose in (character, hide(character, slice(None), joints)):
        a = plan_retarget(gone, pose, rate=24, mode=mode, smooth=0).track(0, 48)
        b = plan_retarget(replace(gone, points=elsewhere), pose, rate=24, mode=mode, smooth=0).track(0, 48)
        assert np.array_equal(a.points[a.scores > 0], b.points[b.scores > 0])
        assert np.array_equal(a.scores, b.scores)
        assert (a.scores[:, [5, 6]] > 0).all()
        assert np.abs(a.points[a.scores > 0]).max() < 2000


def test_a_driver_who_comes_late_is_measured_where_he_is_first_seen():
    driver, character, _, _ = case("A adult to child", gaps=False)
    late = hide(driver, slice(0, 10), slice(None))
    made = plan_retarget(late, character, rate=24, mode="wan", smooth=0).track(0, 48)
    alone = plan_retarget(driver.cut(10, 48), character, rate=24, mode="wan", smooth=0).track(0, 38)
    assert not made.scores[:10].any() and np.array_equal(made.points[10:], alone.points)


def test_nobody_to_measure_is_told_in_one_line():
    driver, character, _, _ = case("A adult to child")
    nobody = hide(driver, slice(None), slice(None))
    with pytest.raises(NoPersonFound, match="48 frames"):
        plan_retarget(nobody, character, rate=24, mode="wan")
    with pytest.raises(NoPersonFound, match="the character shows no shoulders"):
        plan_retarget(driver, hide(character, slice(None), [5, 6]), rate=24, mode="wan")
    for a, b in ((nobody, character), (driver, hide(character, slice(None), slice(None)))):
        with pytest.raises(NoPersonFound, match="both show"):
            plan_retarget(a, b, rate=24, mode="mimicmotion")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"mode": "best"}, "ours, wan, mimicmotion, none"),
        ({"place": "left"}, "character, driver"),
        ({"match": "feet"}, "height, torso, none"),
        ({"mode": "wan", "factor": 1.2}, "mode 'ours' has one"),
        ({"mode": "wan", "ratios": {"torso": 1.0}}, "mode 'ours' does"),
        ({"mode": "mimicmotion", "place": "driver"}, "modes 'ours' and 'none'"),
    ],
)
def test_what_a_way_cannot_do_is_said(asked, told):
    driver, character, _, _ = case("A adult to child")
    with pytest.raises(UsageError, match=told):
        plan_retarget(driver, character, rate=24, **asked)
