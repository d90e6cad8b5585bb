from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_transfer.core import UsageError
from motion_transfer.models.wan_animate.windows import mirrored, plan_wan_windows


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 2000),
    st.integers(4, 20).map(lambda k: 4 * k + 1),
    st.sampled_from([1, 5]),
    st.sampled_from(["ping-pong", "hold", "short"]),
)
def test_every_frame_comes_out_once_and_in_order(num_frames, window, overlap, tail):
    plan = plan_wan_windows(num_frames, window, overlap, tail)
    new = [i for w in plan for i in range(w.first_new, w.first_new + w.num_new)]
    assert new == list(range(num_frames))
    for w in plan:
        assert w.num_frames % 4 == 1 and w.num_frames <= window and w.num_new >= 1
        assert w.num_latents == (w.num_frames + 3) // 4
        assert len(w.driving) == w.num_frames and w.driving.min() >= 0 and w.driving.max() < num_frames
        real = w.carried + w.num_new
        assert (w.driving[:real] == np.arange(w.start, w.start + real)).all()
        assert w.num_frames == window or tail == "short"
    assert plan[0].carried == 0 and plan[0].start == 0
    assert all(b.carried == overlap and b.start == a.start + a.num_frames - overlap for a, b in pairwise(plan))


def test_every_length_up_to_2000_with_the_windows_people_use():
    for window, overlap in [(77, 1), (17, 5)]:
        for n in range(1, 2001):
            plan = plan_wan_windows(n, window, overlap, "short")
            assert sum(w.num_new for w in plan) == n
            assert plan[-1].first_new + plan[-1].num_new == n


def test_windows_begin_where_the_original_begins_them():
    """Starts 0, step, 2 step ... while start + R < target; 100 frames at 77/1 are two full windows."""
    for n in (77, 78, 100, 153, 154, 400):
        for overlap in (1, 5):
            step = 77 - overlap
            target = max(n + (-(n - overlap)) % step, 77)
            theirs = [s for s in range(0, target, step) if s + overlap < target]
            assert [w.start for w in plan_wan_windows(n, 77, overlap)] == theirs
    assert [w.num_frames for w in plan_wan_windows(100, 77, 1)] == [77, 77]


def test_a_tail_is_mirrored_held_or_left_out():
    ping, hold, short = (plan_wan_windows(5, 17, 1, t)[0] for t in ("ping-pong", "hold", "short"))
    assert ping.driving.tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0]
    assert hold.driving.tolist() == [0, 1, 2, 3] + [4] * 13
    assert short.num_frames == 17  # the shortest window of all
    assert plan_wan_windows(110, 77, 1, "short")[1].num_frames == 37  # 33 new, 1 carried, rounded up to 4k + 1
    assert plan_wan_windows(80, 77, 1, "short")[1].num_frames == 29
    assert mirrored(np.arange(4), 1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("window", "overlap", "tail", "words"),
    [
        (76, 1, "hold", ("76", "4k + 1", "77 would do")),
        (85, 1, "hold", ("85", "81 would do")),
        (5, 1, "hold", ("5", "17 would do")),
        (77, 3, "hold", ("3", "1 and 5")),
        (77, 1, "loop", ("loop", "ping-pong, hold, short")),
    ],
)
def test_a_plan_that_the_model_cannot_follow_is_refused(window, overlap, tail, words):
    with pytest.raises(UsageError) as refusal:
        plan_wan_windows(100, window, overlap, tail)
    assert all(word in str(refusal.value) for word in words)
