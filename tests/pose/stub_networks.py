"""A clip of drawn people, and networks of a few lines that know where they are: for tests of everything around networks.

The stub pose network sees what a real one would: whoever fills the box best, the one in front where two
overlap, nobody where the box is off.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from crowds import HIDDEN_FROM, _iou, box

from motion_transfer.core import FrameChunk, VideoInfo

COLOURS = [(200, 30, 30), (30, 60, 210), (40, 180, 50), (220, 200, 40)]


class Host:
    device = "cpu"

    def __init__(self):
        self.steps, self.notes = [], []

    def step(self, done, total, stage, preview=None):
        self.steps.append((done, total, stage))

    def note(self, message):
        self.notes.append(message)

    def find_weights(self, weights):
        raise AssertionError(weights)


class People:
    """`joints[i]` float32 `[T,133,3]` px, nan where person i is not there; nearer people first."""

    def __init__(self, joints, size, *, cuts=(), colours=COLOURS):
        self.joints, self.cuts, self.colours = joints, cuts, colours
        self.num_frames = len(joints[0])
        self.info = VideoInfo(*size, Fraction(24), self.num_frames, Fraction(1, 24), "constant", False)

    def there(self, t):
        return [i for i, person in enumerate(self.joints) if not np.isnan(person[t]).any()]

    def visible(self, t):
        shown = []
        for i in self.there(t):
            if not any(_iou(box(self.joints[i][t]), box(self.joints[k][t])) > HIDDEN_FROM for k in shown):
                shown.append(i)
        return shown

    def chunks(self, length, start=0):
        for a in range(start, self.num_frames, length):
            b = min(a + length, self.num_frames)
            yield FrameChunk(np.stack([self.picture(t) for t in range(a, b)]), a, np.arange(a, b, dtype=np.int64))

    def picture(self, t):
        shade = (60, 200)[sum(c <= t for c in self.cuts) % 2]
        frame = np.full((self.info.height, self.info.width, 3), shade, np.uint8)
        for i in reversed(self.there(t)):
            x0, y0, x1, y1 = np.clip(np.rint(box(self.joints[i][t])), 0, 1 << 15).astype(int)
            frame[y0 : y1 + 1, x0 : x1 + 1] = self.colours[i % len(self.colours)]
        frame[0, :2, 0] = t % 256, t // 256
        return frame


def number_of(frame):
    return int(frame[0, 0, 0]) + 256 * int(frame[0, 1, 0])


class StubFinder:
    id, provider, module = "stub-finder", "stub", None

    def __init__(self, people, *, misses=lambda t: False):
        self.people, self.misses, self.looks = people, misses, []

    def find(self, frames):
        answers = []
        for frame in frames:
            t = number_of(frame)
            self.looks.append(t)
            shown = [] if self.misses(t) else self.people.visible(t)
            boxes = [widened(box(self.people.joints[i][t])) for i in shown]
            answers.append((np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32)))
        return answers

    def close(self):
        pass


class StubPose:
    id, provider, module = "stub-pose", "stub", None

    def __init__(self, people, *, blind=lambda t: False):
        self.people, self.blind, self.calls, self.frame_ids = people, blind, [], []

    def estimate(self, frames, boxes, frame_of):
        self.calls.append((len(frames), len(boxes)))
        points = np.zeros((len(boxes), 133, 2), np.float32)
        scores = np.zeros((len(boxes), 133), np.float32)
        for k, (wanted, f) in enumerate(zip(boxes, frame_of, strict=True)):
            t = number_of(frames[f])
            fits = [(_iou(wanted, widened(box(self.people.joints[i][t]))), -i) for i in self.people.visible(t)]
            if fits and max(fits)[0] > 0.25 and not self.blind(t):
                joints = self.people.joints[-max(fits)[1]][t]
                points[k], scores[k] = joints[:, :2], joints[:, 2]
            else:
                points[k], scores[k] = wanted[:2], 0.05
        return points, scores

    def close(self):
        pass


def widened(b):
    centre, half = (b[:2] + b[2:]) / 2, (b[2:] - b[:2]) / 2 * 1.15
    return np.concatenate([centre - half, centre + half])
