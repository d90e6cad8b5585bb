"""Tiny networks as files in a folder, and frames with a spot for them to find."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.core import MissingWeights
from motion_transfer.pose import pose_weights

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

import tiny_networks as tiny

__all__ = ["SPOTS", "finder_of", "make", "spots", "tiny"]

SPOTS = ((300, 200), (411, 333), (95, 402))


def finder_of(folder):
    """A `find_file` that knows the files in `folder` by the names of the records."""

    def find(weights):
        for name in (weights.file, *weights.also):
            if "/" not in name and (folder / name).exists():
                return folder / name
        raise MissingWeights(f"{weights.name} is missing: put {weights.file} there.")

    return find


def spots():
    """uint8 `[3,480,640,3]` with one soft white spot each, and boxes around them."""
    y, x = np.mgrid[:480, :640]
    frames = [255 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 9**2)) for cx, cy in SPOTS]
    boxes = np.array([[cx - 90.3, cy - 120.7, cx + 80, cy + 100.2] for cx, cy in SPOTS], np.float32)
    return np.repeat(np.array(frames)[..., None], 3, axis=3).astype(np.uint8), boxes


def make(name, folder, **options):
    if name == "dwpose":
        return tiny.dwpose(folder / pose_weights.DWPOSE.file, **options)
    return tiny.vitpose(folder / pose_weights.VITPOSE_ONNX[name].file, **options)
