"""ViTPose for whole bodies in plain torch, so that half precision and a host's own memory management apply.

A vision transformer (patches of 16 px with 2 px of padding, class position added to all others), two up-convolutions
and a 1 x 1 convolution to 133 maps. Key names are those of mmpose's checkpoints, as easy_ViTPose and ViTAE publish
them; whole ViTPose+ checkpoints with experts for six data sets are understood as well. Written from the papers
(arXiv 2204.12484, 2212.04246) and the published shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..core import InputError, UsageError
from .network_files import file_id
from .vitpose import JOINTS, SHAPE, Crop, Fill, estimate_with

_PATCH_PX, _PATCH_PADDING_PX = 16, 2
_ROWS, _COLUMNS = SHAPE[1] // _PATCH_PX, SHAPE[2] // _PATCH_PX
_EPSILON = 1e-6
_HEADS = {384: 12, 768: 12, 1024: 16, 1280: 16}
"""By width, for S, B, L, H: all whole-body configurations of ViTAE-Transformer/ViTPose."""
_WIDTHS = {"vitpose-s": 384, "vitpose-b": 768, "vitpose-l": 1024, "vitpose-h": 1280}
_WHOLE_BODY_EXPERT, _WHOLE_BODY_HEAD = 5, 4  # of ViTPose+: COCO, AIC, MPII, AP-10K, APT-36K, whole body
_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_BATCH_ON_CPU, _BATCH_ON_CARD = 4, 16


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x_BNC: torch.Tensor) -> torch.Tensor:
        batch, n, width = x_BNC.shape
        q, k, v = self.qkv(x_BNC).view(batch, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # each B H N D
        out = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(out.transpose(1, 2).reshape(batch, n, width))


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = _Mlp(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _PatchEmbed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, _PATCH_PX, _PATCH_PX, _PATCH_PADDING_PX)


class _Backbone(nn.Module):
    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.patch_embed = _PatchEmbed(width)
        self.pos_embed = nn.Parameter(torch.zeros(1, _ROWS * _COLUMNS + 1, width))
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.last_norm = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, planes_B3HW: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed.proj(planes_B3HW).flatten(2).transpose(1, 2)  # B N C
        x = x + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        for block in self.blocks:
            x = block(x)
        return self.last_norm(x).transpose(1, 2).unflatten(2, (_ROWS, _COLUMNS))  # B C 16 12


class _Head(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (width, 256):
            layers += [nn.ConvTranspose2d(channels, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU()]
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(256, JOINTS, 1)


class VitPoseModule(nn.Module):
    """Normalised crops `[n,3,256,192]` to heat maps `[n,133,64,48]`."""

    def __init__(self, width: int, depth: int, heads: int | None = None) -> None:
        super().__init__()
        self.backbone = _Backbone(width, depth, heads or _HEADS[width])
        self.keypoint_head = _Head(width)

    def forward(self, planes_B3HW: torch.Tensor) -> torch.Tensor:
        head = self.keypoint_head
        return head.final_layer(head.deconv_layers(self.backbone(planes_B3HW)))


class VitPoseTorch:
    """A `PoseNetwork`; works where its `module` is when frames are given."""

    def __init__(self, module: VitPoseModule, identity: str, *, crop: Crop = "exact") -> None:
        self.module = module
        self._crop: Crop = crop
        self.id = identity + ("" if crop == "exact" else f"/{crop}")

    @property
    def provider(self) -> str:
        weight = self.module.keypoint_head.final_layer.weight
        return f"torch {weight.device} {_NAMES.get(weight.dtype, weight.dtype)}"

    def estimate(self, frames: np.ndarray, boxes: np.ndarray, frame_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return estimate_with(self._maps, frames, boxes, frame_of, self._crop)

    def _maps(self, count: int, fill: Fill) -> np.ndarray:
        weight = self.module.keypoint_head.final_layer.weight
        batch = _BATCH_ON_CPU if weight.device.type == "cpu" else _BATCH_ON_CARD
        parts = []
        with torch.inference_mode():
            for start in range(0, count, batch):
                planes = np.empty((min(batch, count - start), *SHAPE), np.float32)
                for k in range(len(planes)):
                    fill(planes[k], start + k)
                maps = self.module(torch.from_numpy(planes).to(weight.device, weight.dtype))
                parts.append(maps.float().cpu().numpy())
        return np.concatenate(parts)

    def close(self) -> None:
        self.__dict__.pop("module", None)


def open_vitpose_torch(
    path: Path,
    name: str,
    device: str,
    note: Callable[[str], None] | None = None,
    *,
    precision: str = "auto",
    crop: Crop = "exact",
) -> VitPoseTorch:
    """The network `name` from a `.pth` or `.safetensors` file on `device`.

    `precision` 'auto' is fp16 on a graphics card and fp32 on the processor; fp16, bf16, fp32 may be asked for. Where
    torch has no such device `note` is told, or UsageError raised. InputError names keys and shapes that do not fit.
    """
    if precision not in ("auto", *_DTYPES):
        raise UsageError(f"precision is {precision!r}; there are auto, {', '.join(_DTYPES)}.")
    place = _device(device, path, note)
    module = module_from(read_state(path), path, name)
    dtype = _DTYPES[("fp32" if place.type == "cpu" else "fp16") if precision == "auto" else precision]
    return VitPoseTorch(module.to(place, dtype).eval().requires_grad_(False), file_id(name, path), crop=crop)


def _device(device: str, path: Path, note: Callable[[str], None] | None) -> torch.device:
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        if note is None:
            raise UsageError(f"{path.name} cannot run on {device}: {reason}") from None
        note(f"{path.name} runs on the processor, not on {device}: {reason}")
        place = torch.device("cpu")
    return place


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a `.safetensors` file or of a torch checkpoint, of which nothing but tensors is read."""
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch and safetensors raise what they please
        reason = str(error).strip().splitlines()
        raise InputError(
            f"{path} ({size}) is damaged, cut short or no file of weights; get it again. "
            f"The reader says: {reason[0][:160] if reason else type(error).__name__}"
        ) from None
    while isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise InputError(f"{path.name} ({size}) holds {type(found).__name__}, not the weights of a ViTPose.")
    return dict(found)


def module_from(state: Mapping[str, torch.Tensor], path: Path, name: str) -> VitPoseModule:
    """The module whose sizes the weights tell; InputError names what does not fit."""
    state = _whole_body_of({key.removeprefix("module."): value for key, value in state.items()})
    position = state.get("backbone.pos_embed")
    blocks = {key.split(".")[2] for key in state if key.startswith("backbone.blocks.")}
    if position is None or not blocks:
        some = ", ".join(list(state)[:3]) or "nothing"
        raise InputError(
            f"{path.name} is no ViTPose: backbone.pos_embed and backbone.blocks.* wanted, {some} ... found."
        )
    width, wanted = position.shape[-1], _WIDTHS.get(name)
    if width not in _HEADS or (wanted is not None and width != wanted):
        sizes = {w: n for n, w in _WIDTHS.items()}
        raise InputError(
            f"{path.name} is no {name}: width {wanted} wanted, {width} ({sizes.get(width, 'none of ours')}) found."
        )
    joints = state.get("keypoint_head.final_layer.weight")
    if joints is not None and joints.shape[0] != JOINTS:
        raise InputError(f"{path.name} finds {joints.shape[0]} joints; a whole-body file with {JOINTS} is wanted.")
    with torch.device("meta"):
        module = VitPoseModule(width, len(blocks))
    mine = module.state_dict()
    missing = [key for key in mine if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in mine]
    other = [key for key in mine if key in state and state[key].shape != mine[key].shape]
    if missing or unknown or other:
        parts = [f"{len(keys)} {what} ({keys[0]})" for keys, what in
                 ((missing, "missing"), (unknown, "unknown"), (other, "of another shape")) if keys]  # fmt: skip
        raise InputError(f"{path.name} does not fit {name}: keys {', '.join(parts)}.")
    full = {
        key: state[key].float() if key in state and state[key].is_floating_point() else state.get(key, torch.tensor(0))
        for key in mine
    }
    module.load_state_dict(full, assign=True)
    return module


def _whole_body_of(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Without what ViTPose+ has for its other data sets; with the whole body's expert and head where they are apart."""
    heads = [key for key in state if key.startswith(f"associate_keypoint_heads.{_WHOLE_BODY_HEAD}.")]
    final = state.get("keypoint_head.final_layer.weight")
    taken = dict(state)
    if heads and (final is None or final.shape[0] != JOINTS):
        for key in heads:
            value = state[key]
            last = key.rpartition("final_layer.")[2] in ("weight", "bias")
            taken["keypoint_head." + key.split(".", 2)[2]] = value[:JOINTS] if last else value
    for key in list(taken):
        if ".mlp.fc2." in key:
            expert = state.get(key.replace("fc2.", f"experts.{_WHOLE_BODY_EXPERT}."))
            width = state["backbone.pos_embed"].shape[-1] if "backbone.pos_embed" in state else 0
            if expert is not None and taken[key].shape[0] + expert.shape[0] == width:
                taken[key] = torch.cat([taken[key], expert])
    return {
        k: v for k, v in taken.items() if ".mlp.experts." not in k and not k.startswith("associate_keypoint_heads.")
    }
