"""Windows and weights against AnimateDiff-Evolved's own, for every setting that was recorded."""

from __future__ import annotations

import pytest
import torch
from animate_recipe import golden

from motion_transfer.models.animate_diff.windows import SCHEDULES, WindowRule, freenoise_order

OURS = {"standard_static": "static", "standard_uniform": "uniform", "looped_uniform": "looped", "batched": "batched"}
CASES = golden("windows.json.gz")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['context_schedule']}-{c['frames']}-{c['context_length']}-{c['context_stride']}-{c['closed_loop']}")  # fmt: skip
def test_the_windows_of_every_step_are_the_recorded_ones(case):
    rule = WindowRule(
        case["context_length"], case["context_overlap"], OURS[case["context_schedule"]],
        stride=case["context_stride"], is_loop=case["closed_loop"],
    )  # fmt: skip
    for step, windows in enumerate(case["windows_by_step"]):
        assert rule.windows(case["frames"], step) == windows


def test_all_settings_are_there():
    assert len(CASES) == 56


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_frame_is_in_a_window_whatever_the_length(schedule):
    for length, overlap in ((8, 2), (8, 7), (16, 4), (24, 8), (32, 8)):
        for frames in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 97):
            for step in (0, 1, 2, 5, 19):
                windows = WindowRule(length, overlap, schedule).windows(frames, step)
                assert {f for w in windows for f in w} == set(range(frames))
                assert all(len(w) == len(set(w)) <= length for w in windows)


def test_the_weights_of_a_window_are_the_recorded_ones():
    for name, wanted in golden("fuse.json")["weights"].items():
        fuse, length, place = name.split("/")
        length = int(length)
        first = {"first": 0, "inner": 40, "last": 100 - length}[place]
        rule = WindowRule(length, 4, fuse=fuse)
        assert rule.weights(range(first, first + length), 100) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("case", golden("fuse.json")["shares"], ids=lambda c: f"{c['fuse']}-{c['frames']}")
def test_each_windows_share_in_each_fused_frame_is_the_recorded_one(case):
    """Weighted sum over sum of weights; Evolved's running average of 'relative' is the same thing."""
    rule = WindowRule(case["context_length"], case["context_overlap"], "static", case["fuse"])
    windows = rule.windows(case["frames"])
    shares = torch.zeros(len(windows), case["frames"])
    for k, window in enumerate(windows):
        shares[k, window] = torch.tensor(rule.weights(window, case["frames"]))
    shares /= shares.sum(0)
    assert torch.allclose(shares, torch.tensor(case["shares"]), atol=1e-6)


def test_freenoise_repeats_the_first_window_and_shuffles_each_stretch_of_it():
    order = freenoise_order(60, 16, 4, seed=3)
    assert order[:16] == list(range(16)) and len(order) == 60
    for begun in range(16, 60, 12):
        now, before = order[begun : begun + 12], order[begun - 16 : begun - 4]
        assert set(now) <= set(before) and len(set(now)) == len(now)
    assert order != freenoise_order(60, 16, 4, seed=4)
    assert freenoise_order(200, 16, 4, seed=3)[:52] == order[:52]  # a longer clip begins alike


@pytest.mark.parametrize("words", [{"overlap": 16}, {"length": 0}, {"schedule": "round"}, {"fuse": "strong"}, {"stride": 0}])  # fmt: skip
def test_what_cannot_be_cut_is_refused(words):
    with pytest.raises(ValueError):
        WindowRule(**words)
