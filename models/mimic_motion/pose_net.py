"""PoseNet: drawn poses become what is added to the UNet's first layer; 0.2 M parameters, the names of the real file.

From Tencent/MimicMotion `modules/pose_net.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from ...core import InputError

# In, out, kernel, stride of the convolutions; SiLU after each.
_LAYERS = ((3, 3, 3, 1), (3, 16, 4, 2), (16, 16, 3, 1), (16, 32, 4, 2), (32, 32, 3, 1), (32, 64, 4, 2), (64, 64, 3, 1), (64, 128, 3, 1))  # fmt: skip
FRAMES_AT_ONCE = 8
"""At full size the first layers of 72 frames would take as much memory as the UNet."""


class PoseNet(nn.Module):
    """Pictures `[T,3,H,W]` in -1..1 to `[T,channels,H/8,W/8]`."""

    def __init__(self, channels: int = 320) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, stride in _LAYERS:
            layers += [nn.Conv2d(inputs, outputs, kernel, stride, padding=1), nn.SiLU()]
        self.conv_layers = nn.Sequential(*layers)
        self.final_proj = nn.Conv2d(_LAYERS[-1][1], channels, 1)
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.final_proj(self.conv_layers(pictures)) * self.scale

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, torch.Tensor], name: str) -> PoseNet:
        """With these weights, in float32. InputError names `name` where they are another network's."""
        last = tensors.get("final_proj.weight")
        with torch.device("meta"):
            net = cls(320 if last is None else int(last.shape[0]))
        wanted = {k: tuple(v.shape) for k, v in net.state_dict().items()}
        found = {k: tuple(v.shape) for k, v in tensors.items()}
        if wanted != found:
            odd = sorted(set(wanted) ^ set(found)) or sorted(k for k in wanted if wanted[k] != found[k])
            raise InputError(f"{name} is not MimicMotion's PoseNet: {', '.join(odd[:3])} does not fit.")
        net.load_state_dict({k: v.float() for k, v in tensors.items()}, assign=True)
        return net.eval()


class PoseLatents:
    """PoseNet over the pictures of a section, tile by tile; keeps the last tile, which both sides of a step ask for."""

    def __init__(self, net: PoseNet, pictures: np.ndarray, strength: float = 1.0) -> None:
        """`pictures` uint8 `[N,H,W,3]`, N frames of a section."""
        self._net, self._pictures, self._strength = net, pictures, strength
        self._kept: tuple[tuple[int, ...], torch.Tensor] | None = None
        self._copy: PoseNet | None = None

    @torch.no_grad()
    def tile(self, frames: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """`[len(frames),channels,h,w]` of these frames; on `device`, as `dtype`."""
        if self._kept is not None and self._kept[0] == frames and self._kept[1].dtype == dtype:
            return self._kept[1].to(device)
        net = self._placed(device, dtype)
        made = []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            some = self._pictures[list(frames[start : start + FRAMES_AT_ONCE])]
            pixels = torch.from_numpy(some).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1  # T H W C -> T C H W
            made.append(net(pixels.to(dtype)))
        latents = torch.cat(made)
        if self._strength != 1.0:
            latents = latents * self._strength
        self._kept = frames, latents
        return latents

    def _placed(self, device: torch.device, dtype: torch.dtype) -> PoseNet:
        """A copy where and as it is wanted: the net is others' too, and would not come back from half precision."""
        if self._copy is None or self._copy.scale.dtype != dtype or self._copy.scale.device != device:
            self._copy = copy.deepcopy(self._net).to(device=device, dtype=dtype)
        return self._copy
