"""Which stretches of a finished video are judged on their own: those the engine made it in, else some five seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from ..core import Settings, UsageError
from ..models.wan_animate.windows import plan_wan_windows
from ..sampling.sections import plan_sections

SECONDS = 5.0
"""Of a stretch where the engine has no seams of its own: long enough for a steady figure, short enough to be found."""

Begins = Literal["start", "cut", "engine", "time"]


@dataclass(frozen=True)
class Section:
    """Frames start..stop (half open) of the finished video."""

    index: int
    start: int
    stop: int
    start_seconds: float
    stop_seconds: float
    begins: Begins
    """start: of the video; cut: a new shot; engine: where the engine began anew; time: nothing but the clock."""

    @property
    def num_frames(self) -> int:
        return self.stop - self.start


def engine_borders(engine: str, settings: Settings, num_frames: int) -> tuple[int, ...] | None:
    """First frames of the engine's own windows or sections, 0 left out; None where every frame stands for itself."""
    s: Any = settings
    if engine.startswith("wan-animate"):
        return tuple(w.first_new for w in plan_wan_windows(num_frames, s.window, s.overlap_frames, s.tail))[1:]
    if engine == "mimic-motion":
        planned = plan_sections(num_frames, s.section_frames, s.shared_frames)
    elif engine == "animate-diff":
        # Older motion modules see fewer frames at once, and then share fewer: a border may lie some frames off.
        planned = plan_sections(num_frames, s.section, min(s.context_length // 2, s.section // 3))
    else:
        return None
    return tuple(section.start for section in planned[1:])


def plan_report_sections(
    shown: np.ndarray, end_seconds: float, cuts: Sequence[float], borders: Sequence[float] | None
) -> tuple[Section, ...]:
    """`shown` float `[T]`: seconds at which the frames are shown; `cuts` and `borders` are moments in seconds.

    With `borders` None, shots are cut evenly into stretches of about five seconds. Every frame is in one section.
    """
    if len(shown) < 1:
        raise UsageError("A video without frames has no sections.")
    half = (end_seconds - float(shown[0])) / len(shown) / 2
    at_cuts = _frames_at(shown, cuts, half)
    begins: dict[int, Begins] = {0: "start"}
    if borders is not None:
        begins |= dict.fromkeys(_frames_at(shown, borders, half), "engine")
    else:
        for start, stop in pairwise([0, *at_cuts, len(shown)]):
            seconds = (float(shown[stop]) if stop < len(shown) else end_seconds) - float(shown[start])
            pieces = max(1, round(seconds / SECONDS))
            begins |= {start + (stop - start) * k // pieces: "time" for k in range(1, pieces)}
    for cut in at_cuts:
        begins[cut] = "cut"
    starts = sorted(begins)
    return tuple(
        Section(
            k, a, b, float(shown[a]), float(shown[b]) if b < len(shown) else end_seconds, begins[a]
        )
        for k, (a, b) in enumerate(pairwise([*starts, len(shown)]))
    )  # fmt: skip


def _frames_at(shown: np.ndarray, moments: Sequence[float], half: float) -> list[int]:
    """The frames shown at these moments, those at either end of the video left out."""
    found = np.searchsorted(shown, np.asarray(moments, np.float64) - half)
    return sorted({int(f) for f in found if 0 < f < len(shown)})
