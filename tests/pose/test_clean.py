"""Cleaning: nearer to the truth, calmer, without lag, across no cut, and the same bits in blocks of any length."""

from __future__ import annotations

import importlib.util
import itertools
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_transfer.core import FACE, LEFT_HAND, PoseTrack
from motion_transfer.pose.clean import Cleaner, clean
from motion_transfer.pose.smooth import parabola

_spec = importlib.util.spec_from_file_location("synth_person", Path(__file__).parent / "synth_person.py")
synth_person = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(synth_person)

BODY_JOINTS = slice(0, 17)


def walker(seed=7, **changes):
    """(track as a detector would give it, true points)."""
    made = synth_person.make_sequence(seed=seed, **changes)
    kps = made["kps"]
    track = PoseTrack(kps[..., :2].copy(), kps[..., 2].copy(), (made["width"], made["height"]))
    return track, made["clean"].astype(np.float64)


def height_px(truth):
    return np.ptp(truth[:, :17, 1], axis=1).mean()


def rms(x):
    return float(np.sqrt((np.asarray(x, np.float64) ** 2).sum(-1).mean()))


@pytest.fixture(scope="module")
def four_walks():
    walks = []
    for seed in (7, 8, 9, 10):
        track, truth = walker(seed)
        walks.append((track, clean(track, 24), truth))
    return walks


def test_jitter_is_at_least_three_and_a_half_times_lower(four_walks):
    def jitter(points, truth):
        return rms(np.diff(points[:, BODY_JOINTS] - truth[:, BODY_JOINTS], 2, axis=0))

    raw = np.mean([jitter(t.points, truth) for t, _, truth in four_walks])
    now = np.mean([jitter(c.points, truth) for _, c, truth in four_walks])
    assert raw / now >= 3.5  # measured 4.05


def test_hidden_joints_are_at_least_twice_nearer(four_walks):
    def error(points, track, truth):
        hidden = track.scores[:, 9] < 0.3
        return rms(points[hidden, 9] - truth[hidden, 9])

    raw = np.mean([error(t.points, t, truth) for t, _, truth in four_walks])
    now = np.mean([error(c.points, t, truth) for t, c, truth in four_walks])
    assert raw / now >= 2.0  # measured 2.7


def test_waving_wrist_keeps_its_peaks(four_walks):
    """Peaks that were flattened would make the waving wrist worse than the noise did."""
    for track, cleaned, truth in four_walks:
        waving = slice(24, None)
        raw, now = (rms(p[waving, 10] - truth[waving, 10]) for p in (track.points, cleaned.points))
        assert now < raw
        reach_true = np.ptp(truth[waving, 10, 0])
        assert abs(np.ptp(cleaned.points[waving, 10, 0]) - reach_true) < 0.03 * reach_true


def test_single_frame_outliers_are_taken_out(four_walks):
    for track, cleaned, truth in four_walks:
        for frame, joint in ((11, 7), (31, 14), (33, 0)):
            raw, now = (np.linalg.norm(p[frame, joint] - truth[frame, joint]) for p in (track.points, cleaned.points))
            assert now < 0.25 * raw
            assert cleaned.scores[frame, joint] == 0.5


def test_nothing_lags_or_leads(four_walks):
    for _, cleaned, truth in four_walks:
        motion, true = cleaned.points[:, 10, 0].astype(float), truth[:, 10, 0]
        errors = [np.abs(motion[4 + k : 44 + k] - true[4:44]).mean() for k in (-1, 0, 1)]
        assert np.argmin(errors) == 1


def test_strength_zero_is_exactly_the_input():
    track, _ = walker()
    assert clean(track, 24, strength=0) is track
    points, scores = Cleaner(track, 24, strength=0).frames(5, 20)
    assert np.array_equal(points, track.points[5:20]) and np.array_equal(scores, track.scores[5:20])


def test_more_strength_is_calmer():
    track, _ = walker()
    calm = [rms(np.diff(clean(track, 24, strength=s).points[:, BODY_JOINTS], 3, axis=0)) for s in (0.5, 1, 2, 4, 10)]
    assert calm == sorted(calm, reverse=True)


def test_strength_has_no_steps():
    track, _ = walker()
    results = [clean(track, 24, strength=s).points.astype(float) for s in np.arange(1.0, 4.0, 0.1)]
    steps = [np.abs(a - b).max() for a, b in itertools.pairwise(results)]
    assert max(steps) < 0.05 * height_px(walker()[1])


def test_a_short_gap_is_filled_and_a_long_one_honestly_scores_zero():
    track, truth = walker(frames=96, gaps=False)
    scores, points = track.scores.copy(), track.points.copy()
    scores[20:32, 9] = 0.1  # 0.5 s
    scores[40:60, 10] = 0.1
    points[20:32, 9] = points[40:60, 10] = 0
    cleaned = clean(replace(track, points=points, scores=scores), 24)
    assert (cleaned.scores[20:32, 9] == 0.5).all()
    assert rms(cleaned.points[20:32, 9] - truth[20:32, 9]) < 0.06 * height_px(truth)
    assert (cleaned.scores[40:60, 10] == 0).all() and (cleaned.scores[[39, 60], 10] > 0.5).all()
    # what lies in the long gap must not leak into what was seen
    assert rms(cleaned.points[36:40, 10] - truth[36:40, 10]) < 0.015 * height_px(truth)


def test_a_filled_gap_moves_with_the_joint_that_carries_it():
    """A jump of the whole body during the gap: relative to the elbow nothing happens, so the fill follows exactly."""
    frames = np.arange(60.0)
    points = np.zeros((60, 133, 2), np.float32)
    points[:, :, 0] = np.linspace(100, 300, 133)
    points[:, :, 1] = (200 + 40 * np.sin(frames / 3))[:, None]
    scores = np.full((60, 133), 0.9, np.float32)
    scores[25:33, 9] = 0
    truth = points.copy()
    points[25:33, 9] = 0
    cleaned = clean(PoseTrack(points, scores, (640, 480)), 24, strength=0.1)  # so weak that nothing is smoothed
    assert np.abs(cleaned.points[:, 9] - truth[:, 9]).max() < 0.1


def test_nothing_crosses_a_cut():
    a, _ = walker(7, frames=40)
    b, _ = walker(8, frames=30, cx=0.2)
    points, scores = np.concatenate([a.points, b.points]), np.concatenate([a.scores, b.scores])
    whole = clean(PoseTrack(points, scores, a.size), 24, cuts=(40,))
    # the height that sets the outlier floor is that of the whole clip; both walkers are of one height to 1 %
    for part, alone in ((whole.cut(0, 40), a), (whole.cut(40, 70), b)):
        assert np.abs(part.points - clean(alone, 24).points).max() < 1e-3
    assert np.abs(clean(PoseTrack(points, scores, a.size), 24).points[36:44] - whole.points[36:44]).max() > 5


@pytest.mark.parametrize(("rate", "strength"), [(12, 2.0), (23.976, 10.0), (60, 2.0), (120, 3.0)])
def test_blocks_give_the_same_bits(rate, strength):
    track, _ = walker(frames=260)
    scores = track.scores.copy()
    r = np.random.RandomState(3)
    for _ in range(60):  # many gaps, short and long, also touching both ends
        joint, start = r.randint(133), r.randint(-5, 260)
        scores[max(start, 0) : start + r.randint(1, 40), joint] = 0
    scores[100:150, LEFT_HAND] = 0.1
    cleaner = Cleaner(replace(track, scores=scores), rate, strength=strength, cuts=(131,))
    whole_points, whole_scores = cleaner.frames(0, 260)
    for block, step in ((1, 29), (17, 17), (64, 64)):
        for start in range(0, 260, step):
            points, scores = cleaner.frames(start, min(start + block, 260))
            assert np.array_equal(points, whole_points[start : start + block])
            assert np.array_equal(scores, whole_scores[start : start + block])


@settings(max_examples=12, deadline=None)
@given(start=st.integers(0, 119), length=st.integers(1, 120), seed=st.integers(0, 10**6), gaps=st.integers(0, 80))
def test_any_stretch_gives_the_same_bits(start, length, seed, gaps):
    track, _ = walker(frames=120)
    scores, r = track.scores.copy(), np.random.RandomState(seed)
    for _ in range(gaps):
        joint, first = r.randint(133), r.randint(-5, 120)
        scores[max(first, 0) : first + r.randint(1, 30), joint] = r.rand() * 0.4
    cleaner = Cleaner(replace(track, scores=scores), 24)
    stop = min(start + length, 120)
    points, kept = cleaner.frames(start, stop)
    all_points, all_scores = cleaner.frames(0, 120)
    assert np.array_equal(points, all_points[start:stop]) and np.array_equal(kept, all_scores[start:stop])


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("rate", [12, 30, 120])
def test_clips_of_a_few_frames_work(frames, rate):
    track, truth = walker(frames=frames, gaps=False)
    cleaned = clean(track, rate)
    assert cleaned.num_frames == frames
    assert rms(cleaned.points - truth) < 0.02 * height_px(walker()[1])


def test_a_doubtful_hand_does_not_flicker():
    track, _ = walker(frames=72, gaps=False)
    scores = track.scores.copy()
    scores[10:60:2, LEFT_HAND] = 0.25  # every other frame below the threshold of a joint
    cleaned = clean(replace(track, scores=scores), 24)
    assert (cleaned.scores[:, LEFT_HAND] > 0).all()
    scores[:, LEFT_HAND] = 0.05
    scores[30, LEFT_HAND] = 0.9  # a hand for one frame is a false alarm
    assert not clean(replace(track, scores=scores), 24).scores[:, LEFT_HAND].any()


def test_an_unseen_person_stays_unseen_and_finite():
    track = PoseTrack(np.zeros((30, 133, 2), np.float32), np.zeros((30, 133), np.float32), (64, 64))
    cleaned = clean(track, 25)
    assert not cleaned.scores.any() and np.isfinite(cleaned.points).all()


def test_scaling_the_clip_scales_the_result():
    track, _ = walker()
    doubled = PoseTrack(track.points * 2, track.scores, (1664, 960))
    assert np.array_equal(clean(doubled, 24).points, clean(track, 24).points * 2)  # powers of two round alike


def test_ten_minutes_need_little_memory():
    track, _ = walker(frames=240)
    long = PoseTrack(np.tile(track.points, (60, 1, 1)), np.tile(track.scores, (60, 1)), track.size)
    cleaner = Cleaner(long, 24)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for start in range(0, 2 * 384, 384):  # memory does not depend on how many blocks there were
        cleaner.frames(start, start + 384)
    blocks = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.reset_peak()
    Cleaner(long, 24)
    plan = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert max(blocks, plan) < 15e6


def test_a_parabola_passes_unchanged():
    t = np.arange(40.0)[:, None]
    curve = 3 + 0.5 * t - 0.02 * t * t
    for window in (5, 7, 21, 39):
        assert np.abs(parabola(curve, window) - curve).max() < 1e-9


def test_the_face_keeps_fast_speech():
    """A mouth that opens and shuts five times a second keeps at least four fifths of its movement at 30 frames/s."""
    track, _ = walker(frames=60, gaps=False, noise=0)
    points = track.points.copy()
    points[:, 23 + 57, 1] += 5 * np.sin(2 * np.pi * 5 * np.arange(60) / 30)
    moved = clean(replace(track, points=points), 30).points - clean(track, 30).points
    assert np.ptp(moved[10:50, 23 + 57, 1]) >= 0.8 * 10 * 0.95  # 0.95: the samples of the sine miss its peaks
    assert FACE.start == 23
