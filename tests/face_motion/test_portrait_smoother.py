"""The smoother against the recorded one, and why the driver alone is smoothed."""

from __future__ import annotations

import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_motion import EYE_POINTS, LIP_POINTS, PortraitMotion, key_points
from motion_transfer.face_motion.portrait_rotation import angle_between_degrees, turn_matrices
from motion_transfer.face_motion.portrait_smoother import noise_of_sigma, random_walk, smooth
from motion_transfer.face_motion.portrait_transfer import transfer

VARIANCES = ("3e-07", "3e-06", "3e-05", "0.001")
ROUNDING = 1e-6  # float32 of values below 1


def shaking(frames, seed=0):
    random = np.random.default_rng(seed)
    return PortraitMotion(
        (1.3 + 0.01 * random.normal(size=(frames, 1))).astype(np.float32),
        turn_matrices(random.normal(0, 0.05, (frames, 3))).astype(np.float32),
        random.normal(0, 0.01, (frames, 21, 3)).astype(np.float32),
        random.normal(0, 0.01, (frames, 3)).astype(np.float32),
    )


def test_the_smoother_is_the_recorded_one():
    recording = goldens.bundled("smooth")
    for variance in VARIANCES:
        error = random_walk(recording["noise"], float(variance)) - recording[f"noise/{variance}"]
        assert np.abs(error).max() < ROUNDING, variance
    for frames in (2, 3):
        error = random_walk(recording["noise"][:frames], 3e-5) - recording[f"noise_first{frames}/3e-05"]
        assert np.abs(error).max() < ROUNDING
    assert np.array_equal(random_walk(recording["noise"][:1], 3e-5), recording["noise"][:1])


def test_the_smoother_is_the_recorded_one_on_recordings_of_people():
    recording, _ = goldens.recorded("smooth")
    templates, _ = goldens.recorded("driving_templates")
    for name, values in (("R", templates["shake_face/R"][:60]), ("exp", templates["d5/exp"][:60])):
        for variance in VARIANCES:
            assert np.abs(random_walk(values, float(variance)) - recording[f"{name}/{variance}"]).max() < ROUNDING


@pytest.mark.parametrize("sigma", [1.0, 2.45, 5.0])
def test_the_answer_to_one_spike_has_the_deviation_that_was_asked_for(sigma):
    spike = np.zeros((201, 1))
    spike[100] = 1
    answer = random_walk(spike, noise_of_sigma(sigma))[:, 0]
    away = np.arange(-100, 101)
    assert abs(answer.sum() - 1) < 0.01
    assert abs(np.sqrt((answer * away**2).sum() / answer.sum()) / sigma - 1) < 0.02
    assert np.allclose(answer, answer[::-1], atol=1e-4)  # no lag


def test_no_strength_gives_back_what_came_in_and_more_strength_shakes_less():
    motion = shaking(60)
    assert smooth(motion, 25, 0) is motion
    left = []
    for strength in (0, 1, 2, 5, 10):
        out = smooth(motion, 25, strength)
        turns = angle_between_degrees(out.rotation[1:], out.rotation[:-1])
        left.append([turns.mean(), goldens.jitter(out.scale), goldens.jitter(out.translation), goldens.jitter(out.expression)])  # fmt: skip
        assert np.allclose(out.rotation @ np.swapaxes(out.rotation, 1, 2), np.eye(3), atol=1e-6)
    assert (np.diff(left, axis=0) < 0).all()


def test_blinks_and_lips_are_smoothed_less_than_the_rest():
    still = shaking(60)
    jump = np.zeros((60, 21, 3), np.float32)
    jump[30] = 1
    out = smooth(PortraitMotion(still.scale, still.rotation, jump, still.translation), 25, 4).expression[30, :, 0]
    few = [k for k in range(21) if k not in (*EYE_POINTS, *LIP_POINTS)]
    assert out[list(EYE_POINTS)].min() > out[few].max() + 0.1
    assert np.ptp(out[[*EYE_POINTS, *LIP_POINTS]]) < 1e-6 and np.ptp(out[few]) < 1e-6


def test_the_rate_does_not_change_how_many_seconds_are_looked_at():
    slow, fast = np.zeros((100, 1)), np.zeros((200, 1))
    slow[50:], fast[100:] = 1, 1  # one step at the same time
    a = random_walk(slow, noise_of_sigma(0.02 * 5 * 25))
    b = random_walk(fast, noise_of_sigma(0.02 * 5 * 50))
    assert np.abs((b[0::2] + b[1::2]) / 2 - a).max() < 0.02


def test_nothing_is_smoothed_across_a_cut():
    motion = shaking(40)
    moved = motion.expression.copy()
    moved[20:] += 5
    other = PortraitMotion(motion.scale, motion.rotation, moved, motion.translation)
    a, b = (smooth(m, 25, 5, cuts=(20,)).expression for m in (motion, other))
    assert np.array_equal(a[:20], b[:20]) and np.allclose(a[20:], b[20:] - 5, atol=1e-6)
    assert not np.allclose(a[:20], smooth(other, 25, 5).expression[:20], atol=1e-3)


def test_settings_outside_the_range_are_refused():
    with pytest.raises(UsageError, match="driving_smooth goes from 0 to 10, not 11"):
        smooth(shaking(5), 25, 11)
    with pytest.raises(UsageError, match="more than 0 frames a second"):
        smooth(shaking(5), 0)


def shaking_source(frames=60, noise=0.0005):
    """A source video whose key points are measured with noise, as a network measures them."""
    random, quiet = np.random.default_rng(5), shaking(1, seed=6)
    ones = np.ones((frames, 1), np.float32)
    return PortraitMotion(
        quiet.scale * ones,
        np.repeat(quiet.rotation, frames, axis=0),
        (quiet.expression + random.normal(0, noise, (frames, 21, 3))).astype(np.float32),
        quiet.translation * ones,
    )


def warp_jitter(source, kp, moved):
    return goldens.jitter(key_points(kp, source) - key_points(kp, moved))


def smoothed_sum(source, moved, variance):
    """The authors' order: source and driver are added, and their sum is smoothed."""
    rotation, expression = (random_walk(a, variance).astype(np.float32) for a in (moved.rotation, moved.expression))
    return PortraitMotion(moved.scale, rotation, expression, moved.translation)


def test_smoothing_the_sum_shakes_more_and_smoothing_the_driver_less():
    source, driver = shaking_source(), shaking_source(noise=0.0003)
    kp = np.random.default_rng(1).normal(0, 0.3, (21, 3)).astype(np.float32)
    plain = warp_jitter(source, kp, transfer(source, driver))
    ours = warp_jitter(source, kp, transfer(source, smooth(driver, 30, 4)))
    theirs = warp_jitter(source, kp, smoothed_sum(source, transfer(source, driver), 3e-5))
    assert ours < 0.7 * plain < plain < theirs


def test_at_the_default_strength_the_recorded_warp_shakes_less_and_faces_keep_their_peaks():
    recording, _ = goldens.recorded("motion")
    templates, _ = goldens.recorded("driving_templates")
    source, kp = goldens.source_video(recording)
    driver = goldens.driver(templates, "d5").cut(0, 60)
    plain = warp_jitter(source, kp, transfer(source, driver))
    calm = smooth(driver, 30, 2)
    ours = warp_jitter(source, kp, transfer(source, calm))
    theirs = [goldens.jitter(recording["source/x_s"] - recording[f"video/rel1_all_var{v}/d5"]) for v in ("3e-06", "3e-05")]  # fmt: skip
    print(f"jitter of x_s - x_d: {plain:.5f} unsmoothed, {ours:.5f} ours, {theirs} the authors' order")
    assert ours <= 0.7 * plain
    assert plain < theirs[0] < theirs[1]  # the more the sum is smoothed, the more the picture shakes
    for name in ("d5", "d7", "d8", "talking", "wink", "laugh"):
        driver = goldens.driver(templates, name)
        rate = {"talking": 20, "wink": 25, "laugh": 25}.get(name, 30)
        calm = smooth(driver, rate, 2)
        for points in (EYE_POINTS, LIP_POINTS):
            kept = [np.ptp(m.expression[:, list(points), 1], axis=0).max() for m in (calm, driver)]
            print(f"{name} {'eye' if points is EYE_POINTS else 'lip'} peak kept: {kept[0] / kept[1]:.3f}")
            assert kept[0] / kept[1] >= 0.95
