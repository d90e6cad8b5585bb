"""Progress on standard error: a bar with speed and time left on a terminal, plain lines elsewhere.

Nothing is shown for what takes less than a second.
"""

from __future__ import annotations

import io
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from ..run.host import LocalHost
from .option_names import as_options

_QUIET_SECONDS = 1.0  # a stage shorter than this is not worth a line
_LINE_SECONDS = 5.0  # between two plain lines


class Shown:
    """A host whose steps and notes are seen. Use with `with`, so that the terminal is left tidy."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        cancel: threading.Event | None = None,
        weights_folders: tuple[Path, ...] = (),
        device: str = "auto",
        stream: TextIO | None = None,
    ) -> None:
        shown: TextIO | None = stream or sys.stderr  # None in a program without a terminal
        stream = io.StringIO() if shown is None else shown
        self._view = _Silent(stream) if quiet else _Bar(stream) if stream.isatty() else _Lines(stream)
        self.host = LocalHost(
            on_step=self._view.step,
            on_note=lambda message: self._view.note(as_options(message)),
            cancel=cancel,
            weights_folders=weights_folders,
            device=device,
        )

    def __enter__(self) -> LocalHost:
        return self.host

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.close()


_SHOWN_AS = {"frames": "rendering"}  # stage -> word for people


class Pace:
    """Speed of one stage, measured from its first step (what a broken run had done already does not count).

    From its second progress on, the time until the first, in which an engine loads, does not count either.
    """

    def __init__(self, done: int, now: float) -> None:
        self.begun = now
        self._done_before = done
        self._first: tuple[int, float] | None = None

    def see(self, done: int, now: float) -> None:
        if self._first is None and done > self._done_before:
            self._first = done, now

    def speed(self, done: int, now: float) -> float | None:
        """Per second; None while there is nothing to measure. Every step is to be seen before."""
        if self._first is None:
            return None
        before, since = self._first if done > self._first[0] else (self._done_before, self.begun)
        return (done - before) / (now - since) if now > since else None


class _Silent:
    """Notes only: what the user should act on is said even with --quiet."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, done: int, total: int, stage: str) -> None:
        pass

    def note(self, message: str) -> None:
        self._stream.write(f"note: {message}\n")
        self._stream.flush()

    def close(self) -> None:
        pass


class _Lines(_Silent):
    """One line every few seconds, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._stage = ""
        self._pace = Pace(0, 0.0)
        self._last = 0.0
        self._ended = False
        self._total = 0

    def step(self, done: int, total: int, stage: str) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._pace, self._ended, self._total = stage, Pace(done, now), False, total
            self._last = now + _QUIET_SECONDS - _LINE_SECONDS  # the first line comes as soon as it is worth one
            return
        self._pace.see(done, now)
        is_short = now - self._pace.begun < _QUIET_SECONDS
        # A total that grows with what is done is not known: then no step is the last one.
        is_last = done >= total and total == self._total
        if total <= 1 or is_short or self._ended or (now - self._last < _LINE_SECONDS and not is_last):
            return
        self._last, self._ended = now, is_last
        frames = f"{done} of {total} frames" if total == self._total else f"{done} frames"
        self._stream.write(f"{_SHOWN_AS.get(stage, stage)}: {frames}{_pace_words(self._pace, done, total, now)}\n")
        self._stream.flush()


def _pace_words(pace: Pace, done: int, total: int, now: float) -> str:
    speed = pace.speed(done, now)
    if speed is None:
        return ""
    if done >= total:
        return f", {speed:.1f} frames/s"
    return f", {speed:.1f} frames/s, {clock((total - done) / speed)} left"


def clock(seconds: float) -> str:
    """'0:07', '12:30', '1:02:03'."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Bar(_Silent):
    """rich's bar, one line per stage, drawn once the stage has lasted a second."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__(stream)
        self._console = Console(file=stream)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
            console=self._console,
            refresh_per_second=5,
        )
        self._stage = ""
        self._pace = Pace(0, 0.0)
        self._task: Any = None
        self._timer: threading.Timer | None = None
        self._one_at_a_time = threading.Lock()

    def step(self, done: int, total: int, stage: str) -> None:
        now = time.monotonic()
        with self._one_at_a_time:
            if stage != self._stage:
                self._begin(done, stage, now)
            self._pace.see(done, now)
            if self._task is not None:
                words = f"{done}/{total}{_pace_words(self._pace, done, total, now)}" if total > 1 else ""
                # A stage of one step has no share to show: its bar pulses until it is done.
                known = total if total > 1 or done >= total else None
                self._progress.update(self._task, completed=done, total=known, words=words)

    def _begin(self, done: int, stage: str, now: float) -> None:
        self._stage, self._pace, self._task = stage, Pace(done, now), None
        if self._timer is not None:
            self._timer.cancel()
        # On its own clock, because a stage may work for seconds between two steps.
        self._timer = threading.Timer(_QUIET_SECONDS, self._show, (stage,))
        self._timer.daemon = True
        self._timer.start()

    def _show(self, stage: str) -> None:
        with self._one_at_a_time:
            if stage == self._stage and self._task is None:
                self._progress.start()
                self._task = self._progress.add_task(_SHOWN_AS.get(stage, stage), total=None, words="")

    def note(self, message: str) -> None:
        self._console.print(f"note: {message}", markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        with self._one_at_a_time:
            self._stage = ""
            if self._timer is not None:
                self._timer.cancel()
            self._progress.stop()
