"""Where motion modules go in a Stable Diffusion UNet, and how its group norms run over all frames for those of v1.

Knows the UNet of the LDM family by its lists of blocks (`input_blocks`, `middle_block`, `output_blocks`) and by two
kinds of layer, which are handed in. Everything is put into one instance and taken out again; no class is changed.
"""

from __future__ import annotations

from typing import Any

import torch

from .motion_module import MotionNet, TemporalTransformer

Kinds = tuple[type, type]
"""The UNet's spatial transformer and its residual block."""


class Injection:
    """The modules of `motion` in a UNet, for as long as they are in."""

    def __init__(self) -> None:
        self.num_frames = 1
        """Frames of the clip that the UNet is run on: of a window, where there are windows."""
        self._normed: list[torch.nn.Module] = []

    def put_in(self, unet: Any, motion: MotionNet, kinds: Kinds) -> None:
        """Each module behind its block's spatial transformer, or behind its residual block where it has none.

        Raises ValueError where the UNet has not as many places as there are modules.
        """
        places = {
            "down_blocks": _places(unet.input_blocks, kinds),
            "mid_block": _places([unet.middle_block], kinds),
            "up_blocks": _places(unet.output_blocks, kinds),
        }
        todo = {part: motion.in_order(part) for part in places}
        for part, modules in todo.items():
            if modules and len(modules) != len(places[part]):
                raise ValueError(f"{len(modules)} motion modules for the {len(places[part])} places of {part}")
        for part, modules in todo.items():
            for module, (block, spot) in zip(modules, places[part], strict=False):
                block.insert(spot, module)
        if motion.layout.norms_over_frames:
            self._norm_over_frames(unet)

    def take_out(self, unet: Any) -> None:
        """The UNet as it was."""
        for block in [*unet.input_blocks, unet.middle_block, *unet.output_blocks]:
            for spot in reversed(range(len(block))):
                if isinstance(block[spot], TemporalTransformer):
                    block.pop(spot)
        for norm in self._normed:
            norm.__dict__.pop("forward", None)
        self._normed = []

    def _norm_over_frames(self, unet: torch.nn.Module) -> None:
        for norm in unet.modules():
            if isinstance(norm, torch.nn.GroupNorm) and "forward" not in norm.__dict__:
                norm.forward = self._over_frames(norm)
                self._normed.append(norm)

    def _over_frames(self, norm: torch.nn.GroupNorm) -> Any:
        alone = type(norm).forward

        def forward(x: torch.Tensor) -> torch.Tensor:
            n = self.num_frames
            y = x.reshape(x.shape[0] // n, n, x.shape[1], -1).transpose(1, 2)  # b*n c h w -> b c n hw
            return alone(norm, y.contiguous()).transpose(1, 2).reshape(x.shape)

        return forward


def _places(blocks: Any, kinds: Kinds) -> list[tuple[Any, int]]:
    found = []
    for block in blocks:
        for kind in kinds:
            spots = [k for k, layer in enumerate(block) if isinstance(layer, kind)]
            if spots:
                # behind the last transformer; of a block with residual blocks alone, behind the first
                found.append((block, 1 + (spots[-1] if kind is kinds[0] else spots[0])))
                break
    return found
