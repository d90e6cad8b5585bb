"""The original's two whole denoising loops, on ComfyUI's own SVD model under our hooks, on the CPU.

Run by ComfyUI's interpreter in its folder:  python mimic_loops_in_comfy.py PACK  prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LOOPS = (("loop_40_16_6", 40, 2.0, 2.0), ("loop_27_16_6_cfg1to3", 27, 1.0, 3.0))
WIDTH, SCALE = 64, 0.18215
TINY = {
    "image_size": 32, "in_channels": 8, "out_channels": 4, "model_channels": WIDTH, "num_res_blocks": [2] * 4,
    "channel_mult": [1, 2, 2, 2], "transformer_depth": [1] * 6 + [0] * 2, "transformer_depth_output": [1] * 9 + [0] * 3,
    "transformer_depth_middle": 1, "use_spatial_transformer": True, "use_linear_in_transformer": True, "legacy": False,
    "context_dim": 32, "num_classes": "sequential", "adm_in_channels": 768, "use_temporal_resblock": True,
    "use_temporal_attention": True, "extra_ff_mix_layer": True, "use_spatial_context": True,
    "merge_strategy": "learned_with_images", "merge_factor": 0.0, "video_kernel_size": [3, 1, 1],
    "disable_temporal_crossattention": False, "max_ddpm_temb_period": 10000,
}  # fmt: skip


def loops(pack: Path) -> dict[str, dict[str, float]]:
    goldens = pack / "tests" / "models" / "mimic_motion"
    sys.path[:0] = [str(Path.cwd()), str(Path(__file__).parent), str(goldens)]
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import comfy.model_patcher
    import comfy.sample
    import comfy.samplers
    import comfy.supported_models
    import numpy as np
    import torch
    from recipe import given, tensors, weight
    from safetensors.torch import load_file
    from wan_against_core import load_pack

    load_pack(pack)
    from pack.models.mimic_motion.backend import SectionCondition
    from pack.models.mimic_motion.keys import diffusers_name
    from pack.models.mimic_motion.pose_net import PoseNet
    from pack.models.mimic_motion.tiles import guidance_ramp, plan_tiles
    from pack.nodes.mimic_model import led

    config = comfy.supported_models.SVD_img2vid({**TINY})
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, "")
    named = {name: diffusers_name(name) for name in base.diffusion_model.state_dict()}
    shapes = {name: tuple(value.shape) for name, value in base.diffusion_model.state_dict().items()}
    base.diffusion_model.load_state_dict({name: weight(f"unet.{old}", shapes[name]) for name, old in named.items()})
    model = comfy.model_patcher.ModelPatcher(base, torch.device("cpu"), torch.device("cpu"))
    net = PoseNet.from_tensors(tensors(PoseNet(WIDTH), "pose_net."), "recipe")

    class GivenPoses:
        def __init__(self, frames):
            self.latents = net(given("loop.pose", (frames, 3, 128, 64)).clamp(-1, 1))

        def tile(self, frames, device, dtype):
            return self.latents[list(frames)]

    told = {}
    for name, frames, low, high in LOOPS:
        golden = load_file(goldens / "goldens" / f"{name}.safetensors")
        condition = SectionCondition(
            poses=np.zeros((frames, 1, 1, 3), np.uint8), tiles=plan_tiles(frames, 16, 6),
            guidance=guidance_ramp(low, high, frames, 0, frames - 1), pose_strength=1.0,
        )  # fmt: skip
        follows = led(model, condition, GivenPoses(frames))
        scene = {"motion_bucket_id": 127, "fps": 7, "augmentation_level": 0.0}
        seen, still = golden["image_embeds"], golden["image_latents"]
        positive = [[seen, {**scene, "concat_latent_image": still}]]
        negative = [[torch.zeros_like(seen), {**scene, "concat_latent_image": torch.zeros_like(still)}]]
        noise = golden["noise"][0][torch.arange(frames) % 16]
        sigmas = comfy.samplers.calculate_sigmas(follows.get_model_object("model_sampling"), "karras", 4)
        made = comfy.sample.sample_custom(
            follows, noise, high, comfy.samplers.sampler_object("euler"), sigmas, positive, negative,
            torch.zeros(frames, 4, 16, 8), disable_pbar=True,
        )  # fmt: skip
        want = golden["latents_last"][0]
        told[name] = {"difference": float((made * SCALE - want).abs().max()), "spread": float(want.std())}
    return told


if __name__ == "__main__":
    import torch

    torch.set_grad_enabled(False)
    print(json.dumps(loops(Path(sys.argv[1]).absolute())))
