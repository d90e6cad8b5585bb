"""`motion-transfer retarget`: what it prints and leaves, and one clear line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_media import make_motion, write_picture
from PIL import Image

from motion_transfer.cli.main import main
from motion_transfer.pose.motion_file import load_motion
from motion_transfer.pose.ratios import read_ratios

MEDIA = Path(__file__).parents[2] / "demo" / "media"
DANCER = str(MEDIA / "dancer.motion")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A character of odd size and its joints, given, so that nothing has to be detected."""
    from dataclasses import replace

    from motion_transfer.pose.motion_file import save_motion

    dancer = load_motion(Path(DANCER))
    write_picture(tmp_path / "me.png", size=(319, 239))
    scale = np.float32(239 / 720)
    track = dancer.main.cut(0, 1)
    pose = replace(track, points=track.points * scale - np.float32([53, 0]), size=(319, 239))
    save_motion(replace(make_motion(1), tracks=(pose,)), tmp_path / "me.motion")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def retarget(*more):
    return main(["retarget", "me.png", DANCER, "--character-pose", "me.motion", *more])


def test_it_tells_the_ratios_and_the_report(place, capsys):
    before = sorted(p.name for p in place.iterdir())
    assert retarget() == 0
    told = capsys.readouterr().out
    rows = [line for line in told.splitlines() if " = " in line]
    ratios = read_ratios("\n".join(rows))
    # the character is the dancer himself, as large as his picture is small
    assert all(abs(ratios[g] - 239 / 720) < 0.04 for g in ("torso", "body", "leg"))
    assert "standing feet slide" in told and "319x239" not in told and "320x240" in told  # even sides
    assert sorted(p.name for p in place.iterdir()) == before


def test_motion_and_preview_are_written(place, capsys):
    assert retarget("-o", "x.motion", "--preview", "x.png", "--compare", "--pictures", "3", "--quiet") == 0
    assert capsys.readouterr().out == ""
    moved, dancer = load_motion(place / "x.motion"), load_motion(Path(DANCER))
    assert moved.num_frames == dancer.num_frames and moved.size == (320, 240)
    assert np.array_equal(moved.timeline.pts, dancer.timeline.pts) and moved.detector.endswith("/retargeted")
    with Image.open(place / "x.png") as strip:
        alone = strip.size
    assert retarget("--preview", "y.png", "--pictures", "3", "--quiet") == 0
    with Image.open(place / "y.png") as strip:
        assert alone[1] / alone[0] > 1.5 * strip.size[1] / strip.size[0]  # five rows, not two


def test_its_motion_drives_a_run_like_any_other(place):
    assert retarget("-o", "x.motion", "--quiet", "--stop", "0.5") == 0
    assert retarget("-o", "y.motion", "--quiet", "--stop", "0.5", "--mode", "none", "--place", "driver") == 0
    assert load_motion(place / "y.motion").size == (1280, 720)
    assert 0 < load_motion(place / "x.motion").num_frames < 30


def test_ratios_and_place_reach_the_plan(place, capsys):
    assert retarget("--ratio", "forearm = 0.5", "--ratio", "Upper Arm=0.4", "--fit") == 0
    told = capsys.readouterr().out
    assert "  forearm = 0.500\n" in told and "  upper arm = 0.400\n" in told
    assert retarget("--place", "driver", "--match", "torso") == 0
    told = capsys.readouterr().out
    assert "onto the driving video, 1280x720" in told and "  torso = 1.000\n" in told


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--mode", "best"], 2, "ours, wan, mimicmotion, none"),
        (["--place", "moon"], 2, "character, driver"),
        (["--mode", "wan", "--place", "driver"], 2, "modes 'ours' and 'none'"),
        (["--ratio", "tail = 1"], 2, "there are torso"),
        (["--ratio", "foot"], 2, "is no ratio"),
        (["--factor", "3"], 2, "0 to 2"),
        (["--smooth", "11"], 2, "0 to 10"),
        (["--pictures", "0"], 2, "1 to 24"),
        (["-o", "x.mp4"], 2, "x.motion?"),
        (["--preview", "x.jpg"], 2, "x.png?"),
        (["--preview", "me.png"], 2, "is an input itself"),
        (["--mask", "none.png"], 3, "no mask none.png"),
        (["-o", "nowhere/x.motion"], 3, "nowhere"),
        (["-o", "there.motion"], 3, "exists already"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(place, capsys, words, status, told):
    (place / "there.motion").write_bytes(b"somebody's")
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    assert retarget(*words) == status
    said = capsys.readouterr().err.strip()
    assert told in said and len(said.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
