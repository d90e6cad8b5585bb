"""A backend of a few lines that obeys AnimateDiff's rules, a host that lends it, and small inputs.

Latents are 8 x 8 means; what is known is kept, the rest is the start with the pose and noise laid over it, each frame
mixed with its neighbours in its windows.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from motion_transfer.core import Character, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.run.host import LocalHost

SIZE = (64, 96)
PLACES = 32


class StubAnimate:
    fingerprint = "stub-1"
    module = "mm_stub (v2)"

    def __init__(self, *, places=PLACES, steps=2, on_sample=None, remembers=True):
        self.places, self.steps, self.on_sample, self.remembers = places, steps, on_sample, remembers
        self.calls: list[tuple] = []
        self.sections: list = []
        self.noises: list = []
        self.notes: list[str] = []

    def look_at(self, picture):
        self.calls.append(("look_at", picture.shape))

    def encode(self, frames):
        n, height, width = frames.shape[:3]
        assert height % 8 == 0 and width % 8 == 0 and frames.dtype == np.uint8
        self.calls.append(("encode", n))
        small = np.empty((n, 3, height // 8, width // 8), np.float32)
        for k, frame in enumerate(frames):
            cells = frame.reshape(height // 8, 8, width // 8, 8, 3).astype(np.float32)
            small[k] = cells.mean((1, 3)).transpose(2, 0, 1) / 255
        return torch.cat([torch.from_numpy(small), torch.zeros(n, 1, height // 8, width // 8)], 1)

    def decode(self, latents):
        self.calls.append(("decode", len(latents)))
        out = np.empty((len(latents), latents.shape[2] * 8, latents.shape[3] * 8, 3), np.uint8)
        for k, latent in enumerate(latents):
            small = (latent[:3].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
            out[k] = small.repeat(8, axis=0).repeat(8, axis=1)
        return out

    def sample(self, section, noise, seed, on_step):
        n = len(section.poses)
        self.calls.append(("sample", n, seed))
        if self.remembers:
            self.sections.append(section)
            self.noises.append(noise)
        assert section.start.shape == noise.shape == (n, 4, section.poses.shape[1] // 8, section.poses.shape[2] // 8)
        for step in range(self.steps):
            if self.on_sample is not None:
                self.on_sample(step)
            on_step(step + 1, self.steps, None)
        poses = np.stack([p[::8, ::8].astype(np.float32) for p in section.poses]).transpose(0, 3, 1, 2) / 255
        made = section.start * 0.6 + 0.1 * noise
        made[:, :3] += 0.4 * torch.from_numpy(poses)
        mixed, weight = torch.zeros_like(made), torch.zeros(n, 1, 1, 1)
        for window in section.rule.windows(n):
            shares = torch.tensor(section.rule.weights(window, n)).reshape(-1, 1, 1, 1)
            mixed[window] += shares * (made[window] + made[window].mean(0)) / 2
            weight[window] += shares
        mixed /= weight
        mixed[: section.num_known] = section.start[: section.num_known]
        return mixed


class Lending(LocalHost):
    def __init__(self, backend=None, **words):
        self.told = []
        super().__init__(on_note=self.told.append, **words)
        self.backend = backend or StubAnimate()

    def lend(self, what):
        return self.backend if what == "animate_diff" else None


def standing(size=SIZE):
    """float32 [133,2]: a person facing us, in the middle of a picture."""
    at = {
        0: (0, 0.15), 1: (0.02, 0.13), 2: (-0.02, 0.13), 3: (0.04, 0.14), 4: (-0.04, 0.14), 5: (0.1, 0.28),
        6: (-0.1, 0.28), 7: (0.16, 0.42), 8: (-0.16, 0.42), 9: (0.18, 0.55), 10: (-0.18, 0.55), 11: (0.06, 0.55),
        12: (-0.06, 0.55), 13: (0.07, 0.73), 14: (-0.07, 0.73), 15: (0.07, 0.9), 16: (-0.07, 0.9),
    }  # fmt: skip
    points = np.zeros((133, 2), np.float32)
    for joint, (x, y) in at.items():
        points[joint] = (0.5 + x) * size[0], y * size[1]
    return points


def a_motion(num_frames, size=SIZE, empty=()):
    points = np.repeat(standing(size)[None], num_frames, 0)
    turn = np.sin(np.arange(num_frames) / 6)[:, None]
    points[:, [7, 9], 1] -= 0.12 * size[1] * (1 + turn)
    scores = np.zeros((num_frames, 133), np.float32)
    scores[:, :17] = 0.9
    scores[list(empty)] = 0
    track = PoseTrack(points.astype(np.float32), scores, size)
    timeline = Timeline.constant(num_frames, Fraction(25))
    return Motion((track,), timeline, SourceFile("nowhere.mp4", "0" * 64), "made-1")


def a_character(size=SIZE):
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([60 + 100 * x // size[0], 80 + 80 * y // size[1], 120 + 0 * x], -1).astype(np.uint8)
    scores = np.zeros((1, 133), np.float32)
    scores[:, :17] = 0.9
    return Character(pixels, "1" * 64, pose=PoseTrack(standing(size)[None], scores, size))
