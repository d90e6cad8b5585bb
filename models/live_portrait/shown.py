"""Which frames are shown and when: the driver's own for a picture, the source's for a film that is to be moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...core import Timeline


@dataclass(frozen=True)
class DriverTimes:
    """How the driver's frames fall on those that are shown."""

    rate: Fraction
    """The driver's own."""
    cuts: Sequence[int]
    """In the driver's frames."""
    seconds: np.ndarray
    """float64 `[T]`: when each of the driver's frames was shown, from its first on."""
    wanted: np.ndarray | None
    """float64 `[N]`: at which of those moments each frame that is shown takes the driver's motion; None = frame by
    frame, nothing is resampled."""


def shown_timeline(source: Timeline | None, driver: Timeline, length: str) -> Timeline:
    """The finished video's: the driver's for a picture; for a film (`source`) its own, ended with a shorter driver
    where `length` is 'shorter'. A driver of one frame is an expression, which is as long as it is wanted.

    A film's stamps begin where the driver's do: it is his sound that lies under them."""
    if source is None:
        return driver
    begin = round(int(driver.pts[0]) * driver.time_base / source.time_base)
    if begin != source.pts[0]:
        source = replace(source, pts=source.pts - source.pts[0] + begin)
    if length != "shorter" or driver.num_frames == 1:
        return source
    end = _length(driver)
    units = np.array([int(p) - int(source.pts[0]) for p in source.pts])
    stop = int(np.searchsorted(units, float(end / source.time_base) - 0.5))  # half a unit: rounding of time stamps
    return source.cut(0, max(1, stop)) if stop < source.num_frames else source


def driver_times(shown: Timeline, driver: Timeline, cuts: Sequence[int], length: str, *, film: bool) -> DriverTimes:
    """`film`: the source is one, so that `shown` is not the driver's own timeline."""
    seconds = _seconds(driver)
    if not film:
        return DriverTimes(driver.rate, cuts, seconds, None)
    wanted = _seconds(shown)
    if len(wanted) == len(seconds) and bool((np.abs(wanted - seconds) < 1e-3).all()):
        return DriverTimes(driver.rate, cuts, seconds, None)  # the same frames: not one number is touched
    if length == "ping-pong" and seconds[-1] > 0:
        there_and_back = 2 * seconds[-1]
        wanted = seconds[-1] - np.abs(np.mod(wanted, there_and_back) - seconds[-1])
    return DriverTimes(driver.rate, cuts, seconds, wanted)


def length_seconds(timeline: Timeline) -> float:
    """From the first frame to the end of the last."""
    return float(_length(timeline))


def _length(timeline: Timeline) -> Fraction:
    last = timeline.last_duration * timeline.time_base or 1 / timeline.rate
    return int(timeline.pts[-1] - timeline.pts[0]) * timeline.time_base + last


def _seconds(timeline: Timeline) -> np.ndarray:
    return np.array([float(int(p - timeline.pts[0]) * timeline.time_base) for p in timeline.pts])
