"""The prompt and the reference picture as the transformer takes them: umT5 and CLIP, loaded, used once, let go."""

from __future__ import annotations

import gc
import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoTokenizer, CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

from ...core import InputError, MissingPackage, MissingWeights
from ...face_motion.lmd_weights import SCALES, dequantised, scale_beside
from .diffusers_files import WeightFiles

TEXT_TOKENS = 512
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_SENTENCEPIECE = "spiece_model"  # ComfyUI's umT5 files carry their tokenizer under this name
_END_OF_TEXT = 1
# From T5's own names (Wan-AI's .pth) to those of transformers.
_OWN_T5 = (
    (r"token_embedding\.weight", "shared.weight"),
    (r"norm\.weight", "encoder.final_layer_norm.weight"),
    (r"blocks\.(\d+)\.norm1\.weight", r"encoder.block.\1.layer.0.layer_norm.weight"),
    (r"blocks\.(\d+)\.norm2\.weight", r"encoder.block.\1.layer.1.layer_norm.weight"),
    (r"blocks\.(\d+)\.attn\.([qkvo])\.weight", r"encoder.block.\1.layer.0.SelfAttention.\2.weight"),
    (r"blocks\.(\d+)\.pos_embedding\.embedding\.weight", r"encoder.block.\1.layer.0.SelfAttention.relative_attention_bias.weight"),
    (r"blocks\.(\d+)\.ffn\.gate\.0\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wi_0.weight"),
    (r"blocks\.(\d+)\.ffn\.fc1\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wi_1.weight"),
    (r"blocks\.(\d+)\.ffn\.fc2\.weight", r"encoder.block.\1.layer.1.DenseReluDense.wo.weight"),
)  # fmt: skip


@torch.no_grad()
def embed_prompts(
    prompts: list[str], weights: Path, tokenizer: Path | None, device: torch.device, dtype: torch.dtype
) -> list[torch.Tensor]:
    """`[1,512,4096]` on the CPU of each prompt, zeros after its end. `weights` a transformers folder or one file."""
    encode = _tokens_of(weights, tokenizer)
    model: Any = (_text_folder if weights.is_dir() else _text_file)(weights, dtype).to(device).eval()
    made = []
    for prompt in prompts:
        ids = torch.tensor([encode(clean_prompt(prompt))], device=device)
        hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        made.append(F.pad(hidden, (0, 0, 0, TEXT_TOKENS - hidden.shape[1])).cpu())
    del model
    release(device)
    return made


def clean_prompt(prompt: str) -> str:
    """As Wan's tokenizer had it: entities resolved, full-width signs made narrow, white space collapsed."""
    text = html.unescape(html.unescape(prompt)).translate({c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)})
    return re.sub(r"\s+", " ", text).strip()


@torch.no_grad()
def embed_picture(picture: np.ndarray, weights: Path, device: torch.device) -> torch.Tensor:
    """CLIP's view `[1,257,1280]` of a picture uint8 `[H,W,3]`, on the CPU: the last layer but one, in float32.

    The whole picture is squashed to a square, bicubic without antialiasing, as the model was trained.
    """
    model: Any = (_clip_folder if weights.is_dir() else _clip_file)(weights).to(device).eval()
    side = int(model.config.image_size)
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1  # -> 1 C H W
    pixels = F.interpolate(pixels, (side, side), mode="bicubic", align_corners=False) / 2 + 0.5
    pixels = (pixels - torch.tensor(CLIP_MEAN).view(1, 3, 1, 1)) / torch.tensor(CLIP_STD).view(1, 3, 1, 1)
    seen = model(pixel_values=pixels.to(device), output_hidden_states=True).hidden_states[-2].cpu()
    del model
    release(device)
    return seen


def release(device: torch.device) -> None:
    """Gives memory of what was just let go back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _text_folder(folder: Path, dtype: torch.dtype) -> nn.Module:
    return UMT5EncoderModel.from_pretrained(folder, dtype=dtype, local_files_only=True)


def _text_file(file: Path, dtype: torch.dtype) -> nn.Module:
    files = WeightFiles(file)
    tensors: dict[str, torch.Tensor] = {}
    for name in files:
        if name.rsplit(".", 1)[-1] in ("scaled_fp8", _SENTENCEPIECE, *SCALES):
            continue
        value = files[name]
        wide = dequantised(value, scale_beside(name, files)) if value.element_size() == 1 else value
        tensors[_transformers_name(name)] = wide.to(dtype)
    try:
        attention = tensors["encoder.block.0.layer.0.SelfAttention.q.weight"]
        config = UMT5Config(
            vocab_size=tensors["shared.weight"].shape[0],
            d_model=attention.shape[1],
            d_kv=64,
            d_ff=tensors["encoder.block.0.layer.1.DenseReluDense.wi_0.weight"].shape[0],
            num_layers=1 + max(int(n.split(".")[2]) for n in tensors if n.startswith("encoder.block.")),
            num_heads=attention.shape[0] // 64,
            feed_forward_proj="gated-gelu",
        )
    except KeyError as error:
        raise InputError(f"{file.name} is not umT5: it has no {error.args[0]}. umt5_xxl_fp16.safetensors would do.") from None  # fmt: skip
    with torch.device("meta"):
        model: Any = UMT5EncoderModel(config)
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]
    _assign(model, tensors, file, "umT5-XXL")
    return model


def _transformers_name(name: str) -> str:
    for pattern, new in _OWN_T5:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, new, name)
    return name


def _tokens_of(weights: Path, tokenizer: Path | None) -> Any:
    """Text -> token ids with the end sign."""
    places = [tokenizer] if tokenizer else [weights.parent / n for n in ("umt5-xxl", "tokenizer", "google/umt5-xxl")]
    for place in places:
        if (place / "tokenizer.json").is_file() or (place / "tokenizer_config.json").is_file():
            loaded = AutoTokenizer.from_pretrained(place, local_files_only=True)
            return lambda text: list(loaded(text, truncation=True, max_length=TEXT_TOKENS).input_ids)
    files = WeightFiles(weights) if weights.is_file() else {}
    if _SENTENCEPIECE not in files:
        raise MissingWeights(f"The tokenizer of umT5 is missing: put tokenizer.json of huggingface.co/google/umt5-xxl into {weights.parent / 'umt5-xxl'}, or take ComfyUI's umt5_xxl_fp16.safetensors, which carries one.")  # fmt: skip
    try:
        import sentencepiece  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackage("The tokenizer inside the text encoder's file needs sentencepiece: pip install sentencepiece.") from None  # fmt: skip
    pieces: Any = sentencepiece.SentencePieceProcessor(model_proto=files[_SENTENCEPIECE].numpy().tobytes())
    return lambda text: [*pieces.encode(text)[: TEXT_TOKENS - 1], _END_OF_TEXT]


def _clip_folder(folder: Path) -> nn.Module:
    return CLIPVisionModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)


def _clip_file(file: Path) -> nn.Module:
    files = WeightFiles(file)
    tensors = {name.removeprefix("vision_model."): files[name].float() for name in files if "visual_projection" not in name}  # fmt: skip
    tensors.pop("embeddings.position_ids", None)
    try:
        hidden = tensors["embeddings.class_embedding"].shape[0]
        patch = tensors["embeddings.patch_embedding.weight"].shape[-1]
        grid = round((tensors["embeddings.position_embedding.weight"].shape[0] - 1) ** 0.5)
        config = CLIPVisionConfig(
            hidden_size=hidden,
            intermediate_size=tensors["encoder.layers.0.mlp.fc1.weight"].shape[0],
            num_hidden_layers=1 + max(int(n.split(".")[2]) for n in tensors if n.startswith("encoder.layers.")),
            num_attention_heads=max(1, hidden // 80),  # ViT-H: 16 heads of 80
            image_size=grid * patch,
            patch_size=patch,
            hidden_act="gelu",
        )
    except KeyError as error:
        raise InputError(f"{file.name} is not a CLIP vision encoder: it has no {error.args[0]}. clip_vision_h.safetensors would do.") from None  # fmt: skip
    with torch.device("meta"):
        model: Any = CLIPVisionModel(config)
    inner = "vision_model." if any(n.startswith("vision_model.") for n in model.state_dict()) else ""
    _assign(model, {inner + n: t for n, t in tensors.items()}, file, "CLIP ViT-H")
    part: Any = getattr(model, "vision_model", model)
    places = part.embeddings.position_embedding.weight.shape[0]
    part.embeddings.position_ids = torch.arange(places)[None]  # computed, so lost on the meta device
    return model


def _assign(model: nn.Module, tensors: dict[str, torch.Tensor], file: Path, what: str) -> None:
    wanted = {n for n, t in model.state_dict().items() if t.is_floating_point()}
    wrong = sorted(wanted ^ set(tensors))
    if wrong:
        raise InputError(f"{file.name} does not fit {what}: {', '.join(wrong[:4])}.")
    model.load_state_dict(tensors, strict=False, assign=True)
