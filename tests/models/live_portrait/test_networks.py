"""Our networks against the official ones' values, and the rewritten W and G against the plain order of work."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import plain_live_portrait as plain
from golden_networks import OFFICIAL, PLACE, farthest, goldens, narrow, seeded
from seeded_weights import image, normal

from motion_transfer.face_motion import tiled_convolution
from motion_transfer.face_motion.kept_memory import KeptMemory
from motion_transfer.face_motion.portrait_motion import degrees_from_bins
from motion_transfer.models.live_portrait.appearance_net import AppearanceNet
from motion_transfer.models.live_portrait.enlarged import EnlargedConv2d
from motion_transfer.models.live_portrait.enlarged_products import Differences, EnlargedProducts
from motion_transfer.models.live_portrait.generator_net import GeneratorNet
from motion_transfer.models.live_portrait.layout import shapes_of
from motion_transfer.models.live_portrait.motion_net import MotionNet, SmallNet
from motion_transfer.models.live_portrait.warping_net import WarpingNet, heat_maps, identity_grid, shifted

# The references are float64. Twice the official float32 code's own distance from them leaves room for another order
# of sums on another processor and is far below what any wrong constant makes.
ROOM = 2.0


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def faces():
    return torch.from_numpy(np.concatenate([image("input/image_a"), image("input/image_b")])).float()


@pytest.mark.parametrize("network", OFFICIAL)
def test_the_layout_has_every_tensor_of_the_official_network(network):
    official = json.loads((PLACE / "layout.json").read_text())[OFFICIAL[network]]
    assert {name: list(shape) for name, shape in shapes_of(network).items()} == official


def test_the_volume_is_the_official_one(faces):
    distance, official = farthest("F/feature_3d", AppearanceNet(seeded("appearance"))(faces))
    assert distance <= ROOM * official  # measured 5.6e-6, as the official code


def test_every_head_of_the_motion_network_is_the_official_one(faces):
    heads = MotionNet(seeded("motion"))(faces)
    for name, values in heads.items():
        distance, official = farthest(f"M/{name}", values)
        assert distance <= ROOM * official, name
    for name in ("pitch", "yaw", "roll"):
        degrees = torch.from_numpy(degrees_from_bins(heads[name].numpy()))
        assert farthest(f"M/{name}_degree", degrees)[0] < 2e-4, name  # float32 logits: 7e-5 in the official code


@pytest.mark.parametrize(("network", "rest"), [("stitching", "driving"), ("lip", "lip"), ("eye", "eye")])
def test_the_small_networks_are_the_official_ones(network, rest):
    gold = goldens()
    inputs = torch.cat([gold["input/mlp_source"].flatten(1), gold[f"input/mlp_{rest}"].flatten(1)], 1)
    assert farthest(f"S/{network}", SmallNet(seeded(network))(inputs))[0] < 1e-7


WAYS = {"a card's": torch.float64, "a processor's": torch.float32, "a processor's, all in tiles": torch.float32}
"""float64 takes the way of all that is not float32 on a processor."""


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    if request.param.endswith("all in tiles"):  # which so few channels would not be
        monkeypatch.setattr(tiled_convolution, "FEWEST_CHANNELS", 1)
        monkeypatch.setattr(tiled_convolution, "FEWEST_PRODUCTS", 1)
    return WAYS[request.param]


def test_the_rewritten_warp_equals_the_plain_one_for_several_frames_at_once(way):
    """Channels an eighth as many and half the height and width, so that it takes a second, not a minute."""
    tensors, gold = narrow("warping"), goldens()
    volume = torch.from_numpy(normal("narrow/volume", (1, 32, 16, 32, 32))).float()
    net = WarpingNet(tensors, way)
    x_s, x_d = gold["input/kp_source"], gold["input/kp_driving"]
    chosen = [0, 2]  # a small motion, and one far outside of the volume
    ours = net.warp(net.prepare(volume), x_s.expand(2, -1, -1), x_d[chosen])
    for i, frame in enumerate(chosen):
        theirs = plain.warp(tensors, volume, x_s, x_d[frame : frame + 1])
        for name, got, wanted in zip(("features", "places", "occlusion"), ours, theirs, strict=True):
            # From float64 ours is 3.8e-5 away, the plain float32 order 1.0e-4; a place one cell off would be 1.
            torch.testing.assert_close(got[i : i + 1].float(), wanted, atol=2e-4, rtol=0, msg=lambda m, n=name: n + m)


def test_a_source_of_each_frame_moves_as_it_would_alone():
    tensors, gold = narrow("warping"), goldens()
    volumes = torch.from_numpy(normal("narrow/volumes", (2, 32, 16, 32, 32))).float()
    net = WarpingNet(tensors, torch.float32)
    x_s, x_d = gold["input/kp_source"], gold["input/kp_driving"][:2]
    together = net(net.prepare(volumes), x_s.expand(2, -1, -1), x_d)
    alone = net(net.prepare(volumes[1:]), x_s, x_d[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=0)  # the rounding of sums in another order


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["a card's way", "a processor's way"])
def test_the_rewritten_generator_equals_the_plain_one(dtype):
    tensors = narrow("generator")
    features = torch.from_numpy(normal("narrow/features", (2, 32, 16, 12))).float()
    net = GeneratorNet(tensors, dtype)
    ours = net(features)
    assert ours.shape == (2, 3, 128, 96)
    torch.testing.assert_close(ours, plain.generate(tensors, features), atol=2e-5, rtol=0)
    if dtype == torch.float32:  # memory that was used is used again, by frames of any number and size
        torch.testing.assert_close(net(features[1:]), ours[1:], atol=1e-6, rtol=0)
        assert net(features[:, :, :8, :4]).shape == (1 + 1, 3, 64, 32)
        assert torch.equal(net(features), ours)


def test_enlarged_cells_are_convolved_as_enlarged_ones_are():
    for scale in (2, 4):
        weight, bias = (torch.from_numpy(normal(f"{n}/{scale}", s)).float() for n, s in (("w", (6, 5, 3, 3)), ("b", (6,))))  # fmt: skip
        convolution, memory = EnlargedConv2d(weight, bias, scale, torch.float32), KeptMemory()
        x = memory.bordered("x", (2, 4, 3, 5))
        x.inner.copy_(torch.from_numpy(normal("cells", (2, 4, 3, 5))).float())
        wide = x.inner.permute(0, 3, 1, 2).repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        wanted = torch.nn.functional.conv2d(wide.double(), weight.double(), bias.double(), padding=1)
        out = torch.full((2, 4, scale, 3, scale, 6), torch.nan)
        for rows, columns, values in EnlargedProducts(convolution).places(Differences(x, memory), memory):
            for row in rows:
                for column in columns:
                    out[:, :, row, :, column] = values
        torch.testing.assert_close(
            out.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2).double(), wanted, atol=1e-5, rtol=0
        )
        torch.testing.assert_close(convolution(x.inner.permute(0, 3, 1, 2)).double(), wanted, atol=1e-5, rtol=0)


def test_a_picture_of_bfloat16_is_near():
    """The whole generator in it would be 2.9e-3 away here, and 4.7e-3 at true size behind the warp."""
    tensors = narrow("generator")
    features = torch.from_numpy(normal("narrow/features", (1, 32, 32, 32))).float()
    away = GeneratorNet(tensors, torch.bfloat16)(features) - GeneratorNet(tensors, torch.float32)(features)
    assert 1e-4 < float(away.square().mean().sqrt()) <= 1.8e-3  # measured 1.5e-3


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.31, -0.2, 0.4), (2.5, 0.1, 0.0), (-0.4, -3.0, 1.9)])
def test_three_matrices_read_what_a_grid_reads(shift):
    volume = torch.from_numpy(normal("volume", (1, 4, 16, 24, 20)))
    shifts = torch.tensor([[shift]], dtype=torch.float64)
    wanted = torch.nn.functional.grid_sample(volume, identity_grid(volume)[None] + shifts[0, 0], align_corners=False)
    torch.testing.assert_close(shifted(volume, shifts)[:, 0], wanted, atol=1e-12, rtol=0)


def test_heat_is_the_gaussian_of_the_distance():
    volume = torch.zeros(1, 1, 5, 7, 6, dtype=torch.float64)
    points = torch.tensor([[[0.2, -0.4, 0.9], [-1.5, 0.0, 0.3]]], dtype=torch.float64)
    cells = identity_grid(volume)
    torch.testing.assert_close(heat_maps(points, volume), plain.heat(points, cells), atol=1e-15, rtol=1e-12)


@pytest.mark.slow
def test_warp_and_chain_of_true_size_are_the_official_ones(faces):
    gold = goldens()
    net = WarpingNet(seeded("warping"), torch.float32)
    source = net.prepare(AppearanceNet(seeded("appearance"))(faces[:1]))
    points = gold["input/kp_source"].expand(3, -1, -1)
    features, places, occlusion = net.warp(source, points, gold["input/kp_driving"])
    assert farthest("W/out", features)[0] <= 1e-4  # measured 5.6e-5, the official float32 code 8.0e-5
    assert farthest("W/deformation", places)[0] <= 2e-5
    assert farthest("W/occlusion_map", occlusion)[0] <= 1e-5
    del net
    images = GeneratorNet(seeded("generator"), torch.float32)
    chain = torch.cat([images(features[i : i + 1]) for i in range(3)])
    # The official float32 code is 6.5e-5 off here: W's rounding reaches the picture. 2e-4 is a twentieth of a level.
    assert farthest("G/chain_image", chain)[0] <= 2e-4


@pytest.mark.slow
def test_the_generator_of_true_size_is_the_official_one():
    features = torch.from_numpy(normal("input/generator", (1, 256, 64, 64))).float()
    image_of = GeneratorNet(seeded("generator"), torch.float32)(features)
    assert farthest("G/seeded_image", image_of)[0] <= 1e-5  # measured 3.5e-6
