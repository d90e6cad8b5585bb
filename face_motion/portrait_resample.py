"""The motion of a head at other moments: another frame rate, or over frames in which no face was seen.

Motions are blended, not pictures: turns along the shortest way, the size by its logarithm, the rest along a line.
Nothing is blended across a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..core import UsageError
from ..pose.clean import shot_edges
from .portrait_motion import PortraitMotion
from .portrait_rotation import turned_by_share


def resample(
    motion: PortraitMotion, seconds: np.ndarray, wanted_seconds: np.ndarray, cuts: Sequence[int] = ()
) -> PortraitMotion:
    """The motion at `wanted_seconds` `[N]`, its frames being shown at `seconds` `[T]`, which grow.

    Before the first and after the last frame they are held. Between the last frame of a shot and the first of the
    next, the shot that ends is held.
    """
    seconds, wanted = np.asarray(seconds, np.float64), np.asarray(wanted_seconds, np.float64)
    if seconds.shape != (motion.num_frames,) or not (np.diff(seconds) > 0).all():
        raise UsageError(f"A motion of {motion.num_frames} frames needs as many growing times to be resampled; there are {seconds.size}.")  # fmt: skip
    if wanted.ndim != 1 or not len(wanted) or not np.isfinite(wanted).all():
        raise UsageError("Resampling a motion needs at least one finite time.")
    first = np.clip(np.searchsorted(seconds, wanted, side="right") - 1, 0, motion.num_frames - 1)
    second = np.minimum(first + 1, motion.num_frames - 1)
    share = np.zeros(len(wanted))
    inside = (second > first) & (wanted > seconds[first]) & ~np.isin(second, np.asarray(cuts, int))
    gap = seconds[second] - seconds[first]
    share[inside] = ((wanted - seconds[first])[inside]) / gap[inside]
    return _between(motion, first, second, share)


def resample_rate(
    motion: PortraitMotion, rate: float | Fraction, wanted_rate: float | Fraction, cuts: Sequence[int] = ()
) -> PortraitMotion:
    """The motion at another frame rate, as long in seconds to the nearest frame; the same rate changes no bit."""
    if not (float(rate) > 0 and float(wanted_rate) > 0):
        raise UsageError(f"Frame rates are above 0; asked for {float(rate):g} to {float(wanted_rate):g} frames a second.")  # fmt: skip
    if rate == wanted_rate:
        return motion
    ratio = Fraction(wanted_rate) / Fraction(rate)
    frames = max(1, round(motion.num_frames * ratio))
    # in units of source frames and exact: a time that falls on a frame must not blend with its neighbour
    wanted = np.array([float(k / ratio) for k in range(frames)])
    return resample(motion, np.arange(motion.num_frames), wanted, cuts)


def cuts_at_rate(cuts: Sequence[int], rate: float | Fraction, wanted_rate: float | Fraction) -> tuple[int, ...]:
    """First frame after each cut once a motion is resampled: the first one not shown before the new shot."""
    ratio = Fraction(wanted_rate) / Fraction(rate)
    return tuple(dict.fromkeys(-((-cut * ratio.numerator) // ratio.denominator) for cut in cuts))


def bridge(motion: PortraitMotion, seen: np.ndarray, cuts: Sequence[int] = ()) -> PortraitMotion:
    """The motion with what lies in the frames that are not `seen` (bool `[T]`) made up from their neighbours.

    Between two seen frames of a shot on the way from one to the other, at its ends like the nearest. A shot that never
    shows a face holds the nearest seen frame of the clip. A clip without any raises UsageError.
    """
    seen = np.asarray(seen, bool)
    if seen.shape != (motion.num_frames,):
        raise UsageError(f"There are {motion.num_frames} frames of motion, but {seen.size} marks of where a face was seen.")  # fmt: skip
    known = np.flatnonzero(seen)
    if not len(known):
        raise UsageError("No frame of this clip shows a face, so its motion cannot be bridged.")
    if seen.all():
        return motion
    frames, edges = np.arange(motion.num_frames), np.array(shot_edges(motion.num_frames, cuts))
    shot = np.searchsorted(edges, frames, side="right")
    place = np.searchsorted(known, frames, side="right") - 1
    before, after = known[np.maximum(place, 0)], known[np.minimum(place + 1, len(known) - 1)]
    has_before, has_after = (before <= frames) & (shot[before] == shot), (after >= frames) & (shot[after] == shot)
    lonely = ~has_before & ~has_after
    near = np.where(np.abs(frames - before) <= np.abs(after - frames), before, after)
    first = np.where(lonely, near, np.where(has_before, before, after))
    second = np.where(lonely, near, np.where(has_after, after, before))
    share = (frames - first) / np.maximum(second - first, 1)
    first, second, share = (np.where(seen, a, b) for a, b in ((frames, first), (frames, second), (0.0, share)))
    return _between(motion, first, second, np.where(second > first, share, 0.0))


def _between(motion: PortraitMotion, first: np.ndarray, second: np.ndarray, share: np.ndarray) -> PortraitMotion:
    """Frames `first` on their way to `second` by `share` 0..1; a share of 0 changes no bit."""

    def line(values: np.ndarray) -> np.ndarray:
        part = share.reshape(-1, *[1] * (values.ndim - 1))
        return (values[first] + part * (values[second] - values[first].astype(np.float64))).astype(np.float32)

    turns = motion.rotation.astype(np.float64)
    turn = turns[second] @ np.swapaxes(turns[first], 1, 2)
    grown = (motion.scale[second] / motion.scale[first].astype(np.float64)) ** share[:, None]
    return PortraitMotion(
        scale=(motion.scale[first] * grown).astype(np.float32),
        rotation=turned_by_share(turns[first], turn, share).astype(np.float32),
        expression=line(motion.expression),
        translation=line(motion.translation),
        eye_ratio=None if motion.eye_ratio is None else line(motion.eye_ratio),
        lip_ratio=None if motion.lip_ratio is None else line(motion.lip_ratio),
    )
