"""Memory for a processor's maps that is taken once and then again for every frame.

Fresh memory costs a processor as much as the work: the system hands it out page by page and wipes each of them, here
0.7 ms a megabyte where writing takes 0.08. Graphics cards keep theirs by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


class KeptMemory:
    """Pieces of float32 memory by name; a piece is as large as the largest that was asked for under its name."""

    def __init__(self) -> None:
        self._pieces: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """A tensor of this shape, its numbers whatever was left there; the one that was given before is gone."""
        size = math.prod(shape)
        piece = self._pieces.get(name)
        if piece is None or piece.numel() < size:
            self._pieces.pop(name, None)
            with torch.inference_mode(False):  # to be written to with and without gradients being followed
                piece = self._pieces[name] = torch.empty(size, dtype=torch.float32)
        return piece[:size].view(shape)

    def give_back(self) -> None:
        self._pieces.clear()

    def bordered(self, name: str, shape: Sequence[int], before: int = 1, behind: int = 1) -> Bordered:
        """Room for a map `[B,H,W,C]` with zeros around it."""
        frames, height, width, channels = shape
        whole = self(name, frames, before + height + behind, before + width + behind, channels)
        for border in (whole[:, :before], whole[:, before + height :], whole[:, :, :before], whole[:, :, before + width :]):  # fmt: skip
            border.zero_()
        return Bordered(whole, before, behind)


@dataclass(frozen=True)
class Bordered:
    """A map with zeros around it, as a convolution reads it: nothing need be copied to give it its border."""

    whole: Tensor
    """`[B,before+H+behind,before+W+behind,C]`, channels adjacent in memory."""
    before: int = 1
    behind: int = 1

    @property
    def inner(self) -> Tensor:
        """The map alone, `[B,H,W,C]`, to be read and written."""
        return self.whole[:, self.before : -self.behind, self.before : -self.behind]

    def channels(self, first: int, stop: int) -> Bordered:
        return Bordered(self.whole[..., first:stop], self.before, self.behind)
