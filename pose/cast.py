"""Casting: everybody in a motion, listed; and the one who is meant, put first.

The main person of a clip is who is large, long there and in the middle; a click, a box or a mask at some frame
says otherwise. Nothing is looked for here: people are those whom the detector followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core import BODY, Motion, NoPersonFound, PersonChoice, PoseTrack, UsageError
from .people import SEEN, overlap

_FEWEST_JOINTS = 3  # of the body; fewer say neither where somebody is nor how large
_GROWN = 1.15  # joints lie inside the outline: heads, hands and clothes reach further than the box around them
_NEARBY_FRAMES = 12  # somebody missed in the very frame is known from before or after
_LEAST_BOX = 0.1  # overlap (IoU) from which on a box means somebody
_LEAST_OF_PART = 0.7  # of a box around a part, a face or a hand, inside the box around the person
_PART_WEIGHT = 0.5  # a part never outweighs a box that fits a whole person well
_LEAST_INSIDE = 0.3  # of the joints seen, inside the mask


@dataclass(frozen=True)
class Person:
    """What can be said of one person of a motion."""

    number: int
    """From 1; what `PersonChoice` calls the index."""
    presence: float
    """Share of the frames in which the person is seen, 0..1."""
    first_seconds: float
    last_seconds: float
    height_px: float
    """Median of the box around the joints."""
    box: tuple[float, float, float, float]
    """Median x0, y0, x1, y1 px."""
    weight: float
    """Size x presence x centredness; what the automatic rule goes by."""

    def __str__(self) -> str:
        x, y = (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
        return (
            f"{self.number}: seen in {100 * self.presence:.0f} % of the frames, {self.first_seconds:.1f} to "
            f"{self.last_seconds:.1f} s, {self.height_px:.0f} px high, around {x:.0f},{y:.0f}"
        )


def people(motion: Motion) -> list[Person]:
    """Everybody in the motion, in its order."""
    found = []
    for i, track in enumerate(motion.tracks):
        boxes, there = _boxes(track)
        frames = np.nonzero(there)[0]
        if not len(frames):
            found.append(Person(i + 1, 0.0, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0), 0.0))
            continue
        start = motion.timeline.seconds(0)
        first, last = (motion.timeline.seconds(int(frames[k])) - start for k in (0, -1))
        middle = np.median(boxes[there], axis=0)
        height = float(np.median(boxes[there, 3] - boxes[there, 1]))
        x0, y0, x1, y1 = (float(v) for v in middle)
        presence = len(frames) / len(there)
        found.append(Person(i + 1, presence, first, last, height, (x0, y0, x1, y1), weight(track)))
    return found


def weight(track: PoseTrack) -> float:
    """How much speaks for this being the main person: median area x presence x centredness."""
    boxes, there = _boxes(track)
    if not there.any():
        return 0.0
    sides = np.maximum(boxes[there, 2:] - boxes[there, :2], 1.0)
    away = np.abs((boxes[there, 0] + boxes[there, 2]) / 2 / track.size[0] - 0.5) * 2  # 0 in the middle, 1 at the border
    centred = 1 - 0.5 * min(1.0, float(np.median(away)))
    return float(np.median(sides.prod(axis=1))) * float(there.mean()) * centred


def choose_person(motion: Motion, choice: PersonChoice, *, alone: bool = False) -> Motion:
    """The motion with the chosen person first; the others follow in their order, or are left out when `alone`.

    Face codes belong to the person who was first; they are dropped when that is another one now. Raises
    UsageError for a number, frame or place that there is not, NoPersonFound where nobody is at the place.
    """
    k = chosen_index(motion, choice)
    tracks = (motion.tracks[k], *(() if alone else (t for i, t in enumerate(motion.tracks) if i != k)))
    codes = motion.face_codes if k == 0 else {}
    return replace(motion, tracks=tracks, face_codes=codes)


def chosen_index(motion: Motion, choice: PersonChoice) -> int:
    """Index from 0 of the track that is meant; errors as for `choose_person`."""
    if choice.kind == "auto":
        return main_index(motion.tracks)
    if choice.kind == "index":
        if choice.index > len(motion.tracks):
            n = len(motion.tracks)
            raise UsageError(f"There is no person {choice.index}; the motion has {n}: {_listed(motion)}.")
        return choice.index - 1
    choice.check_within(motion.size)
    frame = choice.at(motion.timeline)
    fits = [_fit(track, frame, choice, motion.cuts) for track in motion.tracks]
    if max(fits) <= 0:
        raise NoPersonFound(f"Nobody is at {choice} in the motion; there are {_listed(motion)}.")
    return int(np.argmax(fits))


def main_index(tracks: Sequence[PoseTrack]) -> int:
    """Who is the main person by the automatic rule; the first of equals."""
    return int(np.argmax([weight(t) for t in tracks]))


def place_fit(points: np.ndarray, scores: np.ndarray, choice: PersonChoice, size: tuple[int, int]) -> float:
    """How well one person in one frame (`[133,2]` px, `[133]`, picture of `size`) fits a place; 0 = not at all."""
    seen = scores > SEEN
    if seen[BODY].sum() < _FEWEST_JOINTS:
        return 0.0
    body = seen.copy()
    body[BODY.stop :] = False
    box, half = _grown_box(points[body])
    if choice.kind == "point":
        at = np.array(choice.numbers)
        if (at < box[:2]).any() or (at > box[2:]).any():
            return 0.0
        away = np.hypot(*(points[seen] - at).T).min() / max(float(half.max()) * 2, 1.0)
        return 1 / (1 + float(away) * 10)  # of two boxes around a click, the nearer joints decide
    if choice.kind == "box":
        asked = np.array(choice.numbers)
        fit = overlap(box, asked)
        return max(fit if fit >= _LEAST_BOX else 0.0, _part_fit(points[seen], asked))
    if choice.mask is None:
        raise UsageError(f"The mask of {choice} was not read.")
    mask = cv2.resize(choice.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    at = np.rint(points[seen]).astype(int)
    inside = ((at >= 0) & (at < size)).all(axis=1)
    share = float(mask[at[inside, 1], at[inside, 0]].sum()) / int(seen.sum())
    return share if share >= _LEAST_INSIDE else 0.0


def _part_fit(joints: np.ndarray, asked: np.ndarray) -> float:
    """How well a box around a face, a hand or a trunk fits the person whose joints `[N,2]` px are seen; 0 = not at all.

    It overlaps the whole person too little to be compared with them: it has to lie inside, and the joints in it
    say whose part it is where people stand before each other.
    """
    person, half = _grown_box(joints)  # with the hands, which reach further than the body's joints
    sides = np.minimum(person[2:], asked[2:]) - np.maximum(person[:2], asked[:2])
    inside = float(np.maximum(sides, 0).prod() / (asked[2:] - asked[:2]).prod())
    if inside < _LEAST_OF_PART:
        return 0.0
    held = ((joints >= asked[:2]) & (joints <= asked[2:])).all(axis=1)
    away = np.hypot(*(joints - (asked[:2] + asked[2:]) / 2).T).min() / max(float(half.max()) * 2, 1.0)
    # Without a joint in it, a box on a thigh or a belly means whose joints are nearest.
    return _PART_WEIGHT * inside * (float(held.sum()) + 1 / (1 + 10 * float(away))) / (len(joints) + 1)


def _grown_box(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x0, y0, x1, y1 px around the outline that joints `[N,2]` px lie in; half the sides around the joints alone."""
    low, high = joints.min(axis=0), joints.max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2
    return np.concatenate([centre - half * _GROWN, centre + half * _GROWN]), half


def _fit(track: PoseTrack, frame: int, choice: PersonChoice, cuts: Sequence[int]) -> float:
    """Of the frame itself, or of the nearest one around it, in the same shot, where the person is seen."""
    for late in range(_NEARBY_FRAMES + 1):
        for t in {frame - late, frame + late}:
            if not 0 <= t < track.num_frames or any(min(t, frame) < c <= max(t, frame) for c in cuts):
                continue
            if (track.scores[t, BODY] > SEEN).sum() >= _FEWEST_JOINTS:
                return place_fit(track.points[t], track.scores[t], choice, track.size) / (1 + 0.1 * late)
    return 0.0


def _boxes(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """float64 `[T,4]` px around the body's joints that are seen, and bool `[T]`, where that are enough of them."""
    seen = track.scores[:, BODY] > SEEN
    points = track.points[:, BODY].astype(np.float64)
    low = np.where(seen[..., None], points, np.inf).min(axis=1)
    high = np.where(seen[..., None], points, -np.inf).max(axis=1)
    return np.concatenate([low, high], axis=1), seen.sum(axis=1) >= _FEWEST_JOINTS


def _listed(motion: Motion) -> str:
    return "; ".join(str(p) for p in people(motion))
