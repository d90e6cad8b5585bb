"""Interpolation as a finisher: which frames are copied, which are held, which are put between two others.

How a frame between two is made is another's business: a model that the host lends, or `between_by_flow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from ..core import FrameChunk, Host
from .between_by_flow import BetweenByFlow
from .finisher import Clip, Finisher, Survey
from .interpolate import BETWEEN, InterpolateSettings
from .interpolate_times import Times, exact_rate, plan_times


class Between(Protocol):
    """Who makes frames between two frames; what `Host.lend(BETWEEN)` gives."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same frames would give others."""
        ...

    def between(self, before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        """uint8 `[n,H,W,3]`: what is seen at each of `shares` (0 < share < 1, rising) of the way from `before` to
        `after`, uint8 `[H,W,3]`. The same pixels whatever was asked before."""
        ...


class Interpolator(Finisher):
    """A clip at another rate: every source frame that falls on a new time stamp is kept as it is."""

    reshapes = True

    def __init__(self, settings: InterpolateSettings, host: Host) -> None:
        self._rate = exact_rate(settings.fps)
        self._between: Between = host.lend(BETWEEN) or BetweenByFlow()
        self._times: Times | None = None

    def begin(self, clip: Clip, found: Survey) -> Clip:
        self.clip = clip
        self._times = plan_times(clip.timeline, clip.cuts, self._rate)
        return replace(clip, timeline=self._times.timeline, cuts=self._times.cuts, original=None, mask=None)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        assert self._times is not None
        last = int(self._times.left[stop - 1])
        return int(self._times.left[start]), last + (2 if self._times.share[stop - 1] > 0 else 1)

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        assert self._times is not None
        left, share = self._times.left[start:stop], self._times.share[start:stop]
        shape = given.pixels.shape[1:]
        pixels = np.empty((stop - start, *shape), np.uint8)
        alpha = None if given.alpha is None else np.empty((stop - start, *shape[:2]), np.uint8)
        for source in dict.fromkeys(left.tolist()):
            at = source - given.start
            for k in np.flatnonzero((left == source) & (share == 0)):
                pixels[k] = given.pixels[at]
                if alpha is not None and given.alpha is not None:
                    alpha[k] = given.alpha[at]
            moving = np.flatnonzero((left == source) & (share > 0))
            if not len(moving):
                continue
            shares = [float(s) for s in share[moving]]
            pixels[moving] = self._between.between(given.pixels[at], given.pixels[at + 1], shares)
            if alpha is not None and given.alpha is not None:
                seen = [np.repeat(given.alpha[at + i][..., None], 3, axis=2) for i in (0, 1)]
                alpha[moving] = self._between.between(seen[0], seen[1], shares)[..., 0]
        return FrameChunk(pixels, start, alpha=alpha)
