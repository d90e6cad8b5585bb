"""Small inputs for the engine: a character with joints, somebody waving, and a host that lends a stub."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion_transfer.core import Cancelled, Character, Motion, PoseTrack, SourceFile, Timeline

SIZE = (64, 128)


def standing(size=SIZE):
    """float32 [133,2]: a person facing us, in the middle of a picture."""
    w, h = size
    at = {
        0: (0, 0.15), 1: (0.04, 0.13), 2: (-0.04, 0.13), 3: (0.08, 0.14), 4: (-0.08, 0.14),
        5: (0.15, 0.28), 6: (-0.15, 0.28), 7: (0.22, 0.42), 8: (-0.22, 0.42), 9: (0.24, 0.55), 10: (-0.24, 0.55),
        11: (0.1, 0.55), 12: (-0.1, 0.55), 13: (0.11, 0.73), 14: (-0.11, 0.73), 15: (0.11, 0.9), 16: (-0.11, 0.9),
        17: (0.15, 0.93), 18: (0.13, 0.93), 19: (0.1, 0.92), 20: (-0.15, 0.93), 21: (-0.13, 0.93), 22: (-0.1, 0.92),
    }  # fmt: skip
    points = np.zeros((133, 2), np.float32)
    for joint, (x, y) in at.items():
        points[joint] = (0.5 + x) * w, y * h
    points[23:91] = points[0] + face(0.09 * w)
    for span, wrist in ((slice(91, 112), 9), (slice(112, 133), 10)):
        fan = np.linspace(0, np.pi, 21)
        points[span] = points[wrist] + np.stack([0.05 * w * np.cos(fan), 0.03 * h * np.sin(fan)], -1)
    return points


def face(half_width, aspect=1.25):
    """float32 [68,2] about the middle of the nose: roughly where iBUG's points are."""
    points = np.zeros((68, 2))
    jaw = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([np.cos(jaw), aspect * np.sin(jaw)], -1)
    points[17:22] = np.stack([np.linspace(-0.75, -0.2, 5), np.full(5, -0.5)], -1)
    points[22:27] = np.stack([np.linspace(0.2, 0.75, 5), np.full(5, -0.5)], -1)
    points[27:31] = np.stack([np.zeros(4), np.linspace(-0.25, 0.2, 4)], -1)
    points[31:36] = np.stack([np.linspace(-0.2, 0.2, 5), np.full(5, 0.3)], -1)
    ring = np.linspace(np.pi, -np.pi, 6, endpoint=False)
    for start, x in ((36, -0.45), (42, 0.45)):
        points[start : start + 6] = np.stack([x + 0.18 * np.cos(ring), -0.25 + 0.08 * np.sin(-ring)], -1)
    mouth = np.linspace(np.pi, -np.pi, 12, endpoint=False)
    points[48:60] = np.stack([0.35 * np.cos(mouth), 0.65 + 0.12 * np.sin(-mouth)], -1)
    inner = np.linspace(np.pi, -np.pi, 8, endpoint=False)
    points[60:68] = np.stack([0.25 * np.cos(inner), 0.65 + 0.05 * np.sin(-inner)], -1)
    points[:, 1] *= aspect / 1.25
    return (points * half_width).astype(np.float32)


def waving(num_frames, size=SIZE):
    points = np.repeat(standing(size)[None], num_frames, 0)
    turn = np.sin(np.arange(num_frames) / 6)[:, None]
    points[:, [7, 9, *range(91, 112)], 1] -= (0.12 * size[1] * (1 + turn)).astype(np.float32)
    points[:, :, 0] += (0.05 * size[0] * turn).astype(np.float32)
    return PoseTrack(points.astype(np.float32), np.full((num_frames, 133), 0.9, np.float32), size)


def a_motion(num_frames, size=SIZE, track=None):
    return Motion(
        (track or waving(num_frames, size),),
        Timeline.constant(num_frames, Fraction(25)),
        SourceFile("nowhere.mp4", "0" * 64),
        "made-1",
    )


def a_character(size=SIZE, scores=0.9):
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([60 + 100 * x // size[0], 80 + 80 * y // size[1], 120 + 0 * x], -1).astype(np.uint8)
    return Character(
        pixels, "1" * 64, pose=PoseTrack(standing(size)[None], np.full((1, 133), scores, np.float32), size)
    )


class Lender:
    """A host that lends a stub, notes what it is told, and can be told to stop."""

    device = "cpu"

    def __init__(self, backend=None):
        self.backend, self.notes, self.steps, self.stop_at = backend, [], [], None

    def lend(self, what):
        return self.backend if what == "mimic_motion" else None

    def find_weights(self, weights):
        raise AssertionError("a host that lends is asked for nothing")

    def on_device(self, module):
        raise AssertionError("nothing is to be loaded")

    def step(self, done, total, stage, preview=None):
        self.steps.append((done, total, stage))
        if self.stop_at is not None and done >= self.stop_at:
            raise Cancelled("Stopped.")

    def note(self, message):
        self.notes.append(message)
