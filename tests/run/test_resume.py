"""Stopped, killed, out of room: what a broken run keeps, and how the next one goes on."""

from __future__ import annotations

import threading

import pytest
from made_media import write_picture
from route_jobs import Stop, a_job, listing

from motion_transfer.core import (
    Cancelled,
    CannotWrite,
)
from motion_transfer.run import route
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run
from motion_transfer.video import file_sha256


@pytest.mark.parametrize("at", [1, 4, 5, 11, 20, 22])
def test_a_stopped_run_goes_on_and_ends_bit_identical(tmp_path, character, motion_file, at):
    whole = run(a_job(tmp_path, character, motion_file, output=str(tmp_path / "whole.mkv")), LocalHost())
    with pytest.raises(Cancelled) as told:
        run(a_job(tmp_path, character, motion_file), Stop(at))
    kept = at // 4 * 4
    words = f"Stopped. {kept} frames are kept" if kept else "nothing is kept"
    assert words in str(told.value)
    assert (tmp_path / ".out.mkv.parts").exists() == bool(kept) and not (tmp_path / "out.mkv").exists()
    result = run(a_job(tmp_path, character, motion_file), LocalHost())
    assert result.chunks_reused == kept // 4 and result.chunks_made == 6 - kept // 4
    assert file_sha256(result.output) == file_sha256(whole.output)
    assert not (tmp_path / ".out.mkv.parts").exists()


@pytest.mark.parametrize(
    "change", [{"seed": 5}, {"settings": {"blend": 0.3}}, {"quality": "high", "output": "{}/out.mp4"}, {"picture": 1}]
)
def test_pieces_of_another_job_are_never_taken(tmp_path, character, motion_file, change):
    with pytest.raises(Cancelled):
        run(a_job(tmp_path, character, motion_file), Stop(11))
    if change.pop("picture", None):
        write_picture(character, shift=9)
    if "output" in change:
        change["output"] = change["output"].format(tmp_path)
    assert run(a_job(tmp_path, character, motion_file, **change), LocalHost()).chunks_reused == 0


def test_a_kill_between_output_and_manifest_is_mended(tmp_path, character, motion_file, monkeypatch):
    whole = run(a_job(tmp_path, character, motion_file, output=str(tmp_path / "whole.mkv")), LocalHost())

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(route, "write_json", die)
        with pytest.raises(KeyboardInterrupt):
            run(a_job(tmp_path, character, motion_file), LocalHost())
    assert (tmp_path / "out.mkv").exists() and not (tmp_path / "out.mkv.json").exists()
    result = run(a_job(tmp_path, character, motion_file), LocalHost())
    assert result.chunks_made == 0 and result.chunks_reused == 6 and result.manifest.exists()
    assert file_sha256(result.output) == file_sha256(whole.output)


def test_a_kill_between_manifest_and_tidying_is_mended(tmp_path, character, motion_file, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(route._Run, "_tidy", die)
        with pytest.raises(KeyboardInterrupt):
            run(a_job(tmp_path, character, motion_file), LocalHost())
    assert (tmp_path / ".out.mkv.parts").exists()
    assert run(a_job(tmp_path, character, motion_file), LocalHost()).chunks_made == 0
    assert not (tmp_path / ".out.mkv.parts").exists()


def test_a_full_disk_keeps_what_was_finished(tmp_path, character, motion_file, monkeypatch):
    true_encode, calls = route.encode_chunk, []

    def full(chunk, path, fmt, rate):
        calls.append(chunk.start)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        true_encode(chunk, path, fmt, rate)

    monkeypatch.setattr(route, "encode_chunk", full)
    with pytest.raises(CannotWrite, match="disk is full"):
        run(a_job(tmp_path, character, motion_file), LocalHost())
    assert not (tmp_path / "out.mkv").exists()
    assert run(a_job(tmp_path, character, motion_file), LocalHost()).chunks_reused == 2


def test_too_little_room_is_said_before_anything_is_made(tmp_path, character, motion_file, monkeypatch):
    from motion_transfer.run import preflight

    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10_000_000})())
    before = listing(tmp_path)
    with pytest.raises(CannotWrite, match="10 MB are free"):
        run(a_job(tmp_path, character, motion_file), LocalHost())
    assert listing(tmp_path) == before


def test_the_engine_s_fault_comes_through_and_finished_pieces_stay(
    tmp_path, character, motion_file, light_engine, monkeypatch
):
    true_transfer = light_engine.LightEngine.transfer

    def breaks(self, *args, **more):
        for number, chunk in enumerate(true_transfer(self, *args, **more)):
            if number == 2:
                raise ZeroDivisionError("engine")
            yield chunk

    with monkeypatch.context() as patch:
        patch.setattr(light_engine.LightEngine, "transfer", breaks)
        with pytest.raises(ZeroDivisionError, match="engine"):
            run(a_job(tmp_path, character, motion_file), LocalHost())
    assert run(a_job(tmp_path, character, motion_file), LocalHost()).chunks_reused == 2


def test_an_engine_that_loses_frames_is_caught(tmp_path, character, motion_file, light_engine, monkeypatch):
    true_transfer = light_engine.LightEngine.transfer

    def short(self, *args, **more):
        chunks = list(true_transfer(self, *args, **more))
        yield from chunks[:-1]

    monkeypatch.setattr(light_engine.LightEngine, "transfer", short)
    with pytest.raises(RuntimeError, match="20 of 23"):
        run(a_job(tmp_path, character, motion_file), LocalHost())


def test_two_runs_of_one_output_do_not_mix(tmp_path, character, motion_file):
    started, go_on = threading.Event(), threading.Event()

    class Waiting(LocalHost):
        def step(self, done, total, stage, preview=None):
            if stage == "frames":
                started.set()
                go_on.wait(10)

    results = []
    first = threading.Thread(target=lambda: results.append(run(a_job(tmp_path, character, motion_file), Waiting())))
    first.start()
    assert started.wait(10)
    try:
        with pytest.raises(CannotWrite, match="Another run"):
            run(a_job(tmp_path, character, motion_file), LocalHost())
    finally:
        go_on.set()
        first.join()
    assert results[0].chunks_made == 6
