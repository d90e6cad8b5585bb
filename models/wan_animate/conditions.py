"""What a window is told: reference slot, known frames, their mask, drawn poses; packed as the model was trained.

Mask 1 = known, copy it; 0 = make it. Slot 0 is the reference; slots 1..T are the window's latents. Latent 0 holds one
frame, latent i > 0 the four frames 4i-3..4i, which are its four mask channels (facts of `wan/animate.py`,
get_i2v_mask).
"""

from __future__ import annotations

import numpy as np
import torch

GREY = 0.5
"""Of 0..1: frames that are to be made; 0 in the model's own -1..1."""
STRIDE = 8  # pixels per latent
_MASK_CHANNELS = 4


def packed_mask(known: np.ndarray) -> torch.Tensor:
    """float32 `[4,T,h,w]` of a mask in frames `[n,h,w]`, n = 4 (T - 1) + 1, at the latents' size."""
    n = len(known)
    if n % 4 != 1:
        raise ValueError(f"a window has 4k + 1 frames, not {n}")
    full = np.concatenate([np.repeat(known[:1], 4, axis=0), known[1:]]).astype(np.float32)  # frame 0 fills a latent
    by_latent = full.reshape(-1, _MASK_CHANNELS, *known.shape[1:])
    return torch.from_numpy(np.ascontiguousarray(by_latent.transpose(1, 0, 2, 3)))


def known_frames(num_frames: int, carried: int, size: tuple[int, int], outside: np.ndarray | None = None) -> np.ndarray:
    """float32 `[n,H/8,W/8]`: 1 for the whole of the carried frames, and for what lies outside the driver's mask.

    `outside` is bool `[n,H,W]`, None where nothing is replaced; `size` is width, height in pixels.
    """
    width, height = size[0] // STRIDE, size[1] // STRIDE
    known = np.zeros((num_frames, height, width), np.float32)
    if outside is not None:
        # The nearest pixel to the left and above, as torch's 'nearest' picks it.
        known[:] = outside[:, ::STRIDE, ::STRIDE]
    known[:carried] = 1
    return known


def packed_known(reference: torch.Tensor, latent: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """float32 `[20,T+1,h,w]`: the reference slot, all known, before the window's latents with their mask.

    `reference` `[16,1,h,w]`, `latent` `[16,T,h,w]`, `mask` `[4,T,h,w]`.
    """
    all_known = torch.ones((_MASK_CHANNELS, 1, *reference.shape[2:]))
    slot = torch.cat([all_known, reference.float()])
    return torch.cat([slot, torch.cat([mask, latent.float()])], dim=1)


def move_frames(num_frames: int, carried: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """float32 `[n,H,W,3]` 0..1: finished frames, then grey."""
    if carried is None or not len(carried):  # one number, seen as a film
        return np.broadcast_to(np.float32(GREY), (num_frames, size[1], size[0], 3))
    frames = np.full((num_frames, size[1], size[0], 3), GREY, np.float32)
    frames[: len(carried)] = carried.astype(np.float32) / 255
    return frames


def replace_frames(background: np.ndarray, outside: np.ndarray, carried: np.ndarray | None) -> np.ndarray:
    """uint8 `[n,H,W,3]`: the driving frames, black where the driver was, the first of them finished already.

    Black because the model was trained so: what is left of the driver under the mask comes back as a ghost.
    """
    frames = background * outside[..., None]
    if carried is not None:
        frames[: len(carried)] = carried
    return frames
