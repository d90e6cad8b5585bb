"""The motion of a whole clip: every frame once through decoder, cut finder and detector, in flat memory.

Three things run at the same time: a thread decodes ahead, the detector's own thread follows the body, and
the caller's thread looks at face and hands. Kept per frame are 133 points, 133 scores and a time stamp;
nothing is smoothed here (see `clean`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import (
    WHOLE_BODY,
    Host,
    Motion,
    NoPersonFound,
    PoseTrack,
    SourceFile,
    UnreadableVideo,
    VideoSource,
)
from .detector import Detector
from .read_ahead import ReadAhead

STAGE = "motion"
_CHUNK_BYTES = 24 << 20  # of pixels in one chunk; up to four are in memory at once
_MOST_FRAMES = 16


def extract_motion(
    source: VideoSource, file: SourceFile, detector: Detector, host: Host, *, chunk_frames: int | None = None
) -> Motion:
    """The main person of `source`: raw joints with the detector's own confidences, cuts, time stamps.

    Frames in which the person is not found (not yet there, hidden, out of the picture) have score 0
    throughout. At a cut the detector starts afresh. `chunk_frames` frames are decoded at a time (None: by
    size); the result does not depend on it. Raises NoPersonFound if nobody is seen in the whole clip, and
    whatever `source`, `detector` and `host.step` raise; no thread is left behind.
    """
    info = source.info
    size = (info.width, info.height)
    if chunk_frames is None:
        chunk_frames = max(1, min(_MOST_FRAMES, _CHUNK_BYTES // (info.width * info.height * 3)))
    result = _Growing(info.num_frames or 1024)
    total = info.num_frames or 0
    reader = ReadAhead(source, chunk_frames)
    try:
        host.step(0, max(total, 1), STAGE)
        detector_reset = getattr(detector, "reset", None)
        if detector_reset is not None:
            detector_reset()
        for points, scores in _follow(detector, reader.frames()):
            result.add(points, scores)
            done = result.num_frames
            if done % chunk_frames == 0:
                host.step(done, max(total, done), STAGE)
    finally:
        reader.stop()
    done = result.num_frames
    if done == 0:
        raise UnreadableVideo(f"{file.path} has no frames.")
    host.step(done, done, STAGE)
    track = PoseTrack(*result.arrays(), size)
    if not track.scores.any():
        raise nobody_found(done, file, size)
    return Motion((track,), reader.timeline(), file, detector.id, tuple(reader.cuts))


def nobody_found(num_frames: int, file: SourceFile, size: tuple[int, int]) -> NoPersonFound:
    """The error for a whole clip without anybody, with what would help."""
    return NoPersonFound(
        f"Nobody was found in the {num_frames} frames of {file.path} ({size[0]}x{size[1]}). A person is found best "
        f"when head and shoulders are seen, upright, larger than a quarter of the picture's height and well lit; "
        f"crop or brighten the clip, or take joints of another program (OpenPose JSON; 'motion-transfer extract' reads it)."
    )


def _follow(detector: Any, frames: Iterator[tuple[np.ndarray, bool]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Points and scores of each frame in turn, by the detector's own stream where it has one."""
    stream = getattr(detector, "follow", None)
    if stream is not None:
        yield from stream(frames)
        return
    for frame, is_new in frames:
        if is_new and hasattr(detector, "reset"):
            detector.reset()
        points, scores = detector.detect(frame[None])
        yield points[0], scores[0]


class _Growing:
    """Points and scores in two arrays that grow by half when they are full."""

    def __init__(self, expected: int) -> None:
        rows = max(16, min(expected, 1 << 20))
        self.num_frames = 0
        self._points = np.empty((rows, WHOLE_BODY.num_joints, 2), np.float32)
        self._scores = np.empty((rows, WHOLE_BODY.num_joints), np.float32)

    def add(self, points: np.ndarray, scores: np.ndarray) -> None:
        self._grow(self.num_frames)
        self._points[self.num_frames], self._scores[self.num_frames] = points, scores
        self.num_frames += 1

    def _grow(self, index: int) -> None:
        rows = len(self._points)
        while index >= rows:
            rows += max(rows // 2, 16)
        if rows > len(self._points):
            self._points = _grown(self._points, rows)
            self._scores = _grown(self._scores, rows)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return _trimmed(self._points, self.num_frames), _trimmed(self._scores, self.num_frames)


def _grown(array: np.ndarray, rows: int) -> np.ndarray:
    larger = np.empty((rows, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _trimmed(array: np.ndarray, rows: int) -> np.ndarray:
    return array if len(array) == rows else array[:rows].copy()
