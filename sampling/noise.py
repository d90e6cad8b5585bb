"""Noise per window from (seed, window), so that a window made again, alone or after a break, is the same.

The noise of window 0 is what ComfyUI's own sampler would draw for that seed, so that one window of ours can be laid
beside one of ComfyUI's nodes.
"""

from __future__ import annotations

import hashlib

import torch

LARGEST_SEED = 2**63 - 1


def window_seed(seed: int, window: int) -> int:
    """A whole number 0..2^63 - 1; `seed` itself for window 0."""
    if not 0 <= seed <= LARGEST_SEED or window < 0:
        raise ValueError(f"a seed is 0..2^63 - 1 and a window 0 or more, not {seed} and {window}")
    if window == 0:
        return seed
    digest = hashlib.sha256(f"{seed} {window}".encode()).digest()
    return int.from_bytes(digest[:8], "big") & LARGEST_SEED


def window_noise(seed: int, window: int, shape: tuple[int, ...]) -> torch.Tensor:
    """N(0, 1), float32 on the CPU: the same on every machine, whatever was drawn before."""
    generator = torch.Generator("cpu").manual_seed(window_seed(seed, window))
    # ComfyUI draws with a leading batch of one, which changes nothing of the numbers.
    return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")
