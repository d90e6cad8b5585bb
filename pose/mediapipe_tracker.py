"""Following one body, one face and one hand from frame to frame, each with the networks of `mediapipe_graphs`.

A tracker looks where the thing was a frame ago, is suspicious of what it sees, and searches again when
it does not believe it. What it cannot find it does not report. All of it is a plain function of the
frames so far: no clock, no chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .mediapipe_graphs import BodyNet, FaceNet, Finder, Found, HandNet, HandRecrop
from .regions import (
    ROOM_WHEN_FOLLOWED,
    Region,
    Shrunk,
    body_region,
    face_region_from_detection,
    face_region_from_mesh,
    hand_region_from_body,
    hand_region_from_hand,
    hand_region_from_palm,
    head_region,
)
from .trunk_colours import alike_colours, trunk_colours

PRESENT = 0.5
"""Below this a network itself says that nothing is there."""


@dataclass(frozen=True)
class Body:
    """One body on one frame: 33 points in px, their scores, and the window to look at next."""

    points: np.ndarray
    scores: np.ndarray
    region: Region
    colours: np.ndarray
    """Histogram of the trunk, which tells people apart."""


class BodyTracker:
    """Follows the main person: the largest and most central one where the clip begins, that one ever after."""

    FAR = 0.25  # of the window's side: further in one frame nobody's middle moves
    GROWTH = 1.5  # nobody grows or shrinks so much in one frame
    ALIKE = 0.45  # overlap of trunk colours under which it is somebody else
    CONVINCING = 0.8  # a detection that needs no second opinion from an enlarged part of the picture
    UPSIDE_DOWN = 1.75  # radians; legs above the head is rare, and a common mistake where legs are not in the picture
    CHECK_EVERY = 12  # frames between looks at the whole picture while all goes well
    GIVE_UP = 96  # frames after which a lost person is thought to have left for good

    def __init__(self, net: BodyNet, finder: Finder) -> None:
        self._net, self._finder = net, finder
        self._wanted: Body | None = None
        self._wanted_frame = self._count = 0
        self.reset()

    def only(self, body: Body, frame: int) -> None:
        """Follow nobody but `body`, as seen in frame `frame` of those to come (from 0); at first by its colours."""
        self._wanted, self._wanted_frame, self._count = body, frame, 0
        self.reset()

    def reset(self) -> None:
        """Forget everybody, as at a cut; but not who is wanted."""
        self._last: Body | None = None
        self._colours: np.ndarray | None = None if self._wanted is None else self._wanted.colours
        self._speed = np.zeros(2)
        self._lost = 0
        self._age = 0

    def step(self, frame: Shrunk) -> Body | None:
        body = None
        if self._wanted is not None and self._count == self._wanted_frame:
            body = self._look(frame, self._wanted.region)
        self._count += 1
        if body is None and self._last is not None and not self._lost:
            body = self._follow(frame)
        if body is None:
            body = self._search(frame)
        self._remember(body)
        return body

    def _follow(self, frame: Shrunk) -> Body | None:
        assert self._last is not None
        old = self._last
        body = self._look(frame, old.region)
        if body is None:
            return None
        moved = np.hypot(*(body.region.centre - old.region.centre - self._speed))
        ratio = body.region.side / old.region.side
        if moved > self.FAR * old.region.side or not 1 / self.GROWTH < ratio < self.GROWTH:
            return None
        if self._age % self.CHECK_EVERY == 0 and (self._doubt(body) > 0):
            # Perhaps somebody else stepped in front. Only a better candidate elsewhere is a proof.
            other = self._search(frame)
            if other is not None and self._doubt(other) < self._doubt(body) - 0.2:
                return other
        return body

    def _doubt(self, body: Body) -> float:
        """0: nothing speaks against this being the person, rightly seen; the more, the less it looks so."""
        doubt = 0.0
        if self._colours is not None:
            alike = alike_colours(body.colours, self._colours)
            doubt += max(0.0, self.ALIKE - alike) + (1 - alike if alike < self.ALIKE else 0)
        if abs(body.region.turn) > self.UPSIDE_DOWN:
            doubt += 0.5
        return doubt

    def _search(self, frame: Shrunk) -> Body | None:
        """The main person in the whole picture, or in its parts where they are small."""
        found: list[tuple[Region, float]] = []
        for regions in self._views(frame):
            for view in regions:
                found += _placed(self._finder(frame.crop(view, 224, replicate=False)), view)
            sure = any(score > self.CONVINCING and abs(region.turn) < self.UPSIDE_DOWN for region, score in found)
            if sure and self._wanted is None:  # the largest may be somebody else than who is wanted
                break
        ranked = sorted(((self._cost(frame, region, score), i) for i, (region, score) in enumerate(found)))
        for _, i in ranked[: 3 if self._wanted is None else 8]:
            body = self._look_twice(frame, found[i][0])
            if body is not None and self._is_ours(body):
                return body
        return None

    def everybody(self, frame: Shrunk, places: Sequence[Region]) -> list[Body]:
        """Whoever is found in the whole picture, its parts and the squares `places`; the same one perhaps twice."""
        found: list[tuple[Region, float]] = []
        for view in [*places, *(view for views in self._views(frame) for view in views)]:
            found += _placed(self._finder(frame.crop(view, 224, replicate=False)), view)
        bodies = [self._look_twice(frame, region) for region, _ in found]
        return [body for body in bodies if body is not None]

    def _look_twice(self, frame: Shrunk, region: Region) -> Body | None:
        """The second time from where the first look puts the person."""
        body = self._look(frame, region)
        return None if body is None else self._look(frame, body.region)

    def _views(self, frame: Shrunk) -> Iterator[list[Region]]:
        width, height = frame.size
        x, y, long, short = (width - 1) / 2, (height - 1) / 2, max(width, height), min(width, height)
        yield [Region(x, y, long)]
        if self._last is not None and self._lost < self.GIVE_UP:  # enlarged, where the person was
            last = self._last.region
            yield [Region(last.x, last.y, last.side * 1.6)]
        if long > 1.2 * short:
            ends = [(-1, 0), (0, 0), (1, 0)] if width > height else [(0, -1), (0, 0), (0, 1)]
            tiles = [Region(x + a * (long - short) / 2, y + b * (long - short) / 2, short) for a, b in ends]
            # Nobody for long: one part per frame is enough, or an empty clip would take four times as long.
            yield tiles if self._lost < 3 else [tiles[self._lost % 3]]

    def _cost(self, frame: Shrunk, region: Region, score: float) -> float:
        width = frame.size[0]
        if abs(region.turn) > self.UPSIDE_DOWN:
            score *= 0.3
        if self._last is None or self._lost >= self.GIVE_UP:
            # The middle of the hips may lie below the picture; only sideways does it say who is in the centre.
            return -region.side * score * (1 - 0.5 * abs(region.x / width - 0.5))
        last = self._last.region
        expected = last.centre + self._speed * min(self._lost + 1, 4)
        away = np.hypot(*(region.centre - expected)) / last.side
        return float(away + abs(np.log(region.side / last.side)) - score)

    def _is_ours(self, body: Body) -> bool:
        if self._last is None or self._colours is None or self._lost >= self.GIVE_UP:
            return self._wanted is None or alike_colours(body.colours, self._wanted.colours) > self.ALIKE
        last = self._last.region
        away = np.hypot(*(body.region.centre - last.centre)) / last.side
        alike = alike_colours(body.colours, self._colours)
        return bool(alike > self.ALIKE or (alike > self.ALIKE / 2 and away < self.FAR * (1 + 0.1 * self._lost)))

    def _look(self, frame: Shrunk, region: Region) -> Body | None:
        seen = self._net.both_ways(frame.crop(region, 256))
        if seen is None or seen.presence < PRESENT:
            return None
        points = region.to_frame(seen.points)
        centre, edge = region.to_frame(seen.extra)
        following = body_region(centre, edge, ROOM_WHEN_FOLLOWED)
        width, height = frame.size
        if not 8 < following.side < 8 * max(width, height):
            return None
        trunk = points[[11, 12, 24, 23]]
        inside = ((points >= 0) & (points < [width, height])).all(axis=1) & (seen.scores > 0.3)
        if inside.sum() < 4:
            return None
        return Body(points, seen.scores * seen.presence, following, trunk_colours(frame.levels[0], trunk))

    def _remember(self, body: Body | None) -> None:
        if body is None:
            self._lost += 1
            if self._last is not None:
                self._speed *= 0.5
            return
        if self._last is not None and not self._lost:
            step = body.region.centre - self._last.region.centre
            self._speed = 0.6 * self._speed + 0.4 * step
        else:
            self._speed = np.zeros(2)
        if self._colours is None or self._lost >= self.GIVE_UP:
            self._colours = body.colours
        elif alike_colours(body.colours, self._colours) > self.ALIKE:
            self._colours = 0.97 * self._colours + 0.03 * body.colours
        self._last, self._lost = body, 0
        self._age += 1


class FaceTracker:
    """The face of the body that is followed; searched for around the head when it was lost."""

    def __init__(self, net: FaceNet, finder: Finder) -> None:
        self._net, self._finder = net, finder
        self.reset()

    def reset(self) -> None:
        self._last: np.ndarray | None = None

    def step(self, frame: Shrunk, body: Body) -> tuple[np.ndarray, float] | None:
        """Mesh `[478,2]` in px and its presence 0..1."""
        head = head_region(body.points[:11])
        answer = None
        if self._last is not None:
            region = face_region_from_mesh(self._last)
            if _near(region, head, 0.25) and 0.25 < region.side / head.side < 1.3:
                answer = self._look(frame, region, head)
        if answer is None:
            for found in self._finder(frame.crop(head, 128)):
                keys = head.to_frame(found.keypoints)
                centre = head.to_frame(found.centre)
                region = face_region_from_detection(keys[0], keys[1], centre, found.side * head.side)
                answer = self._look(frame, region, head)
                if answer is not None:
                    answer = self._look(frame, face_region_from_mesh(answer[0]), head) or answer
                    break
        self._last = None if answer is None else answer[0]
        return answer

    def _look(self, frame: Shrunk, region: Region, head: Region) -> tuple[np.ndarray, float] | None:
        seen = self._net(frame.crop(region, 192))
        if seen is None or seen.presence < PRESENT:
            return None
        mesh = region.to_frame(seen.points)
        here = face_region_from_mesh(mesh)
        if not _near(here, head, 0.3) or not 0.2 < here.side / head.side < 1.5:
            return None
        return mesh, min(1.0, seen.presence)


@dataclass(frozen=True)
class Hand:
    points: np.ndarray
    """float64 `[21,2]` px."""
    presence: float
    right_handed: float

    @property
    def palm(self) -> float:
        """Length of the palm in px: from the wrist to the knuckle of the middle finger."""
        return float(max(np.hypot(*(self.points[9] - self.points[0])), np.hypot(*(self.points[5] - self.points[17]))))


class HandTracker:
    """One hand of the body that is followed."""

    SURE = 0.8
    REACH = 1.1  # of the forearm, at most so far from the body's wrist may the hand's wrist be

    def __init__(self, left: bool, net: HandNet, recrop: HandRecrop, finder: Finder) -> None:
        self.left = left
        self._wrist, self._little, self._index, self._elbow = (15, 17, 19, 13) if left else (16, 18, 20, 14)
        self._net, self._recrop, self._finder = net, recrop, finder
        self.reset()

    def reset(self) -> None:
        self._last: Hand | None = None
        self._missed = 0

    def step(self, frame: Shrunk, body: Body) -> Hand | None:
        best = None
        for region in self._places(frame, body):
            hand = self._look(frame, region, body)
            if hand is not None and (best is None or hand.presence > best.presence):
                best = hand
            if best is not None and best.presence > self.SURE:
                break
        self._last = best
        self._missed = 0 if best is not None else self._missed + 1
        return best

    def drop(self) -> None:
        """What was reported turned out to be something else."""
        self._last = None

    def _places(self, frame: Shrunk, body: Body) -> Iterator[Region]:
        """Where to look, cheapest first; the next is tried when what was seen does not convince."""
        rough = hand_region_from_body(*body.points[[self._wrist, self._little, self._index]])
        tracked = None if self._last is None else hand_region_from_hand(self._last.points)
        if tracked is not None and _near(tracked, rough, 0.6):
            yield tracked
        width, height = frame.size
        x, y = body.points[self._wrist]
        if body.scores[self._wrist] < 0.1 or not (
            -0.05 * width < x < 1.05 * width and -0.05 * height < y < 1.05 * height
        ):
            return
        answer = self._recrop(frame.crop(rough, 256))
        if answer is not None:
            x, y, side, turn = answer
            region = Region(x, y, side, turn).within(rough).scaled(1.0, -0.1)
            if 0.2 < region.side / rough.side < 2:
                yield region
        # The palm detector is slow and rarely helps twice in a row.
        if self._missed % 4 == 0 and body.scores[self._wrist] > 0.4:
            wide = Region(rough.x, rough.y, max(rough.side * 1.5, self._forearm(body) * 2))
            for found in self._finder(frame.crop(wide, 192))[:2]:
                keys = wide.to_frame(found.keypoints)
                yield hand_region_from_palm(keys[0], keys[2], wide.to_frame(found.centre), found.side * wide.side)

    def _forearm(self, body: Body) -> float:
        seen = float(np.hypot(*(body.points[self._wrist] - body.points[self._elbow])))
        return max(seen, 0.12 * body.region.side)  # it may point at the camera

    def _look(self, frame: Shrunk, region: Region, body: Body) -> Hand | None:
        seen = self._net(frame.crop(region, 224))
        if seen is None or seen.presence < PRESENT:
            return None
        hand = Hand(region.to_frame(seen.points), min(1.0, seen.presence), seen.right_handed)
        away = np.hypot(*(hand.points[0] - body.points[self._wrist]))
        if away > self.REACH * self._forearm(body) or hand.palm < 2:
            return None
        return hand


def settle_hands(left: Hand | None, right: Hand | None, body: Body) -> tuple[Hand | None, Hand | None]:
    """Both trackers may have found the same hand; it belongs to one of them only.

    The owner is the side whose wrist is nearer, and that the hand looks like.
    """
    if left is None or right is None:
        return left, right
    apart = np.hypot(*(left.points - right.points).T).mean()
    if apart > 0.5 * max(left.palm, right.palm):
        return left, right
    reach = 0.1 * body.region.side
    for_left = (1 - left.right_handed) + left.presence - np.hypot(*(left.points[0] - body.points[15])) / reach
    for_right = right.right_handed + right.presence - np.hypot(*(right.points[0] - body.points[16])) / reach
    return (left, None) if for_left >= for_right else (None, right)


def _near(region: Region, other: Region, part: float) -> bool:
    return bool(np.hypot(*(region.centre - other.centre)) < part * other.side)


def _placed(found: list[Found], view: Region) -> list[tuple[Region, float]]:
    return [(body_region(*view.to_frame(f.keypoints[:2])), f.score) for f in found]
