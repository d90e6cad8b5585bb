"""Check Result: what it refuses in one line, and what it gives of a real run."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from motion_transfer.core import InputError


class FromImages:
    pass


class FromFile:
    def __init__(self, path, start=0.0, duration=0.0):
        self.path, self.trim = path, (start, duration)

    def get_stream_source(self):
        return str(self.path)

    def get_active_trim_window(self):
        return self.trim


@pytest.fixture
def module(nodes, monkeypatch):
    from motion_transfer.nodes import check_result

    monkeypatch.setattr(check_result.InputImpl, "VideoFromComponents", FromImages, raising=False)
    return check_result


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "dance.mp4"
    path.write_bytes(b"a film")
    return path


def refused(module, video):
    with pytest.raises(InputError) as told:
        module.CheckResult.execute(video)
    line = str(told.value)
    assert "\n" not in line and "--" not in line and line.startswith("Check Result was given ")
    return line


def test_a_video_without_a_manifest_is_told_in_one_line(module, film):
    line = refused(module, FromFile(film))
    assert "dance.mp4, beside which no run has left its manifest dance.mp4.json" in line
    assert line.endswith(module.STRAIGHT_IN)


def test_images_and_parts_of_a_video_are_told_in_one_line(module, film):
    assert "made of IMAGEs" in refused(module, FromImages())
    film.with_name("dance.mp4.json").write_text("{}")
    assert "a part of dance.mp4" in refused(module, FromFile(film, 1.0))
    assert "a part of dance.mp4" in refused(module, FromFile(film, 0.0, 2.0))


def test_a_video_finished_after_its_run_is_told_in_one_line(module, film):
    manifest = {"format": "motion-transfer-finishing", "version": 1, "finishing": {"video": "raw.mp4"}}
    film.with_name("dance.mp4.json").write_text(json.dumps(manifest))
    assert "finished after its run" in refused(module, FromFile(film))


def test_the_outputs_are_in_the_words_of_nodes_and_inputs(module, film, monkeypatch):
    pytest.importorskip("torch")
    from motion_transfer.run import report, report_sheet
    from motion_transfer.run.report_marks import Mark

    marks = [Mark(m, 0, 2.0, "") for m in ("pose", "look", "flicker", "seam", "frames", "sound")]  # type: ignore[arg-type]
    advised = []

    def lines(advise):
        for engine in ("puppet", "wan-animate", "wan-animate-replace", "mimic-motion", "animate-diff", "live-portrait"):
            advised.extend(advise(mark, engine, "dance.mp4") for mark in marks)
        return ["See (`quality=low`).", *advised]

    made = SimpleNamespace(ok=False, lines=lines)
    asked = {}
    monkeypatch.setattr(report, "report_result", lambda path, host, **k: asked.update(k, path=path) or made)
    monkeypatch.setattr(report_sheet, "draw_sheet", lambda r, advise: np.full((4, 6, 3), 255, np.uint8))
    monkeypatch.setattr(module, "_result_of_a_run", lambda video: film)
    monkeypatch.setattr(sys.modules["comfy.utils"], "ProgressBar", lambda total: SimpleNamespace(), raising=False)
    out = module.CheckResult.execute(FromFile(film), "dwpose")
    text, sheet, ok = out.args if hasattr(out, "args") else out.result
    assert asked["path"] == film and asked["detector"] == "dwpose" and ok is False
    assert tuple(sheet.shape) == (1, 4, 6, 3) and float(sheet.max()) == 1.0
    assert text.startswith("See (the quality input: low).")
    assert len(advised) == 36 and not [
        a for a in advised if "--" in a or "motion-transfer " in a or not a.endswith(".")
    ]
