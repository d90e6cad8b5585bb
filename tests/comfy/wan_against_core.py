"""One window of Wan-Animate through our backend and through core's own nodes, from the same noise, on the CPU.

Run by ComfyUI's interpreter in its folder:  python wan_against_core.py PACK MODELS  prints one line of JSON.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

FRAMES, SIDE, STEPS, GUIDANCE = 5, 64, 2, 2.0


def load_pack(folder: Path):
    spec = importlib.util.spec_from_file_location("pack", folder / "__init__.py", submodule_search_locations=[str(folder)])  # fmt: skip
    sys.modules["pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


class Sight:
    """A CLIP_VISION that keeps what core's own preparation makes of a picture under the arguments it was called with."""

    SIDE = 32

    def encode_image(self, image, crop=True):
        from comfy.clip_model import clip_preprocess

        self.seen = clip_preprocess(image, size=self.SIDE, mean=[0, 0, 0], std=[1, 1, 1], crop=crop)


def compare(pack: Path, models: Path) -> dict[str, float]:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import comfy.sample
    import comfy.samplers
    import comfy.sd
    import comfy.utils
    import numpy as np
    import torch
    from comfy_extras.nodes_model_advanced import ModelSamplingSD3
    from comfy_extras.nodes_wan import WanAnimateToVideo

    load_pack(pack)
    from pack.face_motion.lmd_encoder import LmdEncoder
    from pack.models.wan_animate.backend import WindowCondition
    from pack.models.wan_animate.conditions import known_frames, move_frames, packed_known, packed_mask
    from pack.nodes.wan_backend import ComfyWanBackend, Sampling

    model = comfy.sd.load_diffusion_model(str(models / "diffusion_models" / "wan2.2_animate_14B_bf16.safetensors"))
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(models / "vae" / "wan_2.1_vae.safetensors")))
    draw = torch.Generator().manual_seed(7)
    positive, negative = ([[torch.randn(1, 512, 4096, generator=draw) * 0.2, {}]] for _ in range(2))
    numbers = np.random.default_rng(3)
    reference = numbers.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    pose = numbers.integers(0, 256, (FRAMES, SIDE, SIDE, 3), np.uint8)
    coarse = numbers.random((FRAMES, 16, 16, 3), np.float32)
    faces = (np.kron(coarse, np.ones((1, 32, 32, 1), np.float32)) * 255).astype(np.uint8)
    noise = torch.randn(16, (FRAMES - 1) // 4 + 2, SIDE // 8, SIDE // 8, generator=draw)

    def image(pixels):
        return torch.from_numpy(pixels).float() / 255

    told = WanAnimateToVideo.execute(
        positive, negative, vae, SIDE, SIDE, FRAMES, 1, 5, 0, reference_image=image(reference[None]),
        face_video=image(faces), pose_video=image(pose),
    )  # fmt: skip
    core_positive, core_negative, latent = told.result[:3]
    shifted = ModelSamplingSD3().patch(model, 5.0)[0]
    sigmas = comfy.samplers.calculate_sigmas(shifted.get_model_object("model_sampling"), "simple", STEPS)
    core = comfy.sample.sample_custom(
        shifted, noise[None], GUIDANCE, comfy.samplers.sampler_object("uni_pc"), sigmas, core_positive, core_negative,
        latent["samples"], disable_pbar=True, seed=1,
    )  # fmt: skip
    core_frames = vae.decode(core[:, :, 1:]).reshape(-1, SIDE, SIDE, 3).numpy()

    backend = ComfyWanBackend(model, vae, positive, negative, Sampling(STEPS, GUIDANCE, 5.0, "uni_pc", "simple"))
    codes = torch.from_numpy(LmdEncoder(backend.face_weights()).encode(faces))
    size = (SIDE, SIDE)
    condition = WindowCondition(
        known=packed_known(
            backend.encode(reference[None]), backend.encode(move_frames(FRAMES, None, size)),
            packed_mask(known_frames(FRAMES, 0, size, None)),
        ),
        pose=backend.encode(pose), face_codes=codes,
    )  # fmt: skip
    steps: list[int] = []

    def sampled(condition):
        return backend.sample(condition, noise, 1, lambda done, total, preview: steps.append(done))

    ours = backend.decode(sampled(condition)[:, 1:])
    again = backend.decode(sampled(condition)[:, 1:])
    no_face = backend.decode(sampled(WindowCondition(condition.known, condition.pose, None))[:, 1:])
    strong = backend.decode(sampled(WindowCondition(condition.known, condition.pose, codes, 2.0))[:, 1:])
    wide = numbers.integers(0, 256, (SIDE, 2 * SIDE, 3), np.uint8)
    sight = Sight()
    ComfyWanBackend(model, vae, positive, negative, Sampling(STEPS), clip_vision=sight).look_at(wide)
    whole = torch.nn.functional.interpolate(image(wide[None]).movedim(-1, 1), (Sight.SIDE, Sight.SIDE), mode="bicubic", antialias=True)  # fmt: skip
    return {
        "squashed": float((sight.seen - whole.clip(0, 1)).abs().mean()),
        "difference": float(np.abs(ours - core_frames).max()),
        "spread": float(core_frames.std()),
        "again": float(np.abs(ours - again).max()),
        "without_face": float(np.abs(ours - no_face).max()),
        "pose_twice": float(np.abs(ours - strong).max()),
        "steps": float(len(steps)),
        "same_fingerprint": float(
            backend.fingerprint
            == ComfyWanBackend(
                model.clone(), vae, positive, negative, Sampling(STEPS, GUIDANCE, 5.0, "uni_pc", "simple")
            ).fingerprint
        ),
        "other_fingerprint": float(
            backend.fingerprint
            != ComfyWanBackend(
                model, vae, positive, negative, Sampling(STEPS, 1.0, 5.0, "uni_pc", "simple")
            ).fingerprint
        ),
        "model_untouched": float(not model.object_patches),
    }


if __name__ == "__main__":
    import torch

    with torch.inference_mode():  # as ComfyUI runs nodes
        result = compare(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
    print(json.dumps(result))
