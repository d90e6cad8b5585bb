"""LivePortrait's F: a picture of a face becomes a volume of features in which the face can be moved. Once per source."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .folding import Conv2d, Tensors, batch_norm, conv_then_norm, plain

DEPTH = 16


class AppearanceNet(nn.Module):
    """Pixels float32 `[B,3,256,256]` in 0..1 -> volume float32 `[B,32,16,64,64]` (channel, depth, y, x)."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__()
        width = torch.float32
        stages = ("first", "down_blocks.0", "down_blocks.1")
        self.stages = nn.ModuleList(Conv2d(*conv_then_norm(tensors, f"{s}.conv", f"{s}.norm"), width) for s in stages)
        self.second = Conv2d(*plain(tensors, "second"), width)
        count = 1 + max(int(n.split(".")[1][3:]) for n in tensors if n.startswith("resblocks_3d."))
        self.blocks = nn.ModuleList(_Residual(tensors, f"resblocks_3d.3dr{i}") for i in range(count))

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.contiguous(memory_format=torch.channels_last)
        for i, conv in enumerate(self.stages):
            x = functional.relu_(conv(x))
            x = functional.avg_pool2d(x, 2) if i else x
        x = self.second(x).contiguous()
        x = x.view(x.shape[0], -1, DEPTH, *x.shape[-2:])  # B (C D) H W -> B C D H W
        for block in self.blocks:
            x = block(x)
        return x


class _Residual(nn.Module):
    """Norm, ReLU, 3-D convolution, twice, beside the input; the second norm is folded into the first convolution."""

    def __init__(self, tensors: Tensors, name: str) -> None:
        super().__init__()
        factor, offset = batch_norm(tensors, f"{name}.norm1")
        first, first_bias = conv_then_norm(tensors, f"{name}.conv1", f"{name}.norm2")
        second, second_bias = plain(tensors, f"{name}.conv2")
        values = {"factor": factor.float().view(-1, 1, 1, 1), "offset": offset.float().view(-1, 1, 1, 1)}
        values |= {"first": first, "first_bias": first_bias, "second": second, "second_bias": second_bias}
        for key, value in values.items():
            self.register_buffer(key, value)
        self.factor: Tensor
        self.offset: Tensor
        self.first: Tensor
        self.first_bias: Tensor
        self.second: Tensor
        self.second_bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu_(x * self.factor + self.offset)
        y = functional.relu_(functional.conv3d(y, self.first, self.first_bias, padding=1))
        return functional.conv3d(y, self.second, self.second_bias, padding=1).add_(x)
