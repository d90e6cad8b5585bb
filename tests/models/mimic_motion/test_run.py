"""MimicMotion through the one route, on a stub of its network: files in, a film out, breaks in between."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from mimic_inputs import SIZE, a_motion
from stub_mimic import StubBackend

from motion_transfer.core import Cancelled, InputError, MissingPackage, MissingWeights, SourceFile, TransferJob
from motion_transfer.models.mimic_motion import spec as mimic_spec
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run
from motion_transfer.video import file_sha256, open_video, write_image

FRAMES = 60
PROGRAM = str(Path(__file__).with_name("mimic_program.py"))
SETTINGS = {"tile": "16", "section": 32}
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "run"))


class Lending(LocalHost):
    def __init__(self, backend=None, **words):
        self.told = []
        super().__init__(on_note=self.told.append, **words)
        self.backend = backend or StubBackend()

    def lend(self, what):
        return self.backend if what == "mimic_motion" else None


def write_inputs(folder, num_frames=FRAMES):
    save_motion(a_motion(num_frames), folder / "x.motion")
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    write_image(folder / "me.png", np.stack([60 + x, 80 + y, 120 + 0 * x], -1).astype(np.uint8))
    save_motion(a_motion(1), folder / "me.motion")
    return folder


def a_job(folder, **changes):
    values = {
        "character": str(folder / "me.png"), "driving": str(folder / "x.motion"), "output": str(folder / "out.mkv"),
        "engine": "mimic-motion", "quality": "lossless", "character_pose": str(folder / "me.motion"), "seed": 7,
        "settings": SETTINGS, **changes,
    }  # fmt: skip
    return TransferJob(**values)


@pytest.fixture
def place(tmp_path):
    return write_inputs(tmp_path)


def pixels(path):
    return np.concatenate([c.pixels for c in open_video(path).chunks(16)])


def test_a_film_with_every_frame_comes_out_and_the_manifest_tells_of_seams(place):
    result = run(a_job(place), Lending(), work_dir=place / "w")
    assert pixels(place / "out.mkv").shape == (FRAMES, SIZE[1], SIZE[0], 3)
    report = json.loads(result.manifest.read_text())["engine"]["report"]
    assert report["sections"] == 3 and report["backend"] == "stub-1" and report["guidance"] == [2.0, 2.0]
    assert report["seam_levels_worst"] >= report["seam_levels_mean"] > 0


def test_time_stamps_and_sound_are_the_drivers(place):
    from made_media import write_clip

    film = write_clip(place / "film.mp4", num_frames=FRAMES)
    save_motion(replace(a_motion(FRAMES), source=SourceFile(str(film), file_sha256(film), True)), place / "x.motion")
    run(a_job(place), Lending(), work_dir=place / "w")
    with av.open(str(place / "out.mkv")) as made, av.open(str(film)) as given:
        stamps = [Fraction(f.pts * made.streams.video[0].time_base) for f in made.decode(video=0)]
        assert [round(s * 25) for s in stamps] == list(range(FRAMES))
        made.seek(0)
        packets = [[bytes(p) for p in c.demux(audio=0) if p.size] for c in (made, given)]
    kept = {bytes(p) for p in packets[1]}
    assert packets[0] and all(p in kept for p in packets[0]), "packets are copied, never encoded again"
    assert len(packets[0]) >= len(packets[1]) - 2  # those that lie before the first frame or behind the last


def test_a_run_cancelled_in_any_section_goes_on_bit_identical_and_makes_no_section_twice(place):
    run(a_job(place, output=str(place / "whole.mkv")), Lending(), work_dir=place / "w0")
    for section in range(1, 3):
        host = Lending()

        def stop_in(step, host=host, section=section):
            if len([c for c in host.backend.calls if c[0] == "sample"]) > section:
                host.cancel.set()

        host.backend.on_sample = stop_in
        job = a_job(place, output=str(place / f"out{section}.mkv"))
        with pytest.raises(Cancelled, match="frames are kept"):
            run(job, host, work_dir=place / "w")
        again = Lending()
        result = run(job, again, work_dir=place / "w")
        assert len([c for c in again.backend.calls if c[0] == "sample"]) == 3 - section
        assert result.chunks_reused == section
        assert file_sha256(place / f"out{section}.mkv") == file_sha256(place / "whole.mkv")
        told = [json.loads((place / f"{n}.mkv.json").read_text())["engine"] for n in ("whole", f"out{section}")]
        assert told[0] == told[1]


def test_other_weights_never_go_on_with_the_pieces_of_these(place):
    host = Lending()
    host.backend.on_sample = lambda step: host.cancel.set() if len(host.backend.conditions) > 1 else None
    with pytest.raises(Cancelled):
        run(a_job(place), host, work_dir=place / "w")
    other = Lending()
    other.backend.fingerprint = "stub-2"
    assert run(a_job(place), other, work_dir=place / "w").chunks_reused == 0


def test_missing_weights_are_named_before_anything_is_read(place, monkeypatch):
    monkeypatch.setattr(mimic_spec, "need_packages", lambda *names: None)
    (place / "x.motion").write_bytes(b"damaged")  # would be refused, if it were looked at
    host = LocalHost(weights_folders=(place / "models",))
    with pytest.raises(MissingWeights) as refusal:
        run(a_job(place), host, work_dir=place / "w")
    line = str(refusal.value)
    for word in ("MimicMotion_1-1.pth", "tencent/MimicMotion to diffusion_models", "7.8 GB", "Stability", str(place / "models")):  # fmt: skip
        assert word in line, line
    assert "\n" not in line
    wrong = place / "models" / "diffusion_models" / "MimicMotion_1-1.pth"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"<html>")
    (place / "models" / "checkpoints").mkdir()
    (place / "models" / "checkpoints" / "svd_xt.safetensors").write_bytes(b"0")
    with pytest.raises(InputError, match=r"MimicMotion_1-1\.pth"):
        run(a_job(place), host, work_dir=place / "w")


def test_weights_that_may_not_be_used_commercially_are_refused_where_that_is_asked(place):
    with pytest.raises(MissingWeights, match="may not be used commercially"):
        run(a_job(place, commercial_use_only=True), Lending(), work_dir=place / "w")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingPackage, match="pip install diffusers"):
        mimic_spec.SPEC.identity(mimic_spec.MimicMotionSettings(), LocalHost())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix")
def test_kills_in_any_section_end_bit_identical_and_no_finished_section_is_made_again(tmp_path):
    frames, sections = 200, 8
    place = write_inputs(tmp_path, frames)
    line = [
        sys.executable, PROGRAM, "run", "me.png", "x.motion", "--engine", "mimic-motion", "--quiet", "--quality",
        "lossless", "--set", "tile=16", "--set", "section=32", "--character-pose", "me.motion", "--work-dir", "w",
    ]  # fmt: skip
    env = {**os.environ, "STUB_WAIT": "0.15", "STUB_MARKS": str(place / "marks")}
    subprocess.run([*line, "-o", "whole.mkv"], cwd=place, check=True, env={**env, "STUB_WAIT": "0"})
    assert len((place / "marks").read_text().split()) == sections
    (place / "marks").unlink()
    chance, kills = random.Random(1), 0

    def records():
        return len(list(place.glob("w/out.mkv.*.parts/*/piece-*.json")))

    kept = 0
    while kept < sections - 1:
        running = subprocess.Popen([*line, "-o", "out.mkv"], cwd=place, env=env)
        aim = kept + chance.choice([1, 1, 2])
        while running.poll() is None and records() < min(aim, sections - 1):
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.2))
        if running.poll() is not None:
            break
        running.kill()
        running.wait()
        kills += 1
        assert records() >= kept, "finished sections were lost"
        kept = records()
    assert kills >= 3
    subprocess.run([*line, "-o", "out.mkv"], cwd=place, check=True, env=env)
    assert file_sha256(place / "out.mkv") == file_sha256(place / "whole.mkv")
    # Each kill can cost the section in the making and the one being written behind it.
    assert len((place / "marks").read_text().split()) <= sections + 2 * kills + 1
