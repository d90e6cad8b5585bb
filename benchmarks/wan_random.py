"""Random inputs and random weights of true shapes for timing Wan-Animate; nothing is read from a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import WanAnimateTransformer3DModel
from diffusers.models.transformers.transformer_wan_animate import WanRotaryPosEmbed

from motion_transfer.face_motion.lmd_weights import BLUR_TAPS
from motion_transfer.models.wan_animate.diffusers_files import kept_wide


@dataclass(frozen=True)
class Window:
    """Random inputs of one window, on the CPU, as the backend's caller has them."""

    size: str
    frames: np.ndarray  # uint8 [n,H,W,3]
    faces: np.ndarray  # uint8 [n,side,side,3]
    known: torch.Tensor  # [20,T+1,h,w]
    pose: torch.Tensor  # [16,T,h,w]
    noise: torch.Tensor  # [16,T+1,h,w]


def window_of(size: str, face_side: int) -> Window:
    width, height, frames = (int(v) for v in size.split("x"))
    if width % 16 or height % 16 or frames % 4 != 1:
        raise SystemExit(f"A window is WIDTHxHEIGHTxFRAMES, divisible by 16, 16 and 4k + 1; got {size}, 832x480x77 would do.")  # fmt: skip
    draw, dice = torch.Generator().manual_seed(0), np.random.default_rng(0)
    slots, h, w = (frames - 1) // 4 + 2, height // 8, width // 8
    known, pose, noise = (torch.randn(c, slots - (c == 16 and i == 1), h, w, generator=draw) for i, c in enumerate((20, 16, 16)))  # fmt: skip
    pictures = [dice.integers(0, 256, (frames, *shape, 3), dtype=np.uint8) for shape in ((height, width), (face_side, face_side))]  # fmt: skip
    return Window(size, pictures[0], pictures[1], known, pose, noise)


def shapes_only(config: dict) -> WanAnimateTransformer3DModel:
    with torch.device("meta"):
        return WanAnimateTransformer3DModel(**config).eval().requires_grad_(False)


def random_network(config: dict, dtype: torch.dtype, home: torch.device) -> WanAnimateTransformer3DModel:
    """diffusers' network with weights that keep numbers in range, norms and time in float32 as it keeps them."""
    net, state = shapes_only(config), {}
    torch.manual_seed(0)
    for name, shape in ((n, p.shape) for n, p in net.named_parameters()):
        weight = torch.empty(shape, dtype=torch.float32 if kept_wide(name) else dtype, device=home)
        if len(shape) == 1:
            weight.normal_(1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.02)
        else:  # the motion encoder scales by its fan-in itself
            weight.normal_(0.0, 1.0 if name.startswith("motion_encoder.") else shape[1:].numel() ** -0.5)
        state[name] = weight
    net.load_state_dict(state, assign=True)
    head = net.config["attention_head_dim"]
    net.rope = WanRotaryPosEmbed(head, (1, 2, 2), 1024).to(home)  # computed tables were lost on the meta device
    taps = torch.tensor(BLUR_TAPS, device=home)
    for module in net.motion_encoder.modules():
        if getattr(module, "blur", False):
            module.blur_kernel = torch.outer(taps, taps) / 64
    return net
