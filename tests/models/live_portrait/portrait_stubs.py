"""Stand-ins for LivePortrait's networks: the same verbs, a millisecond each, and nothing moves where nothing is moved.

What they read is where the bright face lies in its square; what they make is the source shifted by its key points.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from motion_transfer.face_motion.portrait_motion import EYE_POINTS, LIP_POINTS, PortraitMotion

REST = np.random.default_rng(3).uniform(-0.3, 0.3, (1, 21, 3)).astype(np.float32)
PX_PER_UNIT = 256


@dataclass
class Look:
    images: np.ndarray

    @property
    def volume(self):
        return self.images


class StubNetworks:
    """`calls` counts the frames that each verb has seen."""

    codes_name = "live-portrait/stub"
    fingerprint = "stub-1"

    def __init__(self, on_render=None):
        self.calls = {"motion": 0, "appearance": 0, "render": 0}
        self.on_render = on_render

    def to(self, device):
        return self

    def motion(self, images):
        assert images.dtype == np.uint8 and images.shape[1:] == (256, 256, 3)
        self.calls["motion"] += len(images)
        weight = np.maximum(images[:, ::8, ::8].mean(-1, dtype=np.float32) - 128, 1e-3)
        at = np.arange(weight.shape[1], dtype=np.float32) / (weight.shape[1] - 1) * 2 - 1
        total = weight.sum((1, 2))
        x, y = (weight.sum(1) @ at) / total, (weight.sum(2) @ at) / total
        n, zero = len(images), np.zeros(len(images))
        expression = np.zeros((n, 21, 3), np.float32)
        expression[:, :, 0] = 0.02 * x[:, None]
        turns = Rotation.from_rotvec(np.stack([0.3 * y, 0.3 * x, zero], -1)).as_matrix()
        move = np.stack([x, y, zero], -1).astype(np.float32)
        return PortraitMotion(
            scale=(1.4 + 0.1 * y[:, None]).astype(np.float32),
            rotation=turns.astype(np.float32),
            expression=expression,
            translation=move,
        ), np.repeat(REST, n, axis=0)

    def appearance(self, images):
        images = images if images.ndim == 4 else images[None]
        self.calls["appearance"] += len(images)
        return Look(np.stack([cv2.resize(i, (512, 512), interpolation=cv2.INTER_LINEAR) for i in images]))

    def render(self, look, x_s, x_d):
        assert len(look.images) in (1, len(x_d)) and len(x_s) in (1, len(x_d))
        self.calls["render"] += len(x_d)
        if self.on_render is not None:
            self.on_render(self.calls["render"])
        shift = (x_d - x_s)[..., :2].mean(1) * PX_PER_UNIT
        out = np.empty((len(x_d), 512, 512, 3), np.uint8)
        for k, (dx, dy) in enumerate(shift):
            matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
            image = look.images[k % len(look.images)]
            cv2.warpAffine(image, matrix, (512, 512), dst=out[k], borderMode=cv2.BORDER_REPLICATE)
        return out

    def stitch(self, x_s, x_d):
        return (x_d + 0.25 * (x_s - x_d)).astype(np.float32)

    def retarget_eye(self, x_s, ratios):
        return _opened(ratios[:, 2] - ratios[:, :2].mean(1), EYE_POINTS)

    def retarget_lip(self, x_s, ratios):
        return _opened(ratios[:, 1] - ratios[:, 0], LIP_POINTS)


def _opened(by, points):
    out = np.zeros((len(by), 21, 3), np.float32)
    out[:, list(points), 1] = np.float32(0.05) * by[:, None]
    return out
