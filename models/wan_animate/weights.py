"""The weight files of Wan-Animate: one role each, under every name that people have it by.

Sizes are rounded as their pages give them. Looking at this list loads nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from ...core import Host, MissingWeights, WeightFile
from ...core.weight_files import find_all

APACHE = "Apache-2.0"

TRANSFORMER = WeightFile(
    name="Wan 2.2 Animate 14B",
    file="wan2.2_animate_14B_bf16.safetensors",
    folder="diffusion_models",
    repository="Comfy-Org/Wan_2.2_ComfyUI_Repackaged/tree/main/split_files/diffusion_models",
    num_bytes=34_500_000_000,
    sha256=None,
    licence=APACHE,
    commercial_use=True,
    also=(
        # Of the fp8 files only the second generation: the first shifts colours.
        "Wan2_2-Animate-14B_fp8_scaled_e4m3fn_KJ_v2.safetensors",
        "Wan2_2-Animate-14B_fp8_e4m3fn_scaled_KJ_v2.safetensors",
        "Wan2_2-Animate-14B_fp8_scaled_e5m2_KJ_v2.safetensors",
        "Wan2.2-Animate-14B-Diffusers",
        "Wan2.2-Animate-14B",
        "diffusers/Wan2.2-Animate-14B-Diffusers",
        "diffusers/Wan2.2-Animate-14B",
    ),
)
"""One file in the official layout, or the folder that Wan-AI publishes (the diffusers one brings all parts)."""

VAE = WeightFile(
    name="Wan 2.1 VAE",
    file="wan_2.1_vae.safetensors",
    folder="vae",
    repository="Comfy-Org/Wan_2.2_ComfyUI_Repackaged/tree/main/split_files/vae",
    num_bytes=254_000_000,
    sha256=None,
    licence=APACHE,
    commercial_use=True,
    also=("Wan2_1_VAE_bf16.safetensors", "Wan2_1_VAE_fp32.safetensors", "Wan2.1_VAE.pth"),
)

TEXT = WeightFile(
    name="umT5-XXL text encoder",
    file="umt5_xxl_fp16.safetensors",
    folder="text_encoders",
    repository="Comfy-Org/Wan_2.2_ComfyUI_Repackaged/tree/main/split_files/text_encoders",
    num_bytes=11_400_000_000,
    sha256=None,
    licence=APACHE,
    commercial_use=True,
    also=(
        "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
        "umt5-xxl-enc-bf16.safetensors",
        "models_t5_umt5-xxl-enc-bf16.pth",
    ),
)

CLIP_VISION = WeightFile(
    name="CLIP ViT-H vision encoder",
    file="clip_vision_h.safetensors",
    folder="clip_vision",
    repository="Comfy-Org/Wan_2.1_ComfyUI_repackaged/tree/main/split_files/clip_vision",
    num_bytes=1_264_000_000,
    sha256=None,
    licence="MIT",
    commercial_use=True,
    also=("models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth",),
)

RELIGHT_LORA = WeightFile(
    name="Wan 2.2 Animate relighting LoRA",
    file="wan2.2_animate_14B_relight_lora_bf16.safetensors",
    folder="loras",
    repository="Comfy-Org/Wan_2.2_ComfyUI_Repackaged/tree/main/split_files/loras",
    num_bytes=1_440_000_000,
    sha256=None,
    licence=APACHE,
    commercial_use=True,
    also=("WanAnimate_relight_lora_fp16.safetensors", "relighting_lora.ckpt"),
    by_default=False,
)

DISTILL_LORA = WeightFile(
    name="lightx2v step-distilled LoRA",
    file="lightx2v_I2V_14B_480p_cfg_step_distill_rank64_bf16.safetensors",
    folder="loras",
    repository="Kijai/WanVideo_comfy/tree/main/Lightx2v",
    num_bytes=738_000_000,
    sha256=None,
    licence=APACHE,
    commercial_use=True,
    also=(
        "lightx2v_I2V_14B_480p_cfg_step_distill_rank128_bf16.safetensors",
        "lightx2v_I2V_14B_480p_cfg_step_distill_rank256_bf16.safetensors",
        "lightx2v_I2V_14B_480p_cfg_step_distill_rank32_bf16.safetensors",
    ),
    by_default=False,
)

ROLES = {
    "transformer": TRANSFORMER,
    "vae": VAE,
    "text": TEXT,
    "clip_vision": CLIP_VISION,
    "relight_lora": RELIGHT_LORA,
    "distill_lora": DISTILL_LORA,
}


def needed(*, relight_lora: bool, distill_lora: bool) -> dict[str, WeightFile]:
    """Role -> file, for a run outside ComfyUI."""
    left_out = {name for name, on in (("relight_lora", relight_lora), ("distill_lora", distill_lora)) if not on}
    return {role: file for role, file in ROLES.items() if role not in left_out}


def find_weights(host: Host, *, relight_lora: bool, distill_lora: bool) -> dict[str, Path]:
    """Role -> where it is. A diffusers folder brings VAE, text and picture encoder, which are then not asked for.

    MissingWeights tells of all that are not there: which, how large, from where, to where.
    """
    wanted = needed(relight_lora=relight_lora, distill_lora=distill_lora)
    with contextlib.suppress(MissingWeights):
        if is_diffusers_folder(host.find_weights(TRANSFORMER)):
            wanted = {role: file for role, file in wanted.items() if role not in ("vae", "text", "clip_vision")}
    return find_all(host.find_weights, wanted, "wan-animate")


def is_diffusers_folder(path: Path) -> bool:
    return (path / "model_index.json").is_file()


def names_and_sizes(paths: dict[str, Path]) -> str:
    """Tells weights apart without reading gigabytes: role, file name and size of each file, as one hash."""
    known = hashlib.sha256()
    for role, path in sorted(paths.items()):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            known.update(f"{role}\n{file.name}\n{file.stat().st_size}\n".encode())
    return known.hexdigest()[:32]
