"""Convolutions of maps that were enlarged by repeating their cells, on a processor: nine matrix products for a cell.

Along one axis, with taps a, b, c and their sum s, the first of a cell's places sees s x + a (x before - x), the last
s x + c (x behind - x), those between s x alone. In two axes that is one product of the cell, four of its differences
to the neighbours beside it and four of its differences to those across the corners, whatever the enlargement.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...face_motion.kept_memory import Bordered, KeptMemory
from .enlarged import EnlargedConv2d, axis_places

_HERE, _BEFORE, _BEHIND = range(3)
_NEIGHBOURS = {_HERE: slice(1, -1), _BEFORE: slice(None, -2), _BEHIND: slice(2, None)}


class Differences:
    """A map's cells, and by how much their neighbours differ from them: nine maps `[B*h*w,C]` for all convolutions."""

    def __init__(self, x: Bordered, memory: KeptMemory) -> None:
        frames, height, width, channels = self.shape = x.inner.shape
        self._maps = memory("differences", 3, 3, frames * height * width, channels)
        whole, maps = x.whole, self._maps.view(3, 3, frames, height, width, channels)
        beside = memory("differences beside", 2, frames, height + 2, width, channels)
        maps[_HERE, _HERE].copy_(x.inner)
        for down in (_BEFORE, _BEHIND):
            torch.sub(whole[:, _NEIGHBOURS[down], 1:-1], x.inner, out=maps[down, _HERE])
        for across, all_rows in zip((_BEFORE, _BEHIND), beside, strict=True):
            torch.sub(whole[:, :, _NEIGHBOURS[across]], whole[:, :, 1:-1], out=all_rows)
            maps[_HERE, across].copy_(all_rows[:, 1:-1])
            for down in (_BEFORE, _BEHIND):
                torch.sub(all_rows[:, _NEIGHBOURS[down]], all_rows[:, 1:-1], out=maps[down, across])

    def __getitem__(self, down_across: tuple[int, int]) -> Tensor:
        return self._maps[down_across]


class EnlargedProducts:
    """An `EnlargedConv2d` in float32 on the CPU, made ready once."""

    def __init__(self, convolution: EnlargedConv2d) -> None:
        self.scale, self.outputs, self.bias = (
            convolution.scale,
            convolution.out_channels,
            convolution.convolutions[0].bias,
        )
        places = len(axis_places(self.scale))
        corners = [convolution.convolutions[i].weight.double() for i in (0, places - 1, -places, -1)]
        (first, last), (lower, lowest) = corners[:2], corners[2:]  # each n C 2 2: taps a and b + c, or a + b and c
        rows = {_HERE: (first.sum(2), last.sum(2)), _BEFORE: (first[:, :, 0], last[:, :, 0])}
        rows[_BEHIND] = lower[:, :, 1], lowest[:, :, 1]
        weights = [[left.sum(2), left[..., 0], right[..., 1]] for left, right in (rows[i] for i in range(3))]
        self.weights = torch.stack([torch.stack(row) for row in weights]).mT.float().contiguous()  # 3 3 C n

    def places(self, x: Differences, memory: KeptMemory) -> Iterator[tuple[list[int], list[int], Tensor]]:
        """Rows and columns within a cell, and the values `[B,h,w,n]` of all of them, until the next is asked for."""
        frames, height, width, _ = x.shape
        cells = frames * height * width
        alone, beside = memory("products", 2, 3, cells, self.outputs)
        out = memory("products of a place", cells, self.outputs)
        for down in range(3):
            torch.mm(x[down, _HERE], self.weights[down, _HERE], out=alone[down])
        if self.bias is not None:
            alone[_HERE] += self.bias
        kinds = [_BEFORE, _BEHIND] if self.scale == 2 else [_BEFORE, _HERE, _BEHIND]
        for across, (_, columns, _) in zip(kinds, axis_places(self.scale), strict=True):
            sums = alone
            if across != _HERE:
                sums = beside
                for down in range(3):
                    torch.addmm(alone[down], x[down, across], self.weights[down, across], out=beside[down])
            for down, (_, rows, _) in zip(kinds, axis_places(self.scale), strict=True):
                torch.add(sums[_HERE], 0 if down == _HERE else sums[down], out=out)
                yield rows, columns, out.view(frames, height, width, self.outputs)
