"""Convolutions in float32 on a processor with a quarter of the multiplications: the method of Winograd, Toom and Cook.

An output tile of m x m pixels of a k x k convolution needs (m + k - 1) squared products of transformed pixels and
transformed weights, instead of m squared times k squared. The transforms are two constant matrices, one before and
one after a matrix product for each of those products, so that a processor spends its time where it is fastest. Tiles
are worked on a few at a time and stay in its cache. Numbers equal the plain convolution's to twice its rounding.

More taps than a tile has pixels are taken in groups as wide as a tile: each group reads the transformed pixels of a
neighbouring tile, which are there already, and the groups' products are added before they are transformed back.

Graphics cards have the method in their own libraries; half precision loses too much in the transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .band_workers import BandWorkers, band_workers
from .kept_memory import Bordered, KeptMemory

TILE = 4
"""Pixels on a side of an output tile: larger ones save little more, and their transforms round coarser."""
FEWEST_CHANNELS, FEWEST_PRODUCTS = 64, 128 * 128
"""Channels on either side, and both multiplied: below these the transforms take longer than they save."""
_POINTS = (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2), 4, -4)
"""Where polynomials are compared, besides infinity; those of smallest rounding first."""
_MOST_WORDS = 36 * 64 * 512
"""Of transformed pixels at a time: with their products about 10 MB."""
_ONE_AT_A_TIME = BandWorkers(1)


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


def is_worth(weight: Tensor, frames: int, height: int, width: int, tile: int = TILE) -> bool:
    """Whether maps of this size times `weight` `[n,C,3,3]` are faster in tiles than in one go."""
    outputs, channels, _, taps = weight.shape
    enough = min(outputs, channels) >= FEWEST_CHANNELS and outputs * channels >= FEWEST_PRODUCTS
    # of a small map the weights are the larger part, and those of tiles are four times as large
    enough &= frames * height * width >= max(256, outputs / 2, channels / 2)
    return enough and taps == 3 and not height % tile and not width % tile


class TiledConvolution:
    """A same-size convolution by `weight` `[n,C,k,k]`, k odd, float32 on the CPU, made ready once."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None, tile: int = TILE) -> None:
        taps = weight.shape[-1]
        self.tile, self.groups = tile, 1 if taps <= tile else -(-taps // tile)
        in_group = taps if self.groups == 1 else tile
        self.outputs = len(weight)
        self.reach, self.span = taps // 2, tile + in_group - 1
        self.beyond = (self.groups - 2) * tile + self.span - self.reach
        """Pixels of zeros that a map must have behind its last; before its first, `reach`."""
        after, of_weights, before = matrices(tile, in_group)
        missing = self.groups * in_group - taps
        grouped = F.pad(weight.double(), (0, missing, 0, missing)).unflatten(3, (self.groups, in_group))
        grouped = grouped.unflatten(2, (self.groups, in_group))
        turned = torch.einsum("ia,jb,ncgahb->ghijcn", of_weights, of_weights, grouped)
        self.weights = turned.flatten(2, 3).flatten(0, 1).float().contiguous()  # (g g) (span span) C n
        self.bias = bias
        self.before = torch.kron(before, before).float().contiguous()
        self.after = torch.kron(after, after).float().contiguous()
        # The place whose product goes into all pixels of a tile with a factor of 1 takes the bias: the point 1, twice.
        self._bias_at = _POINTS.index(1) * self.span + _POINTS.index(1)

    def bands(
        self, x: Bordered, do: Callable[[Band], object], *, adds_up: bool = False, workers: BandWorkers | None = None
    ) -> None:
        """Calls `do` with each band of the result, in several threads, until all of `x` has been seen.

        With `adds_up` bands of the same rows of several frames come one after another, for they meet in a sum.
        """
        if x.before != self.reach or x.behind < self.beyond:
            raise ValueError(f"a border of {x.before} and {x.behind}, not {self.reach} and {self.beyond}")
        frames, height, width, channels = x.inner.shape
        down, across, more = height // self.tile, width // self.tile, self.groups - 1
        workers = workers or band_workers()
        wanted = _tiles_at_once(channels, self.outputs, self.span**2, self.groups)
        rows = min(down, max(1, wanted // across))
        whole = max(1, wanted // (across * down)) if rows == down and not more else 1
        if -(-frames // whole) * -(-down // rows) < workers.count or adds_up:
            rows, whole = min(rows, -(-down // workers.count)), 1 if rows < down else whole
        starts = range(0, frames, whole)

        def task(top: int, starts: Sequence[int]) -> Callable[[KeptMemory], None]:
            def run(memory: KeptMemory) -> None:
                high = min(down, top + rows) - top
                for first in starts:
                    images = min(frames, first + whole) - first
                    pixels = self._pixels(x, (first, images), (top, high), across, memory)
                    do(Band(slice(first, first + images), slice(top * self.tile, (top + high) * self.tile), pixels, memory))  # fmt: skip

            return run

        tops = range(0, down, rows)
        workers.run(task(t, starts) for t in tops) if adds_up else workers.run(
            task(t, [f]) for f in starts for t in tops
        )

    def _pixels(self, x: Bordered, frames: tuple[int, int], rows: tuple[int, int], across: int, memory: KeptMemory) -> Tensor:  # fmt: skip
        (first, images), (top, high), tile, places = frames, rows, self.tile, self.span**2
        outputs, more, channels = self.outputs, self.groups - 1, x.whole.shape[-1]
        image, line, pixel, channel = x.whole.stride()
        windows = images * (high + more) * (across + more)
        seen = memory("windows", self.span, self.span, images, high + more, across + more, channels)
        offset = x.whole.storage_offset() + first * image + tile * top * line
        seen.copy_(x.whole.as_strided(seen.shape, (line, pixel, image, tile * line, tile * pixel, channel), offset))
        turned = memory("turned", places, windows * channels)
        torch.mm(self.before, seen.view(places, -1), out=turned)
        turned = turned.view(places, windows, channels)
        used = windows - more * (across + more + 1)  # the last row's neighbours are no tiles themselves
        made = memory("windows", places, used, outputs)
        for group, weights in enumerate(self.weights):
            start = (group // self.groups) * (across + more) + group % self.groups
            if group:
                made.baddbmm_(turned[:, start : start + used], weights)
            else:
                torch.bmm(turned[:, start : start + used], weights, out=made)
        if self.bias is not None:
            made[self._bias_at] += self.bias
        pixels = memory("turned", tile * tile, images * high * (across + more) * outputs)
        torch.mm(self.after, made.view(places, -1), out=pixels[:, : used * outputs])
        return pixels.view(tile, tile, images, high, across + more, outputs)[..., :across, :]

    def into(self, out: Tensor, x: Bordered, slope: float | None = None, workers: BandWorkers | None = None) -> None:
        """All of `x` convolved, into `[B,H,W,n]`; with `slope` through a leaky ReLU."""

        def store(band: Band) -> None:
            band.of(out).copy_(band.pixels)
            if slope is not None:
                F.leaky_relu_(out[band.frames, band.rows], slope)

        self.bands(x, store, workers=workers)

    def __call__(self, x: Tensor, slope: float | None = None) -> Tensor:
        """`[B,H,W,n]` of `[B,H,W,C]`, H and W multiples of the tile; with `slope` through a leaky ReLU.

        Between operations of torch's own threads, which wait for their next a while and would stand in the way of
        others: a band at a time, each operation in torch's threads.
        """
        padded = F.pad(x, (0, 0, self.reach, self.beyond, self.reach, self.beyond))
        out = x.new_empty(*x.shape[:3], self.outputs)
        self.into(out, Bordered(padded, self.reach, self.beyond), slope, _ONE_AT_A_TIME)
        return out


@dataclass(frozen=True)
class Band:
    """Some rows of some frames of a convolution's result, still in tiles."""

    frames: slice
    rows: slice
    pixels: Tensor
    """`[t,t,B,h/t,W/t,n]`: row and column within a tile of t x t, then the tiles. Lost after this band."""
    memory: KeptMemory
    """Of the thread that works on this band."""

    def of(self, x: Tensor) -> Tensor:
        """The place of this band in a map `[B,H,W,n]`, as its pixels lie."""
        return by_tile(x[self.frames, self.rows], len(self.pixels))


def by_tile(x: Tensor, tile: int) -> Tensor:
    """`[tile,tile,B,H/tile,W/tile,n]`, a view of `[B,H,W,n]`."""
    return x.unflatten(2, (-1, tile)).unflatten(1, (-1, tile)).permute(2, 4, 0, 1, 3, 5)


def _tiles_at_once(channels: int, outputs: int, places: int, groups: int) -> int:
    """As many as the cache holds, but enough that the weights are not fetched for a few of them alone.

    Of groups as many as it holds at all: their neighbours at every edge of a band are computed twice.
    """
    most = _MOST_WORDS * 2 // (places * max(channels, outputs))
    return max(16, most if groups > 1 else min(most, max(64, max(channels, outputs) // 2)))


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

    def forward(self, x: Tensor, slope: float | None = None) -> Tensor:
        """Of `[B,C,H,W]`, channels last; with `slope` through a leaky ReLU (0 = ReLU)."""
        on_cpu = x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32
        if on_cpu and is_worth(self.weight, len(x), *x.shape[2:]):
            if self._tiled is None:
                self._tiled = TiledConvolution(self.weight, self.bias)
            return self._tiled(x.permute(0, 2, 3, 1), slope).permute(0, 3, 1, 2)
        y = self._whole(x)
        return y if slope is None else F.leaky_relu_(y, slope)

    def _whole(self, x: Tensor) -> Tensor:
        if self.weight.shape[2:] == (1, 1) and x.device.type == "cpu" and x.dtype == torch.float32 and x.shape[1] > 3:
            # with channels last a matrix product, and four times as fast as one, but not for three colours
            return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        return F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)

    def _apply(self, fn, recurse=True):  # noqa: ANN001, ANN202 -- torch's own signature
        self._tiled = None
        return super()._apply(fn, recurse)
