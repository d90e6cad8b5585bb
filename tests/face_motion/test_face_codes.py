"""Bridging, smoothing, scaling and moving of codes."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.face_codes import bridge, moved, neutral_code, scale_about, smooth

T, N = 60, 20


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(T, N)).astype(np.float32)


def test_frames_without_a_face_lie_on_the_line_between_their_neighbours(codes):
    seen = np.ones(T, bool)
    seen[[0, 10, 11, 59]] = False
    out = bridge(codes, seen)
    assert np.allclose(out[10], (2 * codes[9] + codes[12]) / 3, atol=1e-6)
    assert np.array_equal(out[0], codes[1]) and np.array_equal(out[59], codes[58])
    assert np.array_equal(out[seen], codes[seen])


def test_no_bridge_spans_a_cut(codes):
    seen = np.ones(T, bool)
    seen[15:25] = False
    out = bridge(codes, seen, cuts=(20,))
    assert np.array_equal(out[19], codes[14]) and np.array_equal(out[20], codes[25])
    seen[20:] = False
    out = bridge(codes, seen, cuts=(20,))
    assert np.array_equal(out[40], np.median(codes[:15], axis=0))
    with pytest.raises(UsageError, match="No frame"):
        bridge(codes, np.zeros(T, bool))


def test_smoothing_keeps_parabolas_and_removes_jitter_without_lag(codes):
    t = np.linspace(-1, 1, T)
    curve = (t[:, None] ** 2 + 0.3 * t[:, None] * np.arange(N)).astype(np.float32)
    assert np.allclose(smooth(curve, 30), curve, atol=1e-5)
    assert smooth(codes, 30).std() < 0.75 * codes.std()
    assert np.array_equal(smooth(codes, 30, strength=0), codes)
    assert np.allclose(smooth(codes[::-1].copy(), 30)[::-1], smooth(codes, 30), atol=1e-5)  # zero phase


def test_smoothing_does_not_look_across_a_cut(codes):
    other = codes.copy()
    other[30:] += 5
    assert np.array_equal(smooth(codes, 30, cuts=(30,))[:30], smooth(other, 30, cuts=(30,))[:30])
    assert not np.array_equal(smooth(codes, 30)[:30], smooth(other, 30)[:30])


def test_strength_stretches_the_distance_from_the_neutral_face(codes):
    neutral = neutral_code(codes)
    assert np.array_equal(scale_about(codes, neutral, 1.0), codes)
    assert np.allclose(scale_about(codes, neutral, 0.0), neutral)
    assert np.allclose(scale_about(codes, neutral, 2.0) - neutral, 2 * (codes - neutral), atol=1e-5)
    with pytest.raises(UsageError, match="0 to 2, not 3"):
        scale_about(codes, neutral, 3.0)


def test_the_neutral_face_is_the_median_of_what_was_seen_or_a_frame(codes):
    seen = np.zeros(T, bool)
    seen[:5] = True
    assert np.array_equal(neutral_code(codes, seen), np.median(codes[:5], axis=0))
    assert np.array_equal(neutral_code(codes, frame=7), codes[7])
    with pytest.raises(UsageError, match="0 to 59"):
        neutral_code(codes, frame=60)


def test_a_look_is_added_to_some_frames_only(codes):
    by = np.zeros(N, np.float32)
    by[3] = 2
    out = moved(codes, by, 10, 20)
    assert np.array_equal(out[:10], codes[:10]) and np.array_equal(out[20:], codes[20:])
    assert np.allclose(out[10:20, 3] - codes[10:20, 3], 2, atol=1e-6)


def test_other_shapes_and_numbers_are_refused(codes):
    with pytest.raises(UsageError, match="float64"):
        smooth(codes.astype(np.float64), 30)
    codes[3, 4] = np.nan
    with pytest.raises(UsageError, match="finite"):
        neutral_code(codes)
