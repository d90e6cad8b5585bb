"""The network side of MimicMotion, wherever it runs: diffusers' SVD classes outside ComfyUI, ComfyUI's own inside.

Everything else (sections, tiles, poses, noise, guidance, hand-over) is written once, above this line.
Latents are SVD's as its VAE gives and takes them, without the scaling factor, float32, on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .tiles import Tile

if TYPE_CHECKING:
    import torch

OnStep = Callable[[int, int, "np.ndarray | None"], None]
"""Steps done, steps in all, a small preview uint8 `[h,w,3]` or None. Raises Cancelled."""


@dataclass(frozen=True)
class SectionCondition:
    """What one section of N frames, the reference first, is denoised under."""

    poses: np.ndarray
    """uint8 `[N,H,W,3]`, drawn as MimicMotion was trained; the first one is the reference's own pose."""
    tiles: tuple[Tile, ...]
    guidance: torch.Tensor
    """float32 `[N]`."""
    pose_strength: float
    """Factor on what PoseNet adds; 1 as trained."""


class MimicBackend(Protocol):
    """Made for one run, with its steps, sampler, frame rate and motion bucket."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same conditions and noise would give other pixels: weights, LoRAs, dtype, sampler."""
        ...

    def look_at(self, squashed: np.ndarray, picture: np.ndarray) -> None:
        """The reference, once a run: float32 `[224,224,3]` for CLIP and float32 `[H,W,3]` for the VAE, both 0..1 and
        perhaps a little beyond."""
        ...

    def sample(self, condition: SectionCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        """The denoised latents float32 `[N,4,h,w]` from `noise` of that shape; `seed` feeds samplers that draw."""
        ...

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """float32 `[n,H,W,3]` 0..1 of latents `[n,4,h,w]`, decoded together."""
        ...
