"""The check of driving clips on seeded clips with known faults; all 64 of them in benchmarks/check_quality.py."""

from __future__ import annotations

import sys
from pathlib import Path

import check_scenes
import pytest
from check_clips import clean, defocus, far_away, make, uneven

from motion_transfer.run.check import check_driving_video
from motion_transfer.run.host import LocalHost

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
SEED = 9000  # of no clip that a threshold was set on


@pytest.mark.parametrize("recipe", [clean, defocus, far_away, uneven])
def test_the_fault_put_in_is_found_and_no_other(tmp_path, recipe, monkeypatch):
    from check_quality import outcome

    monkeypatch.setattr(check_scenes, "longest_seconds", 1.6)
    clip = make(recipe, SEED)
    if clip.stamps_ms is not None:
        clip.stamps_ms = clip.stamps_ms[: len(clip.frames)]
    got = outcome(clip, check_driving_video(clip.write(tmp_path), LocalHost()))
    assert not got.missed
    assert not got.wrong


@pytest.mark.slow
def test_nine_of_ten_faults_are_found_and_few_clips_are_wronged():
    from check_quality import HELD_OUT, figures, look_at_all

    result = figures(look_at_all(HELD_OUT))
    assert result["clips"] >= 60
    assert result["recall"] >= 0.9, result
    assert result["false_alarms"] <= 0.1, result
    assert result["clean_clips_with_a_warning"] <= 0.1, result
