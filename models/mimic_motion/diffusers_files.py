"""Weight files on disk become diffusers' and transformers' networks: SVD's UNet, its VAE and its CLIP.

Sizes are read off the tensors, so no configuration file is needed, and nothing is asked of the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import AutoencoderKLTemporalDecoder
from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from ...core import InputError, MissingWeights
from .files import Tensors, what_it_is
from .keys import clip_name, vae_name

HEAD_CHANNELS = 64
"""Of every attention of SVD's UNet; ViT-H has heads of 80."""
_CLIP_HEAD_CHANNELS = 80
_FIRST_STAGE, _ENCODER = "first_stage_model.", "conditioner.embedders.3.encoder."
_CLIP = "conditioner.embedders.0.open_clip.model.visual."


def build_unet(tensors: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> Any:
    """UNetSpatioTemporalConditionModel of tensors by diffusers' names; `name` for messages."""
    try:
        widths = tuple(
            int(tensors[f"down_blocks.{k}.resnets.0.spatial_res_block.conv1.weight"].shape[0]) for k in range(4)
        )
        context = int(tensors["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"].shape[1])
        told = int(tensors["add_embedding.linear_1.weight"].shape[1])
        inputs, outputs = int(tensors["conv_in.weight"].shape[1]), int(tensors["conv_out.weight"].shape[0])
    except KeyError as error:
        raise InputError(f"{name} is not SVD's UNet: it has no {error.args[0]}.") from None
    with torch.device("meta"):
        unet: Any = UNetSpatioTemporalConditionModel(
            in_channels=inputs,
            out_channels=outputs,
            block_out_channels=widths,
            cross_attention_dim=context,
            num_attention_heads=tuple(max(1, w // HEAD_CHANNELS) for w in widths),
            projection_class_embeddings_input_dim=told,
            addition_time_embed_dim=told // 3,
        )
    return _assigned(unet, tensors, name, "SVD's UNet", dtype)


def load_vae(svd: Path, dtype: torch.dtype) -> Any:
    """SVD's autoencoder from its single file or from the folder that is published for diffusers."""
    if svd.is_dir():
        file = _file_in(svd / "vae", "diffusion_pytorch_model")
        tensors: Mapping[str, Tensor] = Tensors(file)
    else:
        tensors = _vae_of_checkpoint(svd)
    try:
        widths = tuple(int(tensors[f"encoder.down_blocks.{k}.resnets.0.conv1.weight"].shape[0]) for k in range(4))
        latents = int(tensors["decoder.conv_in.weight"].shape[1])
    except KeyError as error:
        raise InputError(f"{svd.name} holds no VAE of SVD: there is no {error.args[0]}.") from None
    with torch.device("meta"):
        vae: Any = AutoencoderKLTemporalDecoder(
            down_block_types=("DownEncoderBlock2D",) * len(widths),  # pyright: ignore[reportArgumentType]
            block_out_channels=widths,  # pyright: ignore[reportArgumentType]
            layers_per_block=2,
            latent_channels=latents,
        )
    return _assigned(vae, tensors, svd.name, "SVD's VAE", dtype)


def _vae_of_checkpoint(svd: Path) -> dict[str, Tensor]:
    found = Tensors(svd)
    # The encoder that the reference went through in training has its own place, with the 1x1 convolution behind it
    # that the first stage lacks.
    encoder = f"{_ENCODER}encoder."
    own = [n for n in found if n.startswith(encoder)]
    if own:
        tensors = {vae_name("encoder." + n.removeprefix(encoder)): found[n] for n in own}
        tensors |= {n.removeprefix(_ENCODER): found[n] for n in found if n.startswith(f"{_ENCODER}quant_conv.")}
    else:
        first = f"{_FIRST_STAGE}encoder."
        tensors = {vae_name(n.removeprefix(_FIRST_STAGE)): found[n] for n in found if n.startswith(first)}
    decoder = f"{_FIRST_STAGE}decoder."
    tensors |= {vae_name(n.removeprefix(_FIRST_STAGE)): found[n] for n in found if n.startswith(decoder)}
    if not tensors:
        raise InputError(f"{svd.name} is no checkpoint of SVD: {what_it_is(found)}; svd_xt_1_1.safetensors would do.")
    for name, value in list(tensors.items()):
        if ".attentions." in name and value.ndim == 4:  # a 1x1 convolution there, a linear layer here
            tensors[name] = value[:, :, 0, 0]
    if "quant_conv.weight" not in tensors and "encoder.conv_out.weight" in tensors:
        channels = tensors["encoder.conv_out.weight"].shape[0]
        tensors["quant_conv.weight"] = torch.eye(channels)[:, :, None, None]
        tensors["quant_conv.bias"] = torch.zeros(channels)
    return tensors


def load_clip(svd: Path) -> Any:
    """SVD's picture encoder with its projection, in float32."""
    if svd.is_dir():
        tensors: dict[str, Tensor] = dict(Tensors(_file_in(svd / "image_encoder", "model")))
    else:
        tensors = _clip_of_checkpoint(svd)
    tensors.pop("vision_model.embeddings.position_ids", None)
    layers = "vision_model.encoder.layers."
    try:
        hidden = int(tensors["vision_model.embeddings.class_embedding"].shape[0])
        patch = int(tensors["vision_model.embeddings.patch_embedding.weight"].shape[-1])
        grid = round((tensors["vision_model.embeddings.position_embedding.weight"].shape[0] - 1) ** 0.5)
        config = CLIPVisionConfig(
            hidden_size=hidden,
            intermediate_size=int(tensors[f"{layers}0.mlp.fc1.weight"].shape[0]),
            num_hidden_layers=1 + max(int(n.split(".")[3]) for n in tensors if n.startswith(layers)),
            num_attention_heads=max(1, hidden // _CLIP_HEAD_CHANNELS),
            image_size=grid * patch,
            patch_size=patch,
            projection_dim=int(tensors["visual_projection.weight"].shape[0]),
            hidden_act="gelu",
        )
    except KeyError as error:
        raise InputError(f"{svd.name} holds no CLIP of SVD: there is no {error.args[0]}.") from None
    with torch.device("meta"):
        clip: Any = CLIPVisionModelWithProjection(config)
    _assigned(clip, tensors, svd.name, "SVD's CLIP", torch.float32)
    clip.vision_model.embeddings.position_ids = torch.arange(grid * grid + 1)[None]  # computed, so lost on meta
    return clip


def _clip_of_checkpoint(svd: Path) -> dict[str, Tensor]:
    found, tensors = Tensors(svd), {}
    for name in (n for n in found if n.startswith(_CLIP)):
        value, new = found[name], clip_name(name.removeprefix(_CLIP))
        if isinstance(new, tuple):
            tensors |= dict(zip(new, value.chunk(3), strict=True))
        else:
            tensors[new] = value.T.contiguous() if new == "visual_projection.weight" else value
    return tensors


def _file_in(folder: Path, stem: str) -> Path:
    for name in (f"{stem}.safetensors", f"{stem}.fp16.safetensors"):
        if (folder / name).is_file():
            return folder / name
    raise MissingWeights(f"{folder} has no {stem}.safetensors; the folder of SVD is not complete.")


def _assigned(net: nn.Module, tensors: Mapping[str, Tensor], name: str, what: str, dtype: torch.dtype) -> Any:
    wanted = {n: tuple(t.shape) for n, t in net.state_dict().items() if t.is_floating_point()}
    odd = sorted(set(wanted) ^ set(tensors))
    if not odd:
        odd = sorted(n for n in wanted if tuple(tensors[n].shape) != wanted[n])
    if odd:
        raise InputError(f"{name} does not fit {what}: {', '.join(odd[:3])}.")
    net.load_state_dict({n: tensors[n].to(dtype) for n in wanted}, strict=False, assign=True)
    return net.eval().requires_grad_(False)
