"""Random weights of RIFE's and FILM's true layout, as files that ComfyUI's own loader takes.

Run by ComfyUI's interpreter in its folder:  python tiny_between.py FOLDER  writes
FOLDER/frame_interpolation/rife_random.safetensors and film_random.safetensors (half precision).
"""

from __future__ import annotations

import sys
from pathlib import Path


def write(folder: Path) -> None:
    sys.path.insert(0, str(Path.cwd()))
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    import torch
    from comfy_extras.frame_interpolation_models.film_net import FILMNet
    from comfy_extras.frame_interpolation_models.ifnet import IFNet
    from safetensors.torch import save_file

    place = folder / "frame_interpolation"
    place.mkdir(parents=True, exist_ok=True)
    for name, model in (("rife", IFNet(channels=(32, 32, 32, 32, 32))), ("film", FILMNet())):
        draw = torch.Generator().manual_seed(7)
        weights = {}
        for key, tensor in model.state_dict().items():
            spread = 1.5 / max(1, tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.02
            weights[key] = (torch.randn(tensor.shape, generator=draw) * spread).half().contiguous()
        save_file(weights, place / f"{name}_random.safetensors")


if __name__ == "__main__":
    write(Path(sys.argv[1]).resolve())
