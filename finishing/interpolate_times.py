"""When the frames of another rate are shown, and between which frames of the source each of them lies. Exact fractions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..core import Timeline

SNAP = 1 / 64
"""Of a frame's time: nearer than this to a frame of the source, that very frame is shown. Containers that count in
milliseconds are off by as much, and a frame as it was made is sharper than one put in its place."""
SHORTEST_END = Fraction(1, 8)
"""Of a frame's time: a last frame that would be shown for less is left out, and the one before lasts until the end."""
LONGEST_GAP_SECONDS = Fraction(1, 4)
"""A frame that is shown for longer (and for more than two and a half nominal ones) is a still, not slow motion."""
_FINEST = 10_000_000
"""Units per second, beyond which players were not seen to follow; see `video.join`."""


@dataclass(frozen=True)
class Times:
    """A timeline of a higher rate over another one."""

    timeline: Timeline
    left: np.ndarray
    """int64 `[N]`: the source's frame shown last when frame k is shown."""
    share: np.ndarray
    """float64 `[N]`, 0 <= share < 1: how far it is from `left` to the next; 0 = the very frame `left`."""
    cuts: tuple[int, ...]
    """Index of the first frame after each cut, on the new timeline."""


def exact_rate(fps: float) -> Fraction:
    """29.97, 59.94, 23.976 and their like mean thousand-and-first parts; everything else means what it says."""
    whole = round(fps * 1.001)
    broadcast = Fraction(whole * 1000, 1001)
    if fps != round(fps) and abs(fps - float(broadcast)) < 0.006:
        return broadcast
    return Fraction(str(float(fps))).limit_denominator(1000)


def plan_times(source: Timeline, cuts: tuple[int, ...], rate: Fraction) -> Times:
    """Frames at `rate` from the source's first frame to the end of its last, which both stay where they are.

    Over a cut, and over a still, the frame before is held until the next one's own time.
    """
    unit = Fraction(1, math.lcm(source.time_base.denominator, rate.numerator))
    if unit < Fraction(1, _FINEST):
        unit = Fraction(1, rate.numerator * max(1, _FINEST // (4 * rate.numerator)))
    scale = source.time_base / unit
    shown = np.array([_rounded(int(p) * scale) for p in source.pts], np.int64)
    nominal = max(1, _rounded(1 / (source.rate * unit)))
    end = int(shown[-1]) + (_rounded(source.last_duration * scale) or nominal)
    step = int(1 / (rate * unit))
    length = Fraction(end - int(shown[0]), step)
    count = math.ceil(length)
    if count > 1 and length - (count - 1) < SHORTEST_END:
        count -= 1
    stamps = int(shown[0]) + step * np.arange(count, dtype=np.int64)
    left = np.searchsorted(shown, stamps, side="right") - 1
    right = np.minimum(left + 1, len(shown) - 1)
    gaps = np.maximum(shown[right] - shown[left], 1)
    share = (stamps - shown[left]) / gaps
    share[left == len(shown) - 1] = 0.0
    near = np.minimum(gaps, nominal) * SNAP
    arrived = (left < right) & (shown[right] - stamps < near)
    left, share = np.where(arrived, right, left), np.where(arrived | (stamps - shown[left] < near), 0.0, share)
    longest = max(_rounded(LONGEST_GAP_SECONDS / unit), nominal * 5 // 2)
    held = np.isin(left + 1, np.array(cuts, np.int64)) | (gaps > longest)
    share[held] = 0.0
    new_cuts = np.searchsorted(left, np.array(cuts, np.int64), side="left")
    kept = tuple(sorted({int(c) for c in new_cuts if 0 < c < count}))
    timeline = Timeline(stamps, unit, rate, end - int(stamps[-1]))
    return Times(timeline, left, share, kept)


def _rounded(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
