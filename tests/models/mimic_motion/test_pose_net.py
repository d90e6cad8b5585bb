"""PoseNet at its true size against the original, and by the tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import tensors
from safetensors.torch import load_file

from motion_transfer.core import InputError
from motion_transfer.models.mimic_motion.pose_net import FRAMES_AT_ONCE, PoseLatents, PoseNet

GOLDENS = Path(__file__).parent / "goldens"


def net(channels=320):
    return PoseNet.from_tensors(tensors(PoseNet(channels), "pose_net."), "pose.safetensors")


@torch.no_grad()
def test_pose_net_is_the_originals():
    golden = load_file(GOLDENS / "pose_net.safetensors")
    made = net()
    assert sum(p.numel() for p in made.parameters()) == 205_557
    assert len(made.state_dict()) == 19
    assert (made(golden["pose"]) - golden["out"]).abs().max() < 1e-4


@torch.no_grad()
def test_tiles_are_the_same_frames_of_the_whole():
    pictures = np.random.default_rng(0).integers(0, 256, (2 * FRAMES_AT_ONCE + 3, 64, 64, 3)).astype(np.uint8)
    made = net(64)
    whole = made(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1)
    latents = PoseLatents(made, pictures, 0.5)
    frames = (0, *range(4, 2 * FRAMES_AT_ONCE + 3))
    cpu = torch.device("cpu")
    said = latents.tile(frames, cpu, torch.float32)
    assert torch.allclose(said, 0.5 * whole[list(frames)], atol=1e-6)
    assert latents.tile(frames, cpu, torch.float32) is said, "both sides of a step ask for it"
    assert latents.tile((0, 1), cpu, torch.float32).shape == (2, 64, 8, 8)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    assert latents.tile((0, 1), cpu, torch.bfloat16).dtype == torch.bfloat16
    after = made.state_dict()
    assert all(v.dtype == torch.float32 and torch.equal(v, before[n]) for n, v in after.items()), "it is others' too"


@pytest.mark.parametrize("harm", ["lacks one", "has one more", "another shape", "something else"])
def test_another_network_is_named(harm):
    given = tensors(PoseNet(64), "pose_net.")
    if harm == "lacks one":
        del given["scale"]
    elif harm == "has one more":
        given["more"] = torch.zeros(1)
    elif harm == "another shape":
        given["conv_layers.0.weight"] = torch.zeros(3, 3, 5, 5)
    else:
        given = {"some.weight": torch.zeros(3)}
    with pytest.raises(InputError, match=r"pose\.safetensors is not MimicMotion's PoseNet"):
        PoseNet.from_tensors(given, "pose.safetensors")
