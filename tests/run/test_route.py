"""The whole route with a light engine: what comes out, what is kept, what goes on, what is refused."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from fractions import Fraction

import av
import numpy as np
import pytest
from made_media import make_motion, write_clip, write_picture
from route_jobs import Stop, a_job, listing, packets, times

import motion_transfer
from motion_transfer.core import (
    Cancelled,
    CannotWrite,
    InputError,
    SourceFile,
    TransferJob,
    UnreadableImage,
    UnreadableVideo,
    UsageError,
)
from motion_transfer.models.registry import engine_spec
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run import route
from motion_transfer.run.host import LocalHost
from motion_transfer.run.manifest import job_of_manifest
from motion_transfer.run.preflight import opaque_in_spite_of_alpha
from motion_transfer.run.route import run
from motion_transfer.video import file_sha256


def test_a_film_goes_in_and_a_film_of_equal_timing_and_sound_comes_out(tmp_path, character, clip, same_detector):
    steps = []
    host = LocalHost(on_step=lambda done, total, stage: steps.append((stage, done, total)))
    result = run(a_job(tmp_path, character, clip, output=str(tmp_path / "out.mp4"), quality="high"), host)
    assert result.num_frames == 23 and result.chunks_made == 6 and result.chunks_reused == 0
    assert set(result.seconds) == {"character", "motion", "rendering", "joining"}
    assert times(result.output) == pytest.approx(times(clip), abs=1e-9)
    assert packets(result.output, "audio") == packets(clip, "audio")
    assert steps[-2] == ("frames", 23, 23) and ("character", 1, 1) in steps
    assert listing(tmp_path) == ["dance.mp4", "me.png", "out.mp4", "out.mp4.json"]
    with av.open(str(result.output)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (98, 130)


def test_the_same_job_gives_the_same_bytes_and_is_then_finished_already(tmp_path, character, clip, same_detector):
    first = run(a_job(tmp_path, character, clip), LocalHost())
    before = first.output.stat().st_mtime_ns, file_sha256(first.output)
    notes = []
    again = run(a_job(tmp_path, character, clip), LocalHost(on_note=notes.append))
    assert again.chunks_made == again.chunks_reused == 0 and again.num_frames == 23
    assert (first.output.stat().st_mtime_ns, file_sha256(first.output)) == before
    assert "finished already" in notes[0]
    anew = run(a_job(tmp_path, character, clip), LocalHost(), overwrite=True)
    assert anew.chunks_made == 6 and file_sha256(anew.output) == before[1]


def test_somebody_elses_file_is_not_replaced(tmp_path, character, motion_file):
    (tmp_path / "out.mkv").write_bytes(b"precious")
    before = listing(tmp_path)
    with pytest.raises(CannotWrite, match="`overwrite`"):
        run(a_job(tmp_path, character, motion_file), LocalHost())
    assert listing(tmp_path) == before and (tmp_path / "out.mkv").read_bytes() == b"precious"
    run(a_job(tmp_path, character, motion_file), LocalHost(), overwrite=True)
    (tmp_path / "out.mkv").write_bytes(b"edited by hand")  # no longer what the manifest speaks of
    with pytest.raises(CannotWrite, match="`overwrite`"):
        run(a_job(tmp_path, character, motion_file), LocalHost())


@pytest.mark.parametrize("change", [{"seed": 5}, {"settings": {"step": 4}}, {"resolution": "480p", "seed": 1}])
def test_a_finished_file_of_other_settings_is_not_replaced_silently(tmp_path, character, motion_file, change):
    run(a_job(tmp_path, character, motion_file), LocalHost())
    with pytest.raises(CannotWrite, match="exists already"):
        run(a_job(tmp_path, character, motion_file, **change), LocalHost())


def test_the_second_character_needs_no_detector(tmp_path, character, clip, same_detector):
    run(a_job(tmp_path, character, clip), LocalHost())
    assert same_detector.opened == 1
    other = write_picture(tmp_path / "other.png", shift=40)
    run(a_job(tmp_path, other, clip, output=str(tmp_path / "other.mkv")), LocalHost())
    moved = clip.rename(tmp_path / "moved.mp4")
    run(a_job(tmp_path, other, moved, output=str(tmp_path / "moved.mkv")), LocalHost())
    assert same_detector.opened == 1
    run(a_job(tmp_path, other, moved, output=str(tmp_path / "part.mkv"), stop_seconds=0.4), LocalHost())
    assert same_detector.opened == 2  # another part of the film is another motion


def test_a_damaged_cache_entry_is_made_again(tmp_path, character, clip, same_detector, own_folders):
    run(a_job(tmp_path, character, clip), LocalHost())
    entries = list(own_folders.rglob("*.motion"))
    assert len(entries) == 1
    entries[0].write_bytes(entries[0].read_bytes()[:100])
    run(a_job(tmp_path, character, clip, output=str(tmp_path / "b.mkv")), LocalHost())
    assert same_detector.opened == 2
    run(a_job(tmp_path, character, clip, output=str(tmp_path / "c.mkv")), LocalHost())
    assert same_detector.opened == 2


def test_a_film_that_changes_while_it_is_read_is_told_and_not_kept(
    tmp_path, character, clip, same_detector, own_folders
):
    true_detect = same_detector.detect

    def and_change(self, frames):
        write_clip(clip, num_frames=30)
        return true_detect(self, frames)

    same_detector.detect = and_change
    try:
        with pytest.raises(UnreadableVideo, match="changed by another program"):
            run(a_job(tmp_path, character, clip), LocalHost())
    finally:
        same_detector.detect = true_detect
    assert list(own_folders.rglob("*.motion")) == [] and not (tmp_path / "out.mkv").exists()


def test_the_cache_and_the_journal_can_live_elsewhere(tmp_path, character, clip, same_detector, own_folders):
    (tmp_path / "in").mkdir()
    with pytest.raises(Cancelled):
        run(a_job(tmp_path, character, clip, output=str(tmp_path / "in" / "out.mkv")), Stop(9), work_dir=tmp_path / "w")
    assert listing(tmp_path / "in") == [] and list(own_folders.rglob("*.motion")) == []
    result = run(
        a_job(tmp_path, character, clip, output=str(tmp_path / "in" / "out.mkv")), LocalHost(), work_dir=tmp_path / "w"
    )
    assert result.chunks_reused == 2 and same_detector.opened == 1


def test_sound_of_a_motion_file_comes_from_its_film_wherever_it_lies(tmp_path, character):
    film = write_clip(tmp_path / "film.mp4")
    motion = make_motion(23, source=SourceFile(str(film), file_sha256(film), True))
    (tmp_path / "sub").mkdir()
    save_motion(motion, tmp_path / "sub" / "x.motion")
    job = a_job(tmp_path, character, tmp_path / "sub" / "x.motion")
    assert packets(run(job, LocalHost()).output, "audio") == packets(film, "audio")
    film.rename(tmp_path / "sub" / "film.mp4")  # beside the .motion file
    result = run(replace(job, output=str(tmp_path / "b.mkv")), LocalHost())
    assert packets(result.output, "audio") == packets(tmp_path / "sub" / "film.mp4", "audio")
    (tmp_path / "sub" / "film.mp4").unlink()
    result = run(replace(job, output=str(tmp_path / "c.mkv")), LocalHost())
    assert len(result.notes) == 1 and "No sound" in result.notes[0] and "`audio_file`" in result.notes[0]
    write_clip(tmp_path / "film.mp4", num_frames=9)
    result = run(replace(job, output=str(tmp_path / "d.mkv")), LocalHost())
    assert "not the file any more" in result.notes[0]
    with av.open(str(result.output)) as container:
        assert not container.streams.audio
    result = run(replace(job, output=str(tmp_path / "e.mkv"), audio=False), LocalHost())
    assert result.notes == ()


def test_sound_of_another_file_can_be_taken(tmp_path, character, motion_file):
    tone = write_clip(tmp_path / "tone.mp4", num_frames=60)
    result = run(a_job(tmp_path, character, motion_file, audio_file=str(tone)), LocalHost())
    found, whole = packets(result.output, "audio"), packets(tone, "audio")
    assert found == whole[: len(found)]
    assert len(found) * 1024 / 44100 == pytest.approx(23 / 25, abs=2 * 1024 / 44100)


def test_a_part_of_a_motion_is_that_part(tmp_path, character):
    film = write_clip(tmp_path / "film.mp4", num_frames=50)
    motion = make_motion(50, source=SourceFile(str(film), file_sha256(film), True))
    save_motion(motion, tmp_path / "x.motion")
    job = a_job(tmp_path, character, tmp_path / "x.motion", start_seconds=0.4, stop_seconds=1.2)
    result = run(job, LocalHost())
    assert result.num_frames == 20
    assert times(result.output) == pytest.approx([k / 25 for k in range(20)], abs=6e-4)  # mkv counts milliseconds
    found, whole = packets(result.output, "audio"), packets(film, "audio")
    first = whole.index(found[0])
    assert found == whole[first : first + len(found)]
    assert first * 1024 / 44100 == pytest.approx(0.4, abs=2 * 1024 / 44100)
    with pytest.raises(UsageError, match=r"2\.00 s long"):
        run(
            a_job(tmp_path, character, tmp_path / "x.motion", output=str(tmp_path / "n.mkv"), start_seconds=9),
            LocalHost(),
        )


def test_the_manifest_tells_and_reproduces(tmp_path, character, clip, same_detector):
    job = a_job(tmp_path, character, clip, settings={"step": "7"}, seed=11)
    first = run(job, LocalHost())
    told = json.loads(first.manifest.read_text())
    assert told["job"]["settings"] == {"step": 7, "blend": 0.25, "wait": 0.0} and told["job"]["seed"] == 11
    assert told["output"]["sha256"] == file_sha256(first.output) and told["output"]["num_frames"] == 23
    assert told["output"]["size"] == [98, 130] and told["output"]["rate"] == "25"
    assert told["inputs"] == {"character": file_sha256(character), "driving": file_sha256(clip)}
    assert told["engine"] == {"name": "light", "version": "1", "report": {"seed_used": 11}}
    assert told["motion"]["detector"] == "same-1"
    for name in ("motion_transfer", "python", "numpy", "opencv", "pyav", "libavcodec", "mediapipe"):
        assert told["versions"][name]
    again = run(replace(job_of_manifest(first.manifest), output=str(tmp_path / "again.mkv")), LocalHost())
    assert file_sha256(again.output) == file_sha256(first.output)
    other = json.loads(again.manifest.read_text())
    for values in (told, other):
        del values["run"], values["job"]["output"]
    assert other == told


def test_the_manifest_is_the_same_after_a_break_but_for_the_run_itself(tmp_path, character, motion_file):
    whole = run(a_job(tmp_path, character, motion_file, output=str(tmp_path / "whole.mkv")), LocalHost())
    with pytest.raises(Cancelled):
        run(a_job(tmp_path, character, motion_file), Stop(11))
    broken = run(a_job(tmp_path, character, motion_file), LocalHost())
    a, b = (json.loads(r.manifest.read_text()) for r in (whole, broken))
    assert b["run"]["chunks_reused"] == 2
    for values in (a, b):
        del values["run"], values["job"]["output"]
    assert a == b


def test_the_python_api_takes_paths_and_settings(tmp_path, character, motion_file):
    result = motion_transfer.transfer(
        character, motion_file, engine="light", output=tmp_path / "api.mkv", quality="lossless", seed=3, step=2
    )
    assert result.num_frames == 23 and json.loads(result.manifest.read_text())["job"]["settings"]["step"] == 2
    with pytest.raises(UsageError, match="no setting 'stride'"):
        motion_transfer.transfer(character, motion_file, engine="light", output=tmp_path / "n.mkv", stride=2)


def test_whatever_a_job_can_say_the_python_api_can_say(tmp_path, character, motion_file):
    words = set(inspect.signature(motion_transfer.transfer).parameters)
    assert {f.name for f in fields(TransferJob)} <= words
    result = motion_transfer.transfer(
        character, motion_file, engine="light", output=tmp_path / "masked.mkv", driving_mask=character
    )
    assert json.loads(result.manifest.read_text())["job"]["driving_mask"] == str(character)


def test_variable_frame_times_are_kept(tmp_path, character):
    motion = make_motion(23)
    stamps = np.cumsum(np.array([0] + [1, 2, 3] * 8)[:23]).astype(np.int64)
    uneven = replace(motion, timeline=replace(motion.timeline, pts=stamps, time_base=Fraction(1, 50)))
    save_motion(uneven, tmp_path / "x.motion")
    result = run(
        a_job(tmp_path, character, tmp_path / "x.motion", output=str(tmp_path / "o.mp4"), quality="high"), LocalHost()
    )
    assert times(result.output) == [float(s * Fraction(1, 50)) for s in stamps]


def test_see_through_frames_are_laid_on_black_unless_the_file_keeps_them(
    tmp_path, character, motion_file, light_engine, monkeypatch
):
    true_transfer = light_engine.LightEngine.transfer

    def holey(self, *args, **more):
        for chunk in true_transfer(self, *args, **more):
            alpha = np.full(chunk.pixels.shape[:3], 255, np.uint8)
            alpha[:, :40] = 0
            yield replace(chunk, alpha=alpha)

    monkeypatch.setattr(light_engine.LightEngine, "transfer", holey)
    plain = run(a_job(tmp_path, character, motion_file), LocalHost())
    assert any("`quality=alpha`" in note for note in plain.notes)
    with av.open(str(plain.output)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert not frame[:40].any() and frame[40:].any()
    kept = run(a_job(tmp_path, character, motion_file, output=str(tmp_path / "a.mkv"), quality="alpha"), LocalHost())
    with av.open(str(kept.output)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgba")
    assert not frame[:40, :, 3].any() and frame[:40, :, :3].any() and frame[40:, :, 3].all()
    assert kept.notes == ()


def test_quality_alpha_without_anything_see_through_is_told(tmp_path, character, motion_file):
    made = run(a_job(tmp_path, character, motion_file, output=str(tmp_path / "a.mkv"), quality="alpha"), LocalHost())
    assert made.notes == (
        "Quality alpha was asked for, but these frames are opaque everywhere: Light paints the whole picture.",
    )
    assert "background=transparent makes them see-through" in opaque_in_spite_of_alpha(engine_spec("puppet"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"engine": "wizard"}, UsageError),
        ({"settings": {"step": 101}}, UsageError),
        ({"output": "{}/out.txt"}, UsageError),
        ({"output": "{}/none/out.mkv"}, CannotWrite),
        ({"character": "{}/none.png"}, UnreadableImage),
        ({"driving": "{}/none.mp4"}, UnreadableVideo),
        ({"mask": "{}/none.png"}, UnreadableImage),
        ({"audio_file": "{}/none.wav"}, InputError),
    ],
)
def test_what_cannot_work_is_refused_before_any_frame(
    tmp_path, character, clip, light_engine, monkeypatch, change, fault
):
    monkeypatch.setattr(light_engine, "LightEngine", None)
    monkeypatch.setattr(route, "prepare_character", lambda *_: pytest.fail("time was spent"))
    before = listing(tmp_path)
    change = {k: v.format(tmp_path) if isinstance(v, str) else v for k, v in change.items()}
    with pytest.raises(fault):
        run(replace(a_job(tmp_path, character, clip), **change), LocalHost())
    assert listing(tmp_path) == before
