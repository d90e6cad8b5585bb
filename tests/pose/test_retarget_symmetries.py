"""What must not matter to retargeting: size, place and mirror image of the clip, and in which pieces it is asked for."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retarget_cases import case, hide, mirrored, whole

from motion_transfer.core import WHOLE_BODY, PoseTrack
from motion_transfer.pose.retarget import plan_retarget

FACTORS = st.sampled_from([0.6, 1.0, 1.7])
NAMES = st.sampled_from(["A adult to child", "B adult to chibi", "D side view"])
CLOSE_PX = 0.01  # float32 points a thousand pixels from the origin, scaled by up to five


@settings(max_examples=5, deadline=None)
@given(name=NAMES, factor=FACTORS, scale=st.floats(0.3, 4.0))
def test_a_larger_driving_video_gives_the_same(name, factor, scale):
    driver, character, _, _ = case(name)
    larger = PoseTrack(
        (driver.points * np.float64(scale)).astype(np.float32),
        driver.scores,
        tuple(int(n * scale + 1) for n in driver.size),
    )
    a = whole(plan_retarget(driver, character, rate=24, factor=factor))
    b = whole(plan_retarget(larger, character, rate=24, factor=factor))
    assert np.abs(a.points - b.points).max() < CLOSE_PX or name == "D side view"  # D leaves the frame at its edge


@settings(max_examples=5, deadline=None)
@given(name=NAMES, factor=FACTORS)
def test_mirroring_both_mirrors_the_result(name, factor):
    driver, character, _, _ = case(name)
    plan = plan_retarget(driver, character, rate=24, factor=factor)
    other = plan_retarget(mirrored(driver), mirrored(character), rate=24, factor=factor)
    assert np.abs(whole(plan).points - mirrored(whole(other)).points).max() < CLOSE_PX
    face, faces = plan.face_in_rest(0, 48), other.face_in_rest(0, 48)
    faces[..., 0] = character.size[0] - 1 - faces[..., 0]
    assert np.abs(face - faces[:, [WHOLE_BODY.mirror[23 + k] - 23 for k in range(68)]]).max() < CLOSE_PX


@settings(max_examples=5, deadline=None)
@given(factor=FACTORS, x=st.integers(0, 300), y=st.integers(0, 300))
def test_where_the_driver_is_in_the_frame_changes_nothing(factor, x, y):
    driver, character, _, _ = case("A adult to child")
    large = replace(driver, size=(1400, 900))
    moved = replace(large, points=driver.points + np.float32([x, y]))
    a = whole(plan_retarget(large, character, rate=24, factor=factor))
    b = whole(plan_retarget(moved, character, rate=24, factor=factor))
    assert np.abs(a.points - b.points).max() < CLOSE_PX


@pytest.mark.parametrize("factor", [1.0, 0.6])
def test_any_stretch_gives_the_same_bits(factor):
    driver, character, _, _ = case("A adult to child", frames=540)
    driver = hide(driver, slice(240, 300), [7, 9])
    plan = plan_retarget(driver, character, rate=24, cuts=(333,), factor=factor)
    track, faces = whole(plan), plan.face_in_rest(0, 540)
    other = plan_retarget(driver, character, rate=24, cuts=(333,), factor=factor)
    for start, stop in ((539, 540), (255, 258), (300, 400), (0, 1), (17, 520), (40, 40)):
        piece = other.track(start, stop)
        assert np.array_equal(piece.points, track.points[start:stop])
        assert np.array_equal(piece.scores, track.scores[start:stop])
        assert np.array_equal(other.face_in_rest(start, stop), faces[start:stop])


def test_blocks_join_without_a_seam():
    """What lies at the end of one block and the start of the next is made with the same surroundings."""
    driver, character, _, _ = case("A adult to child", frames=400)
    plan = plan_retarget(driver, character, rate=24, factor=0.8)
    points, _ = plan._shot(200, 300)
    assert np.abs(points - plan.track(200, 300).points).max() < 1e-3


@pytest.mark.parametrize("minutes", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_long_clips_need_little_memory(minutes):
    short, character, _, _ = case("A adult to child", frames=240)
    times = 6 * minutes
    long = PoseTrack(np.tile(short.points, (times, 1, 1)), np.tile(short.scores, (times, 1)), short.size)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    plan = plan_retarget(long, character, rate=24)
    kept = tracemalloc.get_traced_memory()[0] - before
    for start in (0, long.num_frames // 3, long.num_frames - 300):
        plan.track(start, start + 256)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    # measured: 146 bytes a frame (angles, middles, path, scale) against the track's own 1,596
    assert kept < 0.1e6 + 200 * long.num_frames
    assert peak < 15e6
