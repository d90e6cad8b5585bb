"""IMAGE and MASK tensors to and from our pictures: the only place where floats 0..1 become levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def levels(images: torch.Tensor) -> np.ndarray:
    """IMAGE float `[B,H,W,C]` 0..1 -> uint8 `[B,H,W,C]`, rounded; on the CPU."""
    return (images.detach().float().cpu().numpy().clip(0, 1) * 255 + 0.5).astype(np.uint8)


def image(pixels: np.ndarray) -> torch.Tensor:
    """uint8 `[B,H,W,C]` -> IMAGE float32 `[B,H,W,C]` 0..1."""
    import torch  # here, so that the schemas can be read where there is no torch

    return torch.from_numpy(np.ascontiguousarray(pixels)).to(torch.float32).div_(255)


def first_picture(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray | None]:
    """The first picture of a batch as uint8 `[H,W,3]`, and its alpha uint8 `[H,W]` where it has a fourth channel."""
    picture = levels(images[:1])[0]
    alpha = np.ascontiguousarray(picture[..., 3]) if picture.shape[2] == 4 else None
    return np.ascontiguousarray(picture[..., :3]), alpha


def first_mask(mask: torch.Tensor) -> np.ndarray:
    """The first mask of a batch as uint8 `[H,W]`."""
    return levels((mask[:1] if mask.ndim == 3 else mask[None])[..., None])[0, ..., 0]
