"""The motion module of AnimateDiff: attention over the frames at each place of a picture, between a UNet's own blocks.

Parameter names are those of the published files (guoyww/AnimateDiff, motion_module.py), so that they load strictly.
Layers come from outside, so that a host's own (cast on the fly, kept in RAM) can be used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

HEADS = 8
Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, int], torch.Tensor]
"""Queries, keys, values `[b,n,c]` and the number of heads; the same shape out."""


@dataclass(frozen=True)
class MotionLayout:
    """What tells one published motion module from another."""

    kind: str
    """'v1', 'v2', 'v3' or 'sdxl'."""
    widths: tuple[int, ...]
    """Channels of each down block; four are SD1.5's, three SDXL's."""
    has_mid: bool
    places: int
    """Frames that its table of positions knows."""

    @property
    def base(self) -> str:
        return "SDXL" if len(self.widths) == 3 else "SD1.5"

    @property
    def norms_over_frames(self) -> bool:
        """v1 and SDXL beta were trained with the UNet's group norms running over all frames of a window."""
        return self.kind in ("v1", "sdxl")

    @property
    def schedule(self) -> tuple[str, float, float]:
        """The noise schedule it was trained on: ComfyUI's name, first and last beta."""
        return ("linear", 0.00085, 0.020) if self.base == "SDXL" else ("sqrt_linear", 0.00085, 0.012)


def plain_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    """torch's own."""
    b, n, c = q.shape
    q, k, v = (x.reshape(b, -1, heads, c // heads).transpose(1, 2) for x in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c)


class _Attention(torch.nn.Module):
    def __init__(self, width: int, places: int, ops: Any, attend: Attend) -> None:
        super().__init__()
        self.to_q, self.to_k, self.to_v = (ops.Linear(width, width, bias=False) for _ in range(3))
        self.to_out = torch.nn.Sequential(ops.Linear(width, width))
        self.pos_encoder = torch.nn.Module()
        self.pos_encoder.register_buffer("pe", positions(places, width))
        self._attend = attend

    def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
        table: torch.Tensor = self.pos_encoder.pe  # type: ignore[assignment]
        x = x + table[:, : x.shape[1]].to(x)
        keys = self.to_k(x)
        return self.to_out(self._attend(self.to_q(x), keys if scale == 1 else keys * scale, self.to_v(x), HEADS))


class _Gated(torch.nn.Module):
    def __init__(self, width: int, inner: int, ops: Any) -> None:
        super().__init__()
        self.proj = ops.Linear(width, 2 * inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * torch.nn.functional.gelu(gate)


class _FeedForward(torch.nn.Module):
    def __init__(self, width: int, ops: Any) -> None:
        super().__init__()
        # The middle was a dropout when the files were made; it keeps the last layer's number.
        self.net = torch.nn.Sequential(_Gated(width, 4 * width, ops), torch.nn.Identity(), ops.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class _Block(torch.nn.Module):
    def __init__(self, width: int, places: int, ops: Any, attend: Attend) -> None:
        super().__init__()
        self.attention_blocks = torch.nn.ModuleList(_Attention(width, places, ops, attend) for _ in range(2))
        self.norms = torch.nn.ModuleList(ops.LayerNorm(width) for _ in range(2))
        self.ff = _FeedForward(width, ops)
        self.ff_norm = ops.LayerNorm(width)

    def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = attention(norm(x), scale) + x
        return self.ff(self.ff_norm(x)) + x


class TemporalTransformer(torch.nn.Module):
    """One place of a UNet: `[b*n,c,h,w]` in and out, n frames a clip."""

    def __init__(self, width: int, places: int, ops: Any = torch.nn, attend: Attend = plain_attention) -> None:
        super().__init__()
        self.norm = ops.GroupNorm(32, width, eps=1e-6)
        self.proj_in, self.proj_out = ops.Linear(width, width), ops.Linear(width, width)
        self.transformer_blocks = torch.nn.ModuleList([_Block(width, places, ops, attend)])
        self.places = places

    def forward(self, x: torch.Tensor, num_frames: int, scale: float = 1.0) -> torch.Tensor:
        """`scale` is the motion scale: a factor on the keys of both attentions, 1 as trained."""
        if num_frames > self.places:
            raise ValueError(f"{num_frames} frames at once, where this module has {self.places} places")
        n, c, h, w = x.shape
        y = self.norm(x).reshape(n // num_frames, num_frames, c, h * w)
        y = self.proj_in(y.permute(0, 3, 1, 2).reshape(-1, num_frames, c))  # b n c hw -> b*hw n c
        for block in self.transformer_blocks:
            y = block(y, scale)
        y = self.proj_out(y).reshape(-1, h * w, num_frames, c).permute(0, 2, 3, 1)
        return y.reshape(n, c, h, w) + x


class MotionNet(torch.nn.Module):
    """All motion modules of a UNet; they run nowhere but in its blocks (see `injection`)."""

    def __init__(self, layout: MotionLayout, ops: Any = torch.nn, attend: Attend = plain_attention) -> None:
        super().__init__()

        def part(width: int, count: int) -> torch.nn.Module:
            block = torch.nn.Module()
            block.motion_modules = torch.nn.ModuleList(
                torch.nn.ModuleDict({"temporal_transformer": TemporalTransformer(width, layout.places, ops, attend)})
                for _ in range(count)
            )
            return block

        self.layout = layout
        self.down_blocks = torch.nn.ModuleList(part(width, 2) for width in layout.widths)
        self.up_blocks = torch.nn.ModuleList(part(width, 3) for width in reversed(layout.widths))
        if layout.has_mid:
            self.mid_block = part(layout.widths[-1], 1)

    def in_order(self, part: str) -> list[TemporalTransformer]:
        """Of 'down_blocks', 'mid_block' or 'up_blocks', in the order in which the UNet runs."""
        blocks: Any = getattr(self, part, [])
        if part == "mid_block" and blocks:
            blocks = [blocks]
        return [module["temporal_transformer"] for block in blocks for module in block.motion_modules]


def positions(places: int, width: int) -> torch.Tensor:
    """The sinusoidal table `[1,places,width]` that files without one were trained on."""
    turn = torch.arange(places)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    table = torch.zeros(1, places, width)
    table[0, :, 0::2], table[0, :, 1::2] = turn.sin(), turn.cos()
    return table
