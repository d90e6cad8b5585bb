"""The reference values of the official networks with seeded weights, and those weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from seeded_weights import state_dict

from motion_transfer.models.live_portrait.layout import shapes_of

PLACE = Path(__file__).parent / "goldens"
OFFICIAL = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warping": "warping_module",
    "generator": "spade_generator",
    "stitching": "stitching",
    "lip": "lip",
    "eye": "eye",
}


def seeded(network):
    values = state_dict(OFFICIAL[network], shapes_of(network))
    return {name: torch.from_numpy(np.array(value)) for name, value in values.items()}


def goldens():
    return load_file(PLACE / "networks.safetensors")


def farthest(name, values):
    """(largest distance from the golden over its samples and its dense block, the official float32 code's own)."""
    facts, gold = json.loads((PLACE / "networks.json").read_text())[name], goldens()
    sampled = values[tuple(slice(None, None, step) for step in facts["steps"])]
    distance = float((sampled - gold[name]).abs().max())
    if "block" in facts:
        block = values[tuple(slice(*ends) for ends in facts["block"])]
        distance = max(distance, float((block - gold[f"{name}#block"]).abs().max()))
    return distance, facts["float32_max_abs_err"]


def narrow(network):
    """Tensors of the same network with an eighth of its inner channels."""
    kept = {110, 22, 4, 32, 12, 16} if network == "warping" else {12}

    def thin(n):
        return n if n in kept or n < 8 else max(2, n // 8)

    shapes = {}
    for name, shape in shapes_of(network).items():
        sizes = [thin(n) if i < 2 else n for i, n in enumerate(shape)]
        if name.endswith("weight_v"):
            sizes = [thin(shape[0] // 9) * 9 if "conv_s" not in name else thin(shape[0])]
        shapes[name] = tuple(sizes)
    if network == "warping":
        shapes |= _warping_sizes(shapes)
    values = state_dict(OFFICIAL[network], shapes)
    return {name: torch.from_numpy(np.array(value)) for name, value in values.items()}


def _warping_sizes(shapes):
    """The sums that thinning breaks: what skips add, and the volume's 32 x 16 channels."""
    dense, wide = "dense_motion_network", {}
    down = [110, 8, 16, 32, 64, 128]
    up = [64, 32, 16, 8, 4]
    for i in range(5):
        wide[f"{dense}.hourglass.encoder.down_blocks.{i}.conv.weight"] = (down[i + 1], down[i], 3, 3, 3)
        into = down[5] if i == 0 else up[i - 1] + down[5 - i]
        wide[f"{dense}.hourglass.decoder.up_blocks.{i}.conv.weight"] = (up[i], into, 3, 3, 3)
    seen = up[4] + 110
    wide[f"{dense}.hourglass.decoder.conv.weight"] = (seen, seen, 3, 3, 3)
    wide[f"{dense}.mask.weight"] = (22, seen, 7, 7, 7)
    wide[f"{dense}.occlusion.weight"] = (1, seen * 16, 7, 7)
    wide["third.conv.weight"], wide["fourth.weight"] = (32, 512, 3, 3), (32, 32, 1, 1)
    parts = ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "conv.bias")
    for name in [n for n in wide if n.endswith("conv.weight")]:
        wide |= {name.replace("conv.weight", part): wide[name][:1] for part in parts}
    wide["fourth.bias"] = (32,)
    return wide
