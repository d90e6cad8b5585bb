"""Weight files on disk become diffusers' networks: the transformer and the VAE, from any of the published layouts.

Sizes are read off the tensors, so no configuration file is needed. Tensors are read one by one; a file is never in
memory twice. fp8 tensors are multiplied by the scale beside them. Pickles are opened with `weights_only` alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan_animate import WanRotaryPosEmbed
from safetensors import SafetensorError, safe_open
from torch import nn

from ...core import InputError, MissingWeights
from ...face_motion.lmd_weights import SCALES, dequantised, scale_beside
from .diffusers_keys import PREFIXES, diffusers_tensors, diffusers_vae_tensor
from .diffusers_net import CachedWanAnimate

PICKLES = (".pth", ".pt", ".ckpt", ".bin")
_MARKERS = ("scaled_fp8", "comfy_quant", "input_scale", "scale_input", *SCALES)
_FACE = "motion_encoder."


class WeightFiles(Mapping[str, torch.Tensor]):
    """Name -> tensor of one file, or of all shards of a folder; each is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.paths = _files_of(path)
        self._where: dict[str, Callable[[], torch.Tensor]] = {}
        for file in self.paths:
            self._open(file)

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._where[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def _open(self, file: Path) -> None:
        try:
            if file.suffix in PICKLES:
                loaded: Any = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
                for key in ("state_dict", "model"):
                    loaded = loaded[key] if isinstance(loaded.get(key), dict) else loaded
                self._where |= {k: (lambda v=v: v) for k, v in loaded.items() if isinstance(v, torch.Tensor)}
            else:
                opened = safe_open(str(file), framework="pt", device="cpu")
                self._where |= {k: (lambda k=k: opened.get_tensor(k)) for k in opened.keys()}  # noqa: SIM118
        except (SafetensorError, RuntimeError, OSError, EOFError, AttributeError) as error:
            raise InputError(f"{file} cannot be read as weights ({str(error).splitlines()[0][:120]}).") from None
        except Exception as error:  # noqa: BLE001 -- unpickling has no error class of its own for what it refuses
            raise InputError(f"{file} is refused: it holds more than tensors ({type(error).__name__}).") from None


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    for index in sorted(path.glob("*.safetensors.index.json")):
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        for name in names:
            if not (path / name).is_file():
                raise MissingWeights(f"{path} is not complete: {index.name} names {name}, which is not there.")
        return [path / name for name in names]
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise MissingWeights(f"{path} holds no .safetensors file; a diffusers folder or one checkpoint would do.")
    return files


def transformer_place(path: Path) -> Path:
    """Of a diffusers repository its `transformer` folder, else the path itself."""
    return path / "transformer" if (path / "transformer").is_dir() else path


def _stripped(files: WeightFiles, path: Path) -> dict[str, str]:
    """Bare name -> name in the file; refuses what is not Wan-Animate's transformer."""
    marks = ("face_adapter.fuser_blocks.0.linear1_q.weight", "face_adapter.0.to_q.weight")
    for prefix in PREFIXES:
        if any(prefix + mark in files for mark in marks):
            return {name[len(prefix) :]: name for name in files if name.startswith(prefix)}
    raise InputError(f"{path.name} is not Wan 2.2 Animate: it has no face adapter. wan2.2_animate_14B_bf16.safetensors would do; T2V, I2V and Animate-2 files do not.")  # fmt: skip


def face_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The `motion_encoder.*` tensors alone, as they are in the file."""
    files = WeightFiles(transformer_place(path))
    names = _stripped(files, path)
    return {bare: files[name] for bare, name in names.items() if bare.startswith(_FACE)}


def load_transformer(path: Path, dtype: torch.dtype) -> CachedWanAnimate:
    """On the CPU, without its motion encoder (see `face_tensors`); norms, modulation and time in float32."""
    files = WeightFiles(transformer_place(path))
    names = _stripped(files, path)
    tensors: dict[str, torch.Tensor] = {}
    unknown = []
    for bare, name in names.items():
        if bare.startswith(_FACE) or bare.rsplit(".", 1)[-1] in _MARKERS:
            continue
        targets = _targets(bare)
        if targets is None:
            unknown.append(bare)
            continue
        value = files[name]
        scale = scale_beside(name, files)
        parts = value.chunk(2, dim=0) if len(targets) == 2 else (value,)
        scales = scale.chunk(2) if scale is not None and len(targets) == 2 and scale.numel() > 1 else [scale] * 2
        for target, part, its_scale in zip(targets, parts, scales, strict=False):
            wide = dequantised(part, its_scale) if part.element_size() == 1 else part
            tensors[target] = wide.to(torch.float32 if kept_wide(target) else dtype)
    if unknown:
        raise InputError(f"{path.name} has tensors that Wan 2.2 Animate has not: {_few(unknown)}.")
    return network_of(tensors, path.name)


def network_of(tensors: Mapping[str, torch.Tensor], what: str) -> CachedWanAnimate:
    """The network around tensors by diffusers' names; InputError names what is missing."""
    try:
        config = sizes(tensors)
    except KeyError as error:
        raise InputError(f"{what} is not complete: {error.args[0]} is missing.") from None
    with torch.device("meta"):
        net = CachedWanAnimate(**config)
    net.set_submodule("motion_encoder", nn.Identity())  # its work is done once, in face_motion
    wanted = set(net.state_dict())
    missing, unknown = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted)
    if missing or unknown:
        raise InputError(f"{what} does not fit Wan 2.2 Animate: {f'missing {_few(missing)}; ' if missing else ''}{f'unknown {_few(unknown)}' if unknown else ''}".rstrip("; ") + ".")  # fmt: skip
    net.load_state_dict(dict(tensors), strict=True, assign=True)
    # Tables that are computed, not loaded, were lost on the meta device.
    net.rope = WanRotaryPosEmbed(config["attention_head_dim"], (1, 2, 2), 1024)
    return net.requires_grad_(False).eval()


def sizes(tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """diffusers' configuration, read off the shapes."""

    def shape(name: str) -> torch.Size:
        return tensors[name].shape

    dim = shape("patch_embedding.weight")[0]
    head = shape("face_adapter.0.norm_q.weight")[0]
    layers = 1 + max(int(n.split(".")[1]) for n in tensors if n.startswith("blocks."))
    adapters = 1 + max(int(n.split(".")[1]) for n in tensors if n.startswith("face_adapter."))
    has_picture = "blocks.0.attn2.add_k_proj.weight" in tensors
    hidden = shape("face_encoder.conv2.weight")[0]
    return {
        "num_attention_heads": dim // head,
        "attention_head_dim": head,
        "in_channels": shape("patch_embedding.weight")[1],
        "latent_channels": shape("pose_patch_embedding.weight")[1],
        "out_channels": shape("proj_out.weight")[0] // 4,
        "text_dim": shape("condition_embedder.text_embedder.linear_1.weight")[1],
        "freq_dim": shape("condition_embedder.time_embedder.linear_1.weight")[1],
        "ffn_dim": shape("blocks.0.ffn.net.0.proj.weight")[0],
        "num_layers": layers,
        "image_dim": shape("condition_embedder.image_embedder.norm1.weight")[0] if has_picture else None,
        "added_kv_proj_dim": dim if has_picture else None,
        "motion_encoder_dim": shape("face_encoder.conv1_local.weight")[1],
        "face_encoder_hidden_dim": hidden,
        "face_encoder_num_heads": shape("face_encoder.conv1_local.weight")[0] // hidden,
        "inject_face_latents_blocks": layers // adapters,
    }


def kept_wide(name: str) -> bool:
    """Whether diffusers keeps this tensor in float32 whatever the network computes in."""
    return any(part in CachedWanAnimate._keep_in_fp32_modules for part in name.split("."))


def _targets(bare: str) -> tuple[str, ...] | None:
    try:
        return diffusers_tensors(bare)
    except KeyError:
        pass
    first = bare.split(".")[0]
    # diffusers' own names are taken as they are, and held against the network afterwards.
    own = ("condition_embedder", "proj_out", "scale_shift_table", "patch_embedding", "pose_patch_embedding")
    is_own = first in own or ".attn" in bare or ".ffn.net." in bare or ".norm2." in bare
    return (
        (bare,) if is_own or first in ("face_encoder", "face_adapter") or bare.endswith("scale_shift_table") else None
    )


def load_vae(path: Path, dtype: torch.dtype) -> AutoencoderKLWan:
    """The Wan 2.1 VAE on the CPU, from a diffusers folder, `wan_2.1_vae.safetensors` or `Wan2.1_VAE.pth`."""
    files = WeightFiles(path)
    tensors: dict[str, torch.Tensor] = {}
    for name in files:
        bare = next(name[len(p) :] for p in ("first_stage_model.", "vae.", "") if name.startswith(p))
        try:
            target = bare if "encoder.conv_in.weight" in files else diffusers_vae_tensor(bare)
        except KeyError:
            raise InputError(f"{path.name} is not the Wan 2.1 VAE: it has {name}. wan_2.1_vae.safetensors would do; the Wan 2.2 VAE does not fit.") from None  # fmt: skip
        tensors[target] = files[name].to(dtype)
    latent = tensors.get("post_quant_conv.weight")
    if latent is None or latent.shape[0] != 16 or "encoder.conv_in.weight" not in tensors:
        raise InputError(f"{path.name} is not the Wan 2.1 VAE, which has latents of 16 channels. wan_2.1_vae.safetensors would do.")  # fmt: skip
    with torch.device("meta"):
        vae = AutoencoderKLWan(base_dim=tensors["encoder.conv_in.weight"].shape[0])
    missing = sorted(set(vae.state_dict()) ^ set(tensors))
    if missing:
        raise InputError(f"{path.name} does not fit the Wan 2.1 VAE: {_few(missing)}.")
    vae.load_state_dict(tensors, strict=True, assign=True)
    return vae.requires_grad_(False).eval()


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
