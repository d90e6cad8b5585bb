"""Finishing a file, and finishing inside a transfer: what comes out, what goes on after a kill, what is refused."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_media import SIZE, make_motion, write_clip, write_picture

from motion_transfer.core import (
    Cancelled,
    CannotWrite,
    FrameChunk,
    InputError,
    Settings,
    SourceFile,
    Timeline,
    TransferJob,
    UnreadableVideo,
    UsageError,
    whole,
)
from motion_transfer.finishing import registry
from motion_transfer.finishing.between_by_flow import blended
from motion_transfer.finishing.chain import Chain
from motion_transfer.finishing.finisher import Clip, Finisher, FinisherSpec, changed
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.finish import FinishRequest, finish, request_of_manifest
from motion_transfer.run.host import LocalHost
from motion_transfer.run.manifest import changed_inputs, job_of_manifest, manifest_path
from motion_transfer.run.route import run
from motion_transfer.video import encode_chunk, file_sha256, join_chunks, open_video, output_format

PROGRAM = str(Path(__file__).with_name("light_engine.py"))
NTSC = Fraction(30000, 1001)


@dataclass(frozen=True)
class SpreadSettings(Settings):
    over: int = whole(3, 0, 9, help="Frames to each side.")


class Spread(Finisher):
    """Mean over neighbours, less the clip's own mean: leans on reach, survey and groups at once."""

    needs_survey = True
    group = 5
    looked = 0

    def __init__(self, settings, host):
        self.before = self.after = settings.over

    def survey(self, clip, frames):
        type(self).looked += 1
        return {"means": np.array([f.mean() for chunk in frames for f in chunk.pixels])}

    def begin(self, clip, found):
        self._mean = float(found["means"].mean())
        assert len(found["means"]) == clip.num_frames
        return super().begin(clip, found)

    def finish(self, given, start, stop):
        made = []
        for t in range(start, stop):
            near = given.pixels[max(0, t - self.before - given.start) : t + self.after + 1 - given.start]
            # The group's own start is mixed in: as with a network, results may depend on how frames are batched.
            made.append((near.mean(axis=0) / 2 + self._mean / 4 + start % 7).clip(0, 255).astype(np.uint8))
        return changed(given, start, np.stack(made))


SPEC = FinisherSpec("spread", "Spread", "For tests.", SpreadSettings, Spread, "1", main="over")


class Blend:
    fingerprint = "blend"

    def between(self, before, after, shares):
        return blended(before, after, shares)


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    monkeypatch.setattr(registry, "_SPECS", {"spread": __name__, **registry._SPECS})
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(Spread, "looked", 0)
    monkeypatch.setattr("motion_transfer.run.finish_frames._PIECE_FRAMES", 8)
    # What lies between two frames is looked at in tests/finishing; here it is to be there at once.
    monkeypatch.setattr("motion_transfer.finishing.interpolator.BetweenByFlow", Blend)
    return Spread


def packets(path, kind):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(getattr(container.streams, kind)[0]) if p.size]


def stamps(path):
    timeline = open_video(path).timeline()
    return [int(p) * timeline.time_base for p in timeline.pts], int(timeline.last_duration) * timeline.time_base


def frames_of(path):
    return np.concatenate([c.pixels for c in open_video(path).chunks(16)])


def listing(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def asked(tmp_path, clip, **changes):
    values = {"output": str(tmp_path / "out.mkv"), "quality": "lossless", "finish": {"spread": {}}, **changes}
    return FinishRequest(video=str(clip), **values)


def write_frames(path, frames, timeline):
    """A lossless film of exactly these frames at exactly these times."""
    fmt = output_format(path, "lossless")
    encode_chunk(FrameChunk(frames, 0), path.with_name("piece.mkv"), fmt, timeline.rate)
    join_chunks([path.with_name("piece.mkv")], path, timeline=timeline, fmt=fmt)
    path.with_name("piece.mkv").unlink()
    return path


@pytest.mark.parametrize(("rate", "frames", "fps", "count"), [(24, 48, 60, 120), (NTSC, 63, 60, 127)])
def test_a_film_at_another_rate_keeps_its_sound_and_its_end(tmp_path, rate, frames, fps, count):
    clip = write_clip(tmp_path / "dance.mp4", num_frames=frames, rate=rate)
    output = tmp_path / "out.mp4"
    result = finish(asked(tmp_path, clip, output=str(output), quality="high", finish={"interpolate": {"fps": fps}}), LocalHost())  # fmt: skip
    assert result.num_frames == count and result.output == output
    found, last = stamps(output)
    assert found == [Fraction(k, fps) for k in range(count)]
    assert found[-1] + last == frames / Fraction(rate)
    assert packets(output, "audio") == packets(clip, "audio")
    assert listing(tmp_path) == ["dance.mp4", "out.mp4", "out.mp4.json"]
    told = json.loads(manifest_path(output).read_text())
    assert told["output"]["rate"] == "60" and told["finishing"]["finish"] == {"interpolate": {"fps": float(fps)}}


def test_uneven_times_and_cuts_of_a_file_are_found(tmp_path):
    """Two shots with other colours; a frame that mixes them would lie near neither."""
    random = np.random.default_rng(3)
    shots = [random.integers(low, low + 60, (64, 96, 3), np.uint8) for low in (0, 190)]
    frames = np.stack([np.roll(shots[t >= 14], 2 * t, axis=1) for t in range(30)])
    times = np.cumsum([0, *([40, 20] * 15)])[:30].astype(np.int64)
    clip = write_frames(tmp_path / "two.mp4", frames, Timeline(times, Fraction(1, 1000), Fraction(100, 3), 20))
    result = finish(asked(tmp_path, clip, output=str(tmp_path / "out.mp4"), finish={"interpolate": {"fps": 100}}), LocalHost())  # fmt: skip
    told = json.loads(result.manifest.read_text())
    assert told["source"]["cuts"] == [14]
    made, (found, _) = frames_of(result.output), stamps(result.output)
    means = made.reshape(len(made), -1).mean(axis=1)
    assert ((means < 60) | (means > 190)).all()
    first = int((means > 190).argmax())
    assert found[first] == Fraction(int(times[14]), 1000) and result.num_frames == 90
    for t, at in enumerate(times):  # frames whose time comes are there to the pixel
        assert np.array_equal(made[at // 10], frames[t])


def test_the_chain_gives_the_same_frames_from_any_start_and_looks_once(tmp_path, clip):
    plain = finish(asked(tmp_path, clip), LocalHost(), keep_parts=True)
    assert Spread.looked == 1
    frames = frames_of(clip)
    mean = np.mean([f.mean() for f in frames])
    wanted = [(frames[max(0, t - 3) : t + 4].mean(axis=0) / 2 + mean / 4 + t // 5 * 5 % 7).clip(0, 255).astype(np.uint8) for t in range(23)]  # fmt: skip
    assert np.array_equal(frames_of(plain.output), np.stack(wanted))


class Stop(LocalHost):
    """Stops when `at` frames of a stage are done."""

    def __init__(self, at, stage="finishing"):
        super().__init__()
        self.at, self.stage = at, stage

    def step(self, done, total, stage, preview=None):
        if stage == self.stage and done >= self.at:
            self.cancel.set()
        super().step(done, total, stage, preview)


BOTH = {"interpolate": {"fps": 60}, "spread": {"over": 2}}


@pytest.mark.parametrize("at", [8, 16, 40])
def test_a_stopped_finishing_goes_on_and_ends_bit_identical(tmp_path, clip, at):
    whole_file = finish(asked(tmp_path, clip, output=str(tmp_path / "whole.mkv"), finish=BOTH), LocalHost())
    looked = Spread.looked
    with pytest.raises(Cancelled, match=f"{at} frames are kept"):
        finish(asked(tmp_path, clip, finish=BOTH), Stop(at))
    assert not (tmp_path / "out.mkv").exists()
    result = finish(asked(tmp_path, clip, finish=BOTH), LocalHost())
    assert Spread.looked == looked + 1, "what one look found is kept"
    assert result.chunks_reused == at // 8 and result.chunks_made == 7 - at // 8
    assert file_sha256(result.output) == file_sha256(whole_file.output)
    assert not (tmp_path / ".out.mkv.parts").exists()


@pytest.mark.parametrize("change", [{"finish": {"spread": {"over": 1}}}, {"quality": "high", "output": "{}/out.mp4"}, {"stop_seconds": 0.9}, {"film": 1}])  # fmt: skip
def test_pieces_of_another_request_are_never_taken(tmp_path, clip, change):
    with pytest.raises(Cancelled):
        finish(asked(tmp_path, clip), Stop(16))
    if change.pop("film", None):
        write_clip(clip, num_frames=22)
    if "output" in change:
        change["output"] = change["output"].format(tmp_path)
    assert finish(asked(tmp_path, clip, **change), LocalHost()).chunks_reused == 0


def test_the_same_request_is_finished_already_and_can_be_done_again_from_its_manifest(tmp_path, clip):
    first = finish(asked(tmp_path, clip), LocalHost())
    notes = []
    again = finish(asked(tmp_path, clip), LocalHost(on_note=notes.append))
    assert again.chunks_made == 0 and again.num_frames == 23 and "finished already" in notes[0]
    with pytest.raises(CannotWrite, match="`overwrite`"):
        finish(asked(tmp_path, clip, finish={"spread": {"over": 1}}), LocalHost())
    before = file_sha256(first.output)
    told = request_of_manifest(first.manifest)
    assert told.finish == {"spread": {"over": 3}} and changed_inputs(first.manifest) == []
    assert file_sha256(finish(told, LocalHost(), overwrite=True).output) == before
    with pytest.raises(UsageError, match="no job in it"):
        job_of_manifest(first.manifest)
    write_clip(clip, num_frames=24)
    assert changed_inputs(first.manifest) == [str(clip)]


def test_a_part_of_a_film_goes_with_its_sound(tmp_path, clip):
    result = finish(asked(tmp_path, clip, output=str(tmp_path / "out.mp4"), quality="high", start_seconds=0.2, stop_seconds=0.6), LocalHost())  # fmt: skip
    assert result.num_frames == 10
    with av.open(str(result.output)) as container:
        sound = container.streams.audio[0]
        assert 0.35 < float(sum(p.duration for p in container.demux(sound) if p.size) * sound.time_base) < 0.5


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"finish": {}}, UsageError, "at least one finisher"),
        ({"finish": {"sparkle": {}}}, UsageError, "no finishing 'sparkle'; there are"),
        ({"finish": {"spread": {"near": 1}}}, UsageError, "no setting 'near' here; there are over"),
        ({"finish": {"interpolate": {"fps": 0.5}}}, UsageError, "1 to 1000 frames/s"),
        ({"finish": {"interpolate": {"fps": 25}}}, UsageError, "has 25 frames/s already"),
        ({"finish": {"match-colour": {"to": "character"}}}, UsageError, "`character`"),
        ({"character": "nobody.png"}, InputError, "no file nobody.png"),
        ({"output": "{}/dance.mp4", "quality": "high"}, UsageError, "is the video itself"),
        ({"output": "{}/out.gif"}, UsageError, "GIF"),
        ({"output": "{}/nowhere/out.mkv"}, CannotWrite, "nowhere"),
        ({"video": "{}/me.png"}, UnreadableVideo, "still picture"),
        ({"video": "{}/none.mp4"}, UnreadableVideo, "no such file"),
        ({"stop_seconds": 0.0}, InputError, "no frame"),
    ],
)
def test_what_cannot_work_is_said_in_one_line_and_leaves_nothing(tmp_path, clip, character, changes, error, words):
    changes = {k: v.format(tmp_path) if isinstance(v, str) else v for k, v in changes.items()}
    before = listing(tmp_path)
    values = {"video": str(clip), "output": str(tmp_path / "out.mkv"), "quality": "lossless", "finish": {"spread": {}}}
    with pytest.raises(error, match=words) as told:
        finish(FinishRequest(**{**values, **changes}), LocalHost())
    assert "\n" not in str(told.value) and listing(tmp_path) == before


# As the last part of a transfer.


def a_job(tmp_path, character, motion, **changes):
    values = {"engine": "light", "output": str(tmp_path / "out.mp4"), "finish": BOTH, **changes}
    return TransferJob(character=str(character), driving=str(motion), **values)


@pytest.fixture
def driving(tmp_path, clip):
    path = tmp_path / "dance.motion"
    save_motion(make_motion(23, source=SourceFile(str(clip), file_sha256(clip), True)), path)
    return path


def test_a_transfer_is_finished_in_the_same_run(tmp_path, clip, character, driving):
    plain = run(a_job(tmp_path, character, driving, finish={}, output=str(tmp_path / "plain.mkv"), quality="lossless"), LocalHost())  # fmt: skip
    by_hand = finish(FinishRequest(str(plain.output), str(tmp_path / "hand.mkv"), BOTH, "lossless"), LocalHost())
    result = run(a_job(tmp_path, character, driving, output=str(tmp_path / "out.mkv"), quality="lossless"), LocalHost())
    assert result.num_frames == 56 and set(result.seconds) >= {"rendering", "finishing"}
    assert np.array_equal(frames_of(result.output), frames_of(by_hand.output)), "the engine's frames came through whole"
    mp4 = run(a_job(tmp_path, character, driving), LocalHost())
    assert stamps(mp4.output)[0] == [Fraction(k, 60) for k in range(56)]
    assert packets(mp4.output, "audio") == packets(clip, "audio")
    told = json.loads(mp4.manifest.read_text())
    assert told["job"]["finish"]["interpolate"] == {"fps": 60.0} and told["output"]["num_frames"] == 56
    assert run(job_of_manifest(mp4.manifest), LocalHost()).chunks_made == 0, "the very same job"


def test_a_job_without_finishing_is_the_job_that_it_was(tmp_path, character, driving):
    job = a_job(tmp_path, character, driving, finish={})
    assert "finish" not in json.loads(job.to_json())
    assert TransferJob.from_json(a_job(tmp_path, character, driving).to_json()).finish == BOTH
    for wrong in ([1], {"interpolate": 60}):
        with pytest.raises(UsageError, match="finishers with their settings"):
            a_job(tmp_path, character, driving, finish=wrong)
    with pytest.raises(UsageError, match="has 25 frames/s already"):
        run(a_job(tmp_path, character, driving, finish={"interpolate": {"fps": 20}}), LocalHost())
    with pytest.raises(UsageError, match="Paste Back needs a mask"):
        run(a_job(tmp_path, character, driving, finish={"paste-back": {"place": "mask"}}), LocalHost())


@pytest.mark.parametrize(("stage", "at"), [("frames", 11), ("finishing", 0), ("finishing", 24), ("finishing", 48)])
def test_a_transfer_stopped_anywhere_goes_on_to_the_same_file(tmp_path, character, driving, stage, at):
    whole_file = run(a_job(tmp_path, character, driving, output=str(tmp_path / "whole.mp4")), LocalHost())
    with pytest.raises(Cancelled, match="frames are kept"):
        run(a_job(tmp_path, character, driving), Stop(at, stage))
    result = run(a_job(tmp_path, character, driving), LocalHost())
    assert result.chunks_reused == (at // 4 if stage == "frames" else 6 + at // 8)
    assert file_sha256(result.output) == file_sha256(whole_file.output)
    assert not (tmp_path / ".out.mp4.parts").exists()


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is Unix")
@pytest.mark.parametrize("as_transfer", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_kills_end_bit_identical(tmp_path, as_transfer):
    """kill -9 at chance moments of the real command; every run goes on, and the file is that of an unbroken one."""
    film = write_clip(tmp_path / "film.mp4", num_frames=60)
    line = [sys.executable, PROGRAM, "finish", "film.mp4", "--fps", "60", "--quality", "lossless", "--quiet"]
    if as_transfer:
        save_motion(make_motion(60, source=SourceFile(str(film), file_sha256(film), True)), tmp_path / "x.motion")
        write_picture(tmp_path / "me.png", size=SIZE)
        line = [sys.executable, PROGRAM, "run", "me.png", "x.motion", "--engine", "light", "--quality", "lossless", "--quiet"]  # fmt: skip
        line += ["--finish", "interpolate.fps=60"]
    line += ["--work-dir", "w"]
    subprocess.run([*line, "-o", "whole.mkv"], cwd=tmp_path, check=True)
    chance, reached, end = random.Random(5), [], 5 + (15 if as_transfer else 0)

    def records():
        return len(list(tmp_path.glob("w/out.mkv.*.parts/*/piece-*.json")))

    for further in (1, 2) if not as_transfer else (6, 11):
        running = subprocess.Popen([*line, "-o", "out.mkv"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        goal = min(end, (reached[-1] if reached else 0) + further)
        while running.poll() is None and records() < goal:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        running.kill()
        assert running.communicate()[1] == ""
        assert running.returncode in (0, -9)
        reached.append(records())
    assert reached[1] > reached[0] > 0
    done = subprocess.run([*line, "-o", "out.mkv"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert file_sha256(tmp_path / "out.mkv") == file_sha256(tmp_path / "whole.mkv")
    told = json.loads((tmp_path / "out.mkv.json").read_text())["run"]
    assert told["chunks_reused"] >= reached[-1], "at most the piece in the making is done again"


def test_a_source_that_ends_early_is_told():
    clip = Clip((8, 8), Timeline.constant(20, Fraction(25)))
    chain = Chain(clip, lambda start: iter([FrameChunk(np.zeros((12, 8, 8, 3), np.uint8), 0)]))
    chain.add(Spread(SpreadSettings(), LocalHost()), {"means": np.zeros(20)})
    with pytest.raises(InputError, match="ends after 12 frames"):
        list(chain.results(0, 8))
