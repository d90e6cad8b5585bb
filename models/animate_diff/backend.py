"""The network side of AnimateDiff: a picture model with motion modules, a ControlNet and a VAE, wherever they run.

Sections, drawn poses, noise and hand-over are written once, above this line. Latents are as the VAE gives them,
float32 on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .windows import WindowRule

if TYPE_CHECKING:
    import torch

OnStep = Callable[[int, int, "np.ndarray | None"], None]
"""Steps done, steps in all, a small preview uint8 `[h,w,3]` or None. Raises Cancelled."""
STRIDE = 8
"""Pixels per latent."""


@dataclass(frozen=True)
class SectionCondition:
    """What the n frames of one section are denoised under."""

    poses: np.ndarray
    """uint8 `[n,H,W,3]`: the drawn skeleton of every frame."""
    start: torch.Tensor
    """float32 `[n,4,H/8,W/8]`: what it begins from; known frames are in it, the rest counts with denoise below 1."""
    num_known: int
    """Leading frames that are finished and stay as `start` has them."""
    rule: WindowRule


class AnimateBackend(Protocol):
    """Made for one run, with its prompt, guidance, steps, sampler, strengths and motion scale."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same conditions and noise would give other pixels: weights, LoRAs, dtype, sampler."""
        ...

    @property
    def module(self) -> str:
        """The motion module, for people: its file and kind."""
        ...

    @property
    def places(self) -> int | None:
        """Frames that the motion module knows; None where the model brings its own windows."""
        ...

    @property
    def notes(self) -> list[str]:
        """What the user should know of the models, one line each."""
        ...

    def look_at(self, picture: np.ndarray) -> None:
        """The character, uint8 `[H,W,3]`: for the picture adapter, once a run, before anything is sampled."""
        ...

    def encode(self, frames: np.ndarray) -> torch.Tensor:
        """Latents of uint8 `[n,H,W,3]`."""
        ...

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """uint8 `[n,H,W,3]` of latents `[n,4,H/8,W/8]`."""
        ...

    def sample(self, section: SectionCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        """Denoised latents from `noise`, both `[n,4,H/8,W/8]`; `seed` feeds samplers that draw."""
        ...
