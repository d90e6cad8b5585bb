"""The drift lock: every window is given the colour and contrast of what came before it, so that nothing adds up.

A window begins with frames that are finished already. Decoded again they show the same things, so whatever differs
is the VAE's and the model's doing, not the dance's: it is measured there and taken out of the whole window. Where a
driving video shows what should be seen (replacement, outside the mask), it is measured against that instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .colour import cells, match, spread, whole_cells
from .drift_meter import DriftMeter, mean_and_still

MODES = ("off", "colour", "full")
FADE_FRAMES = 16  # what is left of a seam is spread over half a second
_GAIN_LIMIT = 1.25
_ANCHOR_GAIN_LIMIT = 1.1
_RESIDUE_LIMIT = 24 / 255  # a difference larger than this is another thing in the picture, not a shade of it
_ENOUGH = 0.02  # share of cells that must be known to measure by


class DriftLock:
    """One per run, fed with decoded windows in order.

    Modes: 'off' leaves the frames alone and only measures; 'colour' corrects gain and offset of each channel;
    'full' also ties cells that hold still to the first window, and lets what is left of a seam fade out.
    """

    def __init__(self, mode: str = "full", state: Mapping[str, Any] | None = None) -> None:
        if mode not in MODES:
            raise ValueError(f"the lock is one of {', '.join(MODES)}, not {mode!r}")
        self.mode, self._meter = mode, DriftMeter(state)

    @property
    def state(self) -> dict[str, Any]:
        """Plain JSON; with it a lock made anew goes on with the very same pixels."""
        return self._meter.state

    @property
    def report(self) -> dict[str, float]:
        """See `DriftMeter.report`."""
        return self._meter.report

    def finish(
        self,
        frames: np.ndarray,
        carried: np.ndarray | None = None,
        truth: np.ndarray | None = None,
        outside: np.ndarray | None = None,
    ) -> np.ndarray:
        """The window's new frames, uint8 `[n-R,H,W,3]`, of decoded `frames` float32 `[n,H,W,3]` 0..1.

        `carried` uint8 `[R,H,W,3]`: the finished frames that the window began with. `truth` uint8 `[n,H,W,3]` and
        `outside` bool `[n,H,W]`: what should be seen, and where.
        """
        skip = 0 if carried is None else len(carried)
        known = None
        if truth is not None and outside is not None:
            known = cells(truth), whole_cells(outside)
        gain, offset, residue = np.ones(3), np.zeros(3), None
        if self.mode != "off":
            small = cells(frames)
            before = None if carried is None else cells(carried)
            gain, offset = self._shade(small, before, known)
            if self.mode == "full":
                if known is None:
                    gain, offset = self._anchored(small, gain, offset)
                if before is not None:
                    residue = before[-1] - (small[skip - 1] * gain + offset)
        out = np.empty((len(frames) - skip, *frames.shape[1:]), np.uint8)
        field = None
        if residue is not None:
            limited = np.clip(residue, -_RESIDUE_LIMIT, _RESIDUE_LIMIT).astype(np.float32)
            field = spread(limited, (frames.shape[2], frames.shape[1])) * 255
        scale, shift = (gain * 255).astype(np.float32), (offset * 255 + 0.5).astype(np.float32)
        for k, frame in enumerate(frames[skip:]):
            levels = frame * scale + shift  # half a level up, so that cutting off the fraction rounds
            if field is not None and k < FADE_FRAMES:
                levels += field * np.float32(1 - (k + 1) / (FADE_FRAMES + 1))
            out[k] = np.clip(levels, 0, 255, out=levels)
        truth_cells = None if known is None else (known[0][skip:], known[1][skip:])
        self._meter.add(out, None if carried is None else carried[-1], truth_cells)
        return out

    def _shade(
        self, small: np.ndarray, before: np.ndarray | None, known: tuple[np.ndarray, np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if known is not None and known[1].mean() >= _ENOUGH:
            return match(small, known[0], known[1], _GAIN_LIMIT)
        if before is None:
            return np.ones(3), np.zeros(3)
        return match(small[: len(before)], before, np.ones(before.shape[:3]), _GAIN_LIMIT)

    def _anchored(self, small: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corrected further, by the cells that held still in the first window and in this one."""
        if self._meter.anchor is None:
            return gain, offset
        first, first_still = self._meter.anchor
        mean, still = mean_and_still(small * gain + offset)
        both = first_still & still
        if both.mean() < _ENOUGH:
            return gain, offset
        more, add = match(mean, first, both, _ANCHOR_GAIN_LIMIT)
        return gain * more, offset * more + add
