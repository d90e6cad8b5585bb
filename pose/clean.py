"""A clean track out of raw detections: jumps out, short gaps filled, smoothed without lag.

Offline and symmetric: the whole clip is there, so nothing is predicted and nothing trails behind. Every
frame depends on a second or two around it, so that a clip of any length is cleaned in blocks, with the
same bits as in one piece. Nothing looks across a cut.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..core import PoseTrack
from . import gaps, smooth
from .gaps import FILLED_SCORE, fill_gaps
from .outliers import FLOOR_OF_HEIGHT, HAND_OFF, HANDS, SEEN, hands_present, jumps, person_height_px

BLOCK_FRAMES = 384


def clean(track: PoseTrack, rate: float | Fraction, *, strength: float = 2.0, cuts: Sequence[int] = ()) -> PoseTrack:
    """The track without jumps and jitter; strength 0 gives back exactly what came in.

    `rate` in frames/s, `strength` 0..10 (2: windows of 0.3 s for the body, 0.2 s for hands, 0.15 s for the
    face), `cuts` as in `Motion`. Detections keep their score; gaps up to 0.5 s are filled and score 0.5; what
    is not seen for longer scores 0 and its point means nothing.
    """
    if strength == 0:
        return track
    points, scores = np.empty_like(track.points), np.empty_like(track.scores)
    cleaner = Cleaner(track, rate, strength=strength, cuts=cuts)
    for start in range(0, track.num_frames, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, track.num_frames)
        points[start:stop], scores[start:stop] = cleaner.frames(start, stop)
    return replace(track, points=points, scores=scores)


class Cleaner:
    """Cleans any stretch of a track when it is asked for; the same bits whatever stretches are asked for."""

    def __init__(
        self, track: PoseTrack, rate: float | Fraction, *, strength: float = 2.0, cuts: Sequence[int] = ()
    ) -> None:
        if not rate > 0:
            raise ValueError(f"a rate is a positive number of frames per second, not {rate}")
        self.track, self.rate, self.strength = track, float(rate), float(strength)
        self.edges = shot_edges(track.num_frames, cuts)
        self.height_px = person_height_px(track)
        self._hands = hands_present(track.scores, self.rate, self.edges)
        self._half_window = 3 if rate >= 20 else 2  # seven frames; at 12 frames/s they would reach over half a wave
        self.reach = (
            self._half_window + 1 + gaps.reach_frames(self.rate) + smooth.reach_frames(self.rate, self.strength)
        )

    def frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """float64 points `[n,133,2]` and float32 scores `[n,133]` of frames start..stop (half open)."""
        points = np.empty((stop - start, 133, 2))
        scores = np.empty((stop - start, 133), np.float32)
        for a, b in shots_between(self.edges, start, stop):
            points[a - start : b - start], scores[a - start : b - start] = self._shot(a, b)
        return points, scores

    def _shot(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        raw = self.track
        if self.strength == 0:
            return raw.points[start:stop].astype(np.float64), raw.scores[start:stop]
        shot = bisect.bisect_right(self.edges, start) - 1
        first = max(self.edges[shot], start - self.reach)
        last = min(self.edges[shot + 1], stop + self.reach)
        points = raw.points[first:last].astype(np.float64)
        believed = raw.scores[first:last] >= SEEN
        for side, hand in enumerate(HANDS):
            believed[:, hand] = (raw.scores[first:last, hand] >= HAND_OFF) & self._hands[first:last, side, None]
        believed &= ~jumps(points, believed, self._half_window, FLOOR_OF_HEIGHT * self.height_px)
        filled = fill_gaps(points, believed, self.rate)
        points = smooth.smooth(points, believed | filled, self.rate, self.strength)
        keep = slice(start - first, stop - first)
        scores = np.where(believed[keep], raw.scores[start:stop], np.where(filled[keep], FILLED_SCORE, 0.0))
        return points[keep], scores.astype(np.float32)


def shot_edges(num_frames: int, cuts: Sequence[int]) -> tuple[int, ...]:
    """First frame of every shot and, last, the number of frames."""
    return (0, *sorted({int(c) for c in cuts if 0 < c < num_frames}), num_frames)


def shots_between(edges: tuple[int, ...], start: int, stop: int) -> list[tuple[int, int]]:
    """Frames start..stop (half open), cut where the shots change."""
    marks = [start, *(e for e in edges if start < e < stop), stop]
    return list(itertools.pairwise(marks))
