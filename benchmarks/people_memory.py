"""`python benchmarks/people_memory.py`: peak memory and time of following two people, without the networks' own.

Ten seconds and ten minutes of 640x360, each in a process of its own. The networks are stand-ins that know where
everybody is, so that what is left is reading, cuts, boxes, tracking, colours and what is kept.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np

SIZE = (640, 360)
FRAMES = (240, 14400)


class Clip:
    def __init__(self, num_frames):
        from motion_transfer.core import VideoInfo

        self.num_frames = num_frames
        self.info = VideoInfo(*SIZE, Fraction(24), num_frames, Fraction(1, 24))

    def chunks(self, length, start=0):
        from motion_transfer.core import FrameChunk

        for a in range(start, self.num_frames, length):
            b = min(a + length, self.num_frames)
            pixels = np.full((b - a, SIZE[1], SIZE[0], 3), 90, np.uint8)
            for t in range(a, b):
                for box, colour in zip(boxes(t), ((200, 30, 30), (30, 60, 210)), strict=True):
                    x0, y0, x1, y1 = box.astype(int)
                    pixels[t - a, y0:y1, x0:x1] = colour
                pixels[t - a, 0, :2, 0] = t % 256, t // 256
            yield FrameChunk(pixels, a, np.arange(a, b, dtype=np.int64))


def boxes(t):
    sway = 60 * np.sin(t / 30)
    return np.array([[140 + sway, 60, 220 + sway, 320], [420 - sway, 100, 490 - sway, 330]], np.float32)


class StandIn:
    id, provider, module = "stand-in", "none", None
    shape = np.random.default_rng(0).uniform(0, 1, (133, 2)).astype(np.float32)

    def find(self, frames):
        return [(boxes(number(f)), np.full(2, 0.9, np.float32)) for f in frames]

    def estimate(self, frames, wanted, frame_of):
        points = np.empty((len(wanted), 133, 2), np.float32)
        for k, (box, f) in enumerate(zip(wanted, frame_of, strict=True)):
            here = boxes(number(frames[f]))
            near = here[np.abs(here[:, :2] - box[:2]).sum(axis=1).argmin()]
            points[k] = near[:2] + self.shape * (near[2:] - near[:2])
        return points, np.full((len(wanted), 133), 0.9, np.float32)


class Host:
    device = "cpu"

    def step(self, *_):
        pass


def number(frame):
    return int(frame[0, 0, 0]) + 256 * int(frame[0, 1, 0])


def one(num_frames):
    from motion_transfer.core import SourceFile
    from motion_transfer.pose.top_down import extract_people

    begun = time.process_time()
    motion = extract_people(Clip(num_frames), SourceFile("made.mp4", ""), StandIn(), StandIn(), Host())
    seconds = time.process_time() - begun
    assert motion.num_frames == num_frames and len(motion.tracks) == 2
    assert all(track.scores.any(axis=1).all() for track in motion.tracks)
    kept = sum(track.points.nbytes + track.scores.nbytes for track in motion.tracks) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 * (1.024 if sys.platform != "darwin" else 1e-3)
    print(f"{num_frames:6} frames: peak {peak:4.0f} MB, of which the joints are {kept:3.0f} MB; {1e3 * seconds / num_frames:.1f} ms of processor a frame")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one(int(sys.argv[1]))
    else:
        for n in FRAMES:
            subprocess.run([sys.executable, __file__, str(n)], check=True)
