"""LivePortrait's G in float32 on a processor: `generator_net`'s arithmetic, arranged for caches and kept memory.

Convolutions are made in tiles, and what follows one is done to its tiles while the cache still holds them: a norm is
applied, a shortcut's 1 x 1 convolution made, a sum added. Maps are written where the next convolution reads them. The
features are transformed once for all convolutions that see them. A third of the multiplications of the plain order
remain, and no fresh memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional

from ...face_motion.kept_memory import Bordered, KeptMemory
from ...face_motion.tiled_convolution import TILE, Band, TiledConvolution, by_tile
from .enlarged_products import Differences, EnlargedProducts
from .folding import EPSILON, Conv2d

if TYPE_CHECKING:
    from .generator_net import Block, GeneratorNet

SLOPE = 0.2  # of the leaky ReLU


class ProcessorGenerator:
    """Made of a `GeneratorNet`, whose weights it transforms once."""

    def __init__(self, net: GeneratorNet, memory: KeptMemory) -> None:
        self.memory = memory
        self.first = TiledConvolution(net.first.weight, net.first.bias)
        middle, up = (cast("list[Block]", list(blocks)) for blocks in (net.middle, net.up))
        self.middle, self.up = [_Middle(block) for block in middle], [_Up(block) for block in up]
        shared = [norm.shared.convolutions[0] for block in middle for norm in (block.norm_0, block.norm_1)]
        biases = cast("list[Tensor]", [each.bias for each in shared])
        self.shared = TiledConvolution(torch.cat([each.weight for each in shared]), torch.cat(biases))
        self.last = net.last

    def __call__(self, features: Tensor) -> Tensor:
        """Features `[B,256,H,W]`, H and W multiples of 4 -> picture float32 `[B,3,8H,8W]` in 0..1."""
        memory, (frames, channels, height, width) = self.memory, features.shape
        seen = memory.bordered("features", (frames, height, width, channels))
        seen.inner.copy_(features.permute(0, 2, 3, 1))
        x = memory("x", frames, height, width, self.first.outputs)
        self.first.into(x, seen)
        hidden = memory.bordered("hidden", (frames, height, width, self.shared.outputs))
        self.shared.into(hidden.inner, seen, slope=0)
        each = hidden.whole.shape[-1] // (2 * len(self.middle))
        for i, block in enumerate(self.middle):
            norms = [hidden.channels(j * each, (j + 1) * each) for j in (2 * i, 2 * i + 1)]
            block(x, norms, memory)
        differences = Differences(seen, memory)
        for i, block in enumerate(self.up):
            x = block(x, differences, f"x {i}", memory)
        planes = functional.leaky_relu_(x, SLOPE).permute(0, 3, 1, 2)
        return torch.sigmoid_(functional.pixel_shuffle(self.last(planes), 2))


class _Middle:
    """A block that keeps its size; its norms' hidden layers were computed with those of all the others."""

    def __init__(self, block: Block) -> None:
        self.spread_0, self.spread_1 = _tiled(block.norm_0.both), _tiled(block.norm_1.both)
        self.conv_0, self.conv_1 = _tiled(block.conv_0), _tiled(block.conv_1)

    def __call__(self, x: Tensor, hidden: list[Bordered], memory: KeptMemory) -> None:
        """Adds to `x` `[B,H,W,C]`."""
        y = memory("y", *x.shape)
        seen = memory.bordered("spread", x.shape)
        _spread(self.spread_0, hidden[0], normalised(x, y), seen.inner)
        self.conv_0.into(y, seen)
        _spread(self.spread_1, hidden[1], normalised(y, y), seen.inner)
        self.conv_1.bands(seen, lambda band: band.of(x).add_(band.pixels))


class _Up:
    """A block that returns its input twice as large, beside a 1 x 1 convolution of it."""

    def __init__(self, block: Block) -> None:
        if block.norm_s is None or block.conv_s is None:
            raise ValueError("a block that enlarges has a convolution beside it")
        norms = block.norm_s, block.norm_0, block.norm_1
        self.shared = [EnlargedProducts(norm.shared) for norm in norms]
        self.spread_s, self.spread_0, self.spread_1 = (_tiled(norm.both) for norm in norms)
        self.conv_0, self.conv_1 = _tiled(block.conv_0), _tiled(block.conv_1)
        self.beside = block.conv_s.weight[:, :, 0, 0].T.contiguous()

    def __call__(self, x: Tensor, features: Differences, name: str, memory: KeptMemory) -> Tensor:
        frames, height, width, channels = x.shape
        size = frames, 2 * height, 2 * width
        out = memory(name, *size, self.beside.shape[1])
        even = normalised(x, x)
        hidden = memory.bordered("hidden", (*size, self.shared[0].outputs))
        self._hide(0, features, hidden.inner, memory)

        def shortcut(band: Band) -> None:
            spread = band.memory("shortcut", *band.pixels.shape[:-1], channels)
            _apply(band.pixels, _as_tiles(even, band, size[1]), spread)
            made = band.memory("beside", *spread.shape[:-1], out.shape[-1])
            torch.mm(spread.flatten(0, -2), self.beside, out=made.flatten(0, -2))
            band.of(out).copy_(made)

        self.spread_s.bands(hidden, shortcut)
        self._hide(1, features, hidden.inner, memory)
        seen = memory.bordered("spread", (*size, channels))
        _spread(self.spread_0, hidden, even, seen.inner)
        y = memory("y", *size, self.conv_0.outputs)
        self.conv_0.into(y, seen)
        self._hide(2, features, hidden.inner, memory)
        seen = memory.bordered("spread", y.shape)
        _spread(self.spread_1, hidden, normalised(y, y), seen.inner)
        self.conv_1.bands(seen, lambda band: band.of(out).add_(band.pixels))
        return out

    def _hide(self, which: int, features: Differences, hidden: Tensor, memory: KeptMemory) -> None:
        """A norm's hidden layer, into `[B,sH,sW,n]`."""
        scale = self.shared[which].scale
        by_place = hidden.unflatten(2, (-1, scale)).unflatten(1, (-1, scale))  # B H s W s n
        for rows, columns, values in self.shared[which].places(features, memory):
            values.relu_()
            for row in rows:
                for column in columns:
                    by_place[:, :, row, :, column] = values


def _tiled(convolution: Conv2d) -> TiledConvolution:
    return TiledConvolution(convolution.weight, convolution.bias)


def _spread(convolution: TiledConvolution, x: Bordered, even: Tensor, out: Tensor) -> None:
    """A normalised map `even`, as large as `out` `[B,H,W,C]` or half, times and plus what `x` says, leaky ReLU."""

    def spread(band: Band) -> None:
        _apply(band.pixels, _as_tiles(even, band, out.shape[1]), band.of(out))
        functional.leaky_relu_(out[band.frames, band.rows], SLOPE)

    convolution.bands(x, spread)


def _apply(pixels: Tensor, even: Tensor, out: Tensor) -> None:
    """The factors are the first half of the channels of `pixels`, the offsets the second."""
    factor, offset = pixels.chunk(2, -1)
    offset, factor, out = (t.unflatten(1, (2, -1)).unflatten(0, (2, -1)) for t in (offset, factor, out))
    torch.addcmul(offset, even, factor, out=out)


def _as_tiles(even: Tensor, band: Band, height: int) -> Tensor:
    """`[2,2,2,2,B,h/tile,w/tile,C]`: rows and columns of a tile, each in two halves, of a map of this height.

    Where `even` is half as high, both rows and columns of a half are the same cell.
    """
    if even.shape[1] == height:
        return band.of(even).unflatten(1, (2, -1)).unflatten(0, (2, -1))
    half = by_tile(even[band.frames, band.rows.start // 2 : band.rows.stop // 2], TILE // 2)
    return half[:, None, :, None].expand(-1, 2, -1, 2, -1, -1, -1, -1)


def normalised(x: Tensor, out: Tensor) -> Tensor:
    """`x` `[B,H,W,C]` with mean 0 and deviation 1 in every channel of every picture, in `out`, which may be `x`."""
    for picture, to in zip(x, out, strict=True):
        mean, variance = torch.batch_norm_update_stats(picture.permute(2, 0, 1)[None], None, None, 0.0)
        factor = (variance + EPSILON).rsqrt_()
        torch.addcmul(-mean * factor, picture, factor, out=to)
    return out
