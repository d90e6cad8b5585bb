"""Which motion module a file holds, told from its tensors' names and shapes; a file of another kind is named.

Known: guoyww's v1, v2, v3 and SDXL beta, whatever was trained in their layout (TemporalDiff is a v1), and the same in
diffusers' naming (MotionAdapter). Nothing else is taken: every tensor must be there, none may be left over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...core import InputError
from .motion_module import Attend, MotionLayout, MotionNet, plain_attention, positions

SD15_WIDTHS, SDXL_WIDTHS = (320, 640, 1280, 1280), (320, 640, 1280)
NEWER_PLACES = 32

_FROM_DIFFUSERS = (
    (".attn1.", ".attention_blocks.0."),
    (".attn2.", ".attention_blocks.1."),
    (".norm1.", ".norms.0."),
    (".norm2.", ".norms.1."),
    (".norm3.", ".ff_norm."),
)

# What else people have in these folders: (part of a name, what such a file is), the first that fits.
_OTHERS = (
    ("model.diffusion_model.", "a whole checkpoint"),
    ("processor.to_q_lora", "a motion LoRA or v3's domain adapter, which go onto a motion module"),
    ("_lora.", "a motion LoRA, which goes onto a motion module"),
    ("lora_", "a LoRA"),
    ("controlnet_", "a ControlNet or a SparseCtrl encoder"),
    ("control_model.", "a ControlNet"),
    ("input_hint_block", "a ControlNet"),
    ("temporal_attentions", "a HotshotXL module, which is another model"),
    ("encoder_down_conv_blocks", "a CameraCtrl pose encoder"),
    ("ip_adapter", "an IP-Adapter"),
    ("image_proj", "an IP-Adapter"),
    ("first_stage_model", "a VAE"),
    ("quant_conv", "a VAE"),
    ("text_model.", "a text encoder"),
)


def published_names(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors under the names of the published files, from any naming that is known."""
    named = {name.removeprefix("module."): value for name, value in tensors.items() if hasattr(value, "shape")}
    if not any(".attn1." in name and "motion_modules." in name for name in named):
        return named
    out = {}
    for name, value in named.items():
        for theirs, ours in _FROM_DIFFUSERS:
            name = name.replace(theirs, ours)
        parts = name.split(".")
        if "motion_modules" in parts:
            parts.insert(parts.index("motion_modules") + 2, "temporal_transformer")
        name = ".".join(parts)
        if name.endswith(".pos_embed.pe"):
            for k in (0, 1):
                out[name.replace(".pos_embed.pe", f".attention_blocks.{k}.pos_encoder.pe")] = value
        else:
            out[name] = value
    return out


def read_layout(tensors: Mapping[str, Any], file: str) -> MotionLayout:
    """What the tensors (under their published names) make; `file` is for the message.

    Raises InputError that says what the file seems to be instead.
    """
    names = list(tensors)
    if not any("motion_modules." in name for name in names):
        raise InputError(f"{file} is no motion module: it seems to be {_what_else(names)}.")
    widths = []
    while (weight := tensors.get(f"down_blocks.{len(widths)}.{_FIRST}norm.weight")) is not None:
        widths.append(int(weight.shape[0]))
    has_mid = any(name.startswith("mid_block.") for name in names)
    tables = {int(v.shape[1]) for name, v in tensors.items() if name.endswith("pos_encoder.pe")}
    if len(tables) > 1 or len(widths) not in (3, 4) or any(w % 32 for w in widths):
        raise InputError(f"{file} is no motion module that is known: it seems to be {_what_else(names)}.")
    places = tables.pop() if tables else NEWER_PLACES
    kind = "sdxl" if len(widths) == 3 else "v2" if has_mid else "v3" if places >= NEWER_PLACES else "v1"
    return MotionLayout(kind, tuple(widths), has_mid, places)


def build(tensors: Mapping[str, Any], file: str, ops: Any = torch.nn, attend: Attend = plain_attention) -> MotionNet:
    """The network of a motion file, loaded strictly, in the file's own precision.

    Raises InputError that names what is missing, left over, or of another shape.
    """
    named = published_names(tensors)
    layout = read_layout(named, file)
    with torch.device("meta"):
        net = MotionNet(layout, ops, attend)
    wanted = net.state_dict()
    for name in wanted:  # older files have the table, newer ones may leave it out
        if name.endswith("pos_encoder.pe") and name not in named:
            named[name] = positions(layout.places, wanted[name].shape[2])
    missing = sorted(set(wanted) - set(named))
    extra = sorted(set(named) - set(wanted))
    if missing or extra:
        lacks = f"it lacks {_some(missing)}" if missing else ""
        holds = f"it also holds {_some(extra)}" if extra else ""
        seems = f" It seems to be {_what_else(extra)}." if extra and _what_else(extra) else ""
        raise InputError(
            f"{file} is not a whole motion module {layout.kind}: {' and '.join(w for w in (lacks, holds) if w)}.{seems}"
        )
    for name, value in wanted.items():
        if tuple(named[name].shape) != tuple(value.shape):
            raise InputError(
                f"{file} is not a motion module {layout.kind}: {name} is {list(named[name].shape)}, "
                f"not {list(value.shape)}."
            )
    net.load_state_dict(named, strict=True, assign=True)
    return net.eval().requires_grad_(False)


_FIRST = "motion_modules.0.temporal_transformer."


def _what_else(names: Sequence[str]) -> str:
    for part, what in _OTHERS:
        if any(part in name for name in names):
            return what
    if any("motion_modules." in name for name in names):
        return "a motion module of another layout"
    return f"a file of {len(names)} tensors such as {names[0]}" if names else "empty"


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} tensors such as {names[0]}"
