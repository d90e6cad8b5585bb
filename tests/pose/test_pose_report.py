"""The report tells a good retargeting from a bad one without knowing the truth; the preview shows what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from retarget_cases import case, hide

from motion_transfer.core import PoseTrack
from motion_transfer.pose.pose_report import pose_report
from motion_transfer.pose.retarget import MODES, plan_retarget
from motion_transfer.pose.retarget_preview import preview_moments, ratio_table, retarget_strip


@pytest.fixture(scope="module")
def walk():
    driver, character, _, _ = case("A adult to child")
    return driver, character


class Spoiled:
    """A plan whose result is changed on its way out."""

    def __init__(self, plan, change):
        self._plan, self._change = plan, change

    def __getattr__(self, name):
        return getattr(self._plan, name)

    def track(self, start, stop, **_):
        track = self._plan.track(start, stop)
        points = track.points.copy()
        self._change(points, np.arange(start, stop))
        return replace(track, points=points)


def marks(report):
    return [line[2:].split()[0] for line in report.lines() if line.startswith("! ")]


def test_a_good_retargeting_has_nothing_to_look_at(walk):
    report = pose_report(plan_retarget(*walk, rate=24))
    assert marks(report) == []
    assert report.inside > 0.99 and report.proportions < 0.01 and report.hand_gap < 1e-4
    assert report.stance_slide < report.driver_stance_slide + 0.002 and report.ground < 0.01
    assert 0.8 < report.jerk < 1.25 and report.turned_degrees < 0.1
    assert 0.0 < report.from_reference < 0.1  # the walker's first step against a standing pose


SPOILS = {
    "in": lambda p, t: np.add(p, [[[500.0, 0.0]]], out=p, casting="unsafe"),
    "bones": lambda p, t: p.__setitem__((slice(None), [9, 10]), 2 * p[:, [9, 10]] - p[:, [7, 8]]),
    "limbs": lambda p, t: p.__setitem__((..., slice(None)), p @ np.float32([[0.95, 0.3], [-0.3, 0.95]])),
    "standing": lambda p, t: np.add(p, np.stack([5.0 * t, 0 * t], -1)[:, None], out=p, casting="unsafe"),
    "the": lambda p, t: np.add(p, np.stack([0 * t, 20 * np.sin(t / 5)], -1)[:, None], out=p, casting="unsafe"),
    "unrest": lambda p, t: np.add(p, (3 * (-1.0) ** t)[:, None, None], out=p, casting="unsafe"),
    "hands": lambda p, t: p[:, 91:].__iadd__(25),
}


@pytest.mark.parametrize("fault", SPOILS)
def test_each_fault_is_marked(walk, fault):
    plan = plan_retarget(*walk, rate=24)
    assert fault in marks(pose_report(Spoiled(plan, SPOILS[fault])))


def test_proportions_tell_the_ways_apart():
    driver, character, _, _ = case("B adult to chibi")
    off = {m: pose_report(plan_retarget(driver, character, rate=24, mode=m)).proportions for m in MODES}
    assert off["ours"] < 0.02 < off["wan"] < off["mimicmotion"]
    assert off["mimicmotion"] == pytest.approx(off["none"], abs=1e-3)  # neither changes a proportion


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("mode", ["ours", "none"])
def test_short_and_empty_clips_have_a_report(mode, frames):
    driver, character, _, _ = case("A adult to child", frames=frames, gaps=False)
    lines = pose_report(plan_retarget(driver, character, rate=24, mode=mode)).lines()
    assert lines and not any("nan" in line for line in lines)
    if mode == "none":
        nobody = hide(driver, slice(None), slice(None))
        assert pose_report(plan_retarget(nobody, character, rate=24, mode=mode)).lines() == []


def test_nothing_is_measured_across_a_cut(walk):
    driver, character = walk
    jump = PoseTrack(
        np.concatenate([driver.points, driver.points + np.float32([120, 0])]),
        np.concatenate([driver.scores] * 2), (1400, 480)
    )  # fmt: skip
    cut = pose_report(plan_retarget(jump, character, rate=24, cuts=(48,), mode="none"))
    through = pose_report(plan_retarget(jump, character, rate=24, mode="none", smooth=0))
    assert cut.stance_slide < 0.02 and cut.jerk == pytest.approx(1.0, abs=0.01)
    assert through.driver_ground == pytest.approx(cut.driver_ground, abs=0.01)


# the picture --------------------------------------------------------------------------------------


def picture(size=(320, 240), value=200):
    return np.full((size[1], size[0], 3), value, np.uint8)


def test_moments_are_spread_over_the_clip():
    assert preview_moments(48, 4) == [0, 16, 31, 47]
    assert preview_moments(2, 8) == [0, 1] and preview_moments(1, 3) == [0]


def test_the_strip_has_a_row_for_the_driver_and_each_way(walk):
    driver, character = walk
    plans = {m: plan_retarget(driver, character, rate=24, mode=m) for m in MODES}
    strip = retarget_strip(picture(character.size), plans, 3)
    rows = strip.shape[0] // 5
    assert strip.shape[0] == 5 * rows and strip.dtype == np.uint8
    tile = strip.shape[1] // 4
    assert strip.shape[1] == 4 * tile and abs(tile / rows - 832 / 480) < 0.02
    assert (strip[:rows, :tile] == 200).mean() > 0.9  # the character as it is
    for row in range(1, 5):  # behind the skeletons it steps back
        assert (strip[row * rows : (row + 1) * rows] == 90).mean() > 0.8


def test_the_strip_shows_the_skeleton_of_that_moment(walk):
    driver, character = walk
    plan = plan_retarget(driver, character, rate=24)
    strip = retarget_strip(picture(character.size), {"ours": plan}, 2)
    rows, tile = strip.shape[0] // 2, strip.shape[1] // 3
    for column, frame in ((1, 0), (2, 47)):
        x, y = plan.track(frame, frame + 1).points[0, 8] * rows / 480
        assert np.ptp(strip[rows + round(float(y)), column * tile + round(float(x))]) > 30  # a colour, not the picture


def test_in_the_drivers_place_the_drivers_frames_lie_behind(walk):
    driver, character = walk
    plan = plan_retarget(driver, character, rate=24, place="driver")
    frames = [picture((64, 36), 100 + 50 * k) for k in range(2)]
    strip = retarget_strip(picture((100, 200)), {"ours": plan}, 2, frames)
    rows, tile = strip.shape[0] // 2, strip.shape[1] // 3
    for column in (1, 2):
        dimmed = int((100 + 50 * (column - 1)) * 0.45)
        for row in (0, 1):
            part = strip[row * rows : (row + 1) * rows, column * tile : (column + 1) * tile]
            assert (np.abs(part.astype(int) - dimmed) <= 1).mean() > 0.7


def test_many_pictures_stay_within_a_page(walk):
    driver, character = walk
    strip = retarget_strip(picture(), {"ours": plan_retarget(driver, character, rate=24)}, 24)
    assert strip.shape[1] <= 2600 and strip.shape[0] < 400


def test_the_table_names_every_ratio(walk):
    table = ratio_table(plan_retarget(*walk, rate=24))
    assert "upper_arm" in table and "in_frame" in table
    assert "bones as the driver's" in ratio_table(plan_retarget(*walk, rate=24, mode="none"))
