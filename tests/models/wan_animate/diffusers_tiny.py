"""Tiny Wan-Animate networks with random weights, and the files that they are published in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanAnimateTransformer3DModel
from safetensors.torch import save_file

from motion_transfer.face_motion.lmd_weights import diffusers_name
from motion_transfer.models.wan_animate.diffusers_keys import official_tensor, official_vae_tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "face_motion"))
from stock_lmd import FEW, random_official

FACE_SIDE = 16
HEADS, HEAD_SIZE = 4, 24
TEXT, PICTURE, MOTION = 32, 40, 64
SIZES = {
    "num_attention_heads": HEADS,
    "attention_head_dim": HEAD_SIZE,
    "text_dim": TEXT,
    "ffn_dim": 64,
    "num_layers": 6,
    "image_dim": PICTURE,
    "added_kv_proj_dim": HEADS * HEAD_SIZE,
    "motion_encoder_size": FACE_SIDE,
    "motion_style_dim": MOTION,
    "motion_encoder_dim": MOTION,
    "motion_encoder_channel_sizes": {str(k): v for k, v in FEW.items()},
    "face_encoder_hidden_dim": 24,
    "inject_face_latents_blocks": 3,
}


def tiny_transformer(seed: int = 0, **other: object) -> WanAnimateTransformer3DModel:
    """diffusers' own class; norms and biases are random too, or swapping two of them would not show."""
    torch.manual_seed(seed)
    net = WanAnimateTransformer3DModel(**{**SIZES, **other}).eval().requires_grad_(False)
    for name, parameter in net.named_parameters():
        if parameter.ndim == 1:
            is_norm = "norm" in name and name.endswith("weight")
            torch.nn.init.normal_(parameter, mean=1.0 if is_norm else 0.0, std=0.2)
    torch.nn.init.normal_(net.face_encoder.padding_tokens, std=0.2)
    return net


def official_state(net: WanAnimateTransformer3DModel) -> dict[str, torch.Tensor]:
    """Its weights under official names: what ComfyUI's files hold."""
    face = {diffusers_name(k): k for k in random_official(int(net.config["motion_encoder_size"]), style=MOTION)}
    state: dict[str, torch.Tensor] = {}
    for name, tensor in net.state_dict().items():
        if name.startswith("motion_encoder."):
            key = face[name.removeprefix("motion_encoder.")]
            is_act_bias = ".enc.fc." not in f".{key}" and key.endswith("bias")
            state[f"motion_encoder.{key}"] = tensor.view(1, -1, 1, 1).clone() if is_act_bias else tensor
        else:
            key = official_tensor(name)
            # K comes before V in the state dict of a face block.
            state[key] = torch.cat([state[key], tensor]) if "linear1_kv" in key and key in state else tensor
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    for key in random_official(int(net.config["motion_encoder_size"]), style=MOTION):
        if key.endswith(".kernel"):
            state[f"motion_encoder.{key}"] = torch.outer(taps, taps) / 64
    return state


def tiny_vae(base: int = 8, seed: int = 0) -> AutoencoderKLWan:
    torch.manual_seed(seed)
    return AutoencoderKLWan(base_dim=base).eval().requires_grad_(False)


def official_vae_state(vae: AutoencoderKLWan) -> dict[str, torch.Tensor]:
    return {official_vae_tensor(name): tensor for name, tensor in vae.state_dict().items()}


def saved(state: dict[str, torch.Tensor], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.clone().contiguous() for k, v in state.items()}, str(path))
    return path


def sharded(state: dict[str, torch.Tensor], folder: Path, pieces: int = 3) -> Path:
    """The same in several files and an index, as large models are published."""
    names = sorted(state)
    where = {name: f"diffusion_pytorch_model-{i % pieces + 1:05d}-of-{pieces:05d}.safetensors" for i, name in enumerate(names)}  # fmt: skip
    for file in set(where.values()):
        saved({n: state[n] for n in names if where[n] == file}, folder / file)
    index = {"metadata": {}, "weight_map": where}
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    return folder
