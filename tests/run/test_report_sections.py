"""Where sections begin, which times count as kept, and what a table shows: arithmetic, without any video."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from motion_transfer.core import CannotWrite, Timeline, TransferJob, UsageError
from motion_transfer.models.registry import engine_spec
from motion_transfer.run.evidence_figures import SectionFigures, pose_errors, torso_px
from motion_transfer.run.evidence_sections import engine_borders, plan_report_sections
from motion_transfer.run.evidence_timing import compare_frames
from motion_transfer.run.report import _is_still
from motion_transfer.run.report_marks import judge_sections, what_to_try
from motion_transfer.run.report_sheet import check_places
from motion_transfer.run.result_report import clock


def shown(num_frames, rate=24):
    return np.arange(num_frames) / rate


def test_without_borders_a_shot_is_cut_evenly_into_about_five_seconds():
    sections = plan_report_sections(shown(24 * 23), 23.0, [10.0], None)
    assert [(s.start, s.stop, s.begins) for s in sections] == [
        (0, 120, "start"), (120, 240, "time"), (240, 344, "cut"), (344, 448, "time"), (448, 552, "time"),
    ]  # fmt: skip
    assert sections[-1].stop_seconds == 23.0 and sections[2].start_seconds == 10.0


@pytest.mark.parametrize("num_frames", [1, 2, 11, 119, 181])
def test_every_frame_is_in_one_section(num_frames):
    for borders in (None, [0.1, 0.2, 3.0, 99.0]):
        sections = plan_report_sections(shown(num_frames), num_frames / 24, [2.0, 2.1], borders)
        assert sections[0].start == 0 and sections[-1].stop == num_frames
        assert all(a.stop == b.start for a, b in pairwise(sections))
        assert all(s.num_frames > 0 for s in sections)


def test_the_sections_are_the_engines_own_where_it_has_seams():
    def borders(name, num_frames):
        spec = engine_spec(name)
        return engine_borders(name, spec.settings(), num_frames)

    assert borders("puppet", 1000) is None and borders("live-portrait", 1000) is None
    assert borders("wan-animate", 200) == (77, 153)  # windows of 77, of which one frame is carried
    assert borders("wan-animate", 60) == ()
    assert borders("mimic-motion", 500) and max(borders("mimic-motion", 500)) < 500
    assert borders("animate-diff", 2000) and max(borders("animate-diff", 2000)) < 2000
    sections = plan_report_sections(shown(200), 200 / 24, [], [77 / 24, 153 / 24])
    assert [(s.start, s.begins) for s in sections] == [(0, "start"), (77, "engine"), (153, "engine")]


def test_frames_at_a_higher_rate_fall_into_the_same_sections():
    sections = plan_report_sections(shown(480, 60), 8.0, [], [77 / 24])
    assert abs(sections[1].start_seconds - 77 / 24) <= 1 / 120 + 1e-9  # the nearest frame


def test_a_missing_frame_a_late_one_and_rounding_are_told_apart():
    line = Timeline.constant(24, Fraction(24))
    assert compare_frames(shown(24), 1 / 24, line, None).ok
    assert compare_frames(np.round(shown(24), 3), 0.001, line, None).ok  # Matroska's milliseconds
    late = shown(24).copy()
    late[5] += 0.01
    found = compare_frames(late, 0.001, line, None)
    assert (found.missing_seconds, found.num_extra) == ((round(5 / 24, 4),), 1)
    short = compare_frames(shown(23), 1 / 24, line, None)
    assert not short.ok and short.missing_seconds == (round(23 / 24, 4),)
    assert compare_frames(shown(24), 1 / 24, None, 24).ok and not compare_frames(shown(24), 1 / 24, None, 25).ok
    assert compare_frames(shown(1), 1.0, Timeline.constant(1, Fraction(1)), None).ok


def test_a_joint_that_is_not_found_is_not_within_and_one_outside_the_picture_is_not_asked_for():
    points = np.tile(np.array([[50.0, 40.0]], np.float32), (2, 17, 1))
    points[:, [11, 12], 1] = 80
    scores = np.ones((2, 17), np.float32)
    assert torso_px(points, scores) == 40
    moved, seen = points.copy(), scores.copy()
    moved[0, 9, 0] += 8  # a fifth of the torso
    seen[0, 10] = 0
    points[1, 0] = [-5, 40]
    error, wanted = pose_errors((points, scores), (moved, seen), (100, 100))
    assert error[0, 9] == pytest.approx(0.2) and np.isinf(error[0, 10]) and error[0, 8] == 0
    assert not wanted[1, 0] and wanted.sum() == 33


def test_marks_begin_beyond_their_thresholds_only():
    (section,) = plan_report_sections(shown(48), 2.0, [], None)

    def measures(**figures):
        marks = judge_sections([section], [SectionFigures(**figures)], still_background=True)
        return [m.measure for m in marks]

    assert measures() == []  # nothing measured, nothing said
    assert measures(pose_share_within_10_percent_of_torso=0.81) == []
    assert measures(pose_share_within_10_percent_of_torso=0.79) == ["pose"]
    assert measures(look_drift_head_delta_e=6.9, look_drift_trunk_delta_e=4.9) == []
    assert measures(look_drift_trunk_delta_e=5.1) == ["look"]
    assert measures(flicker_percent=0.9, flicker_local_percent=2.9, background_change_levels=1.9) == []
    assert measures(background_change_levels=2.1) == ["flicker"]
    assert measures(seam_to_usual_change=9.0, seam_jump_levels=1.0) == []  # too small to be seen
    assert measures(seam_to_usual_change=2.1, seam_jump_levels=4.0) == ["seam"]


def test_there_is_advice_for_every_measure_and_engine():
    (section,) = plan_report_sections(shown(48), 2.0, [], None)
    bad = SectionFigures(0.1, 50.0, 1.0, 20.0, 20.0, 9.0, 9.0, 9.0, 30.0, 9.0)
    marks = judge_sections([section], [bad], still_background=True)
    assert [m.measure for m in marks] == ["pose", "look", "flicker", "seam"]
    for engine in ("puppet", "wan-animate", "wan-animate-replace", "mimic-motion", "animate-diff", "live-portrait"):
        assert all(what_to_try(m, engine, "out.mp4").endswith(".") for m in marks)


def test_a_background_that_is_the_driving_video_may_change():
    def job(engine, **settings):
        return TransferJob("c.png", "d.mp4", "o.mp4", engine=engine, settings=settings)

    assert _is_still(job("puppet")) and not _is_still(job("puppet", background="driving"))
    assert _is_still(job("wan-animate")) and not _is_still(job("wan-animate-replace"))


def test_places_are_refused_before_any_work(tmp_path):
    result = tmp_path / "out.mp4"
    result.write_bytes(b"video")
    manifest = tmp_path / "out.mp4.json"
    manifest.write_text("{}")
    with pytest.raises(UsageError, match=r"\.png"):
        check_places(result, json_file=None, sheet=tmp_path / "sheet.jpg", overwrite=False)
    with pytest.raises(UsageError, match="manifest of the run"):
        check_places(result, json_file=manifest, sheet=None, overwrite=True)
    with pytest.raises(UsageError, match="finished video itself"):
        check_places(result, json_file=result, sheet=None, overwrite=True)
    taken = tmp_path / "figures.json"
    taken.write_text("{}")
    with pytest.raises(CannotWrite, match="--overwrite replaces it"):
        check_places(result, json_file=taken, sheet=None, overwrite=False)
    check_places(result, json_file=taken, sheet=tmp_path / "sheet.png", overwrite=True)


def test_clocks_are_for_people():
    assert (clock(0), clock(59.96), clock(3725.04)) == ("0:00.0", "1:00.0", "62:05.0")
