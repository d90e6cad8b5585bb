"""The motion of a whole clip: every frame once through decoder, cut finder and detector, in flat memory.

Three things run at the same time: a thread decodes ahead, the detector's own thread follows the body, and
the caller's thread looks at face and hands. Kept per frame are 133 points, 133 scores and a time stamp;
nothing is smoothed here (see `clean`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import (
    WHOLE_BODY,
    FrameChunk,
    Host,
    Motion,
    NoPersonFound,
    PoseTrack,
    SourceFile,
    Timeline,
    UnreadableVideo,
    VideoSource,
)
from .cuts import CutFinder
from .detector import Detector

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
    cuts: list[int] = []
    total = info.num_frames or 0
    reader = _Reader(source, chunk_frames)
    try:
        host.step(0, max(total, 1), STAGE)
        detector_reset = getattr(detector, "reset", None)
        if detector_reset is not None:
            detector_reset()
        for points, scores in _follow(detector, reader.frames(result, cuts)):
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
        raise NoPersonFound(
            f"Nobody was found in the {done} frames of {file.path} ({size[0]}x{size[1]}). A person is found best when "
            f"head and shoulders are seen, upright, larger than a quarter of the picture's height and well lit; "
            f"crop or brighten the clip, or import joints from another program as OpenPose JSON."
        )
    return Motion((track,), _timeline(source, result.stamps()), file, detector.id, tuple(cuts))


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


def _timeline(source: VideoSource, stamps: np.ndarray) -> Timeline:
    """The time stamps that came with the frames; how long the last one is shown, where the source knows."""
    info = source.info
    whole = getattr(source, "timeline", None)
    whole = whole() if callable(whole) else whole
    if isinstance(whole, Timeline) and np.array_equal(whole.pts, stamps):
        return whole
    return Timeline(stamps, info.time_base, info.rate)


class _Reader:
    """Decodes ahead in its own thread, and says of each frame whether it begins a new shot."""

    def __init__(self, source: VideoSource, chunk_frames: int) -> None:
        self._source, self._chunk_frames = source, chunk_frames
        self._queue: queue.Queue[tuple[FrameChunk, tuple[int, ...]] | BaseException | None] = queue.Queue(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def frames(self, result: _Growing, cuts: list[int]) -> Iterator[tuple[np.ndarray, bool]]:
        """Every frame with 'begins a new shot'; stamps go to `result`, cuts to `cuts`."""
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            chunk, new = item
            cuts.extend(new)
            for k in range(chunk.num_frames):
                index = chunk.start + k
                result.stamp(index, index if chunk.pts is None else int(chunk.pts[k]))
                yield _as_bytes(chunk.pixels[k]), index in new

    def stop(self) -> None:
        """Ends the thread, wherever it is; returns when it has gone."""
        self._stopped.set()
        while self._thread.is_alive():
            try:  # it may be waiting to hand over a chunk
                self._queue.get_nowait()
            except queue.Empty:
                self._thread.join(0.02)

    def _run(self) -> None:
        finder = CutFinder()
        held: FrameChunk | None = None
        told = 0
        chunks = None
        try:
            chunks = iter(self._source.chunks(self._chunk_frames))
            for chunk in chunks:
                for frame in chunk.pixels:
                    finder.feed(_as_bytes(frame))
                    if held is not None:  # its last frame is judged now that the next one is known
                        settled = finder.settled
                        if not self._hand(held, settled[told:]):
                            return
                        told, held = len(settled), None
                held = chunk
            if held is not None:
                self._hand(held, finder.cuts()[told:])
            self._hand(None)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            if held is not None:
                self._hand(held, finder.cuts()[told:])
            self._hand(error)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _hand(self, item: FrameChunk | BaseException | None, cuts: tuple[int, ...] = ()) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put((item, cuts) if isinstance(item, FrameChunk) else item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


class _Growing:
    """Points, scores and stamps in three arrays that grow by half when they are full."""

    def __init__(self, expected: int) -> None:
        rows = max(16, min(expected, 1 << 20))
        self.num_frames = 0
        self._points = np.empty((rows, WHOLE_BODY.num_joints, 2), np.float32)
        self._scores = np.empty((rows, WHOLE_BODY.num_joints), np.float32)
        self._stamps = np.empty(rows, np.int64)

    def stamp(self, index: int, value: int) -> None:
        self._grow(index)
        self._stamps[index] = value

    def add(self, points: np.ndarray, scores: np.ndarray) -> None:
        self._grow(self.num_frames)
        self._points[self.num_frames], self._scores[self.num_frames] = points, scores
        self.num_frames += 1

    def _grow(self, index: int) -> None:
        rows = len(self._stamps)
        while index >= rows:
            rows += max(rows // 2, 16)
        if rows > len(self._stamps):
            self._points = _grown(self._points, rows)
            self._scores = _grown(self._scores, rows)
            self._stamps = _grown(self._stamps, rows)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return _trimmed(self._points, self.num_frames), _trimmed(self._scores, self.num_frames)

    def stamps(self) -> np.ndarray:
        return _trimmed(self._stamps, self.num_frames)


def _grown(array: np.ndarray, rows: int) -> np.ndarray:
    larger = np.empty((rows, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _trimmed(array: np.ndarray, rows: int) -> np.ndarray:
    return array if len(array) == rows else array[:rows].copy()


def _as_bytes(frame: np.ndarray) -> np.ndarray:
    if frame.dtype == np.uint8:
        return frame
    return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
