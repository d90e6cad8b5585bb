"""Random weights of LivePortrait's true layout, true size and calm numbers, as the files that users have.

python tiny_portrait.py FOLDER  writes FOLDER/liveportrait/*.safetensors, 520 MB in a few seconds.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path


def write(folder: Path) -> None:
    from safetensors.torch import save_file

    from motion_transfer.models.live_portrait.layout import (
        APPEARANCE,
        EYE,
        GENERATOR,
        LIP,
        MLP_IN_PTH,
        MOTION,
        STITCHING,
        WARPING,
    )

    files = {
        APPEARANCE: "appearance_feature_extractor",
        MOTION: "motion_extractor",
        WARPING: "warping_module",
        GENERATOR: "spade_generator",
    }
    place = folder / "liveportrait"
    place.mkdir(parents=True, exist_ok=True)
    for seed, (network, name) in enumerate(files.items(), start=1):
        save_file(made(network, seed), str(place / f"{name}.safetensors"))
    small = {}
    for seed, network in enumerate((STITCHING, LIP, EYE), start=9):
        small |= {f"{MLP_IN_PTH[network]}_module.{n}": t for n, t in made(network, seed, gain=0.02).items()}
    save_file(small, str(place / "stitching_retargeting_module.safetensors"))


def made(network: str, seed: int, gain: float = 1.0) -> dict:
    """Tensors by their official names: as wide as keeps activations of the order of one."""
    import torch

    from motion_transfer.models.live_portrait.layout import shapes_of

    draw = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes_of(network).items():
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith(("running_var", "norm.weight", "norm1.weight", "norm2.weight", ".0.1.weight")):
            tensors[name] = torch.ones(shape)
        elif len(shape) <= 1:
            tensors[name] = 0.02 * torch.randn(shape, generator=draw)
        else:
            tensors[name] = gain * torch.randn(shape, generator=draw) * (2 / math.prod(shape[1:])) ** 0.5
    for name in [n for n in tensors if n.endswith("weight_orig")]:
        _measure(tensors, name.removesuffix("_orig"))
    if "detector.fc_scale.weight" in tensors:  # a head of size one that looks ahead, its points inside of the square
        for head in ("scale", "t", "exp", "kp"):
            tensors[f"detector.fc_{head}.weight"] *= 0.03
        tensors["detector.fc_scale.bias"] = torch.ones(1)
        tensors["detector.fc_kp.bias"] = 0.3 * torch.randn(63, generator=draw)
    return tensors


def _measure(tensors: dict, name: str) -> None:
    """The two vectors by which a layer's largest gain is told; wrong ones would divide by almost nothing."""
    import torch

    matrix = tensors[f"{name}_orig"].flatten(1)
    left = torch.nn.functional.normalize(tensors[f"{name}_u"], dim=0)
    for _ in range(4):
        right = torch.nn.functional.normalize(matrix.T @ left, dim=0)
        left = torch.nn.functional.normalize(matrix @ right, dim=0)
    tensors[f"{name}_u"], tensors[f"{name}_v"] = left, right


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute())
