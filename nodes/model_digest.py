"""What can change the pixels that native models make, as a hash: the same after a restart, where object identities are not."""

from __future__ import annotations

from typing import Any

import torch

_SHARE = 64
"""First numbers of a tensor; they tell files apart, and gigabytes need not be read."""


def add_value(h: Any, value: Any, name: str = "") -> None:
    """A whole tensor or a plain value; what is neither counts by its name alone."""
    h.update(str(name).encode())
    if isinstance(value, torch.Tensor):
        plain = value.detach()
        h.update(repr((tuple(plain.shape), str(plain.dtype))).encode())
        h.update(plain.float().cpu().contiguous().numpy().tobytes())
    elif isinstance(value, str | int | float | bool | None):
        h.update(repr(value).encode())


def add_conditioning(h: Any, conditioning: Any) -> None:
    for tensor, values in conditioning:
        add_value(h, tensor)
        for name in sorted(values, key=str):
            add_value(h, values[name], name)


def add_sampler(h: Any, sampler: Any) -> None:
    """A SAMPLER of a wire, or None."""
    h.update(type(sampler).__name__.encode())
    if sampler is not None:
        function = getattr(sampler, "sampler_function", None)
        h.update(repr((getattr(function, "__name__", ""), getattr(sampler, "extra_options", {}))).encode())


def add_weights(h: Any, tensors: Any, endings: tuple[str, ...], most: int | None = None) -> None:
    """The first numbers of the tensors whose names end so, in the order of their names, `most` of them."""
    chosen = [name for name in sorted(tensors) if name.endswith(endings)]
    for name in chosen[:most]:
        add_value(h, tensors[name].reshape(-1)[:_SHARE], name)


def add_model(h: Any, model: Any, endings: tuple[str, ...]) -> None:
    """A MODEL: its network, precision, LoRAs, and the names of what has been hung into it."""
    add_weights(h, model.model.diffusion_model.state_dict(), endings)
    h.update(str(model.model.get_dtype()).encode())
    for key in sorted(model.patches, key=str):
        for strength, patch, model_strength, *_ in model.patches[key]:
            h.update(repr((key, strength, model_strength)).encode())
            _add_patch(h, patch)
    options = model.model_options.get("transformer_options", {})
    h.update(repr(sorted(k for k in options if k != "wrappers")).encode())
    h.update(repr(sorted(str(k) for k in options.get("wrappers", {}))).encode())


def _add_patch(h: Any, patch: Any) -> None:
    """A LoRA's tensors."""
    weights = getattr(patch, "weights", patch)
    for value in weights if isinstance(weights, list | tuple) else (weights,):
        if isinstance(value, torch.Tensor):
            add_value(h, value.reshape(-1)[:_SHARE])
        elif isinstance(value, list | tuple):
            _add_patch(h, value)
        else:
            add_value(h, value)
