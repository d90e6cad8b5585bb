"""A backend of a few lines that obeys Wan-Animate's rules of shape and time, for tests of everything above it.

Latents are 8 x 8 means, four frames to one; decoding runs from latent to latent in even steps. What is known is
copied, what is not is the reference in the colours of what is known, with the pose, the face and noise laid over.
"""

from __future__ import annotations

import numpy as np
import torch


class StubBackend:
    """`shift` is added to every decoding, as a VAE's round trip does; `calls` counts what was asked."""

    fingerprint = "stub-1"

    def __init__(self, *, shift=(0.0, 0.0, 0.0), noise=0.02, steps=2, on_sample=None, remembers=True):
        self.shift, self.noise, self.steps = torch.tensor(shift).reshape(3, 1, 1, 1), noise, steps
        self.on_sample, self.remembers = on_sample, remembers
        self.calls: list[tuple] = []
        self.conditions: list = []

    def look_at(self, picture):
        self.calls.append(("look_at", picture.shape))

    def face_weights(self):
        raise AssertionError("the tests bring their own face codes")

    def encode(self, frames):
        n, height, width = frames.shape[:3]
        assert n % 4 == 1 and height % 16 == 0 and width % 16 == 0
        self.calls.append(("encode", n))
        small = np.empty((n, 3, height // 8, width // 8), np.float32)
        for k, frame in enumerate(frames):
            plain = frame.astype(np.float32) / 255 if frame.dtype == np.uint8 else frame
            small[k] = plain.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3)).transpose(2, 0, 1)
        latents = [small[:1].mean(0)] + [small[k : k + 4][-1] for k in range(1, n, 4)]
        out = torch.zeros(16, len(latents), height // 8, width // 8)
        out[:3] = torch.from_numpy(np.stack(latents, axis=1)) * 2 - 1
        return out

    def decode(self, latent):
        self.calls.append(("decode", latent.shape[1]))
        colours = (latent[:3] + 1) / 2 + self.shift
        frames = [colours[:, 0]]
        for k in range(1, colours.shape[1]):
            a, b = colours[:, k - 1], colours[:, k]
            frames += [a + (b - a) * step / 4 for step in (1, 2, 3, 4)]
        height, width = colours.shape[2] * 8, colours.shape[3] * 8
        pixels = np.empty((len(frames), height, width, 3), np.float32)
        for k, frame in enumerate(frames):  # one at a time: at full size, this is what a run's memory is measured by
            small = frame.clamp(0, 1).permute(1, 2, 0).numpy()
            pixels[k] = small.repeat(8, axis=0).repeat(8, axis=1)
        return pixels

    def sample(self, condition, noise, seed, on_step):
        self.calls.append(("sample", noise.shape[1], seed))
        if self.remembers:
            self.conditions.append(condition)
        for step in range(self.steps):
            if self.on_sample is not None:
                self.on_sample(step)
            on_step(step + 1, self.steps, None)
        mask, known = condition.known[:4].mean(0, keepdim=True), condition.known[4:]
        made = known[:, :1].expand_as(known).clone()
        made[:, 1:] += 0.3 * condition.pose_strength * (condition.pose + 1)
        if condition.face_codes is not None:
            by_latent = torch.cat([condition.face_codes[:1], condition.face_codes[1::4]]).mean(1)
            made[:3, 1:] += 0.05 * by_latent.reshape(1, -1, 1, 1)
        if condition.known[:4, 1].min() == 1:  # as the real one, it goes on in the colours that it is given
            made[:3] += (known[:3, 1:2] - made[:3, 1:2]).mean((2, 3), keepdim=True)
        made = made + self.noise * noise
        return mask * known + (1 - mask) * made
