"""Reference values of the portrait maths: what is bundled, what is read from a folder, and seeded small networks.

MOTION_TRANSFER_GOLDENS names a folder with `liveportrait/*.safetensors`; recordings of other people are only read there.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from motion_transfer.face_motion.portrait_motion import PortraitMotion, rotation_from_degrees

DATA = Path(__file__).parent / "data"
LAYERS = {
    "stitching": (126, 128, 128, 64, 65),
    "lip": (65, 128, 128, 64, 63),
    "eye": (66, 256, 256, 128, 128, 64, 63),
}


def bundled(name):
    return load_file(DATA / f"portrait_{name}.safetensors")


def recorded(name):
    """Tensors and their notes, or a skip that says so."""
    folder = os.environ.get("MOTION_TRANSFER_GOLDENS")
    if not folder:
        pytest.skip("MOTION_TRANSFER_GOLDENS names no folder; the recordings of other people are not bundled")
    path = Path(folder) / "liveportrait"
    return load_file(path / f"{name}.safetensors"), json.loads((path / f"{name}.json").read_text())["tensors"]


def driver(templates, name):
    return PortraitMotion(
        templates[f"{name}/scale"],
        templates[f"{name}/R"],
        templates[f"{name}/exp"],
        templates[f"{name}/t"],
        templates.get(f"{name}/c_eyes"),
        templates.get(f"{name}/c_lip"),
    )


def source_video(recording):
    """The invented source of 60 frames, and its points at rest `[60,21,3]`."""
    angles = (recording[f"source/{n}"][:, 0] for n in ("pitch", "yaw", "roll"))
    scale, expression, translation = (recording[f"source/{n}"] for n in ("scale", "exp", "t"))
    return PortraitMotion(scale, rotation_from_degrees(*angles), expression, translation), recording["source/kp"]


def jitter(points):
    """Root mean square of the second difference in time."""
    return float(np.sqrt(np.mean(np.diff(np.asarray(points, np.float64), n=2, axis=0) ** 2)))


def small_network(module):
    """A stitching or retargeting network `[T,n] -> [T,m]` whose weights follow from its name."""
    sizes = LAYERS[module]
    layers = []
    for k in range(len(sizes) - 1):
        last = k == len(sizes) - 2
        shape, gain = (sizes[k + 1], sizes[k]), 0.05 if last else np.sqrt(2)
        weight = gain / np.sqrt(shape[1]) * seeded_normal(f"{module}/mlp.{2 * k}.weight", shape)
        bias = (0.01 if last else 0.1) * seeded_normal(f"{module}/mlp.{2 * k}.bias", shape[:1])
        layers.append((weight.astype(np.float32), bias.astype(np.float32)))

    def run(x):
        for k, (weight, bias) in enumerate(layers):
            x = x @ weight.T + bias
            if k < len(layers) - 1:
                x = np.maximum(x, 0)
        return x

    return run


def seeded_normal(name, shape):
    """Four 16-bit fields of each Philox word, added: mean 0, deviation 1, the same on every machine."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    words = np.random.Philox(key=key).random_raw(int(np.prod(shape)))
    fields = sum(((words >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.float64) for k in range(4))
    return ((fields * 2.0**-16 - 2 + 2.0**-15) * np.sqrt(3)).reshape(shape)


def closing_ratios(points203):
    """Eye `[T,2]` and lip `[T,1]` ratios of the 203 points `[T,203,2]`, as the recordings have them."""

    def ratio(a, b, c, d):
        far = np.linalg.norm(points203[:, c] - points203[:, d], axis=1) + 1e-6
        return (np.linalg.norm(points203[:, a] - points203[:, b], axis=1) / far)[:, None]

    return np.concatenate([ratio(6, 18, 0, 12), ratio(30, 42, 24, 36)], axis=1), ratio(90, 102, 48, 66)
