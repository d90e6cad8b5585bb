"""Random weights of MimicMotion's and SVD's true layouts, as files that ComfyUI's own loaders take, as small as they let.

Run by ComfyUI's interpreter in its folder:  python tiny_svd.py FOLDER PACK  writes, under the names of the bundled
workflow, FOLDER/diffusion_models (Tencent's `.pth`, Kijai's UNet alone with PoseNet beside it) and FOLDER/checkpoints
(SVD: a UNet of one width, which is how ComfyUI knows it, and the VAE at its true size; CLIP ViT-H cannot be made small
and is left out).
"""

from __future__ import annotations

import sys
from pathlib import Path

SHAPE = {
    "image_size": 32, "in_channels": 8, "out_channels": 4, "model_channels": 320, "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 1, 1, 1], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1] * 9 + [0] * 3, "transformer_depth_middle": 1, "use_spatial_transformer": True,
    "use_linear_in_transformer": True, "legacy": False, "context_dim": 1024, "num_classes": "sequential",
    "adm_in_channels": 768, "use_temporal_resblock": True, "use_temporal_attention": True, "extra_ff_mix_layer": True,
    "use_spatial_context": True, "merge_strategy": "learned_with_images", "merge_factor": 0.0,
    "video_kernel_size": [3, 1, 1], "disable_temporal_crossattention": False, "max_ddpm_temb_period": 10000,
    "num_head_channels": 64,
}  # fmt: skip
VAE = {
    "double_z": True, "z_channels": 4, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128,
    "ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0,
}  # fmt: skip


def write(folder: Path, pack: Path) -> None:
    sys.path[:0] = [str(Path.cwd()), str(pack / "tests" / "comfy")]
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import comfy.ops
    import torch
    from comfy.ldm.models.autoencoder import AutoencodingEngine
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from safetensors.torch import save_file
    from wan_against_core import load_pack

    load_pack(pack)
    from pack.models.mimic_motion.keys import diffusers_name
    from pack.models.mimic_motion.pose_net import PoseNet

    with torch.device("meta"):
        unet = UNetModel(**SHAPE, dtype=torch.float16, operations=comfy.ops.disable_weight_init)
        models = "comfy.ldm.models.autoencoder.", "comfy.ldm.modules."
        vae = AutoencodingEngine(
            regularizer_config={"target": models[0] + "DiagonalGaussianRegularizer"},
            encoder_config={"target": models[1] + "diffusionmodules.model.Encoder", "params": VAE},
            decoder_config={"target": models[1] + "temporal_ae.VideoDecoder", "params": VAE | {"video_kernel_size": [3, 1, 1], "alpha": 0.0}},
        )  # fmt: skip
        pose = PoseNet()
    native = filled(unet, 1)
    ours = {diffusers_name(n): v for n, v in native.items()}
    led = filled(pose, 2, gain=1.2)
    both = {f"unet.{n}": v for n, v in ours.items()} | {f"pose_net.{n}": v for n, v in led.items()}
    torch.save(both, place(folder, "diffusion_models", "MimicMotion_1-1.pth"))
    save_file(ours, place(folder, "diffusion_models", "MimicMotionMergedUnet_1-0-fp16.safetensors"))
    save_file(led, place(folder, "mimicmotion", "mimic_motion_pose_net.safetensors"))
    svd = {f"model.diffusion_model.{n}": v for n, v in native.items()}
    svd |= {f"first_stage_model.{n}": v for n, v in filled(vae, 3, gain=1.0).items()}
    save_file(svd, place(folder, "checkpoints", "svd_xt_1_1.safetensors"))
    save_file({"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": torch.ones(4)}, place(folder, "diffusion_models", "mm_sd_v15_v2.safetensors"))  # fmt: skip


def filled(module, seed, gain=0.7):
    """Random numbers in every tensor, float16: as wide as keeps activations of the order of one."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, value in module.state_dict().items():
        if value.ndim <= 1:
            small = torch.randn(value.shape, generator=draw) * 0.05
            is_scale = name.endswith("weight") or name == "scale"
            tensors[name] = small + (1.0 if is_scale else 0.0)
        else:
            wide = gain / max(1, value[0].numel()) ** 0.5
            tensors[name] = torch.randn(value.shape, generator=draw) * wide
        tensors[name] = tensors[name].half()
    return tensors


def place(folder: Path, kind: str, file: str) -> str:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    return str(folder / kind / file)


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
