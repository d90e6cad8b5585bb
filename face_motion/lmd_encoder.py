"""A face picture becomes 20 numbers: the Linear Motion Decomposition encoder of Wan-Animate (after LIA).

A convolutional pyramid gives a vector of 512, one affine map (published as five layers without anything between
them) gives 20 magnitudes. A motion vector of 512 is those magnitudes along 20 orthonormal directions, so codes and
vectors turn into each other without loss. Everything is float32; the arithmetic is the published one with its
constants moved into the weights when they are loaded:

- the equalised scales 1/sqrt(fan in), the sqrt(2) of the activation (leaky ReLU commutes with it) and the 1/sqrt(2)
  after each block;
- the five layers, multiplied out in float64;
- Q of the Householder QR of the directions, once, signs as they fall: the magnitudes were learned against those.

Blur is a depthwise convolution, and strides before the 1x1 skip, where it gives the very pixels that are kept.
Channels lie last in memory: on a CPU that alone halves the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ..core import InputError
from .lmd_weights import BLUR_TAPS, lmd_tensors, short_hash

SLOPE = 0.2  # of the leaky ReLU
STABLE = 1e-8  # added to the directions before QR, Wan2.2 motion_encoder.py
WIDE_BLOCKS = 3
"""Blocks whose maps are megabytes a face: a CPU does them one face at a time. Several at once gain nothing there, and
the system then spends half as much again on handing out fresh memory."""
NO_FACE = -1.0  # every pixel of the face that guidance runs away from


class LmdEncoder(nn.Module):
    """Made of a checkpoint's tensors; works where its buffers are (`.to(device)`)."""

    stem: torch.Tensor
    fold: torch.Tensor
    fold_bias: torch.Tensor
    directions: torch.Tensor

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """`tensors` as in `lmd_weights.lmd_tensors`: any published layout, a whole checkpoint or the part."""
        super().__init__()
        weights = lmd_tensors(tensors)
        self.encoder_id = f"wan-lmd/{short_hash(weights)}"
        """Names the weights: codes of one encoder mean nothing to another."""
        stem = torch.cat(
            [weights["conv_in.weight"].flatten(1) / math.sqrt(3), weights["conv_in.act_fn.bias"][:, None]], 1
        )
        # sqrt(2) as below; the bias is the weight of a fourth channel that is 1, which saves a pass over 32 x 512 x 512.
        self.register_buffer("stem", stem * math.sqrt(2))
        count = sum(name.endswith("conv_skip.weight") for name in weights)
        self.blocks = nn.ModuleList(_Block(weights, f"res_blocks.{i}") for i in range(count))
        self.top = _Convolution(weights["conv_out.weight"])
        self.side_px = int(weights["conv_out.weight"].shape[-1]) << count
        """Faces are squares of this side: 512 in every published checkpoint."""
        fold, bias = _folded([(weights[f"motion_network.{i}.weight"], weights[f"motion_network.{i}.bias"]) for i in range(5)])  # fmt: skip
        self.register_buffer("fold", fold)
        self.register_buffer("fold_bias", bias)
        self.register_buffer("directions", torch.linalg.qr(weights["motion_synthesis_weight"] + STABLE)[0])
        self.requires_grad_(False)

    @property
    def num_codes(self) -> int:
        return int(self.fold.shape[0])

    @torch.no_grad()
    def encode(self, faces: np.ndarray, batch: int = 4) -> np.ndarray:
        """Codes float32 `[n,20]` of RGB faces `[n,512,512,3]`, uint8 or float32 0..1."""
        side = self.side_px
        if faces.ndim != 4 or faces.shape[1:] != (side, side, 3) or faces.dtype not in (np.uint8, np.float32):
            raise InputError(f"Faces are [n,{side},{side},3], uint8 or float32 0..1, not {faces.dtype} {list(faces.shape)}; pose.face_boxes.cut_face makes them.")  # fmt: skip
        codes = np.empty((len(faces), self.num_codes), np.float32)
        for start in range(0, len(faces), batch):
            part = torch.from_numpy(np.ascontiguousarray(faces[start : start + batch])).to(self.fold.device)
            pixels = part.float() / 127.5 - 1 if part.dtype == torch.uint8 else part * 2 - 1
            codes[start : start + batch] = self(pixels.permute(0, 3, 1, 2)).cpu().numpy()  # n H W C -> n C H W
        return codes

    @torch.no_grad()
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Codes float32 `[n,20]` of float32 `[n,3,512,512]` in -1..1."""
        with _exact_convolutions():
            faces = pixels.split(1) if pixels.device.type == "cpu" else (pixels,)
            x = torch.cat([self._wide(face) for face in faces])
            for block in self.blocks[WIDE_BLOCKS:]:
                x = block(x)
            return F.linear(self.top(x).flatten(1), self.fold, self.fold_bias)

    def _wide(self, pixels: torch.Tensor) -> torch.Tensor:
        colours = pixels.permute(0, 2, 3, 1)  # n C H W -> n H W C
        x = F.linear(F.pad(colours, (0, 1), value=1.0), self.stem)
        x = F.leaky_relu_(x, SLOPE).permute(0, 3, 1, 2)
        for block in self.blocks[:WIDE_BLOCKS]:
            x = block(x)
        return x

    def no_face(self) -> np.ndarray:
        """Codes float32 `[20]` of a black picture: what guidance takes for "no face"."""
        side = self.side_px
        black = torch.full((1, 3, side, side), NO_FACE, device=self.fold.device)
        return self(black)[0].cpu().numpy()

    def vectors(self, codes: torch.Tensor) -> torch.Tensor:
        """Motion vectors `[...,512]` of codes `[...,20]`."""
        return codes @ self.directions.T

    def codes(self, vectors: torch.Tensor) -> torch.Tensor:
        """Codes `[...,20]` of motion vectors `[...,512]`; what lies outside the 20 directions is lost."""
        return vectors @ self.directions


class _Convolution(nn.Module):
    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None, gain: float = 1.0) -> None:
        super().__init__()
        fan_in = weight[0].numel()
        scaled = weight * (gain / math.sqrt(fan_in))
        self.register_buffer("weight", scaled.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", None if bias is None else bias * gain)

    def forward(self, x: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
        if self.weight.shape[2:] == (1, 1):  # with channels last a matrix product, and four times as fast as one
            return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        return F.conv2d(x, self.weight, self.bias, stride, padding)

    def activated(self, x: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
        return F.leaky_relu_(self(x, stride, padding), SLOPE)


class _Block(nn.Module):
    """(activated conv of blurred activated conv + conv of blurred skip) / sqrt(2), at half the size."""

    kernel: torch.Tensor

    def __init__(self, weights: Mapping[str, torch.Tensor], name: str) -> None:
        super().__init__()
        self.first = _Convolution(weights[f"{name}.conv1.weight"], weights[f"{name}.conv1.act_fn.bias"], math.sqrt(2))
        # sqrt(2) of the activation and 1/sqrt(2) of the sum cancel here, and the latter is left to the skip.
        self.second = _Convolution(weights[f"{name}.conv2.weight"], weights[f"{name}.conv2.act_fn.bias"])
        self.skip = _Convolution(weights[f"{name}.conv_skip.weight"], gain=math.sqrt(0.5))
        taps = torch.tensor(BLUR_TAPS)
        channels = self.first.weight.shape[0]
        kernel = (torch.outer(taps, taps) / 64).expand(channels, 1, 4, 4).contiguous()
        self.register_buffer("kernel", kernel)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.skip(self._blur(x, stride=2, padding=1))
        x = self._blur(self.first.activated(x, padding=1), stride=1, padding=2)
        return self.second.activated(x, stride=2).add_(skip)

    def _blur(self, x: torch.Tensor, stride: int, padding: int) -> torch.Tensor:
        return F.conv2d(x, self.kernel, None, stride, padding, groups=x.shape[1])


def _folded(layers: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    """One matrix `[20,512]` and bias `[20]` for the chain of equalised linear layers."""
    size = layers[0][0].shape[1]
    matrix, shift = torch.eye(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
    for weight, bias in layers:
        scaled = weight.double() / math.sqrt(weight.shape[1])
        matrix, shift = scaled @ matrix, scaled @ shift + bias.double()
    return matrix.float(), shift.float()


def _exact_convolutions() -> AbstractContextManager[object]:
    # TF32, torch's default for convolutions on a GPU, has 10 bits of mantissa; codes shall not depend on the card.
    return torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False)
