"""What a run says before it is begun: by what was measured, and nothing where nothing was."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_media import make_motion, write_clip, write_picture
from route_jobs import Stop, a_job, listing

from motion_transfer.cli.main import main
from motion_transfer.core import Cancelled, FrameChunk
from motion_transfer.models.registry import engine_names, engine_spec
from motion_transfer.pose.motion_file import load_motion, save_motion
from motion_transfer.run import estimate, look_ahead, route
from motion_transfer.run.admission import admit
from motion_transfer.run.estimate import Estimate, Foresight, pacing, span
from motion_transfer.run.host import LocalHost, NotedHost
from motion_transfer.run.measured_speeds import Expected, MeasuredSpeeds, Took, Work
from motion_transfer.run.route import run
from motion_transfer.video import open_video, read_character, write_image

UNKNOWN = "how long this machine takes per frame is said after the first ones"
WORK = Work("frames by puppet", "3", "a chip", (640, 480), {"detail": 1.0})


class Clock:
    """Goes on only when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


# The arithmetic.


def test_what_is_prepared_once_is_not_taken_for_each_frame():
    took = Took(2.0, 10, 5.0, 20, 4.0)
    assert took.per_frame == pytest.approx(0.2)
    assert took.expects(30) == pytest.approx(11.0)  # the very run that was measured
    assert took.expects(110) == pytest.approx(2 + 5 + 100 * 0.2)
    assert took.expects(5) == pytest.approx(2 + 2.5)
    assert Took(2.0, 10, 5.0).expects(30) == pytest.approx(2 + 15)  # one chunk does not tell the two apart


KNOWN = Expected((40.0, 40.0), (0.16, 0.16), (640, 480))
DISK = (35_000_000, 12_300_000_000)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            Estimate(240, KNOWN, disk=DISK),
            "240 frames, about 40 s by what this machine did before (0.16 s a frame); at least 35 MB of the 12 GB that "
            "are free on the disk.",
        ),
        (Estimate(1, None), f"1 frame; {UNKNOWN}."),
        (
            Estimate(240, KNOWN, kept=50),
            "190 of 240 frames are still to be made, about 40 s by what this machine did before (0.16 s a frame).",
        ),
        (
            Estimate(240, KNOWN, Expected((50.0, 50.0), (0.2, 0.2), (64, 64)), True),
            "240 frames, about 90 s by what this machine did before (0.2 s a frame for the joints and 0.16 s a frame to "
            "render).",
        ),
        (
            Estimate(240, KNOWN, None, True),
            "240 frames, about 40 s to render by what this machine did before (0.16 s a frame); how long the joints take "
            "is not known yet.",
        ),
        (
            Estimate(240, None, KNOWN, True),
            "240 frames, about 40 s for the joints by what this machine did before (0.16 s a frame); how long rendering "
            "takes is said after the first frames.",
        ),
        (Estimate(240, None, None, True), f"240 frames; {UNKNOWN}."),
        (
            Estimate(None, KNOWN, None, True),
            "The frames are counted when they are read; 0.16 s a frame to render by what this machine did before; how long "
            "the joints take is not known yet.",
        ),
        (
            Estimate(10, Expected((20.0, 45.0), (2.0, 4.5), (640, 480)), finishes=True),
            "10 frames, about 20 to 45 s by what this machine did before at 640x480 (2 to 4.5 s a frame). Finishing is "
            "not counted.",
        ),
    ],
)  # fmt: skip
def test_one_line_says_what_is_known_and_what_is_not(given, line):
    assert given.line() == line


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.2, 0.2, "a second"), (7.4, 7.4, "7 s"), (41, 41, "40 s"), (88, 88, "90 s"), (100, 100, "100 s"), (125, 125, "2 min"),
        (3000, 3000, "50 min"), (7200, 7200, "2 h"), (7900, 7900, "2 h 10 min"), (20, 45, "20 to 45 s"),
        (30, 240, "30 s to 4 min"), (0.3, 30, "a second to 30 s"), (6000, 9000, "1 h 40 min to 2 h 30 min"),
    ],
)  # fmt: skip
def test_times_are_no_finer_than_they_are_known(low, high, words):
    assert span(low, high) == words


# A run.


def ahead_of(tmp_path, job, clock, said, *, cache=None):
    host = NotedHost(LocalHost())
    admitted = admit(job, host, work_dir=None, overwrite=False)
    return Foresight(admitted, job.quality, host, cache or tmp_path / "cache", say=said.append, clock=clock)


def chunks(clock, sizes, seconds, first=0):
    for frames, took in zip(sizes, seconds, strict=True):
        clock.now += took
        yield FrameChunk(np.zeros((frames, 4, 4, 3), np.uint8), first)
        first += frames


def test_a_run_is_measured_and_the_next_one_knows(tmp_path, character, motion_file):
    job, clock, said = a_job(tmp_path, character, motion_file), Clock(), []
    ahead = ahead_of(tmp_path, job, clock, said)
    ahead.tell((96, 128), 300)
    assert said[0].startswith(f"300 frames; {UNKNOWN}; at least ")
    ahead.opening()
    clock.now += 3
    ahead.opened()
    metered = ahead.metered(chunks(clock, [100, 100, 100], [20, 10, 10]), (96, 128), 300)
    next(metered)
    assert said[1:] == [
        "The first 100 frames took 20 s (0.2 s a frame): about 40 s or less for the other 200, as the first hold what is "
        "prepared once."
    ]
    assert len(list(metered)) == 2 and len(said) == 2
    assert ahead.measured == {"frames": 300, "seconds_total": 43.0, "seconds_per_frame": 0.1}
    said = []
    ahead = ahead_of(tmp_path, job, clock, said)
    ahead.tell((96, 128), 500)
    ahead.tell((96, 128), 400)
    assert len(said) == 1 and said[0].startswith(
        "500 frames, about 65 s by what this machine did before (0.1 s a frame)"
    )
    list(ahead.metered(chunks(clock, [100, 400], [900, 1]), (96, 128), 500))
    assert len(said) == 1  # it was known: the progress tells the rest


def test_a_stopped_run_teaches_too_and_what_is_worth_no_line_has_none(tmp_path, character, motion_file):
    job, clock, said = a_job(tmp_path, character, motion_file), Clock(), []
    ahead = ahead_of(tmp_path, job, clock, said)
    ahead.tell((96, 128), 30)
    metered = ahead.metered(chunks(clock, [10, 10, 10], [1, 2, 3]), (96, 128), 30)
    assert next(metered).num_frames == next(metered).num_frames == 10
    metered.close()
    assert len(said) == 1  # two seconds are left
    estimate = ahead_of(tmp_path, job, clock, said).estimate((96, 128), 20)
    assert estimate.frames is not None and estimate.frames.seconds == (3.0, 3.0)


def test_what_changes_the_speed_keeps_measures_apart(tmp_path, character, motion_file, light_engine, monkeypatch):
    monkeypatch.setattr(light_engine, "SPEC", replace(light_engine.SPEC, paced_by=("wait",)))
    job, clock, said = a_job(tmp_path, character, motion_file), Clock(), []
    list(ahead_of(tmp_path, job, clock, said).metered(chunks(clock, [9], [9]), (96, 128), 9))

    def known(**changes):
        settings = changes.pop("settings", {})
        return ahead_of(tmp_path, replace(job, settings=settings, **changes), clock, said).estimate((96, 128), 9).frames

    assert known() is not None and known(settings={"step": 9}) is not None and known(seed=3) is not None
    assert known(settings={"wait": 1}) is None
    monkeypatch.setattr(light_engine, "SPEC", replace(light_engine.SPEC, version="2", paced_by=("wait",)))
    assert known() is None


@pytest.mark.parametrize("name", engine_names())
def test_every_engine_names_settings_that_it_has(name):
    spec = engine_spec(name)
    has = {option.name for option in spec.settings.options()}
    assert set(spec.paced_by or ()) <= has and set(pacing(spec)) <= has
    assert not spec.weights or pacing(spec)  # a network always has something that makes it slower


def test_a_resumed_run_counts_what_is_left(tmp_path, character, motion_file):
    said, job = [], a_job(tmp_path, character, motion_file)
    with pytest.raises(Cancelled):
        run(job, Stop(13), say=said.append)
    assert said[0].startswith("23 frames; ")
    made = run(job, LocalHost(), say=said.append)
    assert made.chunks_reused == 3 and said[1].startswith("11 of 23 frames are still to be made, about a second by ")
    measured = json.loads(made.manifest.read_text())["run"]["measured"]
    assert measured["frames"] == 11 and 0 <= measured["seconds_per_frame"] < measured["seconds_total"] < 60
    assert made.notes == () and len(said) == 2  # what it will cost is no note


def test_joints_to_be_found_are_counted_where_they_must_be(tmp_path, character, clip, same_detector):
    said, job = [], a_job(tmp_path, character, clip)
    run(job, LocalHost(), say=said.append)
    assert len(said) == 1 and said[0].startswith(f"23 frames; {UNKNOWN}")
    run(job, LocalHost(), say=said.append, overwrite=True)
    assert re.match(r"23 frames, about a second by what this machine did before \(\S+ s a frame\);", said[1])
    write_clip(tmp_path / "other.mp4", num_frames=30)
    run(replace(job, driving=str(tmp_path / "other.mp4")), LocalHost(), say=said.append, overwrite=True)
    assert re.match(r"30 frames, about .* \(\S+ s a frame for the joints and \S+ s a frame to render\);", said[2])


def test_frames_are_counted_without_decoding_in_the_part_asked_for(tmp_path, clip):
    assert open_video(clip).counted() == 23
    assert open_video(clip, start_seconds=0.2, stop_seconds=0.6).counted() == 10
    write_clip(tmp_path / "dance.mkv")
    assert open_video(tmp_path / "dance.mkv").counted() == 23
    write_clip(tmp_path / "dance.avi", sound=False)
    assert open_video(tmp_path / "dance.avi").counted() is None


# Looking ahead alone.


@pytest.fixture
def place(tmp_path, monkeypatch, same_detector):
    write_picture(tmp_path / "me.png")
    write_clip(tmp_path / "dance.mp4")
    save_motion(make_motion(23), tmp_path / "dance.motion")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_estimate_says_it_and_does_nothing(place, capsys, same_detector):
    line = ["run", "me.png", "dance.mp4", "-o", "out.mp4", "--engine", "light", "--estimate"]
    before = listing(place)
    assert main(line) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"23 frames; {UNKNOWN}; at least 3") and told.out.count("\n") == 1 and told.err == ""
    assert same_detector.opened == 0 and listing(place) == before
    assert main(line[:-1]) == 0 and main(line) == 0
    assert capsys.readouterr().out.endswith("out.mp4 is finished already; nothing is left to do.\n")
    assert main([w if w != "out.mp4" else "again.mp4" for w in line]) == 0
    assert capsys.readouterr().out.startswith("23 frames, about a second by what this machine did before (")
    assert main(["run", "me.png", "dance.mp4", "-o", "third.mp4", "--engine", "light", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("run me.png nothing.mp4 -o x.mp4", 3, "There is no driving video nothing.mp4"),
        ("run me.png dance.mp4 -o x.mp4 --set detial=2", 2, "There is no setting 'detial'"),
        ("run dance.motion dance.mp4 -o x.mp4", 3, "dance.motion"),
        ("run me.png dance.motion -o x.mp4 --engine live-portrait", 4, "missing"),
        ("run me.png dance.motion -o taken.mp4", 3, "taken.mp4 exists already"),
    ],
)
def test_what_cannot_work_is_told_as_a_run_would(place, capsys, line, status, said):
    (place / "taken.mp4").write_text("somebody's")
    assert main([*line.split(), "--estimate"]) == status
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and said in told.err and told.err.count("\n") == 1
    assert not list(place.glob("x.*"))


def test_what_a_stopped_run_left_is_told_as_what_it_may_be(place):
    job = a_job(place, "me.png", "dance.motion")
    with pytest.raises(Cancelled):
        run(job, Stop(13))
    before = listing(place)
    line = look_ahead.look_ahead(job, LocalHost())
    assert line.startswith("23 frames") and line.endswith(
        " Up to 12 of the frames are there from a run that was stopped."
    )
    assert listing(place) == before


# Memory.


def test_one_earlier_run_of_the_puppet_tells_the_next_within_a_factor_of_three(tmp_path, monkeypatch):
    # By the processor's clock, which other programs on the machine do not disturb.
    monkeypatch.setattr(route, "Foresight", partial(Foresight, clock=time.process_time))
    media = Path(estimate.__file__).parents[1] / "demo" / "media"
    motion = load_motion(media / "dancer.motion")
    mascot = read_character(media / "mascot.png")
    write_image(tmp_path / "mascot.png", np.dstack([mascot.pixels, mascot.alpha])[::3, ::3])

    def rendered(count, say=None):
        path = tmp_path / f"{count}.motion"
        tracks = tuple(t.cut(0, count) for t in motion.tracks)
        save_motion(
            replace(motion, tracks=tracks, timeline=motion.timeline.cut(0, count), cuts=(), face_codes={}), path
        )
        job = a_job(tmp_path, tmp_path / "mascot.png", path, engine="puppet", quality="low", audio=False)
        made = run(replace(job, output=f"{path}.mp4"), LocalHost(), work_dir=tmp_path / "work", say=say)
        return json.loads(made.manifest.read_text())["run"]["measured"]

    before, said = rendered(40), []
    after = rendered(72, said.append)
    expected = MeasuredSpeeds(tmp_path / "work")._read()
    (took,) = [runs[0]["took"] for runs in expected.values()]
    assert before["frames"] == took[1] + took[3] == 40
    seconds = Took(*took).expects(72)
    assert said[0].startswith(f"72 frames, about {span(seconds, seconds)} by what this machine did before (")
    # Measured 1.1 to 1.4, on two cores that five programs shared: caches are shared where the clock is not.
    assert after["seconds_total"] / 3 < seconds < after["seconds_total"] * 3
