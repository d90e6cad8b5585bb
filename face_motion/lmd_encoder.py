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
Channels lie last in memory: on a CPU that alone halves the time. There, too, large convolutions are multiplied in
tiles, and the first block, whose maps of 32 x 512 x 512 fit no cache, is worked on in bands of rows.
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
from .tiled_convolution import SameConvolution

SLOPE = 0.2  # of the leaky ReLU
STABLE = 1e-8  # added to the directions before QR, Wan2.2 motion_encoder.py
WIDE_BLOCKS = 3
"""Blocks whose maps are megabytes a face: a CPU does them one face at a time. Several at once gain nothing there, and
the system then spends half as much again on handing out fresh memory."""
BAND_ROWS = 128
"""Of the first block's result at a time, on a CPU."""
_AROUND = 4
"""Rows beyond a band that its edge sees: two of the blur, one of the convolution before it, and one to stay even."""
NO_FACE = -1.0  # every pixel of the face that guidance runs away from


class LmdEncoder(nn.Module):
    """Made of a checkpoint's tensors; works where its buffers are (`.to(device)`)."""

    fold: torch.Tensor
    fold_bias: torch.Tensor
    directions: torch.Tensor

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """`tensors` as in `lmd_weights.lmd_tensors`: any published layout, a whole checkpoint or the part."""
        super().__init__()
        weights = lmd_tensors(tensors)
        self.encoder_id = f"wan-lmd/{short_hash(weights)}"
        """Names the weights: codes of one encoder mean nothing to another."""
        self.stem = _Convolution(weights["conv_in.weight"], weights["conv_in.act_fn.bias"], math.sqrt(2))  # as below
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
            if pixels.device.type == "cpu":
                x = torch.cat([self._wide(face) for face in pixels.split(1)])
                later = self.blocks[WIDE_BLOCKS:]
            else:
                x, later = self.stem.activated(pixels), self.blocks
            for block in later:
                x = block(x)
            return F.linear(self.top(x).flatten(1), self.fold, self.fold_bias)

    def _wide(self, pixels: torch.Tensor) -> torch.Tensor:
        """One face `[1,3,H,W]` through the wide blocks, the first of them in bands."""
        height, parts = pixels.shape[2], []
        for start in range(0, height, 2 * BAND_ROWS):
            stop = min(height, start + 2 * BAND_ROWS)
            first = max(0, start - _AROUND)
            band = self.stem.activated(pixels[:, :, first : stop + _AROUND])
            parts.append(self.blocks[0](band, start - first, (stop - start) // 2))
        x = torch.cat(parts, 2)
        for block in self.blocks[1:WIDE_BLOCKS]:
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
        if self.weight.shape[2:] == (1, 1) and x.shape[1] > 3:
            # with channels last a matrix product, and four times as fast as one, but not for three colours
            return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        return F.conv2d(x, self.weight, self.bias, stride, padding)

    def activated(self, x: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
        return F.leaky_relu_(self(x, stride, padding), SLOPE)


class _Block(nn.Module):
    """(activated conv of blurred activated conv + conv of blurred skip) / sqrt(2), at half the size."""

    kernel: torch.Tensor

    def __init__(self, weights: Mapping[str, torch.Tensor], name: str) -> None:
        super().__init__()
        first = weights[f"{name}.conv1.weight"]
        gain = math.sqrt(2 / first[0].numel())
        self.first = SameConvolution(first * gain, weights[f"{name}.conv1.act_fn.bias"] * math.sqrt(2))
        # sqrt(2) of the activation and 1/sqrt(2) of the sum cancel here, and the latter is left to the skip.
        self.second = _Convolution(weights[f"{name}.conv2.weight"], weights[f"{name}.conv2.act_fn.bias"])
        self.skip = _Convolution(weights[f"{name}.conv_skip.weight"], gain=math.sqrt(0.5))
        taps = torch.tensor(BLUR_TAPS)
        channels = first.shape[0]
        kernel = (torch.outer(taps, taps) / 64).expand(channels, 1, 4, 4).contiguous()
        self.register_buffer("kernel", kernel)

    def forward(self, x: torch.Tensor, top: int = 0, rows: int | None = None) -> torch.Tensor:
        """The result's `rows` from that of row `top` of `x` on, which is even; all without `rows`."""
        rows = x.shape[2] // 2 if rows is None else rows
        skip = self.skip(self._blur(x, stride=2, padding=1)[:, :, top // 2 : top // 2 + rows])
        x = self._blur(self.first(x, SLOPE), stride=1, padding=2)
        return self.second.activated(x[:, :, top : top + 2 * rows + 1], stride=2).add_(skip)

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
