"""Which frames of a section are denoised together, and how much each of them counts: pure arithmetic.

A motion module knows 24 or 32 places in time, so a longer clip is seen through windows of `length` frames that overlap.
Schedules and weights are those of AnimateDiff-Evolved and of ComfyUI's own context windows, number for number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SCHEDULES = ("uniform", "static", "looped", "batched")
FUSES = ("pyramid", "flat", "overlap-linear", "relative")
_NEXT_TO_NOTHING = 1e-37  # the end of a ramp: never 0, so that no frame is divided by nothing


@dataclass(frozen=True)
class WindowRule:
    """How the frames of a section are cut and joined."""

    length: int = 16
    overlap: int = 4
    schedule: str = "uniform"
    """uniform: windows move from step to step; static: they stay; looped: they run on from the end to the start;
    batched: they do not overlap."""
    fuse: str = "pyramid"
    """Weight of a window's frames where several show the same one."""
    stride: int = 1
    """Also windows of every 2nd, 4th ... up to 2^(stride-1)th frame."""
    is_loop: bool = True
    """looped: the end is joined to the start too."""

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES or self.fuse not in FUSES:
            raise ValueError(f"there is no schedule {self.schedule!r} or no fuse {self.fuse!r}")
        if self.length < 1 or not 0 <= self.overlap < self.length or self.stride < 1:
            raise ValueError(
                f"an overlap of {self.overlap} does not fit windows of {self.length} (stride {self.stride})"
            )

    def windows(self, num_frames: int, step: int = 0) -> list[list[int]]:
        """Frames of each window at sampling step `step`; every frame is in at least one."""
        if num_frames < self.length or (num_frames == self.length and self.schedule != "looped"):
            return [list(range(num_frames))]
        if self.schedule == "static":
            return _static(num_frames, self.length, self.overlap)
        if self.schedule == "batched":
            return [list(range(k, min(k + self.length, num_frames))) for k in range(0, num_frames, self.length)]
        rolled = self._rolled(num_frames, step)
        return rolled if self.schedule == "looped" else _unrolled(rolled, num_frames, self.length)

    def weights(self, window: Sequence[int], num_frames: int) -> list[float]:
        """How much each frame of a window counts where others show it too."""
        n = len(window)
        if self.fuse == "flat":
            return [1.0] * n
        if self.fuse == "pyramid":
            return [float(min(k + 1, n - k)) for k in range(n)]
        if self.fuse == "relative":
            middle, half = (window[0] + window[-1]) / 2, (window[-1] - window[0] + 1e-2) / 2
            return [max(1e-2, 1 - abs(frame - middle) / half) for frame in window]
        weights, ramp = [1.0] * n, _ramp(min(self.overlap, n))
        if ramp and min(window) > 0:
            weights[: len(ramp)] = ramp
        if ramp and max(window) < num_frames - 1:
            weights[-len(ramp) :] = ramp[::-1]
        return weights

    def _rolled(self, num_frames: int, step: int) -> list[list[int]]:
        """Windows begun a little later at each step, by halves, quarters ...; they run over the end to the start."""
        shift = _halving(step)
        begun = round(num_frames * shift)
        end = num_frames + begun - (0 if self.schedule == "looped" and self.is_loop else self.overlap)
        most = math.ceil(math.log2(num_frames / self.length)) + 1
        windows = []
        for spread in (1 << k for k in range(min(self.stride, most))):
            for first in range(int(shift * spread) + begun, end, self.length * spread - self.overlap):
                windows.append([(first + k * spread) % num_frames for k in range(self.length)])
        return windows


def freenoise_order(num_frames: int, length: int, overlap: int, seed: int) -> list[int]:
    """Frame of the first window (0..length) whose noise each frame of a clip has (FreeNoise, arXiv 2310.15169).

    Each stretch of `length - overlap` frames repeats the noise of the stretch a window before it, shuffled: windows
    then begin from noise that they know, and a long clip stays of one kind. As ComfyUI's context windows shuffle it.
    """
    import torch

    order, stretch = list(range(min(num_frames, length))), length - overlap
    draw = torch.Generator("cpu").manual_seed(seed)
    for begun in range(0, num_frames - length, stretch):
        count = min(stretch, num_frames - begun - length)
        order += [order[begun + k] for k in torch.randperm(count, generator=draw).tolist()]
    return order[:num_frames]


def _static(num_frames: int, length: int, overlap: int) -> list[list[int]]:
    starts = [*range(0, num_frames - length, length - overlap), num_frames - length]
    return [list(range(k, k + length)) for k in starts]


def _unrolled(windows: list[list[int]], num_frames: int, length: int) -> list[list[int]]:
    """Windows that ran over the end lie at the end; where one then misses, another begins where the roll began."""
    todo, kept = list(windows), []
    place = 0
    while place < len(todo):
        window = todo[place]
        rolled = next((k for k in range(1, len(window)) if window[k] < window[k - 1]), 0)
        if rolled:
            again = window[rolled]
            steps = [(frame - window[0]) % num_frames for frame in window]
            window = todo[place] = [num_frames - 1 - steps[-1] + k for k in steps]
            if again not in todo[(place + 1) % len(todo)]:
                todo.insert(place + 1, list(range(again, again + length)))
        if window not in kept:
            kept.append(window)
        place += 1
    return kept


def _halving(step: int) -> float:
    """0, 1/2, 1/4, 3/4, 1/8 ...: the bits of `step` mirrored behind the point."""
    return int(f"{step:064b}"[::-1], 2) / (1 << 64)


def _ramp(overlap: int) -> list[float]:
    if overlap == 1:
        return [_NEXT_TO_NOTHING]
    return [max(k / (overlap - 1), _NEXT_TO_NOTHING) for k in range(overlap)]
