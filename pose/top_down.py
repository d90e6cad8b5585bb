"""The motion of everybody in a clip: a person finder now and then, a pose network for each one in every frame.

The finder is the slow one of the two, so between its looks every box is made of the joints of the frame
before, where the person should be by now. It looks again where those boxes cannot be trusted: at cuts, when
somebody is lost, joints are suddenly weak, or somebody touches the picture's border. A few frames go through
the pose network together. Kept per frame and person are 133 points and scores; frames are never kept.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from ..core import BODY, Host, Motion, PersonChoice, SourceFile, UnreadableVideo, VideoInfo, VideoSource
from .extract import STAGE, nobody_found
from .followed_people import FollowedPeople, people_as_tracks
from .networks import PersonFinder, PoseNetwork
from .people import SEEN, PeopleTracker, box_of, overlap
from .read_ahead import ReadAhead

TOP_DOWN_VERSION = 1
"""Changed whenever the same networks would give other joints by what happens here."""
FIND_EVERY = 8
"""Frames between looks of the finder while all goes well."""
RUN_FRAMES = 4
"""Frames that go through the pose network together; boxes are that much older for the last of them."""
FIND_SCORE = 0.3
_GROWN = 1.25  # box around joints -> box around the person
_GROWN_PER_FRAME = 0.04  # further ahead, the box is less sure
_SAME_BOX = 0.3  # overlap (IoU) from which a found box is of somebody who is followed
_TWICE = 0.04  # of the height: two people whose joints lie this near (median) are one, seen twice
_FEWEST_JOINTS = 4  # of the body; a "person" with fewer is none
_WEAK = 0.5  # of the usual mean score of the body
_USUAL = 0.95  # of the running mean that this level is
_LEAST_SIDE_PX = 8.0
_CHUNK_BYTES = 24 << 20
_MOST_PEOPLE = 16  # in one frame; a crowd of spectators would cost a network call each


def top_down_id(networks: str) -> str:
    """Name and version of this way of extraction with these networks."""
    return f"{networks}/people-{TOP_DOWN_VERSION}"


def extract_people(
    source: VideoSource,
    file: SourceFile,
    finder: PersonFinder,
    network: PoseNetwork,
    host: Host,
    *,
    networks: str | None = None,
    keep: PersonChoice | None = None,
    chunk_frames: int | None = None,
) -> Motion:
    """Everybody in `source`, a track for each, the main person first: raw joints and scores, cuts, time stamps.

    A track scores 0 where its person is not seen; the length is the clip's, whoever comes and goes. People seen for
    less than 3 % of the frames (2 s at most) or less than 10 frames are taken for mistakes, unless `keep` means one
    of them. `networks` names both networks in `Motion.detector` (None: their ids); `chunk_frames` frames are
    decoded at a time (a multiple of four; None: by size) and change nothing. Raises NoPersonFound if nobody is
    seen in the whole clip, and whatever `source`, the networks and `host.step` raise; no thread is left behind.
    """
    info = source.info
    size = (info.width, info.height)
    total = info.num_frames or 0
    reader = ReadAhead(source, _chunk_frames(info) if chunk_frames is None else chunk_frames)
    followed = FollowedPeople()
    run = _Runs(finder, network, followed, size)
    try:
        with ExitStack() as lent:
            for module in {id(m): m for m in (finder.module, network.module) if m is not None}.values():
                lent.enter_context(host.on_device(module))
            host.step(0, max(total, 1), STAGE)
            for pixels, is_new in reader.runs(RUN_FRAMES):
                run.go(pixels, is_new)
                host.step(reader.num_frames, max(total, reader.num_frames), STAGE)
    finally:
        reader.stop()
    done = reader.num_frames
    if done == 0:
        raise UnreadableVideo(f"{file.path} has no frames.")
    host.step(done, done, STAGE)
    timeline, cuts = reader.timeline(), tuple(reader.cuts)
    tracks = people_as_tracks(followed.stretches(), timeline, cuts, size, keep)
    if not tracks:
        raise nobody_found(done, file, size)
    return Motion(tracks, timeline, file, top_down_id(networks or f"{finder.id} + {network.id}"), cuts)


def _chunk_frames(info: VideoInfo) -> int:
    """A multiple of the run's length, or results would depend on it."""
    return max(1, min(4, _CHUNK_BYTES // (info.width * info.height * 3 * RUN_FRAMES))) * RUN_FRAMES


class _Runs:
    """A few consecutive frames at a time: boxes, joints, who is who."""

    def __init__(
        self, finder: PersonFinder, network: PoseNetwork, followed: FollowedPeople, size: tuple[int, int]
    ) -> None:
        self._finder, self._network, self._followed, self._size = finder, network, followed, size
        self._tracker = PeopleTracker()
        self._frame = 0
        self._since_find = FIND_EVERY
        self._doubt = True
        self._levels: dict[int, float] = {}
        self._borders: dict[int, tuple[bool, ...]] = {}

    def go(self, pixels: np.ndarray, is_new: bool) -> None:
        """Follow everybody through uint8 `[n,H,W,3]`; `is_new`: after a cut."""
        if is_new:
            self._tracker.reset()
            self._levels, self._borders, self._doubt = {}, {}, True
        people, boxes = self._tracker.boxes_in(1, lost_for=RUN_FRAMES)
        boxes = np.array([_grown(box, _GROWN) for box in boxes]).reshape(-1, 4)
        speeds = np.array([p.speed for p in people]).reshape(-1, 2)
        if self._doubt or self._since_find >= FIND_EVERY:
            boxes, speeds = self._look(pixels[:1], boxes, speeds)
            self._since_find = 0
        self._since_find += len(pixels)
        points, scores, frame_of = self._joints(pixels, boxes, speeds)
        self._doubt = False
        for k in range(len(pixels)):
            here = frame_of == k
            self._know(pixels[k], points[here], scores[here])
        # Whoever is lost may be right there, only not where the box was.
        self._doubt |= bool(self._tracker.lost) or not self._tracker.here

    def _look(self, frame: np.ndarray, boxes: np.ndarray, speeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of the finder, and of those followed whom it overlooks."""
        found, sure = self._finder.find(frame)[0]
        found = np.asarray(found, np.float64).reshape(-1, 4)[np.asarray(sure) > FIND_SCORE][:_MOST_PEOPLE]
        found_speeds = np.zeros((len(found), 2))
        overlooked = np.ones(len(boxes), bool)
        for k, box in enumerate(found):
            like = np.array([overlap(box, other) for other in boxes])
            overlooked &= like <= _SAME_BOX
            if len(boxes) and like.max() > _SAME_BOX:
                found_speeds[k] = speeds[like.argmax()]
        return np.concatenate([found, boxes[overlooked]]), np.concatenate([found_speeds, speeds[overlooked]])

    def _joints(
        self, pixels: np.ndarray, boxes: np.ndarray, speeds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points `[m,133,2]`, scores `[m,133]` and frame `[m]` of everybody in every frame of the run."""
        frames = np.repeat(np.arange(len(pixels)), len(boxes))
        wanted = np.array(
            [
                _grown(box + np.tile(speed * k, 2), 1 + _GROWN_PER_FRAME * k)
                for k in range(len(pixels))
                for box, speed in zip(boxes, speeds, strict=True)
            ]
        ).reshape(-1, 4)
        width, height = self._size
        inside = np.minimum(wanted[:, 2:], [width, height]) - np.maximum(wanted[:, :2], 0)
        worth = (inside >= _LEAST_SIDE_PX).all(axis=1)
        frames, wanted = frames[worth], wanted[worth]
        if not len(frames):
            return np.zeros((0, 133, 2), np.float32), np.zeros((0, 133), np.float32), frames
        points, scores = self._network.estimate(pixels, wanted.astype(np.float32), frames)
        fine = np.isfinite(points).all(axis=2) & np.isfinite(scores)
        scores = np.where(fine, np.clip(scores, 0, 1), 0).astype(np.float32)
        return np.where(scores[..., None] > 0, points, 0).astype(np.float32), scores, frames

    def _know(self, frame: np.ndarray, points: np.ndarray, scores: np.ndarray) -> None:
        chosen = _believable(points, scores)
        points, scores = points[chosen], scores[chosen]
        for number, p, s in zip(self._tracker.step(points, scores), points, scores, strict=True):
            self._followed.add(number, self._frame, p, s, frame)
            self._watch(number, p, s)
        self._frame += 1

    def _watch(self, number: int, points: np.ndarray, scores: np.ndarray) -> None:
        """Whether the next box can be made of these joints."""
        level = float(scores[BODY].mean())
        usual = self._levels.get(number, level)
        self._levels[number] = _USUAL * usual + (1 - _USUAL) * level
        width, height = self._size
        x0, y0, x1, y1 = box_of(points, scores > SEEN)
        borders = (x0 <= 1, y0 <= 1, x1 >= width - 2, y1 >= height - 2)
        # Somebody cut off for a whole clip is nothing new; somebody who comes or goes is.
        newly = any(now and not before for now, before in zip(borders, self._borders.get(number, borders), strict=True))
        self._borders[number] = borders
        too_small = max(x1 - x0, y1 - y0) < _LEAST_SIDE_PX
        self._doubt |= level < _WEAK * usual or newly or too_small


def _believable(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Indices of people, the surest first: enough joints, and nobody twice."""
    seen = scores > SEEN
    order = [int(k) for k in np.argsort(-scores[:, BODY].mean(axis=1), kind="stable")]
    chosen: list[int] = []
    for k in order:
        if seen[k, BODY].sum() < _FEWEST_JOINTS:
            continue
        if not any(_is_same(points[k], seen[k], points[other], seen[other]) for other in chosen):
            chosen.append(k)
    return np.array(chosen, int)


def _is_same(a: np.ndarray, a_seen: np.ndarray, b: np.ndarray, b_seen: np.ndarray) -> bool:
    both = (a_seen & b_seen)[BODY]
    if both.sum() < _FEWEST_JOINTS:
        return False
    away = np.hypot(*(a[BODY][both] - b[BODY][both]).T)
    box = box_of(b, b_seen)
    return bool(np.median(away) < _TWICE * max(float(box[3] - box[1]), float(box[2] - box[0])))


def _grown(box: np.ndarray, factor: float) -> np.ndarray:
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * factor
    return np.concatenate([centre - half, centre + half])
