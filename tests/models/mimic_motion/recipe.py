"""Stand-in weights and inputs that depend on a name and a shape only; the goldens were made with the same.

The raw words of Philox keyed by the name's SHA-256, as even numbers of variance one; weights over the root of their
fan-in. numpy keeps the raw stream fixed for ever.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    raw = np.random.Philox(key=key).random_raw(int(np.prod(shape)) if shape else 1)
    z = ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53 * 2.0 - 1.0) * np.sqrt(3.0)
    return z.reshape(shape)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    z = draw(name, shape)
    z = z / np.sqrt(np.prod(shape[1:])) if len(shape) >= 2 else 0.1 * z if name.endswith("bias") else 1.0 + 0.1 * z
    return torch.from_numpy(z.astype(np.float32))


def given(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(draw("input:" + name, shape).astype(np.float32))


def tensors(module: torch.nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    """A value for every parameter of `module`, named with `prefix` in front."""
    return {name: weight(prefix + name, tuple(p.shape)) for name, p in module.named_parameters()}
