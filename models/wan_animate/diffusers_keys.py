"""What the tensors of Wan-Animate and of the Wan 2.1 VAE are called: officially (ComfyUI too), and by diffusers.

The tables pair modules, not tensors, because LoRAs speak of modules; `{n}` is a number that both names share. The
tails (`.weight`, `.bias`, `.gamma`) are the same on both sides. Two modules have no single partner: the face
adapter's `linear1_kv` is cut in two, and the VAE's up-sampling list is counted differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SELF = [("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("o", "to_out.0"), ("norm_q", "norm_q"), ("norm_k", "norm_k")]
_CROSS = [*_SELF, ("k_img", "add_k_proj"), ("v_img", "add_v_proj"), ("norm_k_img", "norm_added_k")]
_EMBED = "condition_embedder"

MODULES = [
    ("patch_embedding", "patch_embedding"),
    ("pose_patch_embedding", "pose_patch_embedding"),
    ("text_embedding.0", f"{_EMBED}.text_embedder.linear_1"),
    ("text_embedding.2", f"{_EMBED}.text_embedder.linear_2"),
    ("time_embedding.0", f"{_EMBED}.time_embedder.linear_1"),
    ("time_embedding.2", f"{_EMBED}.time_embedder.linear_2"),
    ("time_projection.1", f"{_EMBED}.time_proj"),
    ("img_emb.proj.0", f"{_EMBED}.image_embedder.norm1"),
    ("img_emb.proj.1", f"{_EMBED}.image_embedder.ff.net.0.proj"),
    ("img_emb.proj.3", f"{_EMBED}.image_embedder.ff.net.2"),
    ("img_emb.proj.4", f"{_EMBED}.image_embedder.norm2"),
    *((f"blocks.{{n}}.self_attn.{a}", f"blocks.{{n}}.attn1.{b}") for a, b in _SELF),
    *((f"blocks.{{n}}.cross_attn.{a}", f"blocks.{{n}}.attn2.{b}") for a, b in _CROSS),
    ("blocks.{n}.norm3", "blocks.{n}.norm2"),  # the one norm with weights; diffusers numbers it by its place
    ("blocks.{n}.ffn.0", "blocks.{n}.ffn.net.0.proj"),
    ("blocks.{n}.ffn.2", "blocks.{n}.ffn.net.2"),
    ("head.head", "proj_out"),
    ("face_encoder.conv1_local.conv", "face_encoder.conv1_local"),
    ("face_encoder.conv2.conv", "face_encoder.conv2"),
    ("face_encoder.conv3.conv", "face_encoder.conv3"),
    ("face_encoder.out_proj", "face_encoder.out_proj"),
    ("face_adapter.fuser_blocks.{n}.linear1_q", "face_adapter.{n}.to_q"),
    ("face_adapter.fuser_blocks.{n}.linear2", "face_adapter.{n}.to_out"),
    ("face_adapter.fuser_blocks.{n}.q_norm", "face_adapter.{n}.norm_q"),
    ("face_adapter.fuser_blocks.{n}.k_norm", "face_adapter.{n}.norm_k"),
]
"""(official, diffusers)"""
PARAMETERS = [
    ("blocks.{n}.modulation", "blocks.{n}.scale_shift_table"),
    ("head.modulation", "scale_shift_table"),
    ("face_encoder.padding_tokens", "face_encoder.padding_tokens"),
]
FACE_KV = ("face_adapter.fuser_blocks.{n}.linear1_kv", ("face_adapter.{n}.to_k", "face_adapter.{n}.to_v"))
"""First half of the rows K, second V."""

_RESIDUAL = [("residual.0", "norm1"), ("residual.2", "conv1"), ("residual.3", "norm2"), ("residual.6", "conv2"),
             ("shortcut", "conv_shortcut")]  # fmt: skip
_SIDES = ("encoder", "decoder")
VAE_MODULES = [
    ("conv1", "quant_conv"),
    ("conv2", "post_quant_conv"),
    *((f"{s}.conv1", f"{s}.conv_in") for s in _SIDES),
    *((f"{s}.head.0", f"{s}.norm_out") for s in _SIDES),
    *((f"{s}.head.2", f"{s}.conv_out") for s in _SIDES),
    *((f"{s}.middle.1.{m}", f"{s}.mid_block.attentions.0.{m}") for s in _SIDES for m in ("norm", "to_qkv", "proj")),
    *((f"{s}.middle.{2 * i}.{a}", f"{s}.mid_block.resnets.{i}.{b}") for s in _SIDES for i in (0, 1) for a, b in _RESIDUAL),
    *((f"encoder.downsamples.{{n}}.{a}", f"encoder.down_blocks.{{n}}.{b}") for a, b in _RESIDUAL),
    *((f"encoder.downsamples.{{n}}.{m}", f"encoder.down_blocks.{{n}}.{m}") for m in ("resample.1", "time_conv")),
    # Four stages of three residual blocks, each but the last with an up-sampler: 0 1 2 [3] 4 5 6 [7] ...
    *((f"decoder.upsamples.{4 * i + j}.{a}", f"decoder.up_blocks.{i}.resnets.{j}.{b}")
      for i in range(4) for j in range(3) for a, b in _RESIDUAL),
    *((f"decoder.upsamples.{4 * i + 3}.{m}", f"decoder.up_blocks.{i}.upsamplers.0.{m}")
      for i in range(3) for m in ("resample.1", "time_conv")),
]  # fmt: skip

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "model.", "transformer.", "base_model.model.", "")
"""What loaders and savers put in front of the names."""


class Names:
    """One direction through a table of pairs."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._exact: dict[str, str] = {}
        self._numbered: dict[str, str] = {}
        for old, new in pairs:
            (self._numbered if "{n}" in old else self._exact)[old] = new

    def __getitem__(self, name: str) -> str:
        """The partner; KeyError where there is none."""
        if name in self._exact:
            return self._exact[name]
        number = re.search(r"(?<=\.)\d+(?=\.)", name)  # the first number is the one that both names share
        if number is None:
            raise KeyError(name)
        new = self._numbered[f"{name[: number.start()]}{{n}}{name[number.end() :]}"]
        return new.replace("{n}", number.group())


_TO_DIFFUSERS, _TO_OFFICIAL = Names(MODULES), Names((b, a) for a, b in MODULES)
_PARAMETERS_TO_DIFFUSERS, _PARAMETERS_TO_OFFICIAL = Names(PARAMETERS), Names((b, a) for a, b in PARAMETERS)
_VAE_TO_DIFFUSERS, _VAE_TO_OFFICIAL = Names(VAE_MODULES), Names((b, a) for a, b in VAE_MODULES)
_KV = Names([(FACE_KV[0], "face_adapter.{n}")])


def diffusers_modules(official: str) -> tuple[str, ...]:
    """diffusers' module for an official one of the transformer: two (K, V) for `linear1_kv`. Raises KeyError."""
    try:
        return (_TO_DIFFUSERS[official],)
    except KeyError:
        stem = _KV[official]
        return f"{stem}.to_k", f"{stem}.to_v"


def diffusers_tensors(official: str) -> tuple[str, ...]:
    """diffusers' tensors for an official one of the transformer, motion encoder apart. Raises KeyError."""
    try:
        return (_PARAMETERS_TO_DIFFUSERS[official],)
    except KeyError:
        module, _, tail = official.rpartition(".")
        return tuple(f"{m}.{tail}" for m in diffusers_modules(module))


def official_tensor(diffusers: str) -> str:
    """The other way; K and V of a face block both give `linear1_kv`. Raises KeyError."""
    try:
        return _PARAMETERS_TO_OFFICIAL[diffusers]
    except KeyError:
        module, _, tail = diffusers.rpartition(".")
        if found := re.fullmatch(r"face_adapter\.(\d+)\.to_[kv]", module):
            return f"{FACE_KV[0].format(n=found.group(1))}.{tail}"
        return f"{_TO_OFFICIAL[module]}.{tail}"


def diffusers_vae_tensor(official: str) -> str:
    """Raises KeyError for a name that is not of the Wan 2.1 VAE."""
    module, _, tail = official.rpartition(".")
    return f"{_VAE_TO_DIFFUSERS[module]}.{tail}"


def official_vae_tensor(diffusers: str) -> str:
    module, _, tail = diffusers.rpartition(".")
    return f"{_VAE_TO_OFFICIAL[module]}.{tail}"
