"""kill -9 at random moments: the next run goes on, loses at most one piece, and ends bit-identical."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_media import make_motion, write_clip, write_picture

from motion_transfer.core import SourceFile
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.video import file_sha256

PROGRAM = str(Path(__file__).with_name("light_engine.py"))
WAIT = 0.005  # seconds a frame takes, so that kills fall into rendering, encoding and writing alike


def kills(folder, count, seed, num_frames):
    """Kill `count` runs of one command at random moments, then let it end; yields what each had kept."""
    film = write_clip(folder / "film.mp4", num_frames=num_frames)
    save_motion(make_motion(num_frames, source=SourceFile(str(film), file_sha256(film), True)), folder / "x.motion")
    write_picture(folder / "me.png")
    line = [
        sys.executable,
        PROGRAM,
        "run",
        "me.png",
        "x.motion",
        "--engine",
        "light",
        "--quality",
        "lossless",
        "--quiet",
    ]
    line += ["--set", f"wait={WAIT}", "--work-dir", "w"]
    subprocess.run([*line, "-o", "whole.mkv"], cwd=folder, check=True)
    chance = random.Random(seed)
    kept_before = 0
    reached = []
    for _ in range(count):
        running = subprocess.Popen([*line, "-o", "out.mkv"], cwd=folder, stderr=subprocess.PIPE, text=True)
        assert running.stderr is not None
        # A moment: some pieces further than the run before, and up to 30 ms on, wherever that is.
        further = kept_before + chance.choice([0, 1, 1, 2, 3, 5])
        while running.poll() is None and count_records(folder) < min(further, num_frames // 4):
            time.sleep(0.002)
        try:
            # With every piece there, only joining and tidying are left to be hit, after the start of Python.
            all_there = kept_before >= num_frames // 4
            running.wait(timeout=chance.uniform(0, 4.0 if all_there else 0.03 if further else 1.5))
        except subprocess.TimeoutExpired:
            running.kill()
        err = running.communicate()[1]
        assert running.returncode in (0, -9), err
        assert err == "" or "finished already" in err, err
        if running.returncode == 0:
            check_end(folder, reached, num_frames)
            for name in ("out.mkv", "out.mkv.json"):
                (folder / name).unlink()
            kept_before = 0
            continue
        records = count_records(folder)
        assert records >= kept_before or (folder / "out.mkv").exists(), "finished pieces were lost"
        kept_before = records
        reached.append(records)
    done = subprocess.run([*line, "-o", "out.mkv"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_end(folder, reached, num_frames)
    return reached


def count_records(folder):
    return len(list(folder.glob("w/out.mkv.*.parts/*/piece-*.json")))


def check_end(folder, reached, num_frames):
    assert file_sha256(folder / "out.mkv") == file_sha256(folder / "whole.mkv")
    manifests = [json.loads((folder / f"{name}.mkv.json").read_text()) for name in ("whole", "out")]
    made, reused = (manifests[1]["run"][k] for k in ("chunks_made", "chunks_reused"))
    assert made + reused == num_frames // 4
    if reached:  # whatever had a record is used: at most the piece in the making is done again
        assert reused >= reached[-1] or reused == num_frames // 4
    for manifest in manifests:
        del manifest["run"], manifest["job"]["output"]
    assert manifests[0] == manifests[1]
    assert not list(folder.glob("w/out.mkv.*.parts")) and not list(folder.glob("**/*.tmp"))


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix; Windows is tried by benchmarks/crash.py")
def test_six_kills_end_bit_identical(tmp_path):
    assert len(kills(tmp_path, 6, seed=1, num_frames=60)) >= 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix")
def test_a_hundred_kills_end_bit_identical(tmp_path):
    reached = kills(tmp_path, 100, seed=2, num_frames=120)
    assert len(reached) >= 50 and max(reached) >= 20 and min(reached) <= 5
