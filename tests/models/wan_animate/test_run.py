"""Wan-Animate through the one route, on a stub of its network: files in, a film out, breaks in between."""

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

import numpy as np
import pytest
from made_inputs import CODES, SIZE, a_film, a_mask, a_motion
from stub_backend import StubBackend

from motion_transfer.core import (
    Cancelled,
    FrameChunk,
    InputError,
    MissingWeights,
    SourceFile,
    Timeline,
    TransferJob,
    UsageError,
)
from motion_transfer.models.wan_animate import spec as wan_spec
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run
from motion_transfer.video import encode_chunk, file_sha256, join_chunks, open_video, output_format, write_image

FRAMES = 40
PROGRAM = str(Path(__file__).with_name("wan_program.py"))


class Lending(LocalHost):
    def __init__(self, backend=None, **words):
        self.told = []
        super().__init__(on_note=self.told.append, **words)
        self.backend = backend or StubBackend()

    def lend(self, what):
        return self.backend if what == "wan_animate" else None


def write_film(path, source, num_frames):
    fmt = output_format(path, "lossless")
    piece = path.with_name(f"piece_{path.name}")
    frames = np.concatenate([c.pixels for c in source.chunks(16)])
    encode_chunk(FrameChunk(frames, 0), piece, fmt, Fraction(25))
    join_chunks([piece], path, timeline=Timeline.constant(num_frames, Fraction(25)), fmt=fmt, audio=None, audio_trim=None, metadata=None)  # fmt: skip
    piece.unlink()
    return path


def write_inputs(folder, num_frames=FRAMES, codes=True):
    film = write_film(folder / "film.mkv", a_film(num_frames), num_frames)
    write_film(folder / "mask.mkv", a_mask(num_frames), num_frames)
    motion = a_motion(num_frames, codes=codes)
    save_motion(replace(motion, source=SourceFile(str(film), file_sha256(film))), folder / "x.motion")
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    write_image(folder / "me.png", np.stack([60 + x, 80 + y, 120 + 0 * x], -1).astype(np.uint8))
    save_motion(a_motion(1), folder / "me.motion")
    return folder


def a_job(folder, mode="move", **changes):
    settings = {"window": 17, "overlap": "5", **changes.pop("settings", {})}
    replaces = {"engine": "wan-animate-replace", "driving_mask": str(folder / "mask.mkv")} if mode == "replace" else {}
    values = {
        "character": str(folder / "me.png"), "driving": str(folder / "x.motion"), "output": str(folder / "out.mkv"),
        "engine": "wan-animate", "quality": "lossless", "character_pose": str(folder / "me.motion"), "seed": 7,
        **replaces, **changes,
    }  # fmt: skip
    return TransferJob(settings=settings, **values)


@pytest.fixture
def place(tmp_path):
    return write_inputs(tmp_path)


def pixels(path):
    return np.concatenate([c.pixels for c in open_video(path).chunks(16)])


@pytest.mark.parametrize("mode", ["move", "replace"])
def test_a_film_with_every_frame_comes_out_and_the_manifest_tells_of_drift(place, mode):
    result = run(a_job(place, mode), Lending(), work_dir=place / "w")
    assert pixels(place / "out.mkv").shape == (FRAMES, SIZE[1], SIZE[0], 3)
    manifest = json.loads(result.manifest.read_text())
    report = manifest["engine"]["report"]
    assert report["windows"] == 3 and report["face"] == CODES and report["backend"] == "stub-1"
    assert {"drift_de_mean", "seam_to_frame_jump", "frame_jump_median"} <= set(report)
    assert ("driving_mask" in manifest["inputs"]) == (mode == "replace")


@pytest.mark.parametrize("mode", ["move", "replace"])
def test_a_run_cancelled_in_any_window_goes_on_bit_identical_and_makes_no_window_twice(place, mode):
    run(a_job(place, mode, output=str(place / "whole.mkv")), Lending(), work_dir=place / "w0")
    for window in range(1, 3):
        host = Lending()

        def stop_in(step, host=host, window=window):
            if len([c for c in host.backend.calls if c[0] == "sample"]) > window:
                host.cancel.set()

        host.backend.on_sample = stop_in
        job = a_job(place, mode, output=str(place / f"out{window}.mkv"))
        with pytest.raises(Cancelled, match="frames are kept"):
            run(job, host, work_dir=place / "w")
        again = Lending()
        result = run(job, again, work_dir=place / "w")
        assert len([c for c in again.backend.calls if c[0] == "sample"]) == 3 - window
        assert result.chunks_reused == window
        assert file_sha256(place / f"out{window}.mkv") == file_sha256(place / "whole.mkv")
        told = [json.loads((place / f"{n}.mkv.json").read_text())["engine"] for n in ("whole", f"out{window}")]
        assert told[0] == told[1]


def test_other_weights_never_go_on_with_the_pieces_of_these(place):
    host = Lending()
    host.backend.on_sample = lambda step: host.cancel.set() if len(host.backend.conditions) > 1 else None
    with pytest.raises(Cancelled):
        run(a_job(place), host, work_dir=place / "w")
    other = Lending()
    other.backend.fingerprint = "stub-2"
    assert run(a_job(place), other, work_dir=place / "w").chunks_reused == 0


def test_face_codes_are_read_once_for_a_whole_cast(tmp_path, monkeypatch):
    from motion_transfer.models.wan_animate.faces import Faces

    place, read = write_inputs(tmp_path, codes=False), []

    def read_once(self, motion, driving):
        read.append(driving.info.num_frames)
        codes = np.full((motion.num_frames, 20), 0.5, np.float32)
        return replace(motion, face_codes={CODES: codes})

    monkeypatch.setattr(Faces, "read", read_once)
    for k in range(3):
        host = Lending()
        run(a_job(place, output=str(place / f"out{k}.mkv"), seed=k), host, work_dir=place / "w")
        assert all(float((c.face_codes - 0.5).abs().max()) < 1e-5 for c in host.backend.conditions)
    assert len(read) == 1


def test_a_motion_whose_film_is_gone_still_moves_without_a_face(tmp_path):
    place = write_inputs(tmp_path, codes=False)
    (place / "film.mkv").unlink()
    host = Lending()
    run(a_job(place), host, work_dir=place / "w")
    assert [n for n in host.told if "expression is left to the model" in n]
    with pytest.raises(InputError, match="need the frames of the driving video"):
        run(a_job(place, "replace", output=str(place / "b.mkv")), Lending(), work_dir=place / "w")


def test_the_driving_video_gives_the_size_when_replacing(place):
    y, x = np.mgrid[:200, :310]
    write_image(place / "wide.png", np.stack([x % 256, y % 256, 0 * x], -1).astype(np.uint8))
    job = a_job(place, "replace", character=str(place / "wide.png"), settings={"retarget": "none"})
    run(replace(job, character_pose=None), Lending(), work_dir=place / "w")
    assert pixels(place / "out.mkv").shape[1:3] == (SIZE[1], SIZE[0])


def test_a_picture_will_do_as_a_mask_and_another_length_will_not(place):
    write_image(place / "mask.png", next(a_mask(1).chunks(1)).pixels[0])
    run(a_job(place, "replace", driving_mask=str(place / "mask.png")), Lending(), work_dir=place / "w")
    still = pixels(place / "out.mkv")
    run(a_job(place, "replace", output=str(place / "b.mkv")), Lending(), work_dir=place / "w")
    assert np.array_equal(still, pixels(place / "b.mkv"))
    write_film(place / "short.mkv", a_mask(12), 12)
    backend = StubBackend()
    with pytest.raises(InputError, match="has 12 frames and the motion 40"):
        run(a_job(place, "replace", driving_mask=str(place / "short.mkv"), output=str(place / "c.mkv")), Lending(backend), work_dir=place / "w")  # fmt: skip
    assert not backend.calls
    with pytest.raises(InputError, match="no driver's mask"):
        run(a_job(place, "replace", driving_mask=str(place / "gone.mkv"), output=str(place / "d.mkv")), Lending(), work_dir=place / "w")  # fmt: skip


def test_the_driver_is_looked_for_once_for_a_whole_cast(place, monkeypatch):
    """The film shows nobody, so the joints' own shape stands in for what the network sees."""
    from motion_transfer.run import driving_mask

    job = replace(a_job(place, "replace", settings={"mask_grow": 0, "mask_blocks": 0}), driving_mask=None)
    first = Lending()
    run(job, first, work_dir=place / "w")
    free = first.backend.conditions[0].known[0, 1] == 0
    assert 0.02 < float(free.float().mean()) < 0.5
    monkeypatch.delattr(driving_mask, "driver_masks")
    second = Lending()
    run(replace(job, seed=1, output=str(place / "b.mkv")), second, work_dir=place / "w")
    assert all((a.known[:4] == b.known[:4]).all() for a, b in zip(first.backend.conditions, second.backend.conditions, strict=True))  # fmt: skip


def test_missing_weights_are_named_before_anything_is_read(place, monkeypatch):
    monkeypatch.setattr(wan_spec, "need_packages", lambda *names: None)
    (place / "x.motion").write_bytes(b"damaged")  # would be refused, if it were looked at
    with pytest.raises(MissingWeights) as refusal:
        run(a_job(place), LocalHost(weights_folders=(place / "models",)), work_dir=place / "w")
    line = str(refusal.value)
    assert "wan2.2_animate_14B_bf16.safetensors" in line and "Comfy-Org/Wan_2.2_ComfyUI_Repackaged" in line
    assert f"in {place / 'models'}: " in line and " to diffusion_models; " in line and "\n" not in line
    assert "'motion-transfer models get wan-animate' brings" in line and "clip_vision_h.safetensors" in line


def test_each_missing_file_is_named_in_turn(place, monkeypatch):
    monkeypatch.setattr(wan_spec, "need_packages", lambda *names: None)
    folder = place / "models"
    files = ["diffusion_models/Wan2_2-Animate-14B_fp8_scaled_e4m3fn_KJ_v2.safetensors", "vae/wan_2.1_vae.safetensors",
             "text_encoders/umt5_xxl_fp16.safetensors", "clip_vision/clip_vision_h.safetensors"]  # fmt: skip
    wanted = ["wan2.2_animate", "wan_2.1_vae", "umt5", "clip_vision_h", "relight", "step_distill"]
    settings = {"relight_lora": True, "distill_lora": True}
    for name, file in zip(wanted, [*files, None], strict=False):
        with pytest.raises(MissingWeights, match=name):
            run(a_job(place, settings=settings), LocalHost(weights_folders=(folder,)), work_dir=place / "w")
        if file:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(b"0")


def test_a_missing_package_is_named(monkeypatch):
    from motion_transfer.core import MissingPackage

    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingPackage, match="pip install diffusers"):
        wan_spec.MOVE.identity(wan_spec.WanAnimateSettings(), LocalHost())


def test_replacing_is_a_mode_on_the_command_line():
    import argparse

    from motion_transfer.cli.commands import run as command

    words = argparse.ArgumentParser()
    command.add(words)
    line = ["me.png", "dance.mp4", "--engine", "wan-animate"]
    assert command.job_of(words.parse_args(line)).engine == "wan-animate"
    job = command.job_of(words.parse_args([*line, "--mode", "replace", "--driving-mask", "m.png"]))
    assert (job.engine, job.driving_mask) == ("wan-animate-replace", "m.png")
    assert command.job_of(words.parse_args([*line, "--mode", "move"])).engine == "wan-animate"
    with pytest.raises(UsageError, match="puppet has no modes"):
        command.job_of(words.parse_args(["a", "b", "--engine", "puppet", "--mode", "replace"]))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix")
@pytest.mark.parametrize("mode", ["move", "replace"])
def test_kills_in_any_window_end_bit_identical_and_no_finished_window_is_made_again(tmp_path, mode):
    frames, windows = 113, 9
    place = write_inputs(tmp_path, frames)
    line = [
        sys.executable, PROGRAM, "run", "me.png", "x.motion", "--engine", "wan-animate", "--mode", mode, "--quiet",
        "--quality", "lossless", "--set", "window=17", "--set", "overlap=5", "--character-pose", "me.motion",
        "--work-dir", "w", *(["--driving-mask", "mask.mkv"] if mode == "replace" else []),
    ]  # fmt: skip
    env = {**os.environ, "STUB_WAIT": "0.15", "STUB_MARKS": str(place / "marks")}
    subprocess.run([*line, "-o", "whole.mkv"], cwd=place, check=True, env={**env, "STUB_WAIT": "0"})
    (place / "marks").unlink()
    chance, kills = random.Random(1), 0

    def records():
        return len(list(place.glob("w/out.mkv.*.parts/*/piece-*.json")))

    kept = 0
    while kept < windows - 1:
        running = subprocess.Popen([*line, "-o", "out.mkv"], cwd=place, env=env)
        aim = kept + chance.choice([1, 1, 2])
        while running.poll() is None and records() < min(aim, windows - 1):
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.2))
        if running.poll() is not None:
            break
        running.kill()
        running.wait()
        kills += 1
        assert records() >= kept, "finished windows were lost"
        kept = records()
    assert kills >= 3
    subprocess.run([*line, "-o", "out.mkv"], cwd=place, check=True, env=env)
    assert file_sha256(place / "out.mkv") == file_sha256(place / "whole.mkv")
    # Each kill can cost the window in the making and the one being written behind it.
    assert len((place / "marks").read_text().split()) <= windows + 2 * kills + 1
