"""Restore Faces in the real server, on a small random RestoreFormer that spandrel loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motion_transfer.video import open_video

ROOT = Path(__file__).resolve().parents[2]
GRAPH = json.loads((ROOT / "workflows" / "api" / "restore_faces.json").read_text())
FRAMES = 6


@pytest.fixture(scope="module")
def tiny(server):
    done = subprocess.run(
        [os.environ.get("COMFYUI_PYTHON", sys.executable), str(Path(__file__).with_name("tiny_restorer.py")), str(server.folder / "models")],
        cwd=os.environ["COMFYUI_DIR"], capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return server


def short(**settings):
    graph = json.loads(json.dumps(GRAPH))
    restore = next(n for n in graph.values() if n["class_type"] == "MT_RestoreFaces")
    restore["inputs"] |= {"video": ["slice", 0], "quality": "Lossless", **settings}
    graph["slice"] = {
        "class_type": "Video Slice",
        "inputs": {"video": ["1", 0], "start_time": 1.0, "duration": FRAMES / 24, "strict_duration": False},
    }
    return graph


def decoded(path, start=0, count=FRAMES):
    return next(iter(open_video(path).chunks(count, start))).pixels


def test_faces_change_and_the_rest_of_the_film_stays(tiny):
    ran = tiny.run(short(strength=1.0))
    assert ran.status == "success", ran.error
    made = decoded(max((tiny.folder / "temp" / "motion_transfer").glob("restore-faces_*.mkv"), key=lambda p: p.stat().st_mtime))  # fmt: skip
    film = decoded(ROOT / "demo" / "media" / "dancer.mp4", 24)
    assert made.shape == film.shape
    away = np.abs(made.astype(int) - film).max(axis=(0, 3))
    rows, columns = np.flatnonzero((away > 0).any(axis=1)), np.flatnonzero((away > 0).any(axis=0))
    assert 20 < rows[-1] - rows[0] < 160 and 20 < columns[-1] - columns[0] < 160  # the face, some 90 px of 1280
    assert (away > 0).sum() < 160 * 160 and away.max() > 30  # a network of random weights makes noise, there alone


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model_file": "another_network.pth"}, "which enlarges pictures, not a face restorer"),
        ({"model": "codeformer"}, "non-commercial use only"),
        ({"model": "gfpgan-1.4"}, "GFPGAN 1.4 is missing: put GFPGANv1.4.pth"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tiny, settings, told):
    ran = tiny.run(short(**settings))
    assert ran.status != "success" and told in str(ran.error), ran.error
