from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_transfer.core import plan_windows


@given(st.integers(1, 2000), st.integers(1, 81), st.integers(0, 80))
def test_every_frame_is_new_exactly_once_and_in_order(num_frames, window, overlap):
    overlap %= window
    plan = plan_windows(num_frames, window, overlap)
    new = [i for w in plan for i in range(w.first_new, w.stop)]
    assert new == list(range(num_frames))
    assert [w.index for w in plan] == list(range(len(plan)))
    assert all(1 <= w.num_frames <= window and w.carried < w.num_frames for w in plan)
    assert plan[0].carried == 0
    assert all(w.carried == overlap and w.start == before.stop - overlap for before, w in pairwise(plan))


@pytest.mark.parametrize(("num_frames", "window", "overlap"), [(0, 10, 0), (5, 0, 0), (5, 4, 4), (5, 4, -1)])
def test_an_impossible_plan_is_refused(num_frames, window, overlap):
    with pytest.raises(ValueError):
        plan_windows(num_frames, window, overlap)
