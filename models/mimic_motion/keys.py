"""What SVD's weights are called: by diffusers, as MimicMotion's files have them, and by the original, as ComfyUI has them.

Pure words. The UNet's map works both ways; VAE and CLIP are only read from the original's single file.
"""

from __future__ import annotations

from collections.abc import Iterator

_RESNET = (
    ("spatial_res_block.norm1", "in_layers.0"),
    ("spatial_res_block.conv1", "in_layers.2"),
    ("spatial_res_block.time_emb_proj", "emb_layers.1"),
    ("spatial_res_block.norm2", "out_layers.0"),
    ("spatial_res_block.conv2", "out_layers.3"),
    ("spatial_res_block.conv_shortcut", "skip_connection"),
    ("temporal_res_block.norm1", "time_stack.in_layers.0"),
    ("temporal_res_block.conv1", "time_stack.in_layers.2"),
    ("temporal_res_block.time_emb_proj", "time_stack.emb_layers.1"),
    ("temporal_res_block.norm2", "time_stack.out_layers.0"),
    ("temporal_res_block.conv2", "time_stack.out_layers.3"),
    ("temporal_res_block.conv_shortcut", "time_stack.skip_connection"),
    ("time_mixer", "time_mixer"),
)
_ATTENTION = (
    ("temporal_transformer_blocks", "time_stack"),
    ("transformer_blocks", "transformer_blocks"),
    ("time_pos_embed.linear_1", "time_pos_embed.0"),
    ("time_pos_embed.linear_2", "time_pos_embed.2"),
    ("time_mixer", "time_mixer"),
    ("norm", "norm"),
    ("proj_in", "proj_in"),
    ("proj_out", "proj_out"),
)


def _unet_modules() -> Iterator[tuple[str, str]]:
    """(diffusers, original) of every module that holds weights itself, or whose inner names are the same."""
    yield from (
        ("conv_in", "input_blocks.0.0"),
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("add_embedding.linear_1", "label_emb.0.0"),
        ("add_embedding.linear_2", "label_emb.0.2"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
    )
    resnets, attentions = [], []
    for block in range(4):
        for layer in range(2):
            resnets.append((f"down_blocks.{block}.resnets.{layer}", f"input_blocks.{3 * block + layer + 1}.0"))
            attentions.append((f"down_blocks.{block}.attentions.{layer}", f"input_blocks.{3 * block + layer + 1}.1"))
        for layer in range(3):
            resnets.append((f"up_blocks.{block}.resnets.{layer}", f"output_blocks.{3 * block + layer}.0"))
            attentions.append((f"up_blocks.{block}.attentions.{layer}", f"output_blocks.{3 * block + layer}.1"))
        if block < 3:
            yield f"down_blocks.{block}.downsamplers.0.conv", f"input_blocks.{3 * block + 3}.0.op"
            # Behind the attention, which the first block does not have.
            yield f"up_blocks.{block}.upsamplers.0.conv", f"output_blocks.{3 * block + 2}.{2 if block else 1}.conv"
    resnets += [("mid_block.resnets.0", "middle_block.0"), ("mid_block.resnets.1", "middle_block.2")]
    attentions.append(("mid_block.attentions.0", "middle_block.1"))
    for inner, places in ((_RESNET, resnets), (_ATTENTION, attentions)):
        for ours, theirs in places:
            yield from ((f"{ours}.{a}", f"{theirs}.{b}") for a, b in inner)


_UNET = dict(_unet_modules())
_UNET_BACK = {original: diffusers for diffusers, original in _UNET.items() if not original.endswith(".1.conv")} | {
    "output_blocks.2.1.conv": "up_blocks.0.upsamplers.0.conv"
}


def native_name(name: str) -> str | None:
    """diffusers' name of a weight of SVD's UNet as the original calls it; None where there is no such weight."""
    return _renamed(name, _UNET)


def diffusers_name(name: str) -> str | None:
    """The way back."""
    return _renamed(name, _UNET_BACK)


def _renamed(name: str, modules: dict[str, str]) -> str | None:
    parts = name.split(".")
    for k in range(len(parts) - 1, 0, -1):  # the longest module that is known
        if (new := modules.get(".".join(parts[:k]))) is not None:
            return ".".join([new, *parts[k:]])
    return None


_VAE_RES = {"nin_shortcut": "conv_shortcut"}
_VAE_TIME = {"in_layers.0": "norm1", "in_layers.2": "conv1", "out_layers.0": "norm2", "out_layers.3": "conv2"}
_VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
_VAE_WHOLE = {"norm_out": "conv_norm_out", "time_mix_conv": "time_conv_out"}


def vae_name(name: str) -> str:
    """diffusers' name of 'encoder. ...' or 'decoder. ...' of SVD's autoencoder as the original calls it."""
    side, *parts = name.split(".")
    leaf = parts[-1]
    if parts[0] in ("down", "up"):
        kind, block = parts[0], parts[1] if parts[0] == "down" else str(3 - int(parts[1]))  # ups are counted from below
        if parts[2] == "block":
            return f"{side}.{kind}_blocks.{block}.resnets.{parts[3]}.{_vae_resnet(side, '.'.join(parts[4:]))}"
        return f"{side}.{kind}_blocks.{block}.{kind}samplers.0.{'.'.join(parts[3:])}"
    if parts[0] == "mid":
        if parts[1] == "attn_1":
            return f"{side}.mid_block.attentions.0.{_VAE_ATTENTION[parts[2]]}.{leaf}"
        return f"{side}.mid_block.resnets.{int(parts[1][-1]) - 1}.{_vae_resnet(side, '.'.join(parts[2:]))}"
    if parts[:2] == ["conv_out", "time_mix_conv"]:
        return f"{side}.time_conv_out.{leaf}"
    return ".".join([side, _VAE_WHOLE.get(parts[0], parts[0]), *parts[1:]])


def _vae_resnet(side: str, rest: str) -> str:
    if rest == "mix_factor":
        return "time_mixer.mix_factor"
    if rest.startswith("time_stack."):
        module, leaf = rest.removeprefix("time_stack.").rsplit(".", 1)
        return f"temporal_res_block.{_VAE_TIME[module]}.{leaf}"
    module, leaf = rest.rsplit(".", 1)
    plain = f"{_VAE_RES.get(module, module)}.{leaf}"
    return f"spatial_res_block.{plain}" if side == "decoder" else plain


_CLIP = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight",
    "ln_pre": "pre_layrnorm",
    "ln_post": "post_layernorm",
}
_CLIP_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def clip_name(name: str) -> str | tuple[str, str, str]:
    """transformers' name (under 'vision_model.') of a weight of OpenCLIP's image tower ('visual.' taken off).

    Three names where one tensor holds queries, keys and values in a column; 'visual_projection.weight' is the
    transpose of OpenCLIP's 'proj'.
    """
    if name == "proj":
        return "visual_projection.weight"
    parts = name.split(".")
    if parts[0] == "transformer":
        layer, inner = f"vision_model.encoder.layers.{parts[2]}", ".".join(parts[3:])
        if inner in ("attn.in_proj_weight", "attn.in_proj_bias"):
            leaf = inner.rsplit("_", 1)[1]
            q, k, v = (f"{layer}.{part}.{leaf}" for part in QKV)
            return q, k, v
        module, leaf = inner.rsplit(".", 1)
        return f"{layer}.{_CLIP_LAYER.get(module, module)}.{leaf}"
    if name in _CLIP:
        return f"vision_model.{_CLIP[name]}"
    return ".".join(["vision_model", _CLIP.get(parts[0], parts[0]), *parts[1:]])
