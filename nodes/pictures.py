"""IMAGE and MASK tensors to and from our pictures: the only place where floats 0..1 become levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import InputError

if TYPE_CHECKING:
    import torch


def levels(images: torch.Tensor) -> np.ndarray:
    """IMAGE float `[B,H,W,C]` 0..1 -> uint8 `[B,H,W,C]`, rounded; on the CPU."""
    return (images.detach().float().cpu().numpy().clip(0, 1) * 255 + 0.5).astype(np.uint8)


def image(pixels: np.ndarray) -> torch.Tensor:
    """uint8 `[B,H,W,C]` -> IMAGE float32 `[B,H,W,C]` 0..1."""
    import torch  # here, so that the schemas can be read where there is no torch

    return torch.from_numpy(np.ascontiguousarray(pixels)).to(torch.float32).div_(255)


def first_picture(images: torch.Tensor, mask: torch.Tensor | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The first picture of a batch as uint8 `[H,W,3]`, and its cut-out uint8 `[H,W]` (255 = the character).

    `mask` is white on the character. A fourth channel counts where no mask is given.
    """
    picture = levels(images[:1])[0]
    alpha = None
    if mask is not None:
        alpha = levels((mask[:1] if mask.ndim == 3 else mask[None])[..., None])[0, ..., 0]
        if alpha.shape != picture.shape[:2]:
            raise InputError(
                f"The mask is {alpha.shape[1]}x{alpha.shape[0]} px and the character {picture.shape[1]}x{picture.shape[0]}; "
                "they must be of one size."
            )
    elif picture.shape[2] == 4:
        alpha = np.ascontiguousarray(picture[..., 3])
    return np.ascontiguousarray(picture[..., :3]), alpha
