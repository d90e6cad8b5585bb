"""The network side of Wan-Animate, wherever it runs: diffusers' classes outside ComfyUI, ComfyUI's own inside.

Everything else (windows, conditioning, face codes, drift lock, hand-over) is written once, above this line.
Latents are normalised Wan 2.1 latents, (mean - shift) / scale of the VAE's posterior, float32, on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

OnStep = Callable[[int, int, "np.ndarray | None"], None]
"""Steps done, steps in all, a small preview uint8 `[h,w,3]` or None. Raises Cancelled."""


@dataclass(frozen=True)
class WindowCondition:
    """What one window of n = 4 (T - 1) + 1 frames is denoised under; latents are H/8 x W/8 = h x w."""

    known: torch.Tensor
    """float32 `[20,T+1,h,w]`: 4 mask channels (1 = known, copy it), then 16 of latent; slot 0 is the reference."""
    pose: torch.Tensor
    """float32 `[16,T,h,w]`, the drawn skeleton; belongs to slots 1..T."""
    face_codes: torch.Tensor | None
    """float32 `[n,20]`, Linear Motion Decomposition magnitudes; None: the model's own face branch gets nothing."""
    pose_strength: float = 1.0
    """Factor on what the pose adds to the tokens; 1 as trained."""


class WanBackend(Protocol):
    """Made for one run, with its prompt, guidance, steps, sampler and shift."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same conditions and noise would give other pixels: weights, LoRAs, dtype, sampler."""
        ...

    def look_at(self, picture: np.ndarray) -> None:
        """The reference, uint8 `[H,W,3]`, as it lies on the canvas: for CLIP, once a run."""
        ...

    def face_weights(self) -> Mapping[str, torch.Tensor]:
        """The model's own `motion_encoder.*` tensors, in any published layout."""
        ...

    def encode(self, frames: np.ndarray) -> torch.Tensor:
        """float32 `[16,T,h,w]` of n = 4 (T - 1) + 1 frames `[n,H,W,3]`, uint8 or float32 0..1."""
        ...

    def decode(self, latent: torch.Tensor) -> np.ndarray:
        """float32 `[4T-3,H,W,3]` 0..1 of a latent `[16,T,h,w]` (without the reference slot)."""
        ...

    def sample(self, condition: WindowCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        """The denoised latent float32 `[16,T+1,h,w]` from `noise` of that shape; `seed` feeds samplers that draw."""
        ...
