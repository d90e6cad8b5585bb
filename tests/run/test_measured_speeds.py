"""Speeds that this machine took, kept beside its cache: what they tell of other work, and what breaks them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from motion_transfer.run.measured_speeds import Expected, MeasuredSpeeds, Took, Work, new_run

WORK = Work("frames by puppet", "3", "a chip", (640, 480), {"detail": 1.0})


def learn(folder, took, work=WORK, times=1):
    for _ in range(times):
        MeasuredSpeeds(folder).learn(work, took, new_run())


def test_nothing_is_known_where_nothing_was_measured(tmp_path):
    assert MeasuredSpeeds(tmp_path).expect(WORK, 10) is None
    learn(tmp_path, Took(0, 10, 5.0))
    assert MeasuredSpeeds(tmp_path).expect(WORK, 20) == Expected((10.0, 10.0), (0.5, 0.5), (640, 480))


@pytest.mark.parametrize(
    "other",
    [
        {"task": "frames by other"},
        {"version": "4"},
        {"device": "another chip"},
        {"settings": {"detail": 2.0}},
        {"settings": {}},
        {"size": (6400, 4800)},
    ],
    ids=str,
)
def test_other_work_is_not_taken_for_this(tmp_path, other):
    learn(tmp_path, Took(0, 10, 5.0))
    assert MeasuredSpeeds(tmp_path).expect(replace(WORK, **other), 10) is None


def test_another_size_gives_a_range_from_no_more_to_as_much_more_as_there_are_pixels(tmp_path):
    learn(tmp_path, Took(0, 10, 5.0))
    speeds = MeasuredSpeeds(tmp_path)
    larger, smaller = (speeds.expect(replace(WORK, size=size), 10) for size in ((1280, 480), (320, 480)))
    assert larger is not None and larger.seconds == (5.0, 10.0) and larger.measured_at == (640, 480)
    assert smaller is not None and smaller.seconds == (2.5, 5.0)
    attention = replace(WORK, pixel_power=2.0)
    assert speeds.expect(replace(attention, size=(1280, 480)), 10).seconds == (5.0, 20.0)
    assert speeds.expect(replace(attention, size=(1280, 960)), 10) is None  # 5 to 80 s would say nothing
    learn(tmp_path, Took(0, 10, 7.0), replace(WORK, size=(1280, 480)))
    assert speeds.expect(replace(WORK, size=(1280, 480)), 10).seconds == (7.0, 7.0)  # now it is known


def test_one_disturbed_run_does_not_move_it_and_old_ones_are_forgotten(tmp_path):
    learn(tmp_path, Took(0, 10, 5.0), times=3)
    learn(tmp_path, Took(0, 10, 500.0))
    assert MeasuredSpeeds(tmp_path).expect(WORK, 10).seconds == (5.0, 5.0)
    learn(tmp_path, Took(0, 10, 1.0), times=3)  # a faster machine, or program: the last five tell
    assert MeasuredSpeeds(tmp_path).expect(WORK, 10).seconds == (1.0, 1.0)
    learn(tmp_path, Took(0, 10, 9.0, 90, 9.0))  # the only one that tells what later chunks take
    assert MeasuredSpeeds(tmp_path).expect(WORK, 100).seconds == (18.0, 18.0)


def test_a_run_that_goes_on_replaces_what_it_said_before(tmp_path):
    speeds = MeasuredSpeeds(tmp_path)
    speeds.learn(WORK, Took(0, 10, 5.0), "a")
    speeds.learn(WORK, Took(0, 10, 5.0, 10, 1.0), "a")
    assert speeds.expect(WORK, 20).seconds == (6.0, 6.0)
    assert len(json.loads(speeds.path.read_text())["works"][0][1]) == 1


def test_the_file_stays_small(tmp_path):
    speeds = MeasuredSpeeds(tmp_path)
    for n in range(230):
        speeds.learn(replace(WORK, version=str(n)), Took(0, 1, 1.0), "a")
    assert speeds.expect(replace(WORK, version="0"), 1) is None
    assert speeds.expect(replace(WORK, version="229"), 1) is not None
    assert speeds.path.stat().st_size < 200_000  # measured: 57 kB


# The file.


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"format": 9, "works": []}', b'{"format": 1, "works": 5}',
        b'{"format": 1, "works": [["a"]]}', b'{"format": 1, "works": [["KEY", [7, {"took": [0, 0, 0, 0, 0]}]]]}',
        b'{"format": 1, "works": [["KEY", [{"run": "r", "size": [1, 1], "took": [0, 1, NaN, 0, 0]}]]]}',
        b'{"format": 1, "works": [["KEY", [{"run": "r", "size": [0, 1], "took": [0, 1, 1, 0, 0]}]]]}',
        b"[" * 100_000,
    ],
    ids=range(12),
)  # fmt: skip
def test_a_broken_file_is_nothing_and_the_next_run_replaces_it(tmp_path, content):
    speeds = MeasuredSpeeds(tmp_path)
    speeds.path.write_bytes(content.replace(b"KEY", WORK.key.encode()))
    assert speeds.expect(WORK, 10) is None
    learn(tmp_path, Took(0, 10, 5.0))
    assert speeds.expect(WORK, 10) is not None


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    learn(tmp_path / "file", Took(0, 10, 5.0))
    assert MeasuredSpeeds(tmp_path / "file").expect(WORK, 10) is None


def test_several_processes_at_once_leave_a_whole_file(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from motion_transfer.run.measured_speeds import MeasuredSpeeds, Took, Work\n"
        "speeds = MeasuredSpeeds(Path(sys.argv[1]))\n"
        "work = Work('frames', sys.argv[2], 'chip', (64, 64))\n"
        "for n in range(40):\n"
        "    speeds.learn(work, Took(0.0, 1, 1.0, n, float(n)), sys.argv[2])\n"
        "    text = speeds.path.read_text()\n"
        "    assert text.endswith('}\\n') and text.count('\"format\"') == 1, text\n"
    )
    at_once = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "abc"]
    assert [p.wait(60) for p in at_once] == [0, 0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["speeds.json"]
    works = json.loads((tmp_path / "speeds.json").read_text())["works"]
    assert 1 <= len(works) <= 3  # one may have overwritten another's last word; its next chunk would say it again


# The words.
