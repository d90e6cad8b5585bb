"""Who is who from frame to frame: people are matched to where those seen before should be by now.

A match weighs the overlap of boxes and the likeness of joints to a prediction at constant speed, and the
body's height; all people of a frame are matched together (Hungarian), so that two who cross keep their
numbers. Somebody unseen for half a second is still expected; later, and across cuts, see `reunite`.
Pixels are not looked at. OKS and its constants: COCO's keypoint evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

SEEN = 0.3
"""From this score on a joint says where somebody is."""
KEEP_LOST_FRAMES = 15
ACCEPT = 0.15  # likeness from which on it is the same person
_IOU_SHARE, _OKS_SHARE = 0.35, 0.65
_HEIGHT_POWER = 2.0  # likeness falls with the square of the ratio of heights
_FARTHEST_AHEAD = 8  # frames; nobody walks on unseen for longer at the same speed
_OLD_SPEED = 0.6  # of the running mean of the speed
_OLD_HEIGHT = 0.9
_FEWEST_JOINTS = 3
# Twice COCO's constant of each body joint: how exactly it is marked, in shares of the square root of the area.
_SPREAD = 2e-3 * np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89])
_OTHER_SPREAD = 0.1  # of joints beyond the body, used only where no body is seen
_BODY = 17
_TRUNK = (5, 6, 11, 12)  # shoulders and hips


@dataclass
class Followed:
    """One person as last seen."""

    number: int
    points: np.ndarray
    """float64 `[K,2]` px."""
    seen: np.ndarray
    """bool `[K]`."""
    speed: np.ndarray
    """float64 `[2]`, px per frame."""
    height: float
    """Of the box around the joints, px, averaged over some ten frames."""
    frame: int
    """When they were last seen."""

    def predicted(self, frame: int) -> np.ndarray:
        """float64 `[K,2]` px: the joints at `frame`, if the person goes on like this."""
        return self.points + self.speed * min(frame - self.frame, _FARTHEST_AHEAD)


class PeopleTracker:
    """Give it the people of every frame in order; it says who they are. Numbers are never used twice."""

    def __init__(self, *, keep_lost_frames: int = KEEP_LOST_FRAMES) -> None:
        self._keep = keep_lost_frames
        self._next_number = 0
        self._frame = -1
        self.people: list[Followed] = []
        """Everybody who is expected: seen in the last frame, or lost since no more than half a second."""

    def reset(self) -> None:
        """The next frame has nothing to do with the one before (a cut)."""
        self.people = []

    def step(self, points: np.ndarray, scores: np.ndarray) -> list[int]:
        """A number for each of the people `[m,K,2]` px, `[m,K]` of the next frame; new ones get new numbers."""
        self._frame += 1
        now = self._frame
        self.people = [p for p in self.people if now - p.frame <= self._keep]
        seen = np.asarray(scores) > SEEN
        points = np.asarray(points, np.float64)
        who: list[Followed | None] = [None] * len(points)
        if self.people and len(points):
            alike = np.array([[self._likeness(p, points[k], seen[k]) for k in range(len(points))] for p in self.people])
            for row, column in zip(*linear_sum_assignment(-alike), strict=True):
                if alike[row, column] > ACCEPT:
                    who[column] = self.people[row]
        numbers = []
        for k, person in enumerate(who):
            if person is None:
                height = _height(points[k], seen[k])
                person = Followed(self._next_number, points[k], seen[k], np.zeros(2), height, now)
                self._next_number += 1
                self.people.append(person)
            else:
                _update(person, points[k], seen[k], now)
            numbers.append(person.number)
        return numbers

    @property
    def lost(self) -> list[Followed]:
        """Expected, but not in the last frame."""
        return [p for p in self.people if p.frame < self._frame]

    @property
    def here(self) -> list[Followed]:
        """Seen in the last frame."""
        return [p for p in self.people if p.frame == self._frame]

    def boxes_in(self, frames_ahead: int, *, lost_for: int = 0) -> tuple[list[Followed], np.ndarray]:
        """Those seen no longer than `lost_for` frames ago, and float64 `[m,4]` px around all their joints to come."""
        near = [p for p in self.people if self._frame - p.frame <= lost_for]
        ahead = [(p.predicted(self._frame + frames_ahead), p.seen) for p in near]
        boxes = [np.concatenate([points[seen].min(axis=0), points[seen].max(axis=0)]) for points, seen in ahead]
        return near, np.array(boxes).reshape(-1, 4)

    def _likeness(self, person: Followed, points: np.ndarray, seen: np.ndarray) -> float:
        late = self._frame - person.frame
        expected = person.predicted(self._frame)
        box = box_of(expected, person.seen)
        area = max(float(np.prod(box[2:] - box[:2])), 1e-12) * (1 + 0.5 * late)
        like = _IOU_SHARE * overlap(box, box_of(points, seen))
        like += _OKS_SHARE * oks(expected, person.seen, points, seen, area)
        heights = np.array([person.height, _height(points, seen)])
        heights += 1e-3 * heights.max() + 1e-12
        return like * float(np.exp(-_HEIGHT_POWER * abs(np.log(heights[0] / heights[1]))))


def _update(person: Followed, points: np.ndarray, seen: np.ndarray, frame: int) -> None:
    both = person.seen & seen
    trunk = [j for j in _TRUNK if both[j]]
    if both.any():  # arms and legs swing; the trunk says where the person goes
        steps = points[trunk or both] - person.points[trunk or both]
        moved = np.median(steps, axis=0) / (frame - person.frame)
        person.speed = _OLD_SPEED * person.speed + (1 - _OLD_SPEED) * moved
    person.height = _OLD_HEIGHT * person.height + (1 - _OLD_HEIGHT) * _height(points, seen)
    person.points, person.seen, person.frame = points, seen, frame


def oks(a: np.ndarray, a_seen: np.ndarray, b: np.ndarray, b_seen: np.ndarray, area: float) -> float:
    """Likeness 0..1 of two people's joints `[K,2]` px, by those that both show; 0 where that are fewer than three.

    `area` in px squared says how large the person is; joints beyond the body count only where it is not seen.
    """
    both = a_seen & b_seen
    body = both.copy()
    body[_BODY:] = False
    if body.sum() >= _FEWEST_JOINTS:
        both, spread = body, _SPREAD[body[:_BODY]]
    elif both.sum() >= _FEWEST_JOINTS:
        spread = np.full(int(both.sum()), _OTHER_SPREAD)
    else:
        return 0.0
    away = ((a[both] - b[both]) ** 2).sum(axis=1)
    return float(np.exp(-away / (2 * area * spread**2)).mean())


def box_of(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """float64 `[4]` x0 y0 x1 y1 around the body's joints that are seen; around all others where none of it is."""
    body = seen.copy()
    body[_BODY:] = False
    chosen = points[body if body.sum() >= 2 else seen if seen.any() else np.ones_like(seen)]
    return np.concatenate([chosen.min(axis=0), chosen.max(axis=0)])


def _height(points: np.ndarray, seen: np.ndarray) -> float:
    box = box_of(points, seen)
    return float(box[3] - box[1])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Area that both boxes x0 y0 x1 y1 share, over the area that they cover together (IoU)."""
    width = max(0.0, float(min(a[2], b[2]) - max(a[0], b[0])))
    height = max(0.0, float(min(a[3], b[3]) - max(a[1], b[1])))
    together = float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - width * height
    return width * height / together if together > 0 else 0.0
