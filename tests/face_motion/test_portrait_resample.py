"""Motion at other moments and over gaps; which frame counts as rest."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_motion import LIP_POINTS, PortraitMotion, rotation_from_degrees
from motion_transfer.face_motion.portrait_reference import reference_frame, unrest
from motion_transfer.face_motion.portrait_resample import bridge, cuts_at_rate, resample, resample_rate
from motion_transfer.face_motion.portrait_rotation import angle_between_degrees


def turning(frames, degrees_a_frame=2.0):
    """A head that turns, grows and opens its mouth steadily."""
    t = np.arange(frames, dtype=np.float32)
    still = np.zeros(frames)
    return PortraitMotion(
        (1.3 * 1.01 ** t[:, None]).astype(np.float32),
        rotation_from_degrees(still, degrees_a_frame * t - 30, still),
        (0.001 * t[:, None, None] * np.ones((1, 21, 3))).astype(np.float32),
        (0.01 * t[:, None] * np.ones((1, 3))).astype(np.float32),
        (0.01 * t[:, None] * np.ones((1, 2))).astype(np.float32),
        (0.02 * t[:, None]).astype(np.float32),
    )


def same(a, b, tolerance=1e-6):
    return all(np.abs(v - b.__dict__[n]).max() <= tolerance for n, v in a.__dict__.items())


def test_a_steady_motion_stays_steady_at_another_rate():
    out = resample_rate(turning(41), 20, 50)
    assert out.num_frames == 102  # 2.05 s
    turns = angle_between_degrees(out.rotation[1:101], out.rotation[:100])
    assert np.allclose(turns, 2 * 20 / 50, atol=1e-3)  # float32 matrices
    assert np.allclose(np.diff(np.log(out.scale[:101, 0])), np.log(1.01) * 20 / 50, atol=1e-6)
    assert np.allclose(np.diff(out.lip_ratio[:101, 0]), 0.02 * 20 / 50, atol=1e-6)


def test_frames_that_fall_on_frames_are_not_touched():
    motion = turning(31)
    assert resample_rate(motion, 25, 25) is motion
    doubled = resample_rate(motion, Fraction(30000, 1001), Fraction(60000, 1001))
    assert same(doubled.at(slice(0, None, 2)), motion, 0)
    assert same(resample_rate(motion, 30, 10), motion.at(slice(0, 30, 3)), 0)


def test_a_motion_is_held_before_and_after_itself_and_never_blended_across_a_cut():
    motion = turning(4)
    out = resample(motion, [1, 2, 3, 4], [0.0, 2.5, 9.0])
    assert same(out.at([0, 2]), motion.at([0, 3]), 0) and np.isclose(out.translation[1, 0], 0.015)
    assert same(resample(motion, [1, 2, 3, 4], [2.5], cuts=(2,)), motion.at([1]), 0)
    assert cuts_at_rate((2, 10), 20, 50) == (5, 25) and cuts_at_rate((3,), 30, 20) == (2,)
    with pytest.raises(UsageError, match="as many growing times"):
        resample(motion, [1, 2, 2, 4], [0.0])


def test_frames_without_a_face_lie_on_the_way_between_their_neighbours():
    motion, seen = turning(20), np.ones(20, bool)
    seen[[0, 1, 8, 9, 10, 19]] = False
    broken = replace(motion, expression=np.where(seen[:, None, None], motion.expression, np.float32(9)))
    out = bridge(broken, seen)
    assert same(out.at(seen), motion.at(seen), 0)
    assert same(out.at([8, 9, 10]), motion.at([8, 9, 10]), 1e-5)  # the motion was steady, so the way is the motion
    assert same(out.at([0, 1, 19]), motion.at([2, 2, 18]), 0)


def test_no_bridge_spans_a_cut():
    motion, seen = turning(20), np.ones(20, bool)
    seen[8:13] = False
    out = bridge(motion, seen, cuts=(10,))
    assert same(out.at([8, 9, 10, 12]), motion.at([7, 7, 13, 13]), 0)
    seen[10:] = False
    assert same(bridge(motion, seen, cuts=(10,)).at([15]), motion.at([7]), 0)
    with pytest.raises(UsageError, match="No frame of this clip shows a face"):
        bridge(motion, np.zeros(20, bool))


def resting(frames=30):
    motion = turning(frames, 0.0)
    return replace(
        motion,
        rotation=np.repeat(np.eye(3, dtype=np.float32)[None], frames, axis=0),
        expression=np.zeros((frames, 21, 3), np.float32),
        eye_ratio=np.full((frames, 2), 0.3, np.float32),
        lip_ratio=np.full((frames, 1), 0.3, np.float32),
    )


def test_the_frame_with_a_shut_mouth_and_open_lids_is_rest():
    motion = resting()
    motion.lip_ratio[[7, 12]] = 0.01
    motion.eye_ratio[7] = 0.02  # shut, but in the middle of a blink
    assert reference_frame(motion) == 12
    motion.lip_ratio[:] = 0.02
    assert reference_frame(motion) == 0  # none better than the first


def test_of_equal_faces_the_one_turned_as_the_source_is_rest():
    motion = turning(30)
    motion = replace(motion, eye_ratio=resting().eye_ratio, lip_ratio=resting().lip_ratio)
    assert reference_frame(motion, motion.rotation[21]) == 21
    assert abs(reference_frame(motion) - 15) <= 1  # straight ahead


def test_without_ratios_the_expression_of_the_lips_tells():
    motion = replace(resting(), eye_ratio=None, lip_ratio=None)
    motion.expression[:, list(LIP_POINTS)] = 0.03
    motion.expression[19, list(LIP_POINTS)] = 0.0
    assert reference_frame(motion) == 19 and unrest(motion).shape == (30,)


def test_the_rest_of_a_recorded_driver_has_a_shut_mouth_and_lids_as_usual():
    templates, _ = goldens.recorded("driving_templates")
    for name in ("d5", "d7", "d8", "d1", "d2"):  # those with ratios
        motion = goldens.driver(templates, name)
        found = reference_frame(motion)
        print(name, found, motion.lip_ratio[found, 0], np.median(motion.lip_ratio))
        assert motion.lip_ratio[found, 0] < 0.03  # what the authors' program calls shut
        assert abs(motion.eye_ratio[found].mean() - np.median(motion.eye_ratio.mean(axis=1))) < 0.08
