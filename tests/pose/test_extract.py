"""Extraction of whole clips, with a detector of twenty lines: order, cuts, time stamps, threads, memory."""

import threading
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from motion_transfer.core import Cancelled, FrameChunk, NoPersonFound, SourceFile, UnreadableVideo, VideoInfo
from motion_transfer.pose.extract import extract_motion

FILE = SourceFile("clip.mp4", "00")


class Host:
    device = "cpu"

    def __init__(self, cancel_at=None):
        self.steps, self.cancel_at = [], cancel_at

    def step(self, done, total, stage, preview=None):
        self.steps.append((done, total, stage))
        if self.cancel_at is not None and done >= self.cancel_at:
            raise Cancelled("stopped")

    def note(self, message):
        raise AssertionError(message)


class Clip:
    """Frames made when asked for; the first pixel carries the frame's number."""

    def __init__(self, num_frames, cuts=(), knows_length=True, broken_at=None, size=(32, 20), dtype=np.uint8):
        self.num_frames, self.cuts, self.broken_at, self.dtype = num_frames, cuts, broken_at, dtype
        self.info = VideoInfo(
            *size, Fraction(25), num_frames if knows_length else None, Fraction(1, 1000), "variable", False
        )

    def chunks(self, length, start=0):
        for a in range(start, self.num_frames, length):
            b = min(a + length, self.num_frames)
            frames = np.zeros((b - a, self.info.height, self.info.width, 3), np.uint8)
            for i in range(a, b):
                if self.broken_at == i:
                    raise UnreadableVideo(f"broken at {i}")
                frames[i - a] = (
                    np.array([40, 90, 200]) if sum(c <= i for c in self.cuts) % 2 else np.array([200, 120, 10])
                )
                frames[i - a, 0, 0] = [i % 256, i // 256, 0]
            if self.dtype == np.float32:
                frames = frames.astype(np.float32) / 255
            yield FrameChunk(frames, a, np.arange(a, b, dtype=np.int64) * 40 + (np.arange(a, b) % 2) * 3)


class Counter:
    """Sees everybody; the points carry frame number and frames since the last reset, so that order shows."""

    id = "counter-1"

    def __init__(self, sees=lambda i: True):
        self.sees, self.since = sees, 0

    def reset(self):
        self.since = 0

    def detect(self, frames):
        points = np.zeros((len(frames), 133, 2), np.float32)
        scores = np.zeros((len(frames), 133), np.float32)
        for k, frame in enumerate(frames):
            number = int(frame[0, 0, 0]) + 256 * int(frame[0, 0, 1])
            points[k] = number, self.since
            scores[k] = 0.9 if self.sees(number) else 0
            self.since += 1
        return points, scores


@pytest.mark.parametrize("length", [1, 2, 3, 7, 16, 100, None])
def test_every_frame_once_in_order_with_its_time_stamp(length):
    motion = extract_motion(Clip(23, cuts=(7, 12)), FILE, Counter(), Host(), chunk_frames=length)
    assert motion.main.points[:, 0, 0].tolist() == list(range(23))
    assert motion.timeline.pts.tolist() == [40 * i + 3 * (i % 2) for i in range(23)]
    assert motion.cuts == (7, 12)
    # the detector starts afresh at the very frame of each cut, wherever chunks end
    assert motion.main.points[:, 0, 1].tolist() == [*range(7), *range(5), *range(11)]
    assert (motion.detector, motion.source, motion.size) == ("counter-1", FILE, (32, 20))


def test_a_detector_that_streams_is_asked_to_stream():
    class Streaming(Counter):
        def follow(self, frames):
            for frame, is_new in frames:
                if is_new:
                    self.reset()
                points, scores = self.detect(frame[None])
                yield points[0], scores[0]

    motion = extract_motion(Clip(23, cuts=(7,)), FILE, Streaming(), Host(), chunk_frames=4)
    assert motion.main.points[:, 0, 1].tolist() == [*range(7), *range(16)]


@pytest.mark.parametrize("num_frames", [1, 2, 16, 17, 3000])
def test_clips_of_unknown_length_grow(num_frames):
    motion = extract_motion(Clip(num_frames, knows_length=False), FILE, Counter(), Host())
    assert motion.num_frames == num_frames
    assert motion.main.points[:, 5, 0].tolist() == list(range(num_frames))


def test_more_or_fewer_frames_than_promised_are_taken_as_they_come():
    clip = Clip(50)
    clip.info = VideoInfo(32, 20, Fraction(25), 20, Fraction(1, 1000))
    assert extract_motion(clip, FILE, Counter(), Host()).num_frames == 50
    clip.info = VideoInfo(32, 20, Fraction(25), 80, Fraction(1, 1000))
    assert extract_motion(clip, FILE, Counter(), Host()).num_frames == 50


def test_deep_pixels_are_shown_to_the_detector_as_bytes():
    motion = extract_motion(Clip(5, dtype=np.float32), FILE, Counter(), Host())
    assert motion.main.points[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_person_who_comes_late_scores_zero_before():
    motion = extract_motion(Clip(30), FILE, Counter(lambda i: i >= 20), Host())
    assert motion.main.scores.any(axis=1).tolist() == [False] * 20 + [True] * 10


def test_nobody_at_all_is_told_with_what_would_help():
    with pytest.raises(NoPersonFound, match=r"30 frames of clip\.mp4 \(32x20\).*OpenPose JSON"):
        extract_motion(Clip(30), FILE, Counter(lambda i: False), Host())


def test_an_empty_clip_is_told():
    with pytest.raises(UnreadableVideo, match="no frames"):
        extract_motion(Clip(0, knows_length=False), FILE, Counter(), Host())


def test_progress_rises_to_the_end():
    host = Host()
    extract_motion(Clip(50), FILE, Counter(), host, chunk_frames=8)
    done = [step[0] for step in host.steps]
    assert done == sorted(done) and done[0] == 0 and host.steps[-1] == (50, 50, "motion")
    assert all(total == 50 for _, total, _ in host.steps)


def threads():
    return {t for t in threading.enumerate() if t.is_alive()}


@pytest.mark.parametrize("cancel_at", [0, 8, 40])
def test_cancelling_passes_through_and_leaves_no_thread(cancel_at):
    before = threads()
    with pytest.raises(Cancelled):
        extract_motion(Clip(400), FILE, Counter(), Host(cancel_at), chunk_frames=8)
    assert threads() == before


@pytest.mark.parametrize("broken_at", [0, 5, 40])
def test_a_broken_file_is_told_by_the_reader_and_leaves_no_thread(broken_at):
    before = threads()
    with pytest.raises(UnreadableVideo, match=f"broken at {broken_at}"):
        extract_motion(Clip(60, broken_at=broken_at), FILE, Counter(), Host(), chunk_frames=8)
    assert threads() == before


def test_a_failing_detector_leaves_no_thread():
    class Failing(Counter):
        def detect(self, frames):
            raise RuntimeError("out of order")

    before = threads()
    with pytest.raises(RuntimeError, match="out of order"):
        extract_motion(Clip(400), FILE, Failing(), Host())
    assert threads() == before


def peak_beside_result(num_frames, knows_length):
    tracemalloc.start()
    motion = extract_motion(
        Clip(num_frames, size=(16, 16), knows_length=knows_length), FILE, Counter(), Host(), chunk_frames=16
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - motion.main.points.nbytes - motion.main.scores.nbytes - motion.timeline.pts.nbytes) / 2**20


def test_ten_minutes_cost_no_more_than_ten_seconds_beside_the_result():
    short, long = peak_beside_result(240, True), peak_beside_result(14400, True)
    assert long - short < 30, (short, long)  # MiB; the result itself has 22
