"""What a run tells of itself when it is done, and the clock that measures its stages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import Cancelled
from .host import NotedHost
from .manifest import manifest_path


@dataclass(frozen=True)
class RunResult:
    """What a run made."""

    output: Path
    manifest: Path
    num_frames: int
    chunks_made: int
    chunks_reused: int
    """Taken from the journal of a broken run."""
    seconds: Mapping[str, float]
    """Per stage: character, motion, rendering, finishing where it was asked for, joining."""
    notes: tuple[str, ...] = ()


@dataclass
class Clock:
    """Seconds per stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - begun, 3)


def finished_already(output: Path, before: Mapping[str, Any], clock: Clock, host: NotedHost) -> RunResult:
    """What is told where this very job has made this very file: nothing is left to do. `before` is its manifest."""
    host.note(f"{output} is finished already; it can be made again (`overwrite`).")
    frames = int(before["output"]["num_frames"])
    return RunResult(output, manifest_path(output), frames, 0, 0, dict(clock.seconds), tuple(host.notes))


def stopped(num_frames: int) -> Cancelled:
    """What a run says that was stopped with so many frames in its journal."""
    if num_frames == 0:
        return Cancelled("Stopped before the first frames were finished; nothing is kept.")
    kept = "1 frame is kept" if num_frames == 1 else f"{num_frames} frames are kept"
    return Cancelled(f"Stopped. {kept}; the same command goes on from there.")


def tidy(parts: Path) -> None:
    """The output stands: its pieces, under these or earlier settings, have done their work."""
    for folder in parts.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
