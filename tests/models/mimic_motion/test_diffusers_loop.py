"""The original's UNet and whole denoising loops, repeated by diffusers' own class, our tiles and our Euler."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import given, tensors
from safetensors.torch import load_file

pytest.importorskip("diffusers")

from diffusers import UNetSpatioTemporalConditionModel

from motion_transfer.models.mimic_motion.backend import SectionCondition
from motion_transfer.models.mimic_motion.diffusers_backend import Guided
from motion_transfer.models.mimic_motion.diffusers_files import build_unet
from motion_transfer.models.mimic_motion.euler import karras_sigmas, sample_euler
from motion_transfer.models.mimic_motion.pose_net import PoseNet
from motion_transfer.models.mimic_motion.tiles import guidance_ramp, plan_tiles

GOLDENS = Path(__file__).parent / "goldens"
TINY = {
    "sample_size": 16, "block_out_channels": (64, 128, 128, 128), "cross_attention_dim": 32,
    "num_attention_heads": (1, 2, 2, 2), "num_frames": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    with torch.device("meta"):
        return tensors(UNetSpatioTemporalConditionModel(**TINY), "unet.")


@pytest.fixture(scope="module")
def unet(weights):
    """Built from the tensors alone: widths, heads and context are read off them."""
    return build_unet(weights, "tiny.safetensors", torch.float32)


class GivenPoses:
    """In place of drawn pictures, which are 8 bits: PoseNet on the golden's own numbers."""

    def __init__(self, pictures):
        self._latents = PoseNet.from_tensors(tensors(PoseNet(64), "pose_net."), "recipe")(pictures)

    def tile(self, frames, device, dtype):
        return self._latents[list(frames)]


@pytest.mark.parametrize(("name", "strength"), [("out_pose", 1.0), ("out_no_pose", 0.0), ("out_pose_0_8", 0.8)])
@torch.no_grad()
def test_the_unet_with_a_pose_behind_its_first_layer_is_the_originals(unet, name, strength):
    golden = load_file(GOLDENS / "unet_tiny.safetensors")
    handle = unet.conv_in.register_forward_hook(lambda m, a, out: out + strength * golden["pose_latents"])
    said = unet(golden["sample"], golden["timestep"][0], golden["context"], golden["added_time_ids"]).sample
    handle.remove()
    assert (said - golden[name]).abs().max() < 1e-4


LOOPS = [("loop_40_16_6", 40, 2.0, 2.0), ("loop_27_16_6_cfg1to3", 27, 1.0, 3.0)]


def guided_by(unet, golden, frames, low, high):
    condition = SectionCondition(
        poses=np.zeros((frames, 1, 1, 3), np.uint8),
        tiles=plan_tiles(frames, 16, 6),
        guidance=guidance_ramp(low, high, frames, 0, frames - 1),
        pose_strength=1.0,
    )
    poses = GivenPoses(given("loop.pose", (frames, 3, 128, 64)).clamp(-1, 1))
    times = torch.tensor([[6.0, 127.0, 0.0]])
    return Guided(unet, golden["image_embeds"], golden["image_latents"][0], condition, poses, times)


@torch.no_grad()
def test_noise_levels_and_the_first_guided_prediction_are_the_originals(unet):
    name, frames, low, high = LOOPS[1]
    golden = load_file(GOLDENS / f"{name}.safetensors")
    sigmas = karras_sigmas(4)
    assert torch.allclose(sigmas.float(), golden["sigmas"], rtol=2e-6)
    levels = [0.25 * math.log(float(s)) for s in sigmas[:-1]]
    assert torch.allclose(torch.tensor(levels), golden["timesteps"], atol=1e-5)
    noise = golden["noise"][0][torch.arange(frames) % 16]
    first = guided_by(unet, golden, frames, low, high)(noise, levels[0])
    assert (first - golden["guided_first"][0]).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(("name", "frames", "low", "high"), LOOPS)
@torch.no_grad()
def test_the_whole_loop_is_the_originals(unet, name, frames, low, high):
    golden = load_file(GOLDENS / f"{name}.safetensors")
    guided, seen = guided_by(unet, golden, frames, low, high), []
    noise = golden["noise"][0][torch.arange(frames) % 16]
    latents = sample_euler(noise, karras_sigmas(4), guided, lambda done, x: seen.append(done))
    assert seen == [1, 2, 3, 4]
    # Measured 2e-5 of a spread of 1.1: sums over tiles and channels in another order.
    assert (latents - golden["latents_last"][0]).abs().max() < 2e-4
