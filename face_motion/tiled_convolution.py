"""Convolutions in float32 on a processor with a quarter of the multiplications: the method of Winograd, Toom and Cook.

An output tile of m x m pixels of a k x k convolution needs (m + k - 1) squared products of transformed pixels and
transformed weights, instead of m squared times k squared. The transforms are two constant matrices, one before and
one after a matrix product for each of those products, so that a processor spends its time where it is fastest. Tiles
are worked on a few at a time and stay in its cache. Numbers equal the plain convolution's to twice its rounding.

Graphics cards have the method in their own libraries; half precision loses too much in the transforms.
"""

from __future__ import annotations

import math
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEWEST_CHANNELS, FEWEST_PRODUCTS = 64, 128 * 128
"""Channels on either side, and both multiplied: below these the transforms take longer than they save."""
_POINTS = (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2), 4, -4)
"""Where polynomials are compared, besides infinity; those of smallest rounding first."""
_MOST_WORDS = 36 * 64 * 512
"""Of transformed pixels at a time: with their products about 10 MB."""


def matrices(tile: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """(after `[tile,n]`, weights `[n,taps]`, before `[n,n]`) in float64, n = tile + taps - 1, for one axis.

    `after @ ((weights @ w) * (before @ x))` is the correlation of n values x with w at `tile` places.
    """
    n = tile + taps - 1
    points = [Fraction(p) for p in _POINTS[: n - 1]]
    if len(points) < n - 1:
        raise ValueError(f"a tile of {tile} for {taps} taps needs {n - 1} points, more than the {len(_POINTS)} known")
    after = [[p**i for p in points] + [Fraction(int(i == tile - 1))] for i in range(tile)]
    weights, before = [], []
    for p in points:
        others = [q for q in points if q != p]
        share = Fraction(1)
        for q in others:
            share *= p - q
        weights.append([p**k / share for k in range(taps)])
        before.append([*_product(others), Fraction(0)])
    weights.append([Fraction(int(k == taps - 1)) for k in range(taps)])
    before.append(_product(points))
    out = (torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64) for rows in (after, weights, before))  # fmt: skip
    return tuple(out)  # type: ignore[return-value]


def _product(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients, lowest first, of the polynomial with these roots."""
    out = [Fraction(1)]
    for root in roots:
        raised, scaled = [Fraction(0), *out], [-root * c for c in out] + [Fraction(0)]
        out = [a + b for a, b in zip(raised, scaled, strict=True)]
    return out


def is_worth(weight: Tensor, x: Tensor, tile: int = 4) -> bool:
    """Whether `x` `[B,C,H,W]` times `weight` `[n,C,k,k]` is faster in tiles: large ones of 3 x 3 taps, on a CPU in float32."""
    if x.device.type != "cpu" or x.dtype != torch.float32 or weight.dtype != torch.float32:
        return False
    outputs, channels, _, taps = weight.shape
    frames, _, height, width = x.shape
    enough = min(outputs, channels) >= FEWEST_CHANNELS and outputs * channels >= FEWEST_PRODUCTS
    # of a small map the weights are the larger part, and those of tiles are four times as large
    enough &= frames * height * width >= max(256, outputs / 2, channels / 2)
    return enough and taps == 3 and not height % tile and not width % tile


class TiledConvolution:
    """A same-size convolution by `weight` `[n,C,k,k]`, k odd, float32 on the CPU, made ready once."""

    def __init__(self, weight: Tensor, tile: int = 4) -> None:
        taps = weight.shape[-1]
        after, of_weights, before = matrices(tile, taps)
        self.tile, self.reach, self.span = tile, taps // 2, tile + taps - 1
        turned = torch.einsum("ia,jb,ncab->ijcn", of_weights, of_weights, weight.double())
        self.weights = turned.flatten(0, 1).float().contiguous()  # (span span) C n
        self.before = torch.kron(before, before).float().contiguous()
        self.after = torch.kron(after, after).float().contiguous()
        # The place whose product goes into all pixels of a tile with a factor of 1 takes the bias: the point 1, twice.
        self.bias_at = _POINTS.index(1) * self.span + _POINTS.index(1)

    def __call__(
        self, x: Tensor, bias: Tensor | None = None, slope: float | None = None, scaled: Tensor | None = None
    ) -> Tensor:
        """`[B,H,W,n]` of `[B,H,W,C]`, H and W multiples of the tile; with `slope` through a leaky ReLU.

        With `scaled` `[B,H,W,n/2]` it is that times the first half of the outputs plus the second, `[B,H,W,n/2]`.
        """
        frames, height, width, channels = x.shape
        tile, span, places, outputs = self.tile, self.span, self.span**2, self.weights.shape[2]
        down, across, edge = height // tile, width // tile, self.reach
        out = x.new_empty(frames, height, width, outputs if scaled is None else outputs // 2)
        wanted = _tiles_at_once(channels, outputs, places)
        rows = min(down, max(1, wanted // across))
        whole = max(1, wanted // (across * down)) if rows == down else 1
        room = _Room(x, min(frames, whole) * rows * across * max(places * channels, places * outputs))
        for first in range(0, frames, whole):
            images = min(frames, first + whole) - first
            padded = F.pad(x[first : first + images], (0, 0, edge, edge, edge, edge))
            image, line, pixel, channel = padded.stride()
            for top in range(0, down, rows):
                high = min(down, top + rows) - top
                tiles = images * high * across
                seen = room.a(span, span, images, high, across, channels)
                strides = (line, pixel, image, tile * line, tile * pixel, channel)
                seen.copy_(padded.as_strided(seen.shape, strides, padded.storage_offset() + tile * top * line))
                turned = torch.mm(self.before, seen.view(places, -1), out=room.b(places, tiles * channels))
                made = room.a(places, tiles, outputs)
                torch.bmm(turned.view(places, tiles, channels), self.weights, out=made)
                if bias is not None:
                    made[self.bias_at] += bias
                pixels = torch.mm(self.after, made.view(places, -1), out=room.b(tile * tile, tiles * outputs))
                pixels = pixels.view(tile, tile, images, high, across, outputs)
                here = slice(first, first + images), slice(tile * top, tile * (top + high))
                target = self._by_tile(out[here])
                if scaled is None:
                    target.copy_(pixels)
                else:
                    torch.addcmul(pixels[..., outputs // 2 :], self._by_tile(scaled[here]), pixels[..., : outputs // 2], out=target)  # fmt: skip
                if slope is not None:
                    F.leaky_relu_(out[here], slope)
        return out

    def _by_tile(self, band: Tensor) -> Tensor:
        """`[tile,tile,B,H/tile,W/tile,n]`, a view of `[B,H,W,n]`."""
        split = band.unflatten(2, (-1, self.tile)).unflatten(1, (-1, self.tile))
        return split.permute(2, 4, 0, 1, 3, 5)


class _Room:
    """Two pieces of memory that every step writes by turns: fresh ones cost a processor as much as the work."""

    def __init__(self, like: Tensor, size: int) -> None:
        self.first, self.second = like.new_empty(2, size)

    def a(self, *shape: int) -> Tensor:
        return self.first[: math.prod(shape)].view(shape)

    def b(self, *shape: int) -> Tensor:
        return self.second[: math.prod(shape)].view(shape)


def _tiles_at_once(channels: int, outputs: int, places: int) -> int:
    """As many as the cache holds, but enough that the weights are not fetched for a few of them alone."""
    wanted = max(64, max(channels, outputs) // 2)
    return max(16, min(wanted, _MOST_WORDS * 2 // (places * max(channels, outputs))))


class SameConvolution(nn.Module):
    """A convolution whose result is as large as its input: in tiles where that is worth it, else as torch makes it.

    The tiles' weights, 36 numbers for every 9, are made when a CPU first needs them and dropped when the module moves.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)
        self._tiled: TiledConvolution | None = None

    def forward(self, x: Tensor, slope: float | None = None, scaled: Tensor | None = None) -> Tensor:
        """Of `[B,C,H,W]`, channels last; with `slope` through a leaky ReLU (0 = ReLU).

        With `scaled` it is that times the first half of the outputs plus the second half.
        """
        if is_worth(self.weight, x):
            if self._tiled is None:
                self._tiled = TiledConvolution(self.weight)
            scaled = None if scaled is None else scaled.permute(0, 2, 3, 1)
            return self._tiled(x.permute(0, 2, 3, 1), self.bias, slope, scaled).permute(0, 3, 1, 2)
        y = self._whole(x)
        if scaled is not None:
            factor, offset = y.chunk(2, 1)
            y = torch.addcmul(offset, scaled, factor)
        return y if slope is None else F.leaky_relu_(y, slope)

    def _whole(self, x: Tensor) -> Tensor:
        if self.weight.shape[2:] == (1, 1) and x.device.type == "cpu" and x.dtype == torch.float32 and x.shape[1] > 3:
            # with channels last a matrix product, and four times as fast as one, but not for three colours
            return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)

    def _apply(self, fn, recurse=True):  # noqa: ANN001, ANN202 -- torch's own signature
        self._tiled = None
        return super()._apply(fn, recurse)
