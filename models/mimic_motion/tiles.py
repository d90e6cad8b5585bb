"""The tiles in which a section is denoised, how their predictions are fused, and the guidance of each frame.

As Tencent/MimicMotion `pipeline_mimicmotion.py` has them: the reference, frame 0, leads every tile, and a triangle over
the *places* of a tile, not over frames, weighs what it says. So an overlap of 6 shares the reference and 5 real frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ...core import UsageError

Tile = tuple[int, ...]
"""Frames of a section, the reference (0) first, the others in order."""


def plan_tiles(num_frames: int, tile: int, overlap: int) -> tuple[Tile, ...]:
    """Tiles of `tile` frames that cover 0..num_frames; a shorter section is one tile of all its frames.

    (The original stops with an IndexError there.) An overlap of 1 shares the reference only; at 0 the original leaves
    the frames between two tiles to nobody.
    """
    if num_frames < 1 or not 1 <= overlap < tile:
        raise ValueError(f"no tiles of {tile} frames, overlap {overlap}, for {num_frames} frames")
    if num_frames <= tile:
        return (tuple(range(num_frames)),)
    starts = list(range(0, num_frames - tile + 1, tile - overlap))
    if starts[-1] + tile < num_frames:
        starts.append(num_frames - tile)
    return tuple((0, *range(start + 1, start + tile)) for start in starts)


def triangle(tile: int) -> torch.Tensor:
    """float32 `[tile]`: the weight of each place, low at both ends."""
    rising = (torch.arange(tile) + 0.5) * 2.0 / tile
    return torch.minimum(rising, 2.0 - rising)


def fused(num_frames: int, tiles: Sequence[Tile], predict: Callable[[Tile], torch.Tensor]) -> torch.Tensor:
    """`[P,num_frames,...]`: the weighted mean of what `predict` gives for each tile, `[P,len(tile),...]`."""
    total: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    for tile in tiles:
        said = predict(tile)
        if total is None or weights is None:
            total = said.new_zeros(said.shape[0], num_frames, *said.shape[2:])
            weights = said.new_zeros(num_frames)
        rows = torch.tensor(tile, device=said.device)
        weight = triangle(len(tile)).to(said)
        by_place = weight.view(1, -1, *(1,) * (said.ndim - 2))
        total.index_add_(1, rows, said * by_place)
        weights.index_add_(0, rows, weight)
    assert total is not None and weights is not None
    return total / weights.view(1, -1, *(1,) * (total.ndim - 2))


def guidance_ramp(first: float, last: float, num_frames: int, start: int, clip_frames: int) -> torch.Tensor:
    """float32 `[num_frames]`: how strongly each frame of a section is guided, the reference first.

    It runs evenly from `first` to `last` over the `clip_frames` + 1 frames of the whole clip with its reference; the
    section's first real frame is frame `start` of the clip. UsageError where no frame would be guided.
    """
    if max(first, last) <= 1:
        raise UsageError(
            f"Guidance runs from {first:g} to {last:g}, and at 1 or below nothing holds the figure to its picture; "
            f"2 is the authors' (reference_strength 0.4)."
        )
    ramp = torch.linspace(first, last, clip_frames + 1)
    at = torch.arange(num_frames)
    at[1:] += start
    return ramp[at]
