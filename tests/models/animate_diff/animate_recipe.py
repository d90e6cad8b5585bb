"""The weights and inputs that the goldens were made with: functions of a name and a shape alone, and the goldens.

The goldens are numbers that AnimateDiff-Evolved d8d163cd (1.5.7) gave on ComfyUI 0.3.64, the same bit for bit on 0.33.0.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

GOLDENS = Path(__file__).with_name("goldens")


def golden(name):
    path = GOLDENS / name
    if path.suffix == ".gz":
        return json.loads(gzip.decompress(path.read_bytes()))
    if path.suffix == ".json":
        return json.loads(path.read_text())
    from safetensors.torch import load_file

    return load_file(path)


def numbers(name, shape):
    """Mean 0, variance 1, float64: raw words of Philox keyed by the name."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    words = np.random.Philox(key=key).random_raw(int(np.prod(shape)) if len(shape) else 1)
    return ((((words >> np.uint64(11)).astype(np.float64) * 2.0**-53) * 2.0 - 1.0) * np.sqrt(3.0)).reshape(shape)


def weight(name, shape):
    drawn = numbers(name, shape)
    if len(shape) >= 2:
        drawn = drawn / np.sqrt(np.prod(shape[1:]))
    else:
        drawn = 0.1 * drawn + (0.0 if name.endswith("bias") else 1.0)
    return torch.from_numpy(drawn.astype(np.float32))


@torch.no_grad()
def filled(module, prefix=""):
    """In place: every parameter by its name; tables of positions stay."""
    for name, value in module.named_parameters():
        value.copy_(weight(prefix + name, tuple(value.shape)))
    return module.eval()


def full_size(kind):
    """Names -> tensors of a published file at its true size, without memory (device meta)."""
    return {
        name: torch.empty(shape, device="meta") for name, shape in golden("motion_keys.json.gz")[kind]["shapes"].items()
    }
