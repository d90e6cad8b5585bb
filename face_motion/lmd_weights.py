"""The weights of the Linear Motion Decomposition encoder, found in whatever checkpoint has them.

Two layouts are published: the official one (ComfyUI's files have it too: `enc.net_app.convs.*`, `enc.fc.*`,
`dec.direction.weight`) and diffusers' (`res_blocks.*`, `motion_network.*`, `motion_synthesis_weight`). Here both
become diffusers' names in float32. Whatever stands before the names (`model.diffusion_model.motion_encoder.`) is
found out; fp8 tensors are multiplied by the scale beside them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import torch

from ..core import InputError

MARKS = {"official": "dec.direction.weight", "diffusers": "motion_synthesis_weight"}
"""Layout -> the one name that only this network has."""
SCALES = ("scale_weight", "weight_scale")
"""Beside `x.weight` in fp8 files: `x.scale_weight` (older) or `x.weight_scale` (newer); value = fp8 * scale."""
_NOT_WEIGHTS = ("scaled_fp8", "comfy_quant", "input_scale", "scale_input", *SCALES)
_FP8 = tuple(getattr(torch, n) for n in ("float8_e4m3fn", "float8_e5m2") if hasattr(torch, n))

_OFFICIAL_NAMES = (
    (r"enc\.net_app\.convs\.0\.0\.weight", "conv_in.weight"),
    (r"enc\.net_app\.convs\.0\.1\.bias", "conv_in.act_fn.bias"),
    (r"enc\.net_app\.convs\.(\d+)\.conv1\.0\.weight", "res_blocks.{}.conv1.weight"),
    (r"enc\.net_app\.convs\.(\d+)\.conv1\.1\.bias", "res_blocks.{}.conv1.act_fn.bias"),
    (r"enc\.net_app\.convs\.(\d+)\.conv2\.1\.weight", "res_blocks.{}.conv2.weight"),
    (r"enc\.net_app\.convs\.(\d+)\.conv2\.2\.bias", "res_blocks.{}.conv2.act_fn.bias"),
    (r"enc\.net_app\.convs\.(\d+)\.skip\.1\.weight", "res_blocks.{}.conv_skip.weight"),
    (r"enc\.net_app\.convs\.(\d+)\.weight", "conv_out.weight"),
    (r"enc\.fc\.(\d+)\.(weight|bias)", "motion_network.{}.{}"),
    (r"dec\.direction\.weight", "motion_synthesis_weight"),
)
_BLUR = re.compile(r"enc\.net_app\.convs\.\d+\.(conv2|skip)\.0\.kernel")
BLUR_TAPS = (1.0, 3.0, 3.0, 1.0)


def diffusers_name(official: str) -> str | None:
    """diffusers' name of an official one, both without `motion_encoder.`; None for the blur kernels, a constant.

    Raises KeyError for a name that the network does not have.
    """
    if _BLUR.fullmatch(official):
        return None
    for pattern, name in _OFFICIAL_NAMES:
        if found := re.fullmatch(pattern, official):
            numbers = list(found.groups())
            if name.startswith("res_blocks"):
                numbers[0] = str(int(numbers[0]) - 1)  # convs.0 is the 1x1 convolution in front of the blocks
            return name.format(*numbers)
    raise KeyError(official)


def lmd_tensors(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The encoder's weights out of a checkpoint, by diffusers' names without a prefix, float32 on the CPU.

    Names that do not stand where the encoder stands are not looked at; among those that do, a missing or an
    unknown one is an InputError that names it.
    """
    layout, prefix = _find(tensors)
    given = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
    result: dict[str, torch.Tensor] = {}
    unknown: list[str] = []
    for name, tensor in given.items():
        if name.rsplit(".", 1)[-1] in _NOT_WEIGHTS:
            continue
        try:
            new = diffusers_name(name) if layout == "official" else name
        except KeyError:
            unknown.append(prefix + name)
            continue
        if new is None:
            _check_blur(prefix + name, tensor)
            continue
        value = dequantised(tensor, scale_beside(name, given))
        result[new] = value.reshape(-1) if new.endswith("bias") else value  # official biases are 1 x C x 1 x 1
    wanted = expected_names(len({n.split(".")[1] for n in result if n.startswith("res_blocks.")}))
    missing = sorted(wanted - set(result))
    unknown += sorted(prefix + n for n in set(result) - wanted)
    if missing or unknown:
        raise InputError(f"The face encoder's weights ({layout} layout) do not fit: {_listed('missing', missing)}{_listed('unknown', unknown)}it takes the motion_encoder.* of one Wan-Animate checkpoint.")  # fmt: skip
    return result


def expected_names(num_blocks: int) -> set[str]:
    """diffusers' names of an encoder with that many residual blocks (7 for faces of 512 px)."""
    block = ("conv1.weight", "conv1.act_fn.bias", "conv2.weight", "conv2.act_fn.bias", "conv_skip.weight")
    return {
        "conv_in.weight",
        "conv_in.act_fn.bias",
        *(f"res_blocks.{i}.{n}" for i in range(num_blocks) for n in block),
        "conv_out.weight",
        *(f"motion_network.{i}.{n}" for i in range(5) for n in ("weight", "bias")),
        "motion_synthesis_weight",
    }


def scale_beside(name: str, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
    """The scale of an fp8 weight `x.weight`, None where there is none."""
    stem = name.removesuffix("weight")
    return next((tensors[stem + s] for s in SCALES if stem + s in tensors), None)


def dequantised(tensor: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    """float32 on the CPU; an fp8 tensor times its scale (a scale beside any other type means nothing)."""
    value = tensor.detach().to("cpu").to(torch.float32)
    if scale is None or tensor.dtype not in _FP8:
        return value
    scale = scale.detach().to("cpu", torch.float32)
    return value * (scale.reshape(-1, *[1] * (value.ndim - 1)) if scale.numel() > 1 else scale.reshape(()))


def short_hash(tensors: Mapping[str, torch.Tensor]) -> str:
    """12 hex digits of the float32 values, the same for both layouts."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{list(tensors[name].shape)}".encode())
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()[:12]


def _find(names: Iterable[str]) -> tuple[str, str]:
    for name in names:
        for layout, mark in MARKS.items():
            if name == mark or name.endswith("." + mark):
                return layout, name.removesuffix(mark)
    raise InputError("These weights have no face encoder (motion_encoder.*): they are not of Wan-Animate; wan2.2_animate_14B would do.")  # fmt: skip


def _check_blur(name: str, kernel: torch.Tensor) -> None:
    taps = torch.tensor(BLUR_TAPS)
    expected = torch.outer(taps, taps) / 64
    if kernel.shape != expected.shape or not torch.allclose(dequantised(kernel, None), expected, atol=1e-3):
        raise InputError(f"{name} is another blur than the [1, 3, 3, 1] of Wan-Animate's face encoder.")


def _listed(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{what} {', '.join(names[:4])}{more}; "
