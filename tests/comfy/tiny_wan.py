"""Small random weights of Wan-Animate's true layout, as files that ComfyUI's own loaders take.

Run by ComfyUI's interpreter in its folder:  python tiny_wan.py FOLDER  writes
FOLDER/diffusion_models/wan2.2_animate_14B_bf16.safetensors (dim 128, 5 blocks; the face encoder at its true size),
FOLDER/diffusion_models/tiny_wan_t2v.safetensors (another model, for the message) and FOLDER/vae/wan_2.1_vae.safetensors.
"""

from __future__ import annotations

import sys
from pathlib import Path

WIDTH, BLOCKS = 128, 5


def write(folder: Path) -> None:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import comfy.ldm.wan.model
    import comfy.ldm.wan.model_animate
    import comfy.ldm.wan.vae
    import comfy.ops
    import torch
    from safetensors.torch import save_file

    shape = {"dim": WIDTH, "ffn_dim": 2 * WIDTH, "num_heads": WIDTH // 128, "num_layers": BLOCKS}
    shape |= {"operations": comfy.ops.manual_cast, "dtype": torch.float32, "device": "cpu"}
    animate = comfy.ldm.wan.model_animate.AnimateWanModel(in_dim=36, text_dim=4096, **shape)
    save_file(_filled(animate, 1), _place(folder, "diffusion_models", "wan2.2_animate_14B_bf16.safetensors"))
    other = comfy.ldm.wan.model.WanModel(model_type="t2v", in_dim=16, text_dim=4096, **shape)
    save_file(_filled(other, 2), _place(folder, "diffusion_models", "tiny_wan_t2v.safetensors"))
    vae = comfy.ldm.wan.vae.WanVAE(dim=16, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[], temperal_downsample=[False, True, True])  # fmt: skip
    save_file(_filled(vae, 3, gain=1.0), _place(folder, "vae", "wan_2.1_vae.safetensors"))


def _filled(module, seed, gain=0.6):
    """Random numbers in every tensor: as wide as keeps activations of the order of one."""
    import torch

    draw = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, value in module.state_dict().items():
        if name.endswith(".kernel"):
            taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
            tensors[name] = torch.outer(taps, taps) / 64
        elif value.ndim == 1 or name.endswith((".gamma", "modulation")):
            plain = torch.randn(value.shape, generator=draw) * 0.05
            tensors[name] = plain + (1.0 if name.endswith((".gamma", "norm_q.weight", "norm_k.weight", "q_norm.weight", "k_norm.weight", "norm3.weight")) else 0.0)  # fmt: skip
        else:
            wide = 1.0 if "motion_encoder" in name else gain / max(1, value[0].numel()) ** 0.5
            tensors[name] = torch.randn(value.shape, generator=draw) * wide
    return tensors


def _place(folder: Path, kind: str, file: str) -> str:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    return str(folder / kind / file)


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute())
