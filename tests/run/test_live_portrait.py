"""LivePortrait through the one route, on stand-in networks: pictures and films go in, films of exact timing come out."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "live_portrait"))
from made_faces import SIZE, FaceDetector, motion_of, track, write_film, write_portrait
from portrait_stubs import StubNetworks

from motion_transfer.core import (  # fmt: skip
    Cancelled,
    InputError,
    MissingWeights,
    Motion,
    NoPersonFound,
    TransferJob,
    UnreadableImage,
    UsageError,
)
from motion_transfer.models.live_portrait import source as source_module
from motion_transfer.models.live_portrait import spec as portrait_spec
from motion_transfer.pose.motion_file import load_motion, save_motion
from motion_transfer.run import motion_cache
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run
from motion_transfer.video import file_sha256, open_video

FRAMES = 34
PROGRAM = str(Path(__file__).with_name("portrait_program.py"))


class Lending(LocalHost):
    def __init__(self, networks=None):
        self.told = []
        super().__init__(on_note=self.told.append, device="cpu")
        self.networks = networks or StubNetworks()

    def lend(self, what):
        return self.networks if what == "live_portrait" else None


@pytest.fixture(autouse=True)
def light_detectors(monkeypatch):
    monkeypatch.setattr(motion_cache, "open_detector", lambda **_: FaceDetector())
    monkeypatch.setattr(motion_cache, "detector_id", lambda **_: FaceDetector.id)
    monkeypatch.setattr(source_module, "find_faces", lambda pixels, **_: [])


def write_inputs(folder, num_frames=FRAMES):
    film = write_film(folder / "driver.mp4", num_frames)
    save_motion(motion_of(film, num_frames), folder / "driver.motion")
    write_portrait(folder / "me.png")
    save_motion(motion_of(None, 1), folder / "me.motion")
    return folder


@pytest.fixture
def place(tmp_path):
    return write_inputs(tmp_path)


def a_job(folder, character="me.png", driving="driver.mp4", **changes):
    pose = {"character_pose": str(folder / "me.motion")} if character.endswith(".png") else {}
    values = {"engine": "live-portrait", "quality": "lossless", "output": str(folder / "out.mkv"), **pose, **changes}
    return TransferJob(character=str(folder / character), driving=str(folder / driving), **values)


def stamps(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [float(f.pts * stream.time_base) for f in container.decode(stream)]


def sound(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


def test_as_many_frames_the_same_stamps_and_sound_as_the_driver(place):
    host = Lending()
    result = run(a_job(place), host, work_dir=place / "w")
    assert result.num_frames == FRAMES
    assert stamps(result.output) == pytest.approx(stamps(place / "driver.mp4"), abs=0.0011)  # matroska's milliseconds
    assert sound(result.output) == sound(place / "driver.mp4")
    told = json.loads(result.manifest.read_text())["engine"]
    assert told["name"] == "live-portrait" and told["report"]["networks"] == "stub-1"
    other = Lending()
    write_portrait(place / "other.png", [(70.0, 90.0)])
    run(a_job(place, "other.png", output=str(place / "b.mkv")), other, work_dir=place / "w")
    assert host.networks.calls["motion"] == FRAMES + 1
    assert other.networks.calls["motion"] == 1  # the new picture; the driver is known


@pytest.mark.parametrize("at", [3, 17])
def test_a_stopped_run_goes_on_and_ends_bit_identical(place, at):
    run(a_job(place, output=str(place / "whole.mkv")), Lending(), work_dir=place / "w0")
    host = Lending()
    host.networks.on_render = lambda count: host.cancel.set() if count > at else None
    with pytest.raises(Cancelled):
        run(a_job(place), host, work_dir=place / "w")
    again = Lending()
    result = run(a_job(place), again, work_dir=place / "w")
    assert result.chunks_reused == at // 16 and again.networks.calls["render"] == FRAMES - at // 16 * 16
    assert file_sha256(place / "out.mkv") == file_sha256(place / "whole.mkv")


def test_a_motion_with_codes_needs_no_film(place):
    known = run_enriched(place)
    save_motion(replace(known, source=replace(known.source, path="gone.mp4", has_audio=False)), place / "codes.motion")
    networks = StubNetworks()
    run(a_job(place, driving="codes.motion"), Lending(networks), work_dir=place / "w")
    assert networks.calls["motion"] == 1
    bare = replace(known, face_codes={}, source=replace(known.source, path="gone.mp4", has_audio=False))
    save_motion(bare, place / "bare.motion")
    with pytest.raises(InputError, match=r"has no live-portrait/stub codes.*give the driving video"):
        run(a_job(place, driving="bare.motion", output=str(place / "b.mkv")), Lending(), work_dir=place / "w")


def run_enriched(place) -> Motion:
    from motion_transfer.models.live_portrait.engine import open_engine

    engine = open_engine(portrait_spec.LivePortraitSettings(), Lending())
    return engine.enrich(load_motion(place / "driver.motion"), open_video(place / "driver.mp4"))


@pytest.mark.parametrize("length", ["shorter", "ping-pong"])
def test_a_film_is_moved_at_its_own_rate_with_the_driver_s_sound(place, length):
    write_film(place / "me.mp4", 50, rate=30, sound=False)  # 1.67 s; the driver has 1.36 s at 25
    frames = 41 if length == "shorter" else 50
    host = Lending()
    result = run(a_job(place, "me.mp4", settings={"length": length}), host, work_dir=place / "w")
    assert result.num_frames == frames
    assert stamps(result.output) == pytest.approx(stamps(place / "me.mp4")[:frames], abs=0.0011)
    assert sound(result.output) == sound(place / "driver.mp4")
    assert host.networks.calls["appearance"] == frames + 1
    assert any("ends with the driver" in note for note in host.told) == (length == "shorter")


def test_the_sound_of_a_longer_driver_ends_with_the_film(place):
    write_film(place / "me.mp4", 12, sound=False)
    host = Lending()
    result = run(a_job(place, "me.mp4"), host, work_dir=place / "w")
    found, whole = sound(result.output), sound(place / "driver.mp4")
    assert result.num_frames == 12 and found == whole[: len(found)]
    assert len(found) * 1024 / 44100 == pytest.approx(12 / 25, abs=2 * 1024 / 44100)
    assert any("the rest of the driver is not used" in note for note in host.told)


def test_a_film_goes_on_after_a_break_bit_identical_and_is_found_once(place):
    write_film(place / "me.mp4", FRAMES, sound=False, size=(162, 194))
    job = a_job(place, "me.mp4", resolution="480p")
    run(replace(job, output=str(place / "whole.mkv")), Lending(), work_dir=place / "w")
    opened, host = FaceDetector.opened, Lending()
    host.networks.on_render = lambda count: host.cancel.set() if count > 20 else None
    with pytest.raises(Cancelled):
        run(job, host, work_dir=place / "w")
    assert run(job, Lending(), work_dir=place / "w").chunks_reused == 1
    assert file_sha256(place / "out.mkv") == file_sha256(place / "whole.mkv")
    assert FaceDetector.opened == opened


def test_a_film_is_worked_on_at_the_size_that_is_asked_for(place):
    write_film(place / "me.mp4", 3, sound=False, size=(640, 500))
    result = run(a_job(place, "me.mp4", resolution="480p"), Lending(), work_dir=place / "w")
    info = open_video(result.output).info
    assert (info.width, info.height) == (614, 480)


def test_other_engines_still_say_that_a_film_is_no_picture(place):
    write_film(place / "me.mp4", 3, sound=False)
    with pytest.raises(UnreadableImage, match="this is a video, not a picture"):
        run(a_job(place, "me.mp4", engine="light"), Lending(), work_dir=place / "w")
    (place / "x.png").write_text("nothing")
    with pytest.raises(UnreadableImage, match="this is text"):
        run(a_job(place, "x.png"), Lending(), work_dir=place / "w")


def test_what_belongs_to_a_picture_is_refused_for_a_film(place):
    write_film(place / "me.mp4", 3, sound=False)
    for words in ({"mask": str(place / "me.png")}, {"character_pose": str(place / "me.motion")}):
        with pytest.raises(UsageError, match="belongs to a picture"):
            run(a_job(place, "me.mp4", **words), Lending(), work_dir=place / "w")
    with pytest.raises(UsageError, match="face_box belongs to a picture"):
        run(a_job(place, "me.mp4", settings={"face_box": "1,1,50,50"}), Lending(), work_dir=place / "w")


def test_a_film_without_anybody_and_a_picture_without_a_face_are_told(place):
    write_film(place / "nobody.mp4", 3, gone=range(3))
    with pytest.raises(NoPersonFound, match="Nobody was found"):
        run(a_job(place, "nobody.mp4"), Lending(), work_dir=place / "w")
    faceless = motion_of(None, 1)
    faceless.main.scores[:] = 0
    save_motion(replace(faceless, tracks=(track(1, unseen=(0,)),)), place / "me.motion")
    with pytest.raises(InputError, match="No face was found in me"):
        run(a_job(place), Lending(), work_dir=place / "w")


def test_missing_weights_are_named_before_anything_is_read(place, monkeypatch):
    monkeypatch.setattr(portrait_spec, "need_packages", lambda *names: None)
    (place / "driver.motion").write_bytes(b"damaged")  # would be refused, if it were looked at
    with pytest.raises(MissingWeights) as refusal:
        run(a_job(place, driving="driver.motion"), LocalHost(device="cpu"), work_dir=place / "w")
    line = str(refusal.value)
    assert "appearance_feature_extractor.safetensors" in line and "Kijai/LivePortrait_safetensors" in line
    assert "\n" not in line


def test_wrong_weights_are_called_by_their_name(place):
    from safetensors.numpy import save_file

    folder = place / "models" / "liveportrait"
    folder.mkdir(parents=True)
    stems = ("appearance_feature_extractor", "motion_extractor", "warping_module", "spade_generator", "stitching_retargeting_module")  # fmt: skip
    for stem in stems:
        save_file({"detector.norm.weight": np.zeros(768, np.float32)}, folder / f"{stem}.safetensors")
    host = LocalHost(device="cpu", weights_folders=(place / "models",))
    with pytest.raises(InputError, match=r"appearance_feature_extractor.safetensors is not LivePortrait's appearance") as refusal:  # fmt: skip
        run(a_job(place, driving="driver.motion"), host, work_dir=place / "w")
    assert "\n" not in str(refusal.value)


def test_the_picture_s_own_size_and_the_crop_alone(place):
    result = run(a_job(place, settings={"paste_back": False}), Lending(), work_dir=place / "w")
    info = open_video(result.output).info
    assert (info.width, info.height) == (512, 512)
    result = run(a_job(place, output=str(place / "b.mkv")), Lending(), work_dir=place / "w")
    info = open_video(result.output).info
    assert (info.width, info.height) == SIZE


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix")
@pytest.mark.parametrize("character", ["me.png", "me.mp4"])
def test_kills_at_any_moment_end_bit_identical(tmp_path, character):
    place, frames = write_inputs(tmp_path, 100), 100
    write_film(place / "me.mp4", frames, sound=False)
    line = [sys.executable, PROGRAM, "run", character, "driver.mp4", "--engine", "live-portrait", "--quiet", "--quality", "lossless", "--work-dir", "w"]  # fmt: skip
    line += ["--character-pose", "me.motion"] if character == "me.png" else []
    env = {**os.environ, "STUB_WAIT": "0.01", "OMP_NUM_THREADS": "1"}
    subprocess.run([*line, "-o", "whole.mkv"], cwd=place, check=True, env={**env, "STUB_WAIT": "0"})
    chance, kills, kept = random.Random(1), 0, 0

    def records():
        return len(list(place.glob("w/out.mkv.*.parts/*/piece-*.json")))

    while kept < frames // 16:
        running = subprocess.Popen([*line, "-o", "out.mkv"], cwd=place, env=env)
        aim = kept + chance.choice([1, 1, 2])
        while running.poll() is None and records() < min(aim, frames // 16):
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.15))
        if running.poll() is not None:
            break
        running.kill()
        running.wait()
        kills += 1
        if (place / "out.mkv.json").exists():
            break  # it was done, and only its pieces or itself still had to go
        assert records() >= kept, "finished pieces were lost"
        kept = records()
    assert kills >= 3
    subprocess.run([*line, "-o", "out.mkv"], cwd=place, check=True, env=env)
    assert file_sha256(place / "out.mkv") == file_sha256(place / "whole.mkv")
    frames_found = np.concatenate([c.pixels for c in open_video(place / "out.mkv").chunks(50)])
    assert len(frames_found) == frames
