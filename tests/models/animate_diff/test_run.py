"""AnimateDiff through the one route, on a stub of its network: files in, a film out, breaks in between, sound, memory."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from stub_animate import SIZE, Lending, StubAnimate, a_character, a_motion, standing

from motion_transfer.core import Cancelled, MissingPackage, PoseTrack, SourceFile, Timeline, TransferJob
from motion_transfer.models.animate_diff.spec import SPEC, AnimateDiffSettings
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run
from motion_transfer.video import file_sha256, open_video, write_image

FRAMES = 75
DANCER = Path(__file__).resolve().parents[3] / "demo" / "media" / "dancer.mp4"
SMALL = {"section": 32, "context_length": 8, "context_overlap": 2}


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))


def write_inputs(folder, frames=FRAMES, **changes):
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    write_image(folder / "me.png", np.stack([60 + x, 80 + y, 120 + 0 * x], -1).astype(np.uint8))
    save_motion(replace(a_motion(frames), **changes), folder / "x.motion")
    scores = np.zeros((1, 133), np.float32)
    scores[:, :17] = 0.9
    save_motion(replace(a_motion(1), tracks=(PoseTrack(standing()[None], scores, SIZE),)), folder / "me.motion")
    return folder


def a_job(folder, **changes):
    settings = {**SMALL, **changes.pop("settings", {})}
    values = {
        "character": str(folder / "me.png"), "driving": str(folder / "x.motion"), "output": str(folder / "out.mkv"),
        "engine": "animate-diff", "quality": "lossless", "character_pose": str(folder / "me.motion"), "seed": 7, **changes,
    }  # fmt: skip
    return TransferJob(settings=settings, **values)


@pytest.fixture
def place(tmp_path):
    return write_inputs(tmp_path)


def sampled(host):
    return len([c for c in host.backend.calls if c[0] == "sample"])


def test_a_film_with_every_frame_comes_out_and_the_manifest_tells_of_sections(place):
    result = run(a_job(place), Lending(), work_dir=place / "w")
    pixels = np.concatenate([c.pixels for c in open_video(place / "out.mkv").chunks(16)])
    assert pixels.shape == (FRAMES, SIZE[1], SIZE[0], 3)
    report = json.loads(result.manifest.read_text())["engine"]["report"]
    assert report["sections"] == 3 and report["motion_module"] == "mm_stub (v2)" and len(report["seams"]) == 2


def test_a_run_cancelled_in_any_section_goes_on_bit_identical_and_makes_none_twice(place):
    run(a_job(place, output=str(place / "whole.mkv")), Lending(), work_dir=place / "w0")
    for section in (1, 2):
        host = Lending()

        def stop_in(step, host=host, section=section):
            if sampled(host) > section:
                host.cancel.set()

        host.backend.on_sample = stop_in
        job = a_job(place, output=str(place / f"out{section}.mkv"))
        with pytest.raises(Cancelled, match="frames are kept"):
            run(job, host, work_dir=place / "w")
        again = Lending()
        result = run(job, again, work_dir=place / "w")
        assert sampled(again) == 3 - section and result.chunks_reused == section
        assert file_sha256(place / f"out{section}.mkv") == file_sha256(place / "whole.mkv")
        told = [json.loads((place / f"{n}.mkv.json").read_text())["engine"] for n in ("whole", f"out{section}")]
        assert told[0] == told[1]


def test_other_weights_never_go_on_with_the_pieces_of_these(place):
    host = Lending()
    host.backend.on_sample = lambda step: host.cancel.set() if sampled(host) > 1 else None
    with pytest.raises(Cancelled):
        run(a_job(place), host, work_dir=place / "w")
    other = Lending()
    other.backend.fingerprint = "stub-2"
    assert run(a_job(place), other, work_dir=place / "w").chunks_reused == 0


def test_sound_and_uneven_time_stamps_are_the_driving_films(tmp_path):
    pts = np.cumsum(np.array([0, *([33, 50] * FRAMES)][:FRAMES], np.int64))
    timeline = Timeline(pts, Fraction(1, 1000), Fraction(24), 33)
    source = SourceFile(str(DANCER), file_sha256(DANCER), has_audio=True)
    place = write_inputs(tmp_path, timeline=timeline, source=source)
    run(a_job(place, output=str(place / "out.mkv")), Lending(), work_dir=place / "w")
    with av.open(str(place / "out.mkv")) as made, av.open(str(DANCER)) as film:
        stream = made.streams.video[0]
        stamps = [Fraction(f.pts) * stream.time_base for f in made.decode(stream)]
        assert [round((s - stamps[0]) * 1000) for s in stamps] == [int(p) for p in pts - pts[0]]
        assert made.streams.audio[0].codec_context.name == film.streams.audio[0].codec_context.name
    packets = []
    for path in (place / "out.mkv", DANCER):
        with av.open(str(path)) as container:
            packets.append([bytes(p) for p in container.demux(container.streams.audio[0]) if p.size])
    mine, theirs = packets
    assert mine and mine == theirs[: len(mine)]


def test_memory_grows_by_a_clips_joints_alone(tmp_path):
    """Peak of what Python and numpy hold: measured 8 KB for each further frame, where one frame's pixels are 147 KB."""
    size, peaks, lengths = (192, 256), [], (64, 448)
    for frames in lengths:
        engine = SPEC.open(AnimateDiffSettings(**SMALL, schedule="static"), Lending(StubAnimate(remembers=False)), 7)
        motion = a_motion(frames, size)
        tracemalloc.start()
        for chunk in engine.transfer(a_character(size), motion):
            assert chunk.num_frames <= 32
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    each = (peaks[1] - peaks[0]) / (lengths[1] - lengths[0])
    assert each < 12_000 < size[0] * size[1] * 3 / 10


def test_outside_comfyui_the_run_ends_before_any_work(place):
    (place / "x.motion").write_bytes(b"damaged")  # would be refused, if it were looked at
    with pytest.raises(MissingPackage, match="runs in ComfyUI only"):
        run(a_job(place), LocalHost(), work_dir=place / "w")


def test_the_command_line_says_so_too(place, capsys):
    from motion_transfer.cli.main import main

    status = main(["run", str(place / "me.png"), str(place / "x.motion"), "--engine", "animate-diff", "-o", str(place / "o.mp4")])  # fmt: skip
    assert status == 4 and "AnimateDiff runs in ComfyUI only" in capsys.readouterr().err
