"""Small random weights of SD1.5's true layout, as files that ComfyUI's own loaders take, and what AnimateDiff needs.

Run by ComfyUI's interpreter in its folder:  python tiny_sd.py FOLDER  writes, under the names of the bundled workflow,
FOLDER/checkpoints (UNet of one width, the text encoder at its true size, the tiny VAE), controlnet, animatediff_models.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHECKPOINT = "v1-5-pruned-emaonly-fp16.safetensors"
CONTROL = "control_v11p_sd15_openpose_fp16.safetensors"
MODULE = "mm_sd_v15_v2.ckpt"
WIDTH = 320
"""ComfyUI knows SD1.5 by this width and that of the text; the wider levels are as narrow here."""
SHAPE = {
    "image_size": 32, "in_channels": 4, "model_channels": WIDTH, "channel_mult": (1, 1, 1, 1),
    "num_res_blocks": [2, 2, 2, 2], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0], "transformer_depth_middle": 1,
    "context_dim": 768, "num_heads": 8, "num_head_channels": -1, "use_spatial_transformer": True,
    "use_temporal_attention": False, "legacy": False,
}  # fmt: skip


def write(folder: Path, pack: Path) -> None:
    sys.path[:0] = [str(Path.cwd()), str(pack / "tests" / "comfy")]
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import comfy.cldm.cldm
    import comfy.ops
    import comfy.sd1_clip
    import comfy.taesd.taesd
    import torch
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from safetensors.torch import save_file
    from wan_against_core import load_pack

    load_pack(pack)
    from pack.models.animate_diff.motion_module import MotionLayout, MotionNet

    ops = comfy.ops.disable_weight_init
    depths = {"transformer_depth_output": [1] * 9 + [0] * 3}
    unet = UNetModel(**SHAPE, **depths, out_channels=4, dtype=torch.float32, operations=ops)
    text = comfy.sd1_clip.SD1ClipModel(device="cpu", dtype=torch.float32)
    vae = comfy.taesd.taesd.TAESD(latent_channels=4)
    checkpoint = {f"model.diffusion_model.{k}": v for k, v in filled(unet, 1).items()}
    words = filled(text.clip_l.transformer, 2)
    checkpoint |= {f"cond_stage_model.transformer.{k}": v for k, v in words.items() if k.startswith("text_model.")}
    checkpoint |= {f"first_stage_model.{k}": v for k, v in filled(vae, 3, gain=1.0).items()}
    save_file(halved(checkpoint), place(folder, "checkpoints", CHECKPOINT))
    control = comfy.cldm.cldm.ControlNet(**SHAPE, hint_channels=3, dtype=torch.float32, operations=ops)
    led = {f"control_model.{k}": v for k, v in filled(control, 4).items()}
    save_file(halved(led), place(folder, "controlnet", CONTROL))
    with torch.device("meta"):
        motion = MotionNet(MotionLayout("v2", (WIDTH,) * 4, True, 32))
    torch.save(halved(filled(motion, 5)), place(folder, "animatediff_models", MODULE))


def filled(module, seed, gain=0.7):
    """Random numbers in every tensor: as wide as keeps activations of the order of one. Tables stay what they are."""
    import torch
    from pack.models.animate_diff.motion_module import positions

    draw = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, value in module.state_dict().items():
        if name in ("vae_scale", "vae_shift"):
            tensors[name] = value.clone()
        elif name.endswith("pos_encoder.pe"):
            tensors[name] = positions(value.shape[1], value.shape[2])
        elif value.ndim == 1:
            small = torch.randn(value.shape, generator=draw) * 0.05
            tensors[name] = small + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
        elif not value.is_floating_point():
            tensors[name] = value.clone()
        else:
            wide = 0.02 if "embedding" in name else gain / max(1, value[0].numel()) ** 0.5
            tensors[name] = torch.randn(value.shape, generator=draw) * wide
    return tensors


def halved(tensors):
    import torch

    return {k: v.to(torch.float16).contiguous() if v.is_floating_point() else v for k, v in tensors.items()}


def place(folder: Path, kind: str, file: str) -> str:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    return str(folder / kind / file)


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
