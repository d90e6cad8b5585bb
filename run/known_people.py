"""People of a clip whose motion is known already, shown to the check as its quick looks would be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core import Motion, PoseTrack
from ..pose.people_glance import SeenBody
from ..pose.regions import Region
from .body_looks import SEEN, BodyLooks

_FEWEST_JOINTS = 4


class KnownPeople:
    """Tells a `BodyLooks` of the motion's first person, and of everybody else beside them."""

    def __init__(self, motion: Motion | None) -> None:
        """None: nobody was found in the whole clip."""
        self._tracks: tuple[PoseTrack, ...] = () if motion is None else motion.tracks

    def look(self, body: BodyLooks, frame: int, picture: Callable[[], np.ndarray]) -> None:
        here = [_body_at(track, frame) for track in self._tracks]
        main = here[0] if here else None
        body.add(frame, main)
        if main is not None:
            body.add_others(frame, main, [other for other in here[1:] if other is not None])

    def forget(self) -> None:
        """A cut: the motion knows."""

    def close(self) -> None:
        """Nothing is open."""


def _body_at(track: PoseTrack, frame: int) -> SeenBody | None:
    if frame >= track.num_frames:
        return None
    scores = track.scores[frame, :17]
    seen = scores > SEEN
    if seen.sum() < _FEWEST_JOINTS:
        return None
    points = track.points[frame, :17].copy()
    low, high = points[seen].min(axis=0), points[seen].max(axis=0)
    points[scores == 0] = (low + high) / 2  # hidden, as far as anybody knows, and not out of the picture
    x, y = ((low + high) / 2).tolist()
    return SeenBody(points, scores, Region(x, y, float((high - low).max())))
