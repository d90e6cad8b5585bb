"""Where the faces of a finished clip lie, found once: the pose detectors' own face points, followed and bridged.

Kept are four numbers, a mark and a weight per face and frame. A frame in which a face is not seen for a moment lies
on the line between its neighbours; where it stays away, the weight falls to nothing over a few frames.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from ..core import (
    FACE,
    FrameChunk,
    Host,
    MissingWeights,
    Motion,
    NoPersonFound,
    PoseTrack,
    SourceFile,
    VideoInfo,
    VideoSource,
    WeightFile,
)
from ..face_motion.portrait_crop import FaceSquare, follow
from ..pose.clean import clean, shot_edges
from .face_align import aligned_square, five_points
from .finisher import Clip, Survey

SEEN = 0.3
SMALLEST_SIDE_PX = 24.0
"""Of the aligned square: below it there is no face to restore, only a spot."""
BRIDGED_SECONDS = 0.4
FADE_FRAMES = 4


@dataclass(frozen=True)
class FaceTrack:
    """One face through a clip."""

    square: FaceSquare
    weight: np.ndarray
    """float32 `[T]`: 1 where the face is there, falling to 0 over a few frames where it is not."""


def find_faces(clip: Clip, frames: Iterator[FrameChunk], detector: str, everybody: bool, host: Host) -> Survey:
    """Raw face points of the people in `frames`: `points` float32 `[P,T,5,2]` px, `seen` bool `[P,T]`, main one first.

    Nobody at all is no error here: then P is 0 (see `face_tracks`). Raises what the detector raises.
    """
    try:
        motion = follow_people(_Once(clip, frames), detector, host)
    except NoPersonFound:
        return {"points": np.zeros((0, clip.num_frames, 5, 2), np.float32), "seen": np.zeros((0, clip.num_frames), bool)}  # fmt: skip
    tracks = motion.tracks if everybody else motion.tracks[:1]
    found = [_points(track, motion.timeline.rate, clip.cuts) for track in tracks]
    return {"points": np.stack([p for p, _ in found]), "seen": np.stack([s for _, s in found])}


def face_tracks(found: Survey, clip: Clip, strength: float) -> list[FaceTrack]:
    """The faces, followed with `strength` 0..10; those that are never seen are left out."""
    tracks = []
    for points, seen in zip(found["points"], found["seen"], strict=True):
        square = aligned_square(points)
        seen = seen & (square.side >= SMALLEST_SIDE_PX)
        if seen.any():
            there = presence(seen, float(clip.timeline.rate), clip.cuts)
            tracks.append(FaceTrack(follow(square, seen, clip.timeline.rate, strength, clip.cuts), there))
    return tracks


def presence(seen: np.ndarray, rate: float, cuts: Sequence[int] = ()) -> np.ndarray:
    """float32 `[T]` 0..1: where a face counts. Short gaps are none; before a long one it fades, and after it, and
    inside it is 0. Nothing fades across a cut or at the ends of the clip."""
    there = np.zeros(len(seen), np.float32)
    most = max(1, round(BRIDGED_SECONDS * rate))
    for start, stop in itertools.pairwise(shot_edges(len(seen), cuts)):
        known = np.flatnonzero(seen[start:stop])
        if not len(known):
            continue
        shot = there[start:stop]
        shot[known] = 1
        for before, after in itertools.pairwise(known):
            if after - before - 1 <= most:
                shot[before:after] = 1
        if known[0] <= most:
            shot[: known[0]] = 1
        if len(shot) - 1 - known[-1] <= most:
            shot[known[-1] :] = 1
        away = np.flatnonzero(shot == 0)
        if len(away):
            frames = np.arange(len(shot))
            place = np.searchsorted(away, frames)
            left = frames - away[np.maximum(place - 1, 0)]
            right = away[np.minimum(place, len(away) - 1)] - frames
            near = np.minimum(np.where(place > 0, left, len(shot)), np.where(place < len(away), right, len(shot)))
            shot *= np.minimum(1, near / (FADE_FRAMES + 1))
    return there


def _points(track: PoseTrack, rate: object, cuts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    track = clean(track, rate, strength=1.0, cuts=cuts)  # type: ignore[arg-type]
    seen = (track.scores[:, FACE] > SEEN).mean(axis=1) > 0.5
    return five_points(track.points[:, FACE]).astype(np.float32), seen


class _Once:
    """Frames that come by once, as a source that the extraction can read."""

    def __init__(self, clip: Clip, frames: Iterator[FrameChunk]) -> None:
        self._clip, self._frames = clip, frames
        width, height = clip.size
        line = clip.timeline
        self.info = VideoInfo(width, height, line.rate, line.num_frames, line.time_base)

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        """As they come, whatever `length`."""
        for chunk in self._frames:
            yield replace(chunk, pts=self._clip.timeline.pts[chunk.start : chunk.stop], alpha=None)


def follow_people(source: VideoSource, name: str, host: Host) -> Motion:
    """The raw joints of a film's people, by core's detector `name`; what it cannot do it says (MissingPackage, ...).

    Raises NoPersonFound.
    """
    from ..pose.detector import detector_for, follows_everybody, has_solutions, open_detector
    from ..pose.extract import extract_motion

    file = SourceFile("the finished frames", "0" * 64, False)
    name = detector_for(name, host.find_weights, host.device)
    if follows_everybody(name):
        from ..pose.networks import open_finder, open_pose_network
        from ..pose.top_down import extract_people

        with (
            closing(open_finder("auto", host.find_weights, host.device, note=host.note)) as finder,
            closing(open_pose_network(name, host.find_weights, host.device, note=host.note)) as network,
        ):
            return extract_people(source, file, finder, network, host)
    models = None
    if not has_solutions():
        try:
            models = host.find_weights(_TASK_MODEL).parent
        except MissingWeights:
            models = None
    with open_detector(name=name, models=models) as detector:
        return extract_motion(source, file, detector, host)


_TASK_MODEL = WeightFile(
    "MediaPipe pose landmarker", "pose_landmarker.task", "mediapipe", "google/mediapipe", None, None, "Apache-2.0", True
)
