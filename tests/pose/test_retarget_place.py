"""The character in the driver's place, on another canvas, and kept inside: what replacing a person needs."""

from __future__ import annotations

import numpy as np
import pytest
from retarget_cases import CASES, CORE, FEET, case, driver_of, group_lengths, hide, slide, whole

from motion_transfer.core import PoseTrack
from motion_transfer.pose.placing import largest_that_fits, letterbox, on_canvas
from motion_transfer.pose.retarget import plan_retarget

STANDING = [n for n in CASES if n[0] in "ACF"]


def in_drivers_place(name, **changes):
    driver, character, _, contact = case(name, gaps=False)
    plan = plan_retarget(driver, character, rate=24, place="driver", **changes)
    return driver, character, contact, plan


def height_of(points):
    return np.ptp(points[0, :, 1])


@pytest.mark.parametrize("name", [n for n in CASES if n[0] in "ABCF"])
def test_the_build_is_the_characters_and_the_size_the_drivers(name):
    driver, character, _, plan = in_drivers_place(name)
    track = whole(plan)
    assert track.size == driver.size
    ours, own = group_lengths(track.points), group_lengths(character.points)
    ratios = np.array([ours[g] / own[g] for g in CORE])
    assert np.abs(ratios / np.median(ratios) - 1).max() < 0.02
    # A head's share above the nose is not measured: a chibi's is twice an adult's
    assert abs(height_of(track.points) / height_of(driver.points) - 1) < (0.12 if "chibi" in name else 0.04)


def test_matching_the_torso_makes_torsos_equal():
    for name in STANDING:
        driver, _, _, plan = in_drivers_place(name, match="torso")
        torsos = [group_lengths(p)["torso"] for p in (whole(plan).points, plan.driver(0, 48).points)]
        assert abs(torsos[0] / torsos[1] - 1) < 0.02
        assert plan.ratios["torso"] == pytest.approx(1.0)
        assert driver.size == plan.size


def test_matching_nothing_keeps_the_pictures_pixels():
    _, character, _, plan = in_drivers_place("A adult to child", match="none")
    ours, own = group_lengths(whole(plan).points), group_lengths(character.points)
    assert all(abs(ours[g] / own[g] - 1) < 0.02 for g in CORE)


@pytest.mark.parametrize("name", STANDING)
def test_feet_stand_where_the_drivers_stand(name):
    driver, _, contact, plan = in_drivers_place(name)
    track, given = whole(plan), plan.driver(0, 48)
    height = height_of(driver.points)
    middles = np.abs(track.points[:, [15, 16]].mean(1) - given.points[:, [15, 16]].mean(1))
    # in x they are the driver's; in y a foot of another size holds its ankle higher or lower
    assert middles[:, 0].max() < 0.01 * height and middles[:, 1].max() < 0.03 * height
    soles = np.abs(track.points[:, FEET, 1].max(1) - given.points[:, FEET, 1].max(1))
    assert soles.max() < 0.02 * height and soles[0] < 0.01
    assert slide(track, driver, contact) < 1.5  # measured 1.4, 0.7, 0.6 % of the height


def test_nothing_drifts_away_from_a_driver_who_walks_far():
    """By similarity alone a child's steps would lead it half a body away from who it replaces."""
    driver, character, _, _ = case("A adult to child", frames=240, gaps=False)
    plan = plan_retarget(driver, character, rate=24, place="driver")
    away = whole(plan).points[:, [15, 16], 0].mean(1) - plan.driver(0, 240).points[:, [15, 16], 0].mean(1)
    assert np.abs(away).max() < 0.015 * height_of(driver.points)
    assert np.ptp(driver.points[:, 0, 0]) > height_of(driver.points)  # who does walk far


def test_a_short_legged_character_does_not_tremble():
    driver, character, _, _ = case("B adult to chibi", gaps=False)
    plan = plan_retarget(driver, character, rate=24, place="driver")
    jerks = [np.diff(t.points[:, :17].astype(float), 3, axis=0) for t in (whole(plan), plan.driver(0, 48))]
    body = [np.sqrt((j[:, 5:] ** 2).mean()) for j in jerks]
    assert body[0] < 1.3 * body[1]  # a large head on the neck swings more; below it there is no excuse


def test_every_shot_is_played_where_and_as_large_as_its_driver():
    a, character, _, _ = case("A adult to child", gaps=False)
    b, _ = driver_of(first=20, frames=40, px_per_m=140.0, cx=0.7, gaps=False)  # farther away, elsewhere
    both = PoseTrack(np.concatenate([a.points, b.points]), np.concatenate([a.scores, b.scores]), a.size)
    plan = plan_retarget(both, character, rate=24, cuts=(48,), place="driver")
    track, given = whole(plan), plan.driver(0, 88)
    for first in (0, 48):
        theirs, ours = given.points[first], track.points[first]
        assert abs(ours[[15, 16], 0].mean() - theirs[[15, 16], 0].mean()) < 4
        assert abs(ours[FEET, 1].max() - theirs[FEET, 1].max()) < 0.01
    sizes = [group_lengths(track.points[s])["torso"] for s in (slice(0, 48), slice(48, 88))]
    assert abs(sizes[1] / sizes[0] - 140.0 / case_px_per_m(a)) < 0.05


def case_px_per_m(driver):
    """The first walker's px per metre: an adult's torso is half a metre."""
    return group_lengths(driver.points)["torso"] / group_lengths(driver_of(px_per_m=100.0)[0].points)["torso"] * 100.0


@pytest.mark.parametrize("hidden", [slice(11, 23), slice(13, 23)])
@pytest.mark.parametrize("match", ["height", "torso"])
def test_a_driver_without_legs_gives_the_neck(hidden, match):
    driver, character, _, _ = case("B adult to chibi", gaps=False)
    half = hide(driver, slice(None), hidden)
    plan = plan_retarget(half, character, rate=24, place="driver", match=match)
    necks = [t.points[:, [5, 6]].astype(float).mean(1) for t in (whole(plan), plan.driver(0, 48))]
    assert np.abs(necks[0] - necks[1]).max() < 0.01
    assert np.isfinite(whole(plan).points).all()


@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_the_factor_leaves_the_figure_on_the_drivers_ground(factor):
    driver, _, _, plan = in_drivers_place("A adult to child", factor=factor)
    track = whole(plan)
    soles = track.points[:, FEET, 1].max(1) - plan.driver(0, 48).points[:, FEET, 1].max(1)
    assert np.abs(soles).max() < 0.02 * height_of(driver.points)


def test_blocks_join_without_a_seam_in_the_drivers_place():
    driver, character, _, _ = case("B adult to chibi", frames=400)
    plan = plan_retarget(driver, character, rate=24, place="driver")
    points, _ = plan._shot(200, 300)
    assert np.abs(points - plan.track(200, 300).points).max() < 1e-3


# canvases -----------------------------------------------------------------------------------------


def test_a_letterbox_is_whole_and_centred():
    assert letterbox((1280, 720), (640, 640)) == (0.5, 0.0, 140.0)
    assert letterbox((480, 832), (832, 480)) == pytest.approx((480 / 832, (832 - 480 * 480 / 832) / 2, 0.0))


@pytest.mark.parametrize(("place", "sized"), [("character", 1), ("driver", 0)])
@pytest.mark.parametrize("mode", ["ours", "none"])
def test_a_canvas_changes_nothing_but_the_frame(mode, place, sized):
    """Planned on a canvas of twice the size, the result is the plain one, letter-boxed."""
    driver, character, _, _ = case("A adult to child", gaps=False)
    plain = plan_retarget(driver, character, rate=24, mode=mode, place=place)
    canvas = (2 * (driver, character)[sized].size[0], 2 * (driver, character)[sized].size[1])
    large = plan_retarget(driver, character, rate=24, mode=mode, place=place, canvas=canvas)
    assert large.size == canvas
    assert np.abs(whole(large).points - on_canvas(whole(plain), canvas).points).max() < 0.02  # float32, scaled twice


@pytest.mark.parametrize("mode", ["wan", "mimicmotion"])
def test_published_ways_stand_on_the_letterboxed_character(mode):
    driver, character, _, _ = case("A adult to child", gaps=False)
    plain = plan_retarget(driver, character, rate=24, mode=mode)
    large = plan_retarget(driver, character, rate=24, mode=mode, canvas=(1664, 960))
    body = list(range(17))
    assert (
        np.abs(whole(large).points - on_canvas(whole(plain), (1664, 960)).points)[:, body].max() < 1.5
    )  # int() inside


# inside -------------------------------------------------------------------------------------------


def test_fit_brings_98_percent_inside_and_keeps_the_ground():
    driver, character, _, _ = case("D side view")  # walks out of the picture
    plain = plan_retarget(driver, character, rate=24)
    assert plain.report["in_frame"] < 0.9 and "fit" not in plain.report
    plan = plan_retarget(driver, character, rate=24, fit=True)
    assert plan.report["in_frame"] >= 0.98 and 0.25 <= plan.report["fit"] < 1
    before, after = whole(plain).points, whole(plan).points
    assert abs(after[0, FEET, 1].max() - before[0, FEET, 1].max()) < 0.01
    shapes = [p[:, :23] - p[:, :1] for p in (before, after)]
    assert np.abs(shapes[1] - plan.report["fit"] * shapes[0]).max() < 0.01  # a similarity, nothing else
    assert plain.fit() == plan.report["fit"] and np.array_equal(whole(plain).points, after)


def test_fit_leaves_alone_what_is_inside():
    driver, character, _, _ = case("A adult to child")
    plan = plan_retarget(driver, character, rate=24)
    before = whole(plan)
    assert plan.fit() == 1.0 and np.array_equal(whole(plan).points, before.points)


def test_fit_finds_the_largest_scale():
    points = np.array([[100.0, 50.0]] * 99 + [[1000.0, 50.0]])
    assert largest_that_fits(points, np.array([10.0, 50.0]), (56, 100)) == pytest.approx(0.5)
    assert largest_that_fits(np.zeros((0, 2)), np.zeros(2), (56, 100)) == 1.0


def test_fit_of_an_empty_clip_does_nothing():
    driver, character, _, _ = case("A adult to child")
    plan = plan_retarget(hide(driver, slice(None), slice(0, 23)), character, rate=24, mode="none", fit=True)
    assert plan.report["in_frame"] == 0.0
