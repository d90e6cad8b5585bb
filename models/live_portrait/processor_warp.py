"""LivePortrait's W in float32 on a processor: `warping_net`'s networks, arranged for caches and kept memory.

The slices that a convolution in depth adds up are added while the cache holds their tiles. Each level is written where
the decoder will read it, beside the channels that it joins there, so nothing is put together afterwards. One frame at
a time: on a processor more gain nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional

from ...face_motion.kept_memory import Bordered, KeptMemory
from ...face_motion.tiled_convolution import TILE, Band, TiledConvolution, by_tile, is_worth
from .enlarged_products import Differences, EnlargedProducts

if TYPE_CHECKING:
    from .enlarged import EnlargedConv2d
    from .folding import Conv2d
    from .warping_net import DepthConv, WarpingNet

SLOPE = 0.01  # of the leaky ReLU


class ProcessorWarp:
    """Made of a `WarpingNet`, whose weights it transforms once."""

    def __init__(self, net: WarpingNet, memory: KeptMemory) -> None:
        self.memory = memory
        self.down = [_InDepth(level) for level in cast("list[DepthConv]", list(net.down))]
        self.up = [_EnlargedInDepth(level) for level in cast("list[DepthConv]", list(net.up))]
        self.last, self.mask = _InDepth(net.last), _InDepth(net.mask)
        self.wide = len(net.last.bias)
        occlusion = net.occlusion.weight[0].flatten(1).unflatten(0, (self.wide, -1))  # n D taps
        self.occlusion, self.occlusion_bias = occlusion.transpose(0, 1).contiguous(), cast("Tensor", net.occlusion.bias)
        self.third = TiledConvolution(net.third.weight, net.third.bias)
        self.fourth, self.fourth_bias = net.fourth.weight[:, :, 0, 0], net.fourth.bias

    def look(self, proposals: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of the proposals `[B,D,H,W,K]` in each cell, and the occlusion `[B,1,H,W]`, of `[B,C,D,H,W]`."""
        shares, occlusions = zip(*(self._look(of_frame) for of_frame in proposals), strict=True)
        return torch.stack(shares), torch.stack(occlusions)[:, None]

    def _look(self, proposals: Tensor) -> tuple[Tensor, Tensor]:
        memory, (channels, depth, height, width) = self.memory, proposals.shape
        levels = [self._level(0, depth, height, width, channels)]
        lines = memory("sum", depth * height * width, channels).copy_(proposals.flatten(1).T)
        levels[0][0].inner[..., levels[0][1] :] = lines.view(depth, height, width, channels)
        for i, convolution in enumerate(self.down):
            joined, beside = levels[-1]
            y = memory("sum", *joined.inner.shape[:3], convolution.outputs)
            convolution(joined.channels(beside, joined.whole.shape[-1]), y)
            y = functional.avg_pool2d(functional.relu_(y).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
            levels.append(self._level(i + 1, *y.shape))
            levels[-1][0].inner[..., levels[-1][1] :] = y
        x = levels.pop()[0]
        for convolution in self.up:
            joined, beside = levels.pop()
            convolution(x, joined.inner[..., :beside], memory)
            functional.relu_(joined.inner[..., :beside])
            x = joined
        convolution = self.mask.convolution
        seen = memory.bordered("seen", (depth, height, width, self.wide), convolution.reach, convolution.beyond)
        self.last(x, seen.inner)
        functional.relu_(seen.inner)
        logits = memory("logits", depth, height, width, self.mask.outputs)
        self.mask(seen, logits)
        return torch.softmax(logits, -1), torch.sigmoid_(self._occlusion(seen, height, width))

    def _level(self, i: int, depth: int, height: int, width: int, channels: int) -> tuple[Bordered, int]:
        """Room for a level, and the channels before it, where the decoder's will be."""
        beside = self.up[-1 - i].outputs if i < len(self.up) else 0
        return self.memory.bordered(f"level {i}", (depth, height, width, beside + channels)), beside

    def _occlusion(self, seen: Bordered, height: int, width: int) -> Tensor:
        """A convolution with one output: a matrix product for all taps at once, whose maps are then shifted and added."""
        depth, high, across, channels = seen.whole.shape
        taps = self.memory("sum", high * across, self.occlusion.shape[-1]).zero_()
        for cells, weight in zip(seen.whole.view(depth, -1, channels), self.occlusion, strict=True):
            taps.addmm_(cells, weight)
        by_tap, side = taps.view(high, across, -1), 2 * seen.before + 1
        out = self.occlusion_bias.repeat(height, width)
        for i in range(by_tap.shape[-1]):
            out += by_tap[i // side : i // side + height, i % side : i % side + width, i]
        return out

    def features(self, read: Tensor) -> Tensor:
        """`[B,256,H,W]` of the volume as read, `[B,(C D),H,W]`."""
        memory, (frames, channels, height, width) = self.memory, read.shape
        seen = memory.bordered("seen", (frames, height, width, channels))
        seen.inner.copy_(read.permute(0, 2, 3, 1))
        third = memory("sum", frames, height, width, self.third.outputs)
        self.third.into(third, seen, SLOPE)
        return functional.linear(third, self.fourth, self.fourth_bias).permute(0, 3, 1, 2)


class _InDepth:
    def __init__(self, level: DepthConv) -> None:
        self.bias, self.taps, self.outputs = level.bias, level.taps, len(level.bias)
        self.weight = cast("Conv2d", level.flat).weight

    @cached_property
    def convolution(self) -> TiledConvolution:
        """Made where it is used: of small maps' many channels it would be four times as large for nothing."""
        return TiledConvolution(self.weight)

    def __call__(self, x: Bordered, out: Tensor) -> None:
        """Of `[D,H,W,C]` into `[D,H,W,n]`."""
        out.copy_(self.bias.expand(out.shape))
        if self.weight.shape[-1] > 3 or is_worth(self.weight, *out.shape[:3]):

            def add(band: Band) -> None:
                for to, values in _by_slice(band.frames.start, band.pixels.unflatten(-1, (self.taps, -1)), len(out)):
                    by_tile(out[to, band.rows], TILE).add_(values)

            self.convolution.bands(x, add, adds_up=True)
            return
        y = functional.conv2d(x.whole.permute(0, 3, 1, 2), self.weight).permute(0, 2, 3, 1)
        for to, values in _by_slice(0, y.unflatten(-1, (self.taps, -1))[None, None], len(out)):
            out[to].add_(values[0, 0])


class _EnlargedInDepth:
    def __init__(self, level: DepthConv) -> None:
        self.bias, self.taps, self.outputs = level.bias, level.taps, len(level.bias)
        self.products = EnlargedProducts(cast("EnlargedConv2d", level.flat))

    def __call__(self, x: Bordered, out: Tensor, memory: KeptMemory) -> None:
        """Of `[D,h,w,C]` into `[D,s*h,s*w,n]`."""
        out.copy_(self.bias.expand(out.shape))
        scale = self.products.scale
        by_place = out.unflatten(2, (-1, scale)).unflatten(1, (-1, scale))
        for rows, columns, values in self.products.places(Differences(x, memory), memory):
            for to, part in _by_slice(0, values.unflatten(-1, (self.taps, -1))[None, None], len(out)):
                for row in rows:
                    for column in columns:
                        by_place[to, :, row, :, column].add_(part[0, 0])


def _by_slice(first: int, values: Tensor, depth: int) -> Iterator[tuple[slice, Tensor]]:
    """Slices of the result, and what a tap in depth adds to them `[.,.,d,...,n]`.

    Of values `[.,.,d,...,taps,n]` at the slices from `first` on.
    """
    count, taps = values.shape[2], values.shape[-2]
    for tap in range(taps):
        step = tap - taps // 2
        start, stop = max(0, first - step), min(depth, first + count - step)
        if start < stop:
            yield slice(start, stop), values[:, :, start + step - first : stop + step - first, ..., tap, :]
