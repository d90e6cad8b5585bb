"""How fast this machine was: seconds for frames, kept beside the cache, learned from every chunk that was finished.

One small JSON file. Runs that differ in what changes the speed are kept apart; of runs that are alike the last few are
kept. Nothing here is needed for a result: a file that is broken or cannot be written costs the next estimate only.
"""

from __future__ import annotations

import json
import os
import statistics
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import MotionTransferError
from .digests import digest_of
from .places import write_json

FILE = "speeds.json"
_FORMAT = 1
_RUNS_KEPT = 5
"""Of the same work: enough for a median that one disturbed run does not move."""
_WORKS_KEPT = 200
"""The oldest are forgotten; a few hundred kilobytes at most."""
_WIDEST = 4.0
"""How far apart the ends of an estimate may lie; wider ones say nothing and are not given."""


@dataclass(frozen=True)
class Work:
    """What was done, or will be, as far as its speed depends on it."""

    task: str
    """'frames by puppet', 'joints' ..."""
    version: str
    """Of whoever does it."""
    device: str
    """Which chip, in words."""
    size: tuple[int, int]
    """Width, height in px."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Those that change the speed, as JSON takes them."""
    pixel_power: float = 1.0
    """At another size a frame takes between once and (ratio of pixels) ** this as long; attention goes as 2."""

    @property
    def key(self) -> str:
        """All but the size."""
        alike = {"task": self.task, "version": self.version, "device": self.device, "settings": dict(self.settings)}
        return digest_of(alike)[:32]


@dataclass(frozen=True)
class Took:
    """What one run took. The first chunk holds what is prepared once, so it is kept apart from the others."""

    started_seconds: float
    """Before the first chunk was begun: weights loaded, networks built."""
    first_frames: int
    first_seconds: float
    more_frames: int = 0
    more_seconds: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.started_seconds, self.first_seconds, self.more_seconds)
        if self.first_frames < 1 or self.more_frames < 0 or not all(0 <= n < 1e9 for n in numbers):
            raise ValueError(f"no run took {self}")

    @property
    def per_frame(self) -> float:
        """Seconds, of the later chunks where there were any."""
        return self.more_seconds / self.more_frames if self.more_frames else self.first_seconds / self.first_frames

    def expects(self, num_frames: int) -> float:
        """Seconds for so many frames."""
        first = min(num_frames, self.first_frames) / self.first_frames * self.first_seconds
        return self.started_seconds + first + max(0, num_frames - self.first_frames) * self.per_frame


@dataclass(frozen=True)
class Expected:
    """What work will take, as a range: a point where the very same was measured."""

    seconds: tuple[float, float]
    per_frame: tuple[float, float]
    measured_at: tuple[int, int]
    """The size of the frames that were measured."""


class MeasuredSpeeds:
    """The file in `folder`. Several processes may use it at once: each write is whole, and holds what others wrote."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def expect(self, work: Work, num_frames: int) -> Expected | None:
        """None where nothing alike was measured, or only at a size too far from this one."""
        runs = self._read().get(work.key, [])
        same = [run for run in runs if tuple(run["size"]) == work.size]
        if same:
            return _expected([_took(run) for run in same], num_frames, 1.0, work)
        pixels = work.size[0] * work.size[1]
        nearest = min(runs, key=lambda run: _times(run["size"], pixels), default=None)
        if nearest is None:
            return None
        size = (int(nearest["size"][0]), int(nearest["size"][1]))
        ratio = pixels / (size[0] * size[1])
        if max(ratio, 1 / ratio) ** work.pixel_power > _WIDEST:
            return None
        took = [_took(run) for run in runs if tuple(run["size"]) == size]
        return _expected(took, num_frames, ratio**work.pixel_power, work, size)

    def learn(self, work: Work, took: Took, run: str) -> None:
        """Keep what `run` (a name of its own) took so far; what it said before is replaced."""
        works = self._read()
        runs = [one for one in works.pop(work.key, []) if one["run"] != run]
        told = {"run": run, "task": work.task, "device": work.device, "size": list(work.size), "took": _plain(took)}
        of_size = [one for one in runs if tuple(one["size"]) == work.size][-_RUNS_KEPT + 1 :]
        others = [one for one in runs if tuple(one["size"]) != work.size][-_WORKS_KEPT:]
        works[work.key] = [*others, *of_size, told]  # the newest last, so that the oldest work is the first to go
        kept = dict(list(works.items())[-_WORKS_KEPT:])
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, {"format": _FORMAT, "works": [[key, runs] for key, runs in kept.items()]})
        except (OSError, ValueError, MotionTransferError):
            return  # also where Windows does not replace a file that somebody is reading: the next chunk tells again

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        """Key -> runs, oldest first; whatever is not as we write it is left out."""
        try:
            told = json.loads(self.path.read_bytes())
            if told["format"] != _FORMAT:
                return {}
            return {str(key): [run for run in runs if _is_whole(run)] for key, runs in told["works"]}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return {}


def new_run() -> str:
    """A name for one run that no other has."""
    return f"{os.getpid()}-{uuid.uuid4().hex[:12]}"


def _expected(
    took: list[Took], num_frames: int, factor: float, work: Work, size: tuple[int, int] | None = None
) -> Expected:
    """`factor`: how much longer a frame takes at most (or, below 1, at least) than those that were measured."""
    steady = [t for t in took if t.more_frames] or took  # a run of one chunk does not tell what comes after the first
    seconds = statistics.median(t.expects(num_frames) for t in steady)
    per_frame = statistics.median(t.per_frame for t in steady)
    low, high = min(factor, 1.0), max(factor, 1.0)
    return Expected((seconds * low, seconds * high), (per_frame * low, per_frame * high), size or work.size)


def _times(size: list[int], pixels: int) -> float:
    """How many times larger or smaller."""
    ratio = pixels / (size[0] * size[1])
    return max(ratio, 1 / ratio)


def _plain(took: Took) -> list[float]:
    return [
        round(took.started_seconds, 3),
        took.first_frames,
        round(took.first_seconds, 3),
        took.more_frames,
        round(took.more_seconds, 3),
    ]


def _took(run: Mapping[str, Any]) -> Took:
    started, first_frames, first, more_frames, more = run["took"]
    return Took(float(started), int(first_frames), float(first), int(more_frames), float(more))


def _is_whole(run: Any) -> bool:
    try:
        _took(run)
        width, height = run["size"]
        return isinstance(run["run"], str) and int(width) > 0 and int(height) > 0
    except (TypeError, KeyError, ValueError, OverflowError):
        return False
