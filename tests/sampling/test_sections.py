"""Sections of a long clip: every frame once and in order, flat memory, the same pixels after any break."""

from __future__ import annotations

import itertools
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_transfer.core import Finished, UsageError
from motion_transfer.sampling.sections import SectionStream, fade, mean_difference, plan_sections

SIZE = (8, 6)


def made(section):
    """Frames that tell their own index and a little of their section."""
    at = np.arange(section.start, section.stop)
    frames = np.zeros((section.num_frames, SIZE[1], SIZE[0], 3), np.uint8)
    frames[:, :, :, 0] = (at % 200)[:, None, None]
    frames[:, :, :, 1] = 20 * (section.index % 10)
    return frames


@given(st.integers(1, 4000), st.integers(0, 20), st.integers(0, 300))
def test_every_frame_is_finished_once_in_order(num_frames, overlap, more):
    longest = max(1, 3 * overlap) + more
    if longest == overlap:
        longest += 1
    plan = plan_sections(num_frames, longest, overlap)
    assert [s.index for s in plan] == list(range(len(plan)))
    assert plan[0].start == 0 and plan[-1].stop == num_frames and plan[-1].ready == num_frames
    assert all(a.ready == b.start and a.stop - b.start == overlap for a, b in itertools.pairwise(plan))
    assert plan[0].faded_in == 0 and plan[-1].faded_out == 0
    assert all(s.faded_in == overlap for s in plan[1:]) and all(s.faded_out == overlap for s in plan[:-1])
    lengths = [s.num_frames for s in plan]
    assert max(lengths) <= longest and max(lengths) - min(lengths) <= 1
    assert min(lengths) >= min(num_frames, (longest + overlap) // 2)
    assert all(s.faded_in + s.faded_out <= s.num_frames for s in plan)
    fewer = len(plan) - 1
    assert fewer == 0 or longest + (fewer - 1) * (longest - overlap) < num_frames, "one section less would have done"


@pytest.mark.parametrize(("num_frames", "longest", "overlap"), [(0, 10, 2), (5, 5, 2), (5, 0, 0), (5, 10, -1)])
def test_a_plan_that_cannot_be_is_refused(num_frames, longest, overlap):
    with pytest.raises(ValueError, match="sections need"):
        plan_sections(num_frames, longest, overlap)


@pytest.mark.parametrize("num_frames", [1, 9, 30, 31, 57, 100])
def test_the_stream_gives_every_frame_once_and_fades_only_where_sections_meet(num_frames):
    plan = plan_sections(num_frames, 30, 4)
    chunks = list(SectionStream(plan).chunks(made))
    assert [c.start for c in chunks] == [s.start for s in plan]
    frames = np.concatenate([c.pixels for c in chunks])
    assert (frames[:, 0, 0, 0] == np.arange(num_frames) % 200).all()
    shared = {s.start + k for s in plan[1:] for k in range(4)}
    for s in plan:
        own = [f for f in range(s.start, s.stop) if f not in shared]
        assert (frames[own, 0, 0, 1] == 20 * s.index).all()
    if len(plan) > 1:  # 20 levels apart: in fifths
        assert (frames[plan[1].start : plan[1].start + 4, 0, 0, 1] == [4, 8, 12, 16]).all()


def test_a_stream_goes_on_behind_any_section_with_the_very_same_pixels():
    plan = plan_sections(100, 30, 4)
    stream = SectionStream(plan)
    whole = list(stream.chunks(made))
    assert len(whole) == 4 and len(stream.seams) == 3 and min(stream.seams) > 0
    for k in range(1, 5):
        last = whole[k - 1]
        after = Finished(last.stop, last.pixels[:0], json.loads(json.dumps(last.state)), last.ahead)
        again = SectionStream(plan, after)
        asked = []
        rest = list(again.chunks(lambda s, asked=asked: asked.append(s.index) or made(s)))
        assert asked == list(range(k, 4)) and again.is_done == (k == 4)
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(rest, whole[k:], strict=True))
        assert again.seams == stream.seams


@pytest.mark.parametrize("after", [Finished(11, made(plan_sections(1, 9, 0)[0])[:0], None), Finished(26, np.zeros((0, 6, 8, 3), np.uint8), {})])  # fmt: skip
def test_frames_of_another_plan_are_refused(after):
    with pytest.raises(UsageError, match="of other settings"):
        SectionStream(plan_sections(100, 30, 4), after)


def test_a_fade_runs_evenly_from_one_to_the_other():
    before, after = np.full((3, 2, 2, 3), 200, np.uint8), np.full((3, 2, 2, 3), 100, np.uint8)
    assert mean_difference(before, after) == 100
    fade(before, after)
    assert after[:, 0, 0, 0].tolist() == [175, 150, 125]
    same = np.random.default_rng(1).integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
    again = same.copy()
    fade(same, again)
    assert np.array_equal(same, again), "two equal versions stay what they are, to the bit"


def test_memory_does_not_grow_with_the_clip():
    def large(section):
        return np.full((section.num_frames, 64, 64, 3), section.index % 250, np.uint8)

    def peak(num_frames):
        tracemalloc.start()
        stream = SectionStream(plan_sections(num_frames, 60, 6))
        for _chunk in stream.chunks(large):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(200)
    assert peak(6000) < 1.1 * peak(400)
