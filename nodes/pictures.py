"""IMAGE and MASK tensors to and from our pictures: the only place where floats 0..1 become levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import InputError

if TYPE_CHECKING:
    import torch

LOAD_IMAGE_OPAQUE = (64, 64)


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


def character_mask(mask: torch.Tensor | None) -> np.ndarray | None:
    """The first mask of a batch as uint8 `[H,W]`, white where the character is; None where it says nothing.

    Load Image's MASK is the other way round, white where the picture is clear, and 64x64 of black for a picture
    without transparency. The latter says nothing; the former is told by its corners and refused with InputError.
    """
    if mask is None:
        return None
    known = first_mask(mask)
    if known.shape == LOAD_IMAGE_OPAQUE and not known.any():
        return None
    if known[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 127 and known.min() < 128:
        raise InputError(
            "The mask is white in all four corners, but white must be the character: Load Image's MASK is white where the "
            "picture is transparent. Put Invert Mask between them, or Join Image with Alpha before the character input."
        )
    return known
