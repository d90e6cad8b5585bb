"""Convolutions of maps that were enlarged by repeating their cells, computed on the small map.

Taps that fall on the same cell are summed beforehand, once per place within a cell. That leaves 4 of 6 taps per axis
at twice the size and 5 of 12 at four times, and the numbers are the same to rounding.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .folding import Conv2d


class EnlargedConv2d(nn.Module):
    """A 3 x 3 convolution of a map that was enlarged by repeating cells, without enlarging it first."""

    def __init__(self, weight: Tensor, bias: Tensor | None, scale: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.scale, self.out_channels = scale, len(weight)
        if scale == 1:
            self.parts = nn.ModuleList([Conv2d(weight, bias, dtype)])
            return
        self.parts, self.places = nn.ModuleList(), []
        for above, rows, groups_y in axis_places(scale):
            for left, columns, groups_x in axis_places(scale):
                summed = torch.stack([weight[:, :, group].sum(2) for group in groups_y], 2)
                summed = torch.stack([summed[..., group].sum(-1) for group in groups_x], -1)
                self.parts.append(Conv2d(summed, bias, dtype, padding=0))
                self.places.append(((*left, *above), rows, columns))

    @property
    def convolutions(self) -> list[Conv2d]:
        """Of the small map, one for each kind of place within a cell, row by row; the one that there is at scale 1."""
        return cast("list[Conv2d]", list(self.parts))

    def forward(self, x: Tensor) -> Tensor:
        if self.scale == 1:
            return self.parts[0](x)
        frames, _, height, width = x.shape
        out = x.new_empty(frames, height, self.scale, width, self.scale, self.out_channels)
        for conv, (padding, rows, columns) in zip(self.parts, self.places, strict=True):
            part = conv(functional.pad(x, padding)).permute(0, 2, 3, 1)
            for row in rows:
                for column in columns:
                    out[:, :, row, :, column] = part
        return out.view(frames, height * self.scale, width * self.scale, -1).permute(0, 3, 1, 2)


def axis_places(scale: int) -> list[tuple[tuple[int, int], list[int], list[list[int]]]]:
    """Along one axis, per kind of place within a cell: (cells to pad before and after, the places, taps per cell)."""
    first = ((1, 0), [0], [[0], [1, 2]])
    inner = ((0, 0), list(range(1, scale - 1)), [[0, 1, 2]])
    last = ((0, 1), [scale - 1], [[0, 1], [2]])
    return [first, inner, last] if scale > 2 else [first, last]
