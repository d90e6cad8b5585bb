"""Frames decoded ahead in a thread of their own, each with 'begins a new shot', its time stamp kept."""

from __future__ import annotations

import queue
import threading
from array import array
from collections.abc import Iterator

import numpy as np

from ..core import FrameChunk, Timeline, VideoSource
from .cuts import CutFinder


class ReadAhead:
    """Reads a whole source once, `chunk_frames` at a time; at most four chunks are in memory. `stop` it in the end."""

    def __init__(self, source: VideoSource, chunk_frames: int) -> None:
        self.cuts: list[int] = []
        """First frame of each new shot among the frames that were given out."""
        self._stamps = array("q")
        self._source, self._chunk_frames = source, chunk_frames
        self._queue: queue.Queue[tuple[FrameChunk, tuple[int, ...]] | BaseException | None] = queue.Queue(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def frames(self) -> Iterator[tuple[np.ndarray, bool]]:
        """Every frame uint8 `[H,W,3]` in order, with 'begins a new shot'."""
        for run, is_new in self.runs(1):
            yield run[0], is_new

    def runs(self, most: int) -> Iterator[tuple[np.ndarray, bool]]:
        """Up to `most` frames at a time, uint8 `[n,H,W,3]`, never across a cut, with 'begins a new shot'.

        Runs begin at multiples of `most` and at cuts, as long as chunks are multiples of `most` too.
        """
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            chunk, new = item
            self.cuts.extend(new)
            first = 0
            while first < chunk.num_frames:
                start = chunk.start + first
                stop = min([chunk.stop, start + most - start % most, *(c for c in new if c > start)])
                for index in range(start, stop):
                    self._stamps.append(index if chunk.pts is None else int(chunk.pts[index - chunk.start]))
                yield _as_bytes(chunk.pixels[first : stop - chunk.start]), start in new
                first = stop - chunk.start

    @property
    def num_frames(self) -> int:
        """Frames given out so far."""
        return len(self._stamps)

    def timeline(self) -> Timeline:
        """The time stamps that came with the frames; how long the last one is shown, where the source knows."""
        stamps = np.array(self._stamps, np.int64)
        info = self._source.info
        whole = getattr(self._source, "timeline", None)
        whole = whole() if callable(whole) else whole
        if isinstance(whole, Timeline) and np.array_equal(whole.pts, stamps):
            return whole
        return Timeline(stamps, info.time_base, info.rate)

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


def _as_bytes(frame: np.ndarray) -> np.ndarray:
    if frame.dtype == np.uint8:
        return frame
    return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
