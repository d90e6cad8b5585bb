"""A finished video is damaged in one way, and the report names that way and the very section; undamaged, it is silent."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from damaged_result import MEDIA, SECONDS, SECTION, SIZE, damaged, gained, make_result, ramp, shifted
from made_media import write_clip

from motion_transfer.core import InputError, Motion, PoseTrack, SourceFile, UsageError
from motion_transfer.models.puppet.engine import _Moves
from motion_transfer.models.puppet.puppet import Puppet
from motion_transfer.models.puppet.spec import PuppetSettings
from motion_transfer.pose.motion_file import load_motion
from motion_transfer.run import evidence_pictures, evidence_sections
from motion_transfer.run import report as report_module
from motion_transfer.run.api import transfer
from motion_transfer.run.evidence_asked import rebuild
from motion_transfer.run.host import LocalHost
from motion_transfer.run.manifest import job_of_manifest, manifest_path, read_manifest
from motion_transfer.run.motion_cache import trim
from motion_transfer.run.report import report_result
from motion_transfer.run.report_sheet import draw_sheet
from motion_transfer.video import file_sha256

MEASURES = ("pose", "look", "flicker", "seam", "frames", "sound")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return make_result(tmp_path_factory.mktemp("result"))


@pytest.fixture(scope="module")
def found(result):
    """What a detector without fault would find where the figure stays in its place: the joints asked for."""
    job = job_of_manifest(manifest_path(result))
    asked = rebuild(job, read_manifest(manifest_path(result)), LocalHost(), result.parent / "work")
    points, scores = (np.zeros((len(asked.points), 133, *rest), np.float32) for rest in ((2,), ()))
    points[:, :17], scores[:, :17] = asked.points, asked.scores
    source = SourceFile(str(result), "")
    return Motion((PoseTrack(points, scores, asked.size),), asked.timeline, source, "asked")


@pytest.fixture
def by_the_second(monkeypatch):
    monkeypatch.setattr(evidence_sections, "SECONDS", 1.0)


@pytest.fixture
def same_joints(monkeypatch, found):
    monkeypatch.setattr(report_module, "_found_again", lambda *_: found)


@pytest.fixture
def even_light(monkeypatch):
    """For tests of other things: measuring the light takes most of a report's time."""
    monkeypatch.setattr(evidence_pictures.LightChanges, "feed", lambda *_: np.zeros((4, 3, 3), np.float32))


def reported(path, **more):
    return report_result(path, LocalHost(), cache=path.parent / "work", **more)


def marks_of(made):
    return {(m.measure, m.section) for m in made.marks}


def test_an_undamaged_result_marks_nothing(result, same_joints, by_the_second):
    made = reported(result)
    assert marks_of(made) == set(), made.lines()
    assert made.ok and made.lines()[-1] == "Nothing deserves a look."
    assert [s.num_frames for s in made.sections] == [SECTION] * 3
    assert made.frames.compared_with == "driving video" and made.sound.num_packets > 100 and made.sound.ok
    assert made.look_from_picture_delta_e is not None and made.look_from_picture_delta_e < 5
    assert not made.notes


def test_a_figure_that_is_elsewhere_than_asked_for_is_found_by_the_detector(result, by_the_second):
    away = damaged(result, "pose.mp4", lambda t, f: shifted(f, 0.08 * SIZE[0] * ramp(t, SECTION, 2 * SECTION, 6)))
    made = reported(away)
    assert marks_of(made) == {("pose", 1)}, made.lines()
    shares = [f.pose_share_within_10_percent_of_torso for f in made.figures]
    assert min(shares[0], shares[2]) > 0.95 and shares[1] < 0.7
    assert made.figures[1].pose_median_error_percent_of_torso > 10 > made.figures[0].pose_median_error_percent_of_torso
    assert made.lines()[-1].startswith("Worst: section 2 (0:01.0 - 0:02.0), pose:")
    assert any("not any more, the file that the manifest tells of" in line for line in made.lines())


def test_a_tint_is_a_drift_of_the_look(result, same_joints, by_the_second):
    tint = np.array([1.25, 1.0, 0.85])
    last = damaged(result, "look.mp4", lambda t, f: gained(f, 1 + (tint - 1) * ramp(t, 2 * SECTION, 1000, 4)))
    made = reported(last)
    assert marks_of(made) == {("look", 2)}, made.lines()
    assert "match-colour" in made.lines()[-1]


def test_light_that_jumps_is_flicker(result, same_joints, by_the_second):
    def lamp(t, frame):
        return gained(frame, 1 + 0.02 * (-1) ** t) if SECTION <= t < 2 * SECTION else frame

    made = reported(damaged(result, "flicker.mp4", lamp))
    assert marks_of(made) == {("flicker", 1)}, made.lines()
    assert 3.5 < made.figures[1].flicker_percent < 6.0  # 4 % from frame to frame; a level more is 0.8 % of this grey
    assert "--settle-flicker" in made.lines()[-1]


def test_a_lamp_in_one_corner_is_flicker_in_places(result, same_joints, by_the_second):
    def lamp(t, frame):
        frame = frame.copy()
        if SECTION <= t < 2 * SECTION and t % 2:
            frame[:170, :160] = gained(frame[:170, :160], 1.15)
        return frame

    made = reported(damaged(result, "corner.mp4", lamp))
    assert marks_of(made) == {("flicker", 1)}, made.lines()
    assert made.figures[1].flicker_local_percent > 2 * made.figures[1].flicker_percent


def test_a_jump_at_a_border_is_a_seam(result, same_joints, by_the_second):
    def jump(t, frame):
        behind = t - 2 * SECTION
        return gained(frame, 1 + 0.15 * (1 - behind / 8)) if 0 <= behind < 8 else frame

    made = reported(damaged(result, "seam.mp4", jump))
    assert marks_of(made) == {("seam", 2)}, made.lines()


def test_a_dropped_frame_is_missed_at_its_time(result, same_joints, even_light, by_the_second):
    made = reported(damaged(result, "drop.mp4", lambda t, f: None if t == SECTION + 7 else f))
    assert marks_of(made) == {("frames", 1)}, made.lines()
    assert made.frames.missing_seconds == (pytest.approx((SECTION + 7) / 24, abs=1e-3),)
    assert (made.frames.num_frames, made.frames.expected_frames) == (3 * SECTION - 1, 3 * SECTION)


def test_other_sound_is_told_from_the_drivers(result, same_joints, even_light, by_the_second, tmp_path):
    other = write_clip(tmp_path / "tone.mp4", num_frames=100)
    made = reported(damaged(result, "sound.mp4", audio=other))
    assert marks_of(made) == {("sound", None)}, made.lines()
    assert "dancer.mp4" in made.sound.words()


def test_what_cannot_be_compared_any_more_is_told_and_the_rest_measured(result, same_joints, even_light, by_the_second):
    lone = result.with_name("lone.mp4")
    shutil.copy(result, lone)
    values = json.loads(manifest_path(result).read_text())
    values["job"]["driving"] = str(result.with_name("gone.motion"))
    manifest_path(lone).write_text(json.dumps(values))
    made = reported(lone)
    assert made.ok
    text = "\n".join(made.lines())
    assert made.lines()[-1] == "Nothing deserves a look of what could be measured."
    assert "pose: not measured" in text and "gone.motion is not there any more" in text
    assert made.frames.compared_with == "manifest" and made.frames.ok
    assert all(np.isnan(f.pose_share_within_10_percent_of_torso) for f in made.figures)
    assert all(np.isfinite(f.look_drift_trunk_delta_e) and np.isfinite(f.flicker_percent) for f in made.figures)


def test_nobody_in_a_result_whose_character_was_recognised_is_a_finding(result, monkeypatch, even_light, by_the_second):
    monkeypatch.setattr(report_module, "_found_again", lambda *_: None)
    made = reported(result)
    assert {m.measure for m in made.marks} == {"pose"} and len(made.marks) == 3
    assert made.figures[0].pose_found_share == 0


@pytest.mark.parametrize(
    ("engine", "settings", "starts"),
    [
        ("wan-animate", {"window": 33}, [0, 33, 65]),
        ("mimic-motion", {}, [0]),
        ("animate-diff", {"section": 48, "context_overlap": 2}, None),
    ],
)
def test_other_engines_are_asked_for_the_same_joints_in_their_own_sections(
    result, same_joints, even_light, engine, settings, starts
):
    """Nothing but the manifest tells who made a file; retargeting is the same arithmetic for all of them."""
    lone = result.with_name(f"{engine}.mp4")
    shutil.copy(result, lone)
    values = json.loads(manifest_path(result).read_text())
    values["job"] |= {"engine": engine, "settings": settings}
    values["engine"] = {"name": engine, "report": {"drift_de_mean": 0.25}}
    manifest_path(lone).write_text(json.dumps(values))
    made = reported(lone)
    assert marks_of(made) == set(), made.lines()
    assert min(f.pose_share_within_10_percent_of_torso for f in made.figures) > 0.9
    assert [s.start for s in made.sections] == starts or (starts is None and len(made.sections) > 1)
    assert any("drift de mean 0.25" in line for line in made.lines())


def test_a_puppet_that_travels_less_was_asked_to(result):
    """What is rebuilt is what the puppet's own code makes of it."""
    job = replace(job_of_manifest(manifest_path(result)), settings={"travel": 0.3})
    asked = rebuild(job, read_manifest(manifest_path(result)), LocalHost(), result.parent / "work")
    motion = trim(load_motion(result.with_name("dancer.motion")), 0, SECONDS)
    character = asked.character
    puppet = Puppet(character, 0.5)
    targets, _ = _Moves(puppet, character, motion, PuppetSettings(travel=0.3, face_strength=0.0)).targets(
        0, 3 * SECTION
    )
    difference = targets[:, :17] - puppet.shift - asked.points
    assert np.abs(difference).max() < 0.01 * SIZE[1]
    assert np.ptp(asked.points[:, 11, 0]) < 0.5 * np.ptp(rebuilt_hips(result))


def rebuilt_hips(result):
    """px: where the left hip was asked for with all its travel."""
    at = manifest_path(result)
    return rebuild(job_of_manifest(at), read_manifest(at), LocalHost(), result.parent / "work").points[:, 11, 0]


def test_bad_input_is_one_clear_line(result, tmp_path):
    alone = tmp_path / "alone.mp4"
    shutil.copy(result, alone)
    with pytest.raises(InputError, match=r"There is no manifest .*alone\.mp4\.json.*--manifest"):
        reported(alone)
    with pytest.raises(InputError, match=r"tells of another video.*320x448"):
        reported(MEDIA / "dancer.mp4", manifest=manifest_path(result))
    (tmp_path / "alone.mp4.json").write_text('{"finishing": {"video": "first.mp4"}}')
    with pytest.raises(InputError, match=r"finishing first\.mp4"):
        reported(alone)
    (tmp_path / "alone.mp4.json").write_text("no")
    with pytest.raises(UsageError, match="not JSON"):
        reported(alone)
    with pytest.raises(InputError, match=r"nowhere\.mp4"):
        reported(tmp_path / "nowhere.mp4")
    with pytest.raises(UsageError, match="no detector 'eyes'"):
        reported(result, detector="eyes")


def test_numbers_have_units_and_the_sheet_shows_every_section(result, same_joints, even_light, by_the_second):
    made = reported(result)
    values = json.loads(made.to_json())
    assert values["ok"] and len(values["sections"]) == 3 and values["sections"][0]["seam_to_usual_change"] is None
    assert values["sections"][1]["pose_share_within_10_percent_of_torso"] > 0.95
    sheet = draw_sheet(made)
    assert sheet.dtype == np.uint8 and sheet.shape[0] > 3 * 300
    blue, green = (((np.abs(sheet.astype(int) - c).sum(2)) < 30).sum() for c in ((40, 200, 255), (70, 220, 90)))
    assert blue > 150 and green > 400  # the joints asked for, and over them those found
    assert file_sha256(result) == json.loads(manifest_path(result).read_text())["output"]["sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heroine", "mascot", "robot"])
def test_no_second_of_an_untouched_character_comes_near_a_threshold(name, tmp_path, by_the_second):
    for file in ("dancer.motion", "dancer.mp4"):
        shutil.copy(MEDIA / file, tmp_path / file)
    made = transfer(MEDIA / f"{name}.png", tmp_path / "dancer.motion", output=tmp_path / "out.mp4", resolution="480p")
    report = report_result(made.output, LocalHost())
    assert report.ok, report.lines()
    is_seen = name == "heroine"  # MediaPipe recognises neither the mascot nor the robot
    assert is_seen != any("recognises no person" in note for note in report.notes)
    for f in report.figures:
        assert np.isnan(f.pose_share_within_10_percent_of_torso) != is_seen
        assert not f.pose_share_within_10_percent_of_torso < 0.95
        assert f.look_drift_delta_e < 3.8 and f.flicker_percent < 0.2 and f.flicker_local_percent < 0.5
        assert not f.seam_to_usual_change > 1.3 and not f.background_change_levels > 0.2
