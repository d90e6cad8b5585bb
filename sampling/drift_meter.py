"""How much a long video drifts and jumps at its seams, measured as it is made; a few kilobytes of memory.

Drift is the colour distance (CIE76) between a window and the first one, over the cells that hold still in both, so
that a walking person is not taken for drift; in a replaced scene between the window and the driving video, outside the
mask. A seam is the step from one window's last frame to the next one's first, beside the median step of all others.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from .colour import cells, delta_e

STILL_SPREAD = 1.5 / 255  # a cell whose mean moves less than this in time shows no motion, only grain
ENOUGH_STILL = 0.1  # share of the cells; with fewer, all cells are compared
_BIN = math.log(1.02)  # jumps are counted in classes of 2 %, so the median is right to 1 %
_LEAST_JUMP = 0.005  # levels of 255


class DriftMeter:
    """Fed with finished windows in order; `state` is plain JSON and brings it back bit for bit."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.anchor: tuple[np.ndarray, np.ndarray] | None = None
        """The first window: mean colour of every cell float32 `[rows,columns,3]`, and whether it held still."""
        if "mean" in state:
            rows, columns = state["grid"]
            mean = np.frombuffer(base64.b64decode(state["mean"]), "<f4").reshape(rows, columns, 3)
            still = np.frombuffer(base64.b64decode(state["still"]), np.uint8).reshape(rows, columns) > 0
            self.anchor = mean.astype(np.float32), still
        self._jumps = {int(k): int(n) for k, n in state.get("jumps", {}).items()}
        self._sums: dict[str, float] = {
            name: state.get(name, 0.0) for name in ("windows", "de_sum", "de_max", "de_last", "seams", "seam_sum")
        }

    def add(self, frames: np.ndarray, before: np.ndarray | None, truth: tuple[np.ndarray, np.ndarray] | None) -> None:
        """A window's new `frames`, uint8 `[n,H,W,3]`; `before` is the frame that they follow.

        `truth`: cells `[n,rows,columns,3]` of what the frames should show, and `[n,rows,columns]` where they should.
        """
        small = cells(frames)
        mean, still = mean_and_still(small)
        if truth is not None:
            target, weight = truth
            total = weight.sum(0)
            known = total > 0
            scale = np.maximum(total, 1e-9)[..., None]
            ours, theirs = ((c * weight[..., None]).sum(0) / scale for c in (small, target))
            self._drift(float(delta_e(ours[known], theirs[known]).mean()) if known.any() else 0.0)
        elif self.anchor is not None:
            both = held_still(self.anchor[1], still)
            self._drift(float(delta_e(mean[both], self.anchor[0][both]).mean()))
        if self.anchor is None:
            self.anchor = mean, still
        if before is not None:
            self._sums["seams"] += 1
            self._sums["seam_sum"] += _jump(before, frames[0])
        for a, b in pairwise(frames):
            level = round(math.log(max(_jump(a, b), _LEAST_JUMP)) / _BIN)
            self._jumps[level] = self._jumps.get(level, 0) + 1

    def _drift(self, de: float) -> None:
        self._sums["windows"] += 1
        self._sums["de_sum"] += de
        self._sums["de_max"] = max(self._sums["de_max"], de)
        self._sums["de_last"] = de

    @property
    def report(self) -> dict[str, float]:
        """For the manifest: distances in CIE76, jumps in levels of 255."""
        s = self._sums
        told: dict[str, float] = {}
        if s["windows"]:
            told |= {
                "drift_de_mean": round(s["de_sum"] / s["windows"], 4),
                "drift_de_max": round(s["de_max"], 4),
                "drift_de_last": round(s["de_last"], 4),
            }
        median = self._median()
        if median is not None:
            told["frame_jump_median"] = round(median, 4)
        if s["seams"]:
            told["seam_jump_mean"] = round(s["seam_sum"] / s["seams"], 4)
            if median:
                told["seam_to_frame_jump"] = round(s["seam_sum"] / s["seams"] / median, 4)
        return told

    def _median(self) -> float | None:
        half, count = sum(self._jumps.values()) / 2, 0
        for level in sorted(self._jumps):
            count += self._jumps[level]
            if count >= half:
                return math.exp(level * _BIN)
        return None

    @property
    def state(self) -> dict[str, Any]:
        kept: dict[str, Any] = {**self._sums, "jumps": {str(k): n for k, n in sorted(self._jumps.items())}}
        if self.anchor is not None:
            mean, still = self.anchor
            kept |= {
                "grid": list(still.shape),
                "mean": base64.b64encode(mean.astype("<f4").tobytes()).decode(),
                "still": base64.b64encode(still.astype(np.uint8).tobytes()).decode(),
            }
        return kept


def mean_and_still(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of cells `[n,rows,columns,3]`: mean in time float32, and bool `[rows,columns]` where nothing moved."""
    return small.mean(0, dtype=np.float64).astype(np.float32), small.std(0).max(-1) < STILL_SPREAD


def held_still(first: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Where both held still, or everywhere if that is next to nowhere."""
    both = first & now
    return both if both.mean() >= ENOUGH_STILL else np.ones_like(both)


def _jump(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(cv2.mean(cv2.absdiff(np.ascontiguousarray(a), np.ascontiguousarray(b)))[:3]))
