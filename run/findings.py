"""What the check of a driving clip says to its user: findings, each with time, reason and what to do.

Codes: cut, several_people, nobody, hidden, hands_out, feet_out, border, small, camera, blur, flicker, rate,
variable_rate, repeats. `stop`: no engine can use the clip; `warn`: the result will suffer; `tell`: worth
knowing. When each is said is decided in `judge_people` and `judge_picture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Level = Literal["stop", "warn", "tell"]
CODES = (
    "cut", "several_people", "nobody", "hidden", "hands_out", "feet_out", "border", "small", "camera", "blur",
    "flicker", "rate", "variable_rate", "repeats",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    code: str
    level: Level
    start_seconds: float
    stop_seconds: float
    reason: str
    """What was found, with the number, as a sentence."""
    advice: str
    """What to do about it, as a sentence."""

    @property
    def when(self) -> str:
        if self.stop_seconds - self.start_seconds < 0.05:
            return f" at {self.start_seconds:.2f} s"
        return f" {self.start_seconds:.2f}-{self.stop_seconds:.2f} s"


def spans(flags: np.ndarray, seconds: np.ndarray) -> list[tuple[float, float]]:
    """Where `flags` bool `[T]` holds, as (start, stop) seconds; `stop` is the last such moment."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(float(seconds[a]), float(seconds[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def longest(flags: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """The longest of the `spans`; (0, 0) when there is none."""
    return max(spans(flags, seconds), key=lambda s: s[1] - s[0], default=(0.0, 0.0))


def around(flags: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """From the first to the last moment at which `flags` holds; (0, 0) when it never does."""
    at = np.flatnonzero(flags)
    return (float(seconds[at[0]]), float(seconds[at[-1]])) if len(at) else (0.0, 0.0)
