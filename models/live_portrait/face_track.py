"""A person's face through a clip, as squares to look into: steady ones for a driver, following ones for a source.

A driver's head is read in a square that stands still, so that what moves in it is the head; only one who walks out of
it is followed, slowly. A source's square follows the face and turns with it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ...core import FACE, PoseTrack
from ...face_motion.portrait_crop import (
    DRIVER_SCALE,
    DRIVER_SHIFT,
    FaceSquare,
    driver_square,
    follow,
    square_around,
)
from ...pose.clean import shot_edges

SEEN = 0.3
SMALLEST_FACE_PX = 32.0
"""From brow to chin. The networks see it enlarged eight times by then, and little in it is true."""
_LARGEST_CHANGE = 1.6  # of the face's size, beyond which a still square shows too little or too much of it
_SLOWLY = 10.0  # strength of `follow`: 0.4 s


@dataclass(frozen=True)
class FaceTrack:
    """The 68 face points of one person, in every frame something usable."""

    points: np.ndarray
    """float32 `[T,68,2]` px; where no face was seen, those of the nearest frame that shows one."""
    seen: np.ndarray
    """bool `[T]`."""

    @property
    def sizes(self) -> np.ndarray:
        """float32 `[T]`: the longer side of the points' box, px."""
        return (self.points.max(axis=1) - self.points.min(axis=1)).max(axis=1)


def face_track(track: PoseTrack) -> FaceTrack | None:
    """The face of a person; None if no frame shows it."""
    points = track.points[:, FACE]
    wide = (points.max(axis=1) - points.min(axis=1)).min(axis=1) > 1.0
    seen = ((track.scores[:, FACE] > SEEN).mean(axis=1) > 0.5) & wide
    known = np.flatnonzero(seen)
    if not len(known):
        return None
    frames = np.arange(len(seen))
    after = np.minimum(np.searchsorted(known, frames), len(known) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(known[before] - frames) <= np.abs(known[after] - frames)
    return FaceTrack(points[np.where(nearer, known[before], known[after])], seen)


def still_squares(face: FaceTrack, rate: Fraction, cuts: Sequence[int] = ()) -> FaceSquare:
    """A driver's squares, upright: in each shot one that stands still, or one that follows slowly where the face
    would leave it or change its size in it."""
    each = square_around(face.points, DRIVER_SCALE, DRIVER_SHIFT, rotate=False)
    centre, side = each.centre.copy(), each.side.copy()
    moving: FaceSquare | None = None
    known = np.flatnonzero(face.seen)
    for start, stop in itertools.pairwise(shot_edges(len(side), cuts)):
        here = known[(known >= start) & (known < stop)]
        if not len(here):
            here = known[[np.abs(known - start).argmin()]]
        still = driver_square(face.points[here])
        if _holds(still, face, here):
            centre[start:stop], side[start:stop] = still.centre, still.side
            continue
        if moving is None:
            moving = follow(each, face.seen, rate, _SLOWLY, cuts)
        centre[start:stop], side[start:stop] = moving.centre[start:stop], moving.side[start:stop]
    return replace(each, centre=centre, side=side)


def following_squares(face: FaceTrack, scale: float, rate: Fraction, cuts: Sequence[int] = ()) -> FaceSquare:
    """A source's squares, of `scale` times the face, turned with the head and without jitter."""
    return follow(square_around(face.points, scale), face.seen, rate, cuts=cuts)


def _holds(still: FaceSquare, face: FaceTrack, frames: np.ndarray) -> bool:
    """Whether every face of these frames lies in the square and is about as large as the others."""
    away = np.abs(face.points[frames] - still.centre.astype(np.float32)).max()
    sizes = face.sizes[frames]
    usual = float(sizes.mean())
    return bool(away <= still.side[0] / 2 and sizes.max() <= _LARGEST_CHANGE * usual and sizes.min() * _LARGEST_CHANGE >= usual)  # fmt: skip
