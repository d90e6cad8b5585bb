"""What is kept of the people of a clip while it goes by, and how that becomes tracks in the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import WHOLE_BODY, Motion, NoPersonFound, PersonChoice, PoseTrack, SourceFile, Timeline
from .cast import chosen_index, weight
from .people import SEEN
from .reunite import Stretch, reunite
from .trunk_colours import trunk_colours

FEWEST_FRAMES = 10
LEAST_PRESENCE = 0.03
LONG_ENOUGH_FRAMES = 48
"""Whoever is seen for so long is a person, however long the clip is."""
MOST_PEOPLE = 16
_COLOURS_EVERY = 4  # frames; people do not change clothes
_TRUNK = [5, 6, 12, 11]  # shoulders, then hips, in turning order
_GROW = 64  # rows, at least


class FollowedPeople:
    """Joints of everybody, by the number that the tracker gave them; a few hundred bytes per person and frame."""

    def __init__(self) -> None:
        self._kept: dict[int, _Growing] = {}

    def add(self, number: int, frame: int, points: np.ndarray, scores: np.ndarray, pixels: np.ndarray) -> None:
        """Person `number` in frame `frame`: points `[133,2]` px, scores `[133]`, the picture uint8 `[H,W,3]`."""
        kept = self._kept.get(number)
        if kept is None:
            kept = self._kept[number] = _Growing(frame)
        kept.add(frame, points, scores)
        if kept.num_seen % _COLOURS_EVERY == 1 and (scores[_TRUNK] > SEEN).all():
            kept.colours += trunk_colours(pixels, points[_TRUNK].astype(np.float64))

    def stretches(self) -> list[Stretch]:
        """Everything that was kept; it is given away."""
        kept, self._kept = self._kept, {}
        return [k.stretch() for k in kept.values()]


class _Growing:
    """One person from their first frame on, in two arrays that grow by a quarter when they are full."""

    def __init__(self, start: int) -> None:
        self.start, self.num_seen = start, 0
        self.colours = np.zeros(64)
        self._rows = 0
        self._points = np.zeros((_GROW, WHOLE_BODY.num_joints, 2), np.float32)
        self._scores = np.zeros((_GROW, WHOLE_BODY.num_joints), np.float32)

    def add(self, frame: int, points: np.ndarray, scores: np.ndarray) -> None:
        row = frame - self.start
        if row >= len(self._points):
            more = max(row + 1 - len(self._points), len(self._points) // 4, _GROW)
            self._points = np.concatenate([self._points, np.zeros((more, *self._points.shape[1:]), np.float32)])
            self._scores = np.concatenate([self._scores, np.zeros((more, self._scores.shape[1]), np.float32)])
        self._points[row], self._scores[row] = points, scores
        self._rows, self.num_seen = row + 1, self.num_seen + 1

    def stretch(self) -> Stretch:
        total = float(self.colours.sum())
        colours = self.colours / total if total > 0 else None
        return Stretch(self.start, self._points[: self._rows], self._scores[: self._rows], colours)


def people_as_tracks(
    stretches: Sequence[Stretch],
    timeline: Timeline,
    cuts: tuple[int, ...],
    size: tuple[int, int],
    keep: PersonChoice | None,
) -> tuple[PoseTrack, ...]:
    """A track of the clip's length for each person, the main one first; none at all where nobody was seen.

    The stretches give their joints away. Who is seen too briefly is left out, unless nobody else is there, or `keep` points at
    them and at nobody else.
    """
    num_frames = timeline.num_frames
    least = _least_frames(num_frames)
    everybody = reunite(stretches, num_frames, cuts)
    seen = [sum(s.num_seen for s in person) for person in everybody]
    long = [p for p, n in zip(everybody, seen, strict=True) if n >= least]
    brief = [p for p, n in zip(everybody, seen, strict=True) if n < least]
    if not long and brief:
        long = [brief.pop(int(np.argmax([n for n in seen if n < least])))]
    tracks = [_track(person, num_frames, size) for person in long]
    tracks = sorted(tracks, key=weight, reverse=True)[:MOST_PEOPLE]
    if keep is not None and keep.is_place and brief and _whom(tracks, timeline, cuts, keep) is None:
        moment = keep.at(timeline)
        near = [p for p in brief if any(s.start - FEWEST_FRAMES <= moment < s.stop + FEWEST_FRAMES for s in p)]
        glimpses = [_track(person, num_frames, size) for person in near]
        meant = _whom(glimpses, timeline, cuts, keep)
        tracks += [] if meant is None else [glimpses[meant]]
    return tuple(tracks)


def _whom(tracks: Sequence[PoseTrack], timeline: Timeline, cuts: tuple[int, ...], choice: PersonChoice) -> int | None:
    if not tracks:
        return None
    try:
        return chosen_index(Motion(tuple(tracks), timeline, SourceFile("", ""), "", cuts), choice)
    except NoPersonFound:
        return None


def is_glimpse(track: PoseTrack) -> bool:
    """Whether somebody is seen too briefly to be more than a mistake."""
    return int(track.scores.any(axis=1).sum()) < _least_frames(track.num_frames)


def _least_frames(num_frames: int) -> int:
    fewest = min(FEWEST_FRAMES, (num_frames + 1) // 2)
    return max(fewest, min(int(np.ceil(LEAST_PRESENCE * num_frames)), LONG_ENOUGH_FRAMES))


def _track(person: Sequence[Stretch], num_frames: int, size: tuple[int, int]) -> PoseTrack:
    points = np.zeros((num_frames, WHOLE_BODY.num_joints, 2), np.float32)
    scores = np.zeros((num_frames, WHOLE_BODY.num_joints), np.float32)
    for s in person:
        points[s.start : s.stop], scores[s.start : s.stop] = s.points, s.scores
        s.points, s.scores = s.points[:0].copy(), s.scores[:0].copy()  # never everybody's joints twice
    return PoseTrack(points, scores, size)
