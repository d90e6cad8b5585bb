"""How a clip of any length is cut into windows of 4k+1 frames: n frames in, n frames out, for every n >= 1.

A window begins with `overlap` finished frames of the one before. What the last window has too much is driven by
frames that the clip does not have, and thrown away. Pure arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import UsageError, plan_windows

TAILS = ("ping-pong", "hold", "short")
OVERLAPS = (1, 5)
LONGEST_WINDOW, SHORTEST_WINDOW = 81, 17
LEAST_SHORT_FRAMES = 29
"""The model was trained on 77 frames; windows much shorter than this look it."""


@dataclass(frozen=True)
class WanWindow:
    """Frames start..start + num_frames of the clip as it was lengthened."""

    index: int
    start: int
    num_frames: int
    """4k + 1."""
    carried: int
    """Leading frames that the window before has made: 0, 1 or 5."""
    num_new: int
    """Frames of the clip that this window adds; what follows them is thrown away."""
    driving: np.ndarray
    """int64 `[num_frames]`: which frame of the driving clip drives each frame."""

    @property
    def first_new(self) -> int:
        return self.start + self.carried

    @property
    def num_latents(self) -> int:
        return (self.num_frames - 1) // 4 + 1


def plan_wan_windows(
    num_frames: int, window: int = 77, overlap: int = 1, tail: str = "ping-pong"
) -> tuple[WanWindow, ...]:
    """Windows for a clip of `num_frames`; every frame is new in exactly one of them, in order.

    `tail` says what drives the frames after the clip's end: 'ping-pong' runs back through the clip (as the original),
    'hold' repeats its last frame, 'short' makes the last window only as long as it must be, at least 29 frames, and
    holds the few that are left over.
    """
    check_window(window, overlap, tail)
    if num_frames < 1:
        raise ValueError(f"a clip has at least one frame, not {num_frames}")
    windows = []
    for plain in plan_windows(num_frames, window, overlap):
        length = window
        if tail == "short" and plain.num_frames < window:
            length = max(-(-(plain.num_frames - 1) // 4) * 4 + 1, min(LEAST_SHORT_FRAMES, window))
        at = np.arange(plain.start, plain.start + length)
        driving = mirrored(at, num_frames) if tail == "ping-pong" else np.minimum(at, num_frames - 1)
        new = plain.num_frames - plain.carried
        windows.append(WanWindow(plain.index, plain.start, length, plain.carried, new, driving))
    return tuple(windows)


def mirrored(frames: np.ndarray, num_frames: int) -> np.ndarray:
    """Frames of an endless run to and fro through a clip: ... n-2, n-1, n-2 ..., 1, 0, 1 ..."""
    if num_frames == 1:
        return np.zeros_like(frames)
    period = 2 * (num_frames - 1)
    at = frames % period
    return np.minimum(at, period - at)


def check_window(window: int, overlap: int, tail: str) -> None:
    """UsageError for what the model cannot do, with what it could."""
    if not SHORTEST_WINDOW <= window <= LONGEST_WINDOW or window % 4 != 1:
        near = min(max(round((window - 1) / 4) * 4 + 1, SHORTEST_WINDOW), LONGEST_WINDOW)
        raise UsageError(
            f"A window of {window} frames does not fit the model, which takes 4k + 1 of them, "
            f"{SHORTEST_WINDOW} to {LONGEST_WINDOW}; {near} would do (it was trained on 77)."
        )
    if overlap not in OVERLAPS:
        raise UsageError(f"An overlap of {overlap} frames does not fit the model, which knows 1 and 5.")
    if tail not in TAILS:
        raise UsageError(f"There is no tail {tail!r}; there are {', '.join(TAILS)}.")
