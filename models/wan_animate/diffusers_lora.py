"""LoRAs are added into the weights once, before anything is projected from them, and what did not fit is told.

Read are the styles that Wan LoRAs come in: PEFT (`lora_A`/`lora_B`), Kijai's extractions (`lora_down`/`lora_up`, with
whole differences `.diff`, `.diff_b` for norms and biases), kohya (`lora_unet_blocks_0_self_attn_q`), each with
official or diffusers module names and any of the usual prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ...core import InputError
from .diffusers_files import WeightFiles
from .diffusers_keys import MODULES, PREFIXES, diffusers_modules

_DOWN = ("lora_A.default.weight", "lora_A.weight", "lora_down.weight")
_UP = ("lora_B.default.weight", "lora_B.weight", "lora_up.weight")
_DIFF, _DIFF_BIAS, _ALPHA = ("diff",), ("diff_b",), ("alpha",)
_KOHYA = "lora_unet_"


@dataclass(frozen=True)
class LoraReport:
    """What became of one file."""

    name: str
    strength: float
    num_applied: int
    """Modules of the network that were changed."""
    unmatched: tuple[str, ...]
    """Names in the file that mean nothing to this network."""
    misshapen: tuple[str, ...]
    """Names that exist here with another shape, such as the 16-channel patch embedding of a T2V extraction."""

    def __str__(self) -> str:
        left = [*self.unmatched, *self.misshapen]
        rest = f", {len(left)} left out: {', '.join(left[:3])}{' ...' if len(left) > 3 else ''}" if left else ""
        return f"{self.name} at {self.strength:g}: {self.num_applied} modules changed{rest}"


def add_lora(net: nn.Module, path: Path, strength: float = 1.0) -> LoraReport:
    """Adds `strength` times the LoRA to `net`, a diffusers Wan-Animate transformer whose weights are all there.

    Raises InputError where nothing in the file fits.
    """
    return add_lora_tensors(net, WeightFiles(path), path.name, strength)


@torch.no_grad()
def add_lora_tensors(net: nn.Module, tensors: Mapping[str, torch.Tensor], name: str, strength: float) -> LoraReport:
    groups: dict[str, dict[str, str]] = {}
    unmatched = []
    for key in tensors:
        module, part = _split(key)
        if part:
            groups.setdefault(module, {})[part] = key
        else:
            unmatched.append(key)
    misshapen, applied = [], 0
    for module, parts in groups.items():
        targets = _targets(module, net)
        if targets is None:
            unmatched.append(module)
            continue
        weight, bias = _differences(parts, tensors, module)
        fits = [
            add
            for what, delta in (("weight", weight), ("bias", bias))
            if delta is not None and (add := _fitting(net, targets, what, delta)) is not None
        ]
        if len(fits) < (weight is not None) + (bias is not None):
            misshapen.append(module)
        for add in fits:
            for parameter, delta in add:
                parameter.data = (parameter.float() + strength * delta.to(parameter.device)).to(parameter.dtype)
        applied += bool(fits)
    if not applied:
        raise InputError(f"{name} has nothing that fits Wan 2.2 Animate ({len(tensors)} tensors, such as {next(iter(tensors), 'none')}); LoRAs of Wan 2.1 I2V 14B fit.")  # fmt: skip
    return LoraReport(name, strength, applied, tuple(sorted(unmatched)), tuple(sorted(misshapen)))


def _split(key: str) -> tuple[str, str]:
    """(module, part) of one tensor's name; part '' where it is of no style known here."""
    for part, endings in (("down", _DOWN), ("up", _UP), ("diff", _DIFF), ("bias", _DIFF_BIAS), ("alpha", _ALPHA)):
        for ending in endings:
            if key.endswith("." + ending):
                return key[: -len(ending) - 1], part
    return key, ""


def _targets(module: str, net: nn.Module) -> tuple[str, ...] | None:
    """The network's modules that a LoRA's module means."""
    candidates = [module]
    while True:  # prefixes come stacked: base_model.model.diffusion_model.blocks...
        shorter = next((candidates[-1][len(p) :] for p in PREFIXES if p and candidates[-1].startswith(p)), None)
        if shorter is None:
            break
        candidates.append(shorter)
    for name in candidates:
        if name.startswith(_KOHYA):
            name = _kohya_names(net).get(name.removeprefix(_KOHYA), name)
        for names in (_official(name), (name,)):
            if names and all(_has(net, n) for n in names):
                return names
    return None


def _official(name: str) -> tuple[str, ...]:
    try:
        return diffusers_modules(name)
    except KeyError:
        return ()


def _has(net: nn.Module, name: str) -> bool:
    try:
        return net.get_submodule(name) is not None
    except AttributeError:
        return False


def _kohya_names(net: nn.Module) -> dict[str, str]:
    """`blocks_0_self_attn_q` -> `blocks.0.self_attn.q`: dots became underscores, which cannot be undone by rule."""
    count = len(net.get_submodule("blocks")._modules)
    names = [official.replace("{n}", str(n)) for official, _ in MODULES for n in range(count)]
    return {name.replace(".", "_"): name for name in names}


def _differences(
    parts: dict[str, str], tensors: Mapping[str, torch.Tensor], module: str
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """float32 differences of weight and bias."""
    weight = None
    if ("down" in parts) != ("up" in parts):
        raise InputError(f"The LoRA is damaged: {module} has only one of its two matrices.")
    if "down" in parts:
        down, up = tensors[parts["down"]].float(), tensors[parts["up"]].float()
        rank = down.shape[0]
        scale = float(tensors[parts["alpha"]]) / rank if "alpha" in parts else 1.0
        weight = (up.flatten(1) @ down.flatten(1) * scale).reshape(up.shape[0], *down.shape[1:])
    if "diff" in parts:
        whole = tensors[parts["diff"]].float()
        weight = whole if weight is None else weight + whole
    return weight, tensors[parts["bias"]].float() if "bias" in parts else None


def _fitting(
    net: nn.Module, targets: tuple[str, ...], what: str, delta: torch.Tensor
) -> list[tuple[nn.Parameter, torch.Tensor]] | None:
    """(parameter, its part of the difference) for every target; None where a shape is another."""
    pieces = delta.chunk(len(targets), dim=0)
    found = []
    for target, piece in zip(targets, pieces, strict=False):
        parameter = getattr(net.get_submodule(target), what, None)
        if parameter is None or len(pieces) != len(targets) or parameter.numel() != piece.numel():
            return None
        if parameter.shape != piece.shape and parameter.squeeze().shape != piece.squeeze().shape:
            return None
        found.append((parameter, piece.reshape(parameter.shape)))
    return found
