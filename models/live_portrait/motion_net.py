"""LivePortrait's M: from a picture of a face its key points at rest, its pose, its expression. A ConvNeXt V2 Tiny.

It always computes in float32: its numbers are key points, and a twentieth of the time of a frame is not worth
points that tremble.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .folding import Tensors, plain

NORM_EPSILON = 1e-6
GRN_EPSILON = 1e-6
HEADS = ("kp", "scale", "pitch", "yaw", "roll", "t", "exp")


class MotionNet(nn.Module):
    """Pixels float32 `[B,3,256,256]` in 0..1 -> head name -> its values `[B,n]`; angles are 66 bins each."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        tensors = {name.removeprefix("detector."): value for name, value in tensors.items()}
        stages = 1 + max(int(n.split(".")[1]) for n in tensors if n.startswith("stages."))
        self.down, self.stages = nn.ModuleList(), nn.ModuleList()
        for i in range(stages):
            conv = _Strided(*plain(tensors, f"downsample_layers.{i}.{min(i, 1)}"))
            norm = _Norm(*plain(tensors, f"downsample_layers.{i}.{1 - min(i, 1)}"))
            self.down.append(nn.Sequential(norm, conv) if i else nn.Sequential(conv, norm))
            blocks = 1 + max(int(n.split(".")[2]) for n in tensors if n.startswith(f"stages.{i}."))
            self.stages.append(nn.Sequential(*(_Block(tensors, f"stages.{i}.{j}") for j in range(blocks))))
        self.norm = _Norm(*plain(tensors, "norm"))
        # All heads are one matrix product.
        self.sizes = [len(tensors[f"fc_{head}.bias"]) for head in HEADS]
        self.heads = _Linear(
            torch.cat([tensors[f"fc_{head}.weight"] for head in HEADS]),
            torch.cat([tensors[f"fc_{head}.bias"] for head in HEADS]),
        )

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        x = pixels.permute(0, 2, 3, 1)  # B 3 H W -> B H W 3
        for down, stage in zip(self.down, self.stages, strict=True):
            x = stage(down(x))
        values = self.heads(self.norm(x.mean((1, 2))))
        return dict(zip(HEADS, values.split(self.sizes, dim=1), strict=True))


class _Weights(nn.Module):
    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.weight: Tensor
        self.bias: Tensor


class _Norm(_Weights):
    """Over the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, NORM_EPSILON)


class _Linear(_Weights):
    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)


class _Strided(_Weights):
    """A convolution of patches that touch each other: `[B,H,W,C]` -> `[B,H/k,W/k,n]`."""

    def forward(self, x: Tensor) -> Tensor:
        y = functional.conv2d(x.permute(0, 3, 1, 2), self.weight, self.bias, stride=self.weight.shape[-1])
        return y.permute(0, 2, 3, 1)


class _Block(nn.Module):
    """Depthwise 7 x 7, norm, four times wider, GELU, global response norm, back, beside the input; channels last."""

    def __init__(self, tensors: Tensors, name: str) -> None:
        super().__init__()
        self.around = _Depthwise(*plain(tensors, f"{name}.dwconv"))
        self.norm = _Norm(*plain(tensors, f"{name}.norm"))
        self.wide = _Linear(*plain(tensors, f"{name}.pwconv1"))
        self.narrow = _Linear(*plain(tensors, f"{name}.pwconv2"))
        self.register_buffer("gamma", tensors[f"{name}.grn.gamma"])
        self.register_buffer("beta", tensors[f"{name}.grn.beta"])
        self.gamma: Tensor
        self.beta: Tensor

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.wide(self.norm(self.around(x))))
        response = torch.linalg.vector_norm(y, dim=(1, 2), keepdim=True)
        share = response / (response.mean(-1, keepdim=True) + GRN_EPSILON)
        # gamma (y share) + beta + y, with one factor per channel and picture
        return x + self.narrow(torch.addcmul(self.beta, y, 1 + self.gamma * share))


class _Depthwise(_Weights):
    def forward(self, x: Tensor) -> Tensor:
        radius = self.weight.shape[-1] // 2
        y = functional.conv2d(x.permute(0, 3, 1, 2), self.weight, self.bias, padding=radius, groups=x.shape[-1])
        return y.permute(0, 2, 3, 1)


class SmallNet(nn.Module):
    """Stitching, lip or eye: a stack of matrix products with ReLU between, `[B,m]` -> `[B,n]`."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        names = sorted((n.removesuffix(".weight") for n in tensors if n.endswith(".weight")), key=_number)
        self.layers = nn.ModuleList(_Linear(*plain(tensors, name)) for name in names)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = functional.relu_(layer(x))
        return self.layers[-1](x)


def _number(name: str) -> int:
    return int(name.rsplit(".", 1)[1])
