"""LivePortrait's W: two sets of key points and the source's volume become the features of the moved face.

The picture moves by the difference of the two sets: each point proposes one shift, a network weighs the proposals in
every cell, and the volume is read at the weighted place. A shift is the same for all cells, so its reading is three
small matrix products, one per axis, instead of a read in 3-D; 3-D convolutions are one 2-D convolution for all taps of
the depth and a sum of shifted slices. Numbers are the official network's to rounding. Places, weights of the
proposals and the reading itself are float32 whatever the convolutions compute in: half a step of bfloat16 there would
be a pixel of the picture. Convolutions in bfloat16 are too coarse as well, all of them: the picture's rms error would be
0.008 instead of the 0.003 that the generator makes alone. A processor computes float32 by `processor_warp`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...face_motion.kept_memory import KeptMemory
from .appearance_net import DEPTH
from .enlarged import EnlargedConv2d
from .folding import Conv2d, Tensors, conv_then_norm, plain
from .processor_warp import ProcessorWarp

HEAT_SHARPNESS = 50.0  # exp(-d^2 / (2 * 0.01)): heat maps have a variance of 0.01
SLOPE = 0.01  # of the leaky ReLU


@dataclass(frozen=True)
class WarpSource:
    """What depends on the source's picture alone, made once."""

    volume: Tensor
    """float32 `[S,32,16,64,64]`."""
    compressed: Tensor
    """float32 `[S,4,16,64,64]`."""
    resting: Tensor
    """float32 `[S,4,16,64,64]`: the compressed volume as read without any shift."""


class WarpingNet(nn.Module):
    def __init__(self, tensors: Tensors, dtype: torch.dtype, memory: KeptMemory | None = None) -> None:
        """`memory` is what a processor computes in; None = its own."""
        super().__init__()
        self.dtype, self._memory = dtype, memory or KeptMemory()
        dense = "dense_motion_network"
        weight, bias = conv_then_norm(tensors, f"{dense}.compress", f"{dense}.norm")
        self.register_buffer("compress", weight)
        self.register_buffer("compress_bias", bias)
        self.compress: Tensor
        self.compress_bias: Tensor

        def level(name: str, enlarge: int = 1) -> DepthConv:
            return DepthConv(*conv_then_norm(tensors, f"{name}.conv", f"{name}.norm"), dtype, enlarge)

        def levels(part: str, enlarge: int) -> nn.ModuleList:
            names = {n.split(".")[4] for n in tensors if n.startswith(f"{dense}.hourglass.{part}.")}
            return nn.ModuleList(level(f"{dense}.hourglass.{part}.{i}", enlarge) for i in sorted(names, key=int))

        self.down, self.up = levels("encoder.down_blocks", 1), levels("decoder.up_blocks", 2)
        self.last = level(f"{dense}.hourglass.decoder")
        self.mask = DepthConv(*plain(tensors, f"{dense}.mask"), dtype)
        self.occlusion = Conv2d(*plain(tensors, f"{dense}.occlusion"), torch.float32)
        self.third = Conv2d(*conv_then_norm(tensors, "third.conv", "third.norm"), dtype)
        self.fourth = Conv2d(*plain(tensors, "fourth"), dtype)
        self._processor: ProcessorWarp | None = None

    def prepare(self, volume: Tensor) -> WarpSource:
        """Of `[S,32,16,64,64]`."""
        compressed = functional.relu_(functional.conv3d(volume, self.compress, self.compress_bias))
        resting = shifted(compressed, volume.new_zeros(len(volume), 1, 3))[:, 0]
        return WarpSource(volume, compressed, resting)

    def forward(self, source: WarpSource, x_s: Tensor, x_d: Tensor) -> Tensor:
        """Features `[B,256,64,64]` of the face moved from key points `x_s` to `x_d`, both float32 `[B,21,3]`."""
        return self.warp(source, x_s, x_d)[0]

    def warp(self, source: WarpSource, x_s: Tensor, x_d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(features, places `[B,16,64,64,3]` in the volume as x, y, z in -1..1, occlusion `[B,1,64,64]`)."""
        look, features = self._look, self._features
        if x_d.device.type == "cpu" and self.dtype == torch.float32:
            self._processor = self._processor or ProcessorWarp(self, self._memory)
            look, features = self._processor.look, self._processor.features
        share, occlusion = look(self._proposals(source, x_s, x_d))
        # the proposal before them all is to stay
        places = identity_grid(source.volume) + torch.einsum("bzyxk,bkc->bzyxc", share[..., 1:], x_s - x_d)
        volume = source.volume.expand(len(x_d), *source.volume.shape[1:])
        read = functional.grid_sample(volume, places, align_corners=False).flatten(1, 2)  # B (C D) H W
        return features(read) * occlusion.to(self.dtype), places, occlusion

    def _look(self, proposals: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of the proposals `[B,D,H,W,K]` in each cell, and the occlusion `[B,1,H,W]`, of `[B,C,D,H,W]`."""
        frames, _, depth, height, width = proposals.shape
        x = proposals.to(self.dtype).transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        seen = self._hourglass(x)  # (B D) C H W
        logits = self.mask(seen, depth).float().permute(0, 2, 3, 1)
        by_channel = seen.float().view(frames, depth, -1, height, width).transpose(1, 2)  # B C D H W
        occlusion = torch.sigmoid(self.occlusion(by_channel.reshape(frames, -1, height, width)))
        return torch.softmax(logits, -1).unflatten(0, (frames, depth)), occlusion

    def _features(self, read: Tensor) -> Tensor:
        read = read.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return self.fourth(functional.leaky_relu_(self.third(read), SLOPE))

    def _proposals(self, source: WarpSource, x_s: Tensor, x_d: Tensor) -> Tensor:
        """float32 `[B,110,D,H,W]`: per proposal a heat map and the shifted features."""
        frames, points = x_d.shape[:2]
        channels, depth, height, width = source.compressed.shape[1:]
        heat = heat_maps(x_d, source.volume) - heat_maps(x_s, source.volume)
        x = heat.new_zeros(frames, points + 1, channels + 1, depth, height, width)
        x[:, 1:, 0], x[:, 0, 1:] = heat, source.resting
        x[:, 1:, 1:] = shifted(source.compressed, x_s - x_d)
        return x.view(frames, -1, depth, height, width)

    def _apply(self, fn, recurse=True):  # noqa: ANN001, ANN202 -- torch's own signature
        self._processor = None
        self._memory.give_back()
        return super()._apply(fn, recurse)

    def _hourglass(self, x: Tensor) -> Tensor:
        levels = [x]
        for conv in self.down:
            levels.append(functional.avg_pool2d(functional.relu_(conv(levels[-1], DEPTH)), 2))
        x = levels.pop()
        for conv in self.up:
            wide = functional.relu_(conv(x, DEPTH))
            x = torch.cat([wide, levels.pop()], 1)
        return functional.relu_(self.last(x, DEPTH))


class DepthConv(nn.Module):
    """A 3-D convolution of `[(B D),C,H,W]`, channels last.

    As one 2-D convolution for all its depth taps, whose slices are then summed. With `enlarge` of the map that many
    times higher and wider.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, enlarge: int = 1) -> None:
        super().__init__()
        self.taps = weight.shape[2]
        self.register_buffer("bias", bias.to(dtype))
        self.bias: Tensor
        flat = weight.permute(2, 0, 1, 3, 4).flatten(0, 1)  # n C k h w -> (k n) C h w: the depth tap is the slower
        self.flat = EnlargedConv2d(flat, None, enlarge, dtype) if enlarge > 1 else Conv2d(flat, None, dtype)

    def forward(self, x: Tensor, depth: int) -> Tensor:
        middle = self.taps // 2
        y = self.flat(x).permute(0, 2, 3, 1)
        height, width = y.shape[1:3]
        y = y.reshape(-1, depth, height, width, self.taps, len(self.bias))
        out = y[:, :, :, :, middle] + self.bias
        for tap in range(self.taps):
            step = tap - middle
            first, last = max(0, -step), min(depth, depth - step)
            if step and first < last:
                out[:, first:last] += y[:, first + step : last + step, :, :, tap]
        return out.flatten(0, 1).permute(0, 3, 1, 2)


def _axis(n: int, like: Tensor) -> Tensor:
    """Centres of n cells from -1 to 1, ends included."""
    return torch.linspace(-1, 1, n, device=like.device, dtype=torch.float64).to(like.dtype)


def identity_grid(volume: Tensor) -> Tensor:
    """`[D,H,W,3]`: x, y, z of every cell of `[...,D,H,W]`."""
    z, y, x = torch.meshgrid(*(_axis(n, volume) for n in volume.shape[-3:]), indexing="ij")
    return torch.stack((x, y, z), -1)


def heat_maps(points: Tensor, volume: Tensor) -> Tensor:
    """`[B,K,D,H,W]`: a Gaussian around each point, made of its three axes."""
    z, y, x = (
        torch.exp(-HEAT_SHARPNESS * (_axis(n, volume) - points[..., i, None]) ** 2)
        for i, n in zip((2, 1, 0), volume.shape[-3:], strict=True)
    )
    return z[..., :, None, None] * (y[..., :, None] * x[..., None, :])[..., None, :, :]


def reading(n: int, shift: Tensor) -> Tensor:
    """Matrices `[...,n,n]` that read n cells at their own places plus `shift` `[...]`, linearly, 0 outside.

    Places run from -1 to 1 between the outer cells' centres, but are read as if -1 and 1 were the outer edges: the
    official network does so, hence even a shift of 0 is a slight zoom.
    """
    cells = torch.arange(n, dtype=shift.dtype, device=shift.device)
    places = ((_axis(n, shift) + shift[..., None] + 1) * n - 1) / 2
    return (1 - (places[..., :, None] - cells).abs()).clamp_min(0)


def shifted(volume: Tensor, shifts: Tensor) -> Tensor:
    """`[B,K,C,D,H,W]`: the volume `[S,C,D,H,W]` (S = B or 1) read at K shifts `[B,K,3]` of x, y, z."""
    sources, channels, depth, height, width = volume.shape
    frames, points = shifts.shape[:2]
    x, y, z = (reading(n, shifts[..., i]) for i, n in enumerate((width, height, depth)))
    out = torch.matmul(volume.reshape(sources, 1, -1, width), x.transpose(-1, -2))
    out = torch.matmul(y[:, :, None], out.view(frames, points, -1, height, width))
    out = torch.matmul(z[:, :, None], out.view(frames, points, channels, depth, -1))
    return out.view(frames, points, channels, depth, height, width)
