"""What MimicMotion is told besides the poses: the reference as CLIP and as the VAE see it, and the noise it starts from.

Pure tensors; the encoders themselves are behind `MimicBackend`.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ...sampling.noise import window_noise

CLIP_SIDE = 224
LATENT_CHANNELS, STRIDE = 4, 8
_AUGMENTATION = 1
"""Index of the noise that is added to the reference; 0 is the latents' own."""


def squashed(picture: np.ndarray) -> np.ndarray:
    """The whole of a picture uint8 `[H,W,3]` as CLIP is shown it: float32 `[224,224,3]` 0..1, slightly beyond at edges.

    Squashed, not cropped: blurred by half the reduction, then bicubic with the corners in place, as SVD's pipeline
    does it (diffusers `pipeline_stable_video_diffusion.py`, after skimage).
    """
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255 * 2 - 1  # 1 C H W
    for axis in (3, 2):  # across, then down
        pixels = _blurred(pixels, axis)
    small = F.interpolate(pixels, (CLIP_SIDE, CLIP_SIDE), mode="bicubic", align_corners=True)
    return ((small + 1) / 2)[0].permute(1, 2, 0).contiguous().numpy()


def _blurred(pixels: torch.Tensor, axis: int) -> torch.Tensor:
    sigma = max((pixels.shape[axis] / CLIP_SIDE - 1) / 2, 0.001)
    taps = int(max(4 * sigma, 3)) | 1
    at = torch.arange(taps, dtype=torch.float32) - taps // 2
    kernel = torch.exp(-(at**2) / (2 * torch.tensor(sigma) ** 2))
    shape = (1, 1, 1, taps) if axis == 3 else (1, 1, taps, 1)
    kernel = (kernel / kernel.sum()).view(shape).expand(3, -1, -1, -1)
    reach = (taps // 2,) * 2
    padding = (*reach, 0, 0) if axis == 3 else (0, 0, *reach)
    # A picture of a few pixels has nothing to mirror that far.
    mode = "reflect" if reach[0] < pixels.shape[axis] else "replicate"
    return F.conv2d(F.pad(pixels, padding, mode=mode), kernel, groups=3)


def augmented(picture: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """The picture as the VAE is shown it: float32 `[H,W,3]` 0..1, with noise of `strength` (of -1..1) on it."""
    pixels = picture.astype(np.float32) / 255
    if strength == 0:
        return pixels
    noise = window_noise(seed, _AUGMENTATION, picture.shape).numpy()
    return pixels + noise * (strength / 2)


def section_noise(seed: int, tile: int, size: tuple[int, int], num_frames: int, start: int) -> torch.Tensor:
    """float32 `[num_frames,4,h,w]`: one tile's noise, repeated along the clip; the reference's is the first.

    Frame f of the clip (its reference is frame 0) has noise f mod `tile`, whichever section it is made in: so two
    sections begin the frames that they share from the same noise.
    """
    width, height = size
    noise = window_noise(seed, 0, (tile, LATENT_CHANNELS, height // STRIDE, width // STRIDE))
    at = torch.arange(num_frames)
    at[1:] += start
    return noise[at % tile]
