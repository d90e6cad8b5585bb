"""Small inputs for the engine: a character with joints, somebody waving, a film and a mask of the same length."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion_transfer.core import Character, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.video import FrameList

SIZE = (96, 128)
CODES = "lmd-stub"


def standing(size=SIZE):
    """float32 [133,2]: a person facing us, in the middle of a picture."""
    w, h = size
    at = {
        0: (0, 0.15), 1: (0.02, 0.13), 2: (-0.02, 0.13), 3: (0.04, 0.14), 4: (-0.04, 0.14),
        5: (0.1, 0.28), 6: (-0.1, 0.28), 7: (0.16, 0.42), 8: (-0.16, 0.42), 9: (0.18, 0.55), 10: (-0.18, 0.55),
        11: (0.06, 0.55), 12: (-0.06, 0.55), 13: (0.07, 0.73), 14: (-0.07, 0.73), 15: (0.07, 0.9), 16: (-0.07, 0.9),
        17: (0.1, 0.93), 18: (0.08, 0.93), 19: (0.06, 0.92), 20: (-0.1, 0.93), 21: (-0.08, 0.93), 22: (-0.06, 0.92),
    }  # fmt: skip
    points = np.zeros((133, 2), np.float32)
    for joint, (x, y) in at.items():
        points[joint] = (0.5 + x) * w, y * h
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[23:91] = points[0] + np.stack([0.05 * w * np.cos(turn), 0.06 * h * np.sin(turn)], -1)
    for span, wrist in ((slice(91, 112), 9), (slice(112, 133), 10)):
        fan = np.linspace(0, np.pi, 21)
        points[span] = points[wrist] + np.stack([0.03 * w * np.cos(fan), 0.03 * h * np.sin(fan)], -1)
    return points


def waving(num_frames, size=SIZE):
    points = np.repeat(standing(size)[None], num_frames, 0)
    turn = np.sin(np.arange(num_frames) / 6)[:, None]
    points[:, [7, 9, *range(91, 112)], 1] -= (0.12 * size[1] * (1 + turn)).astype(np.float32)
    points[:, :, 0] += (0.05 * size[0] * turn).astype(np.float32)
    return PoseTrack(points.astype(np.float32), np.full((num_frames, 133), 0.9, np.float32), size)


def a_motion(num_frames, size=SIZE, codes=True):
    wave = np.sin(np.arange(num_frames)[:, None] / 5 + np.arange(20)).astype(np.float32)
    return Motion(
        (waving(num_frames, size),),
        Timeline.constant(num_frames, Fraction(25)),
        SourceFile("nowhere.mp4", "0" * 64),
        "made-1",
        face_codes={CODES: wave} if codes else {},
    )


def a_character(size=SIZE, face=True):
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([60 + 100 * x // size[0], 80 + 80 * y // size[1], 120 + 0 * x], -1).astype(np.uint8)
    scores = np.full((1, 133), 0.9, np.float32)
    if not face:
        scores[:, 23:91] = 0
    return Character(pixels, "1" * 64, pose=PoseTrack(standing(size)[None], scores, size))


def a_film(num_frames, size=SIZE):
    """Each frame another shade, so that one can tell which is which."""
    y, x = np.mgrid[: size[1], : size[0]]
    frames = [
        np.stack([(40 + x) % 200, (30 + y) % 200, np.full_like(x, (7 * t) % 200)], -1).astype(np.uint8)
        for t in range(num_frames)
    ]
    return FrameList(np.stack(frames), 25)


def a_mask(num_frames, size=SIZE):
    masks = np.zeros((num_frames, size[1], size[0], 3), np.uint8)
    masks[:, size[1] // 4 : size[1] * 3 // 4, size[0] // 3 : size[0] * 2 // 3] = 255
    return FrameList(masks, 25)


class Lender:
    """A host that lends a stub, notes what it is told, and can be told to stop."""

    device = "cpu"

    def __init__(self, backend=None):
        self.backend, self.notes, self.steps, self.stop_at = backend, [], [], None

    def lend(self, what):
        return self.backend if what == "wan_animate" else None

    def find_weights(self, weights):
        raise AssertionError("a host that lends is asked for nothing")

    def on_device(self, module):
        raise AssertionError("nothing is to be loaded")

    def step(self, done, total, stage, preview=None):
        from motion_transfer.core import Cancelled

        self.steps.append((done, total, stage))
        if self.stop_at is not None and done >= self.stop_at:
            raise Cancelled("Stopped.")

    def note(self, message):
        self.notes.append(message)
