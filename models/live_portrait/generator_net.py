"""LivePortrait's G: features of the moved face become its picture, 512 x 512.

Eight residual blocks whose norms take their factor and offset from the features (SPADE). Features are enlarged to a
block's size by repeating cells, so the first convolution of a norm runs on the small map (see `enlarged`). Enlarging
does not change means and deviations either, so norms are taken before it. Numbers are the official network's to rounding.
A processor computes float32 by `processor_generator`.

bfloat16 has 8 bits for a number, too few to add up eight blocks in or to make the norms' factors of: there only the
convolutions between norms are computed in it, about half of the work, and pictures stay within an rms of 0.003.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...face_motion.kept_memory import KeptMemory
from .enlarged import EnlargedConv2d
from .folding import EPSILON, Conv2d, Tensors, plain, spectral
from .processor_generator import ProcessorGenerator

SLOPE = 0.2  # of the leaky ReLU


class GeneratorNet(nn.Module):
    """Features `[B,256,64,64]` -> picture float32 `[B,3,512,512]` in 0..1."""

    def __init__(self, tensors: Tensors, dtype: torch.dtype, memory: KeptMemory | None = None) -> None:
        """`memory` is what a processor computes in; None = its own."""
        super().__init__()
        self.dtype, self._memory = dtype, memory or KeptMemory()
        around = torch.float32 if dtype == torch.bfloat16 else dtype
        self.first = Conv2d(*plain(tensors, "fc"), around)
        count = len({n.split(".")[0] for n in tensors if n.startswith("G_middle_")})
        self.middle = nn.ModuleList(Block(tensors, f"G_middle_{i}", 1, 1, dtype) for i in range(count))
        self.up = nn.ModuleList(Block(tensors, f"up_{i}", 2, 2 ** (i + 1), dtype) for i in range(2))
        self.last = Conv2d(*plain(tensors, "conv_img.0"), around)
        self._processor: ProcessorGenerator | None = None

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type == "cpu" and self.dtype == torch.float32:
            self._processor = self._processor or ProcessorGenerator(self, self._memory)
            return self._processor(features)
        features = features.to(self.first.weight.dtype).contiguous(memory_format=torch.channels_last)
        x = self.first(features)
        for block in (*self.middle, *self.up):
            x = block(x, features)
        x = self.last(functional.leaky_relu_(x, SLOPE))
        return torch.sigmoid(functional.pixel_shuffle(x, 2).float())

    def _apply(self, fn, recurse=True):  # noqa: ANN001, ANN202 -- torch's own signature
        self._processor = None
        self._memory.give_back()
        return super()._apply(fn, recurse)


class Block(nn.Module):
    """`enlarge`: how much larger it returns its input; `scale`: how much larger its result is than the features."""

    def __init__(self, tensors: Tensors, name: str, enlarge: int, scale: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.enlarge = enlarge
        around = torch.float32 if dtype == torch.bfloat16 else dtype
        self.conv_0 = Conv2d(*spectral(tensors, f"{name}.conv_0"), dtype)
        self.conv_1 = Conv2d(*spectral(tensors, f"{name}.conv_1"), dtype)
        self.norm_0 = Spade(tensors, f"{name}.norm_0", scale, around)
        self.norm_1 = Spade(tensors, f"{name}.norm_1", scale, around)
        self.norm_s = self.conv_s = None
        if f"{name}.conv_s.weight_orig" in tensors:
            self.norm_s = Spade(tensors, f"{name}.norm_s", scale, around)
            self.conv_s = Conv2d(*spectral(tensors, f"{name}.conv_s"), dtype)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        even = self._enlarged(normalised(x))
        if self.norm_s is None or self.conv_s is None:
            beside = self._enlarged(x)
        else:
            beside = _inside(self.conv_s, self.norm_s(even, features))
        x = _inside(self.conv_0, self.norm_0(even, features, SLOPE))
        x = _inside(self.conv_1, self.norm_1(normalised(x), features, SLOPE))
        return x.add_(beside)

    def _enlarged(self, x: Tensor) -> Tensor:
        return x if self.enlarge == 1 else functional.interpolate(x, scale_factor=self.enlarge)


def _inside(convolve: Conv2d, x: Tensor) -> Tensor:
    return convolve(x.to(convolve.weight.dtype)).to(x.dtype)


def normalised(x: Tensor) -> Tensor:
    """Mean 0 and deviation 1 in every channel of every picture."""
    return functional.instance_norm(x, eps=EPSILON)


class Spade(nn.Module):
    """A normalised picture times (1 + gamma) plus beta, both made from the features; with `slope` through a leaky ReLU."""

    def __init__(self, tensors: Tensors, name: str, scale: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.scale = scale
        self.shared = EnlargedConv2d(*plain(tensors, f"{name}.mlp_shared.0"), scale, dtype)
        gamma, gamma_bias = plain(tensors, f"{name}.mlp_gamma")
        beta, beta_bias = plain(tensors, f"{name}.mlp_beta")
        self.both = Conv2d(torch.cat([gamma, beta]), torch.cat([gamma_bias + 1, beta_bias]), dtype)

    def forward(self, even: Tensor, features: Tensor, slope: float | None = None) -> Tensor:
        factor, offset = self.both(functional.relu_(self.shared(features))).chunk(2, 1)
        out = torch.addcmul(offset, even, factor)
        return out if slope is None else functional.leaky_relu_(out, slope)
