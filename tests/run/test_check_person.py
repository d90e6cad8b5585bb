"""The check with a detector that follows everybody, and of the person who was asked for."""

from __future__ import annotations

import pytest
from coloured_people import BlockFinder, BlockPose, write_two_people

from motion_transfer.cli.main import main
from motion_transfer.core import MissingWeights, UsageError
from motion_transfer.run import check, motion_cache
from motion_transfer.run.check import check_driving_video
from motion_transfer.run.host import LocalHost


@pytest.fixture
def networks(monkeypatch):
    """Networks of a few lines in place of DWPose; how often they were opened."""
    monkeypatch.setattr(BlockPose, "opened", 0)

    def opened(name, find_file, device, *, note=None):
        BlockPose.opened += 1
        return BlockPose()

    monkeypatch.setattr(motion_cache, "open_finder", lambda name, find, device, *, note=None: BlockFinder())
    monkeypatch.setattr(motion_cache, "open_pose_network", opened)
    monkeypatch.setattr(motion_cache, "network_ids", lambda name, find, device, **_: f"blocks + {name}")
    monkeypatch.setattr(check, "PeopleGlance", lambda: pytest.fail("MediaPipe was opened"))
    return BlockPose


@pytest.fixture
def film(tmp_path):
    return write_two_people(tmp_path / "two.mp4")


def checked(film, tmp_path, **asked):
    report = check_driving_video(film, LocalHost(), detector="dwpose", cache=tmp_path / "cache", **asked)
    return {f.code: f for f in report.findings}, report


def test_everybody_is_seen_and_the_one_asked_for_is_judged(film, tmp_path, networks):
    found, report = checked(film, tmp_path)
    assert found["several_people"].level == "warn" and "(`person`)" in found["several_people"].advice
    assert report.measures["mean_body_score"] > 0.5 and report.num_frames == 32
    for person in ("2", "point:128,60@8"):
        found, _ = checked(film, tmp_path, person=person)
        assert found["several_people"].level == "tell" and "is followed" in found["several_people"].advice
    assert networks.opened == 1  # kept, for the run as well
    motion, was_made = motion_cache.load_or_extract(
        film, LocalHost(), tmp_path / "cache", detector="dwpose", person="2"
    )
    assert not was_made and len(motion.tracks) == 2


def test_a_part_is_checked(film, tmp_path, networks):
    _, report = checked(film, tmp_path, start_seconds=0.5, stop_seconds=1.0)
    assert report.num_frames == 12 and report.seconds == pytest.approx(12 / report.rate)


@pytest.mark.parametrize(
    ("person", "status", "told"),
    [
        ("point:5,5@0", 3, "Nobody is at point:5,5@0"),
        ("point:5000,10", 2, "point:5000,10@0 is outside the picture, which has 160x96 px"),
        ("7", 2, "7"),
        ("point:5,5@900", 2, "frame 900"),
        ("somebody", 2, "somebody"),
        ("mask:nothing.png@1", 3, "nothing.png"),
    ],
)
def test_a_choice_that_fails_is_one_line(film, tmp_path, networks, capsys, person, status, told):
    words = ["check", str(film), "--detector", "dwpose", "--person", person, "--work-dir", str(tmp_path / "cache")]
    assert main([*words, "--quiet"]) == status
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1 and told in lines[0]


def test_what_is_not_there_is_told_before_any_work(film, tmp_path):
    with pytest.raises(MissingWeights, match=r"yolox_l\.onnx|dw-ll"):
        checked(film, tmp_path)
    with pytest.raises(UsageError, match="follows one person"):
        check_driving_video(film, LocalHost(), detector="mediapipe", person="2", cache=tmp_path / "cache")


def test_a_clip_without_people_is_unfit_and_no_error(tmp_path, networks, monkeypatch, clip):
    class Nobody(BlockFinder):
        def find(self, frames):
            return [(found[:0], sure[:0]) for found, sure in super().find(frames)]

    monkeypatch.setattr(motion_cache, "open_finder", lambda name, find, device, *, note=None: Nobody())
    found, report = checked(clip, tmp_path)
    assert found["nobody"].level == "stop" and not report.ok
