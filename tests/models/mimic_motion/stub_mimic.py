"""A backend of a few lines that obeys MimicMotion's rules of shape, for tests of everything above it.

A latent is the reference's 8 x 8 means, the pose and the noise laid over; every tile's mean pose tints its frames, so
that what is fused where can be seen.
"""

from __future__ import annotations

import numpy as np
import torch

from motion_transfer.models.mimic_motion.tiles import fused


class StubBackend:
    """`calls` counts what was asked."""

    fingerprint = "stub-1"

    def __init__(self, *, steps=2, on_sample=None, remembers=True):
        self.steps, self.on_sample, self.remembers = steps, on_sample, remembers
        self.calls: list[tuple] = []
        self.conditions: list = []
        self.noises: list = []
        self._picture = None

    def look_at(self, squashed, picture):
        assert squashed.shape == (224, 224, 3) and squashed.dtype == np.float32 and picture.dtype == np.float32
        self.calls.append(("look_at", picture.shape))
        self._picture = torch.from_numpy(_means(picture))

    def sample(self, condition, noise, seed, on_step):
        n = len(condition.poses)
        assert noise.shape[0] == n == len(condition.guidance)
        self.calls.append(("sample", n, seed))
        if self.remembers:
            self.conditions.append(condition)
            self.noises.append(noise)
        for step in range(self.steps):
            if self.on_sample is not None:
                self.on_sample(step)
            on_step(step + 1, self.steps, None)
        poses = torch.stack([torch.from_numpy(_means(p.astype(np.float32) / 255)) for p in condition.poses])

        def predict(tile):
            own = poses[list(tile)]
            return (own + 0.3 * own.mean())[None]

        made = torch.zeros(noise.shape)
        made[:, :3] = self._picture + condition.pose_strength * fused(n, condition.tiles, predict)[0]
        return made + 0.02 * condition.guidance.view(-1, 1, 1, 1) * noise

    def decode(self, latents):
        self.calls.append(("decode", len(latents)))
        height, width = latents.shape[2] * 8, latents.shape[3] * 8
        pixels = np.empty((len(latents), height, width, 3), np.float32)
        for k, latent in enumerate(latents):
            pixels[k] = latent[:3].permute(1, 2, 0).numpy().repeat(8, axis=0).repeat(8, axis=1)
        return pixels + 0.01 * len(latents)  # as the true one, frames decoded together know of each other


def _means(picture):
    """[3,h,w] of 8 x 8 blocks."""
    height, width = picture.shape[:2]
    return picture.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3)).transpose(2, 0, 1)
