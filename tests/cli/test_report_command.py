"""`motion-transfer report` as a user types it: table, files, exit status, one line for what cannot work."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from made_media import make_motion

from motion_transfer.cli.main import main
from motion_transfer.core import FrameChunk, Timeline
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.video import encode_chunk, join_chunks, open_video, output_format


@pytest.fixture
def result(character, tmp_path, monkeypatch, same_detector):
    """Made by the light engine, which moves no joints; nothing is ever detected by a network."""
    monkeypatch.chdir(tmp_path)
    save_motion(make_motion(23), tmp_path / "dance.motion")
    words = ["run", character.name, "dance.motion", "--engine", "light", "-o", "out.mp4", "--quiet"]
    assert main(words) == 0
    return tmp_path / "out.mp4"


def test_table_figures_and_sheet(result, capsys):
    capsys.readouterr()
    status = main(["report", "out.mp4", "--json", "out.report.json", "--sheet", "sheet.png", "--quiet"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("out.mp4: 23 frames") and "light, 1 section" in lines[0]
    assert lines[1].split() == ["section", "time", "pose", "error", "look", "flicker", "seam"]
    assert any(line.strip().startswith("frames: 23 of 23, every time stamp equal") for line in lines)
    values = json.loads((result.parent / "out.report.json").read_text())
    assert status == (0 if values["ok"] else 3) and values["frames"]["ok"] and values["sound"]["ok"]
    assert values["engine"] == "light" and values["sections"][0]["stop_frame"] == 23
    assert any("pose: not measured" in note for note in values["notes"])
    sheet = cv2.imread("sheet.png")
    assert sheet is not None and sheet.shape[1] > 500


def test_a_result_that_deserves_a_look_has_status_3(result, capsys, monkeypatch):
    """The same pictures without the last of them."""
    (chunk,) = open_video(result).chunks(64)
    fmt = output_format(result, "high")
    pixels = np.ascontiguousarray(chunk.pixels[:22])
    encode_chunk(FrameChunk(pixels, 0), result.parent / "piece.mp4", fmt, open_video(result).info.rate)
    join_chunks(
        [result.parent / "piece.mp4"], result, timeline=Timeline.constant(22, open_video(result).info.rate), fmt=fmt
    )
    capsys.readouterr()
    assert main(["report", "out.mp4", "--quiet"]) == 3
    said = capsys.readouterr().out
    assert "! frames: 22 of 23, 1 not shown at their time" in said
    assert said.splitlines()[-1].startswith("Worst: section 1") and "motion-transfer rerun out.mp4.json" in said


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["nowhere.mp4"], 3, "nowhere.mp4"),
        (["alone.mp4"], 3, "There is no manifest alone.mp4.json"),
        (["out.mp4", "--manifest", "me.png"], 2, "is not a manifest"),
        (["out.mp4", "--sheet", "sheet.jpg"], 2, ".png"),
        (["out.mp4", "--json", "out.mp4.json"], 2, "manifest of the run"),
        (["out.mp4", "--json", "taken.json"], 3, "--overwrite replaces it"),
        (["out.mp4", "--json", "no/such/folder/x.json"], 3, "folder"),
        (["out.mp4", "--detector", "eyes"], 2, "no detector 'eyes'"),
        (["me.png", "--manifest", "out.mp4.json"], 3, "me.png"),
    ],
)
def test_what_cannot_work_is_one_line(result, capsys, words, status, says):
    shutil.copy("out.mp4", "alone.mp4")
    (result.parent / "taken.json").write_text("{}")
    before = sorted(p.name for p in result.parent.iterdir())
    capsys.readouterr()
    assert main(["report", *words, "--quiet"]) == status
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and not said.out
    assert sorted(p.name for p in result.parent.iterdir()) == before
