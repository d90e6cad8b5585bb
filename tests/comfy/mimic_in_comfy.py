"""MimicMotion's whole loop through our native MODEL, against the same weights' plain UNet by hand, on the CPU.

Run by ComfyUI's interpreter in its folder:  python mimic_in_comfy.py PACK MODELS  prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FRAMES, TILE, OVERLAP, STEPS = 5, 4, 2, 1
SIZE = (64, 64)


def compare(pack: Path, models: Path) -> dict[str, float]:
    sys.path[:0] = [str(Path.cwd()), str(Path(__file__).parent)]
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import numpy as np
    import torch
    from wan_against_core import load_pack

    torch.set_num_threads(2)
    load_pack(pack)
    from pack.models.mimic_motion.backend import SectionCondition
    from pack.models.mimic_motion.euler import karras_sigmas, sample_euler
    from pack.models.mimic_motion.pose_net import PoseLatents
    from pack.models.mimic_motion.tiles import fused, guidance_ramp, plan_tiles
    from pack.nodes.mimic_backend import ComfyMimicBackend, Sampling
    from pack.nodes.mimic_model import KEY, load_mimic_model

    class Clip:
        def encode_image(self, image, crop):
            assert tuple(image.shape) == (1, 224, 224, 3) and crop is False
            return type("Seen", (), {"image_embeds": torch.linspace(-1, 1, 1024)[None]})

        def get_sd(self):
            return {}

    model = load_mimic_model(models / "diffusion_models" / "MimicMotion_1-1.pth")
    import comfy.sd

    vae = comfy.sd.load_checkpoint_guess_config(str(models / "checkpoints" / "svd_xt_1_1.safetensors"), output_vae=True, output_clip=False, output_model=False)[2]  # fmt: skip
    untouched = (dict(model.model_options), len(model.wrappers))
    backend = ComfyMimicBackend(model, vae, Clip(), Sampling(STEPS))
    draw = np.random.default_rng(0)
    picture = draw.random((SIZE[1], SIZE[0], 3)).astype(np.float32)
    backend.look_at(np.zeros((224, 224, 3), np.float32), picture)
    poses = draw.integers(0, 256, (FRAMES, SIZE[1], SIZE[0], 3)).astype(np.uint8)
    tiles = plan_tiles(FRAMES, TILE, OVERLAP)
    condition = SectionCondition(poses, tiles, guidance_ramp(1.0, 2.5, FRAMES, 0, FRAMES - 1), 0.9)
    noise = torch.randn(FRAMES, 4, SIZE[1] // 8, SIZE[0] // 8, generator=torch.Generator().manual_seed(5))
    steps = []
    made = backend.sample(condition, noise, 5, lambda done, of, preview: steps.append((done, of)))

    net = model.model.diffusion_model.float()
    seen, still = torch.linspace(-1, 1, 1024).view(1, 1, -1), backend._picture
    latents = PoseLatents(model.attachments[KEY].pose_net, poses, 0.9)
    times = model.model.encode_adm(fps=7, motion_bucket_id=127, augmentation_level=0.0)
    first = net.input_blocks[0][0]

    parts = []  # what the pose changes, of each tile

    def asked(some, context, image, t, pose):
        hook = first.register_forward_hook(lambda m, a, out: out if pose is None else out + pose)
        n = len(some)
        x = torch.cat([some, image.expand(n, -1, -1, -1)], 1)
        said = net(x, torch.full((n,), t), context=context.expand(n, 1, -1), y=times.expand(n, -1), num_video_frames=n, image_only_indicator=None, transformer_options={})  # fmt: skip
        hook.remove()
        return said

    @torch.no_grad()
    def guided(scaled, t):
        def predict(tile):
            some = scaled[list(tile)]
            led = asked(some, seen, still, t, latents.tile(tile, some.device, some.dtype))
            parts.append(latents.tile(tile, some.device, some.dtype).abs().max())
            free = asked(some, torch.zeros_like(seen), torch.zeros_like(still), t, None)
            return torch.stack([free, led])

        free, led = fused(FRAMES, tiles, predict)
        return free + condition.guidance.view(-1, 1, 1, 1) * (led - free)

    torch.set_grad_enabled(False)
    want = sample_euler(noise, karras_sigmas(STEPS), guided, lambda done, x: None) / 0.18215
    decoded = backend.decode(made[:3])
    return {
        "difference": float((made - want).abs().max()),
        "spread": float(want.std()),
        "pose_latents": float(max(parts)),
        "steps": steps,
        "decoded": list(decoded.shape),
        "model_untouched": untouched == (dict(model.model_options), len(model.wrappers)),
        "same_fingerprint": backend.fingerprint == ComfyMimicBackend(model, vae, Clip(), Sampling(STEPS)).fingerprint,
        "other_fingerprint": backend.fingerprint != ComfyMimicBackend(model, vae, Clip(), Sampling(3)).fingerprint,
    }


if __name__ == "__main__":
    print(json.dumps(compare(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())))
