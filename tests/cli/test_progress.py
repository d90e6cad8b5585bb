"""What is shown while a command works: lines in a pipe, a bar on a terminal, a time left that is true."""

from __future__ import annotations

import io
import threading
import time

import pytest

from motion_transfer.cli import progress
from motion_transfer.cli.progress import Shown, clock


def test_progress_is_plain_lines_in_a_pipe(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Shown(stream=stream) as host:
        for done in range(0, 101, 10):
            host.step(done, 100, "frames")
            now[0] += 1.0
        host.step(100, 100, "frames")
        host.note("something to know")
    assert stream.getvalue().splitlines() == [
        "rendering: 10 of 100 frames, 10.0 frames/s, 0:09 left",
        "rendering: 60 of 100 frames, 10.0 frames/s, 0:04 left",
        "rendering: 100 of 100 frames, 10.0 frames/s",
        "note: something to know",
    ]  # fmt: skip


def test_what_a_broken_run_had_done_does_not_make_the_rest_look_fast(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Shown(stream=stream) as host:
        host.step(900, 1000, "frames")
        now[0] += 10
        host.step(910, 1000, "frames")
    assert stream.getvalue() == "rendering: 910 of 1000 frames, 1.0 frames/s, 1:30 left\n"


def test_loading_does_not_make_the_rest_look_slow(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Shown(stream=stream) as host:
        host.step(0, 100, "frames")
        for done in (8, 16, 56):
            now[0] += 30.0 if done == 8 else 5.0  # the first frames wait for the engine
            host.step(done, 100, "frames")
    told = [line.split(", ", 1)[1] for line in stream.getvalue().splitlines()]
    assert told == ["0.3 frames/s, 5:45 left", "1.6 frames/s, 0:52 left", "4.8 frames/s, 0:09 left"]


def test_a_total_that_is_not_known_is_not_claimed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Shown(stream=stream) as host:
        host.step(0, 1, "motion")
        for done in range(10, 110, 10):
            now[0] += 1.0
            host.step(done, done, "motion")
    assert stream.getvalue().splitlines() == ["motion: 10 frames, 10.0 frames/s", "motion: 60 frames, 10.0 frames/s"]


def test_nothing_is_shown_for_what_takes_less_than_a_second():
    stream = io.StringIO()
    with Shown(stream=stream) as host:
        for done in range(11):
            host.step(done, 10, "frames")
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_even_while_no_step_comes(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0.1)
    stream, before = Terminal(), threading.active_count()
    with Shown(stream=stream) as host:
        host.step(0, 1, "character")
        time.sleep(0.6)
        host.step(1, 1, "character")
        host.step(0, 200, "motion")
        for done in range(0, 201, 20):
            host.step(done, 200, "motion")
            time.sleep(0.05)
    shown = stream.getvalue()
    assert "character" in shown and "motion" in shown and "200/200" in shown and "frames/s" in shown
    assert threading.active_count() < before + 3  # its own are ending


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (7.4, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_time_left_is_written_as_people_do(seconds, words):
    assert clock(seconds) == words
