"""Layers that do nothing but scale, merged into the convolution beside them once, when the weights are loaded.

Everything is computed in float64 and rounded once, so that a folded network is as exact as the unfolded one.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ...face_motion.tiled_convolution import SameConvolution

Tensors = Mapping[str, Tensor]
EPSILON = 1e-5  # torch's default in batch and instance norms; the official networks leave it


def batch_norm(tensors: Tensors, name: str) -> tuple[Tensor, Tensor]:
    """(factor, offset) per channel in float64: what the norm does to a channel outside of training."""
    weight, bias, mean, variance = (
        tensors[f"{name}.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = weight / torch.sqrt(variance + EPSILON)
    return factor, bias - mean * factor


def conv_then_norm(tensors: Tensors, conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that equals a convolution followed by its batch norm."""
    factor, offset = batch_norm(tensors, norm)
    weight = tensors[f"{conv}.weight"].double()
    folded = weight * factor.view(-1, *[1] * (weight.ndim - 1))
    return folded.float(), (tensors[f"{conv}.bias"].double() * factor + offset).float()


def spectral(tensors: Tensors, name: str) -> tuple[Tensor, Tensor | None]:
    """Weight and bias with the old-style spectral norm divided out.

    The divisor is u . (W v) with the u and v that are stored: the official networks never iterate them again, so
    the largest singular value would be the wrong number.
    """
    weight = tensors[f"{name}.weight_orig"].double()
    u, v = tensors[f"{name}.weight_u"].double(), tensors[f"{name}.weight_v"].double()
    sigma = torch.dot(u, torch.mv(weight.flatten(1), v))
    return (weight / sigma).float(), tensors.get(f"{name}.bias")


def plain(tensors: Tensors, name: str) -> tuple[Tensor, Tensor]:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


class Conv2d(SameConvolution):
    """A 2-D convolution with given numbers, its weight channels last, its result as large as its input."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, padding: int | None = None) -> None:
        super().__init__(weight.to(dtype), None if bias is None else bias.to(dtype))
        self.padding = padding

    def forward(self, x: Tensor, slope: float | None = None) -> Tensor:
        if self.padding is None:
            return super().forward(x, slope)
        y = functional.conv2d(x, self.weight, self.bias, padding=self.padding)
        return y if slope is None else functional.leaky_relu_(y, slope)
