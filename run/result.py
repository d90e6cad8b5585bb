"""What a run tells of itself when it is done, and the clock that measures its stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


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
