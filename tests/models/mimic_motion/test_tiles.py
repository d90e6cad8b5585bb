"""Tiles, fusion, guidance, noise and the squashed picture against the original's numbers, and their own rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_transfer.core import UsageError
from motion_transfer.models.mimic_motion.conditioning import augmented, section_noise, squashed
from motion_transfer.models.mimic_motion.tiles import fused, guidance_ramp, plan_tiles, triangle

GOLDENS = Path(__file__).parent / "goldens"
CASES = json.loads((GOLDENS / "tiles.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['frames']}-{c['tile']}-{c['overlap']}")
def test_tiles_and_their_shares_are_the_originals(case):
    frames = case["frames"]
    if case["overlap"] == 0:  # the original leaves frame 16 to no tile and divides by zero
        assert case["weights"][0][16] != case["weights"][0][16] or case["weights"][0][16] is None
        with pytest.raises(ValueError, match="no tiles"):
            plan_tiles(frames, case["tile"], 0)
        return
    tiles = plan_tiles(frames, case["tile"], case["overlap"])
    assert [list(t) for t in tiles] == case["tiles"]
    for k, want in enumerate(case["weights"]):
        share = fused(frames, tiles, lambda tile, k=k: torch.full((1, len(tile), 1), float(tile is tiles[k])))
        assert torch.allclose(share[0, :, 0], torch.tensor(want), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(2, 80), st.integers(1, 20))
def test_every_frame_is_in_some_tile_and_the_reference_leads_all(frames, tile, overlap):
    tiles = plan_tiles(frames, tile, min(overlap, tile - 1))
    assert {f for t in tiles for f in t} == set(range(frames))
    assert all(t[0] == 0 and list(t) == sorted(set(t)) and len(t) == min(tile, frames) for t in tiles)
    whole = fused(frames, tiles, lambda t: torch.tensor(t, dtype=torch.float32)[None, :, None])
    assert torch.allclose(whole[0, :, 0], torch.arange(frames).float(), atol=1e-3), "what all agree on stays"


def test_a_clip_shorter_than_a_tile_is_one_tile():
    """The original stops with an IndexError."""
    assert plan_tiles(5, 16, 6) == ((0, 1, 2, 3, 4),)
    assert torch.equal(triangle(4), torch.tensor([0.25, 0.75, 0.75, 0.25]))


def test_guidance_runs_over_the_whole_clip_whatever_section_a_frame_is_in():
    whole = guidance_ramp(1.0, 3.0, 101, 0, 100)
    assert torch.equal(whole, torch.linspace(1.0, 3.0, 101))
    part = guidance_ramp(1.0, 3.0, 21, 40, 100)
    assert part[0] == whole[0] and torch.equal(part[1:], whole[41:61])
    assert guidance_ramp(2.0, 2.0, 5, 9, 100).tolist() == [2.0] * 5


@pytest.mark.parametrize(("first", "last"), [(1, 1), (0.5, 1), (0, 0)])
def test_no_guidance_is_refused_in_one_line(first, last):
    """The original slices an empty batch there."""
    with pytest.raises(UsageError) as refusal:
        guidance_ramp(first, last, 4, 0, 4)
    assert "2 is the authors'" in str(refusal.value) and "\n" not in str(refusal.value)


def test_sections_begin_shared_frames_from_the_same_noise():
    size = (64, 128)
    first, second = section_noise(7, 16, size, 41, 0), section_noise(7, 16, size, 31, 30)
    assert first.shape == (41, 4, 16, 8) and torch.equal(first[16], first[0]) and not torch.equal(first[1], first[0])
    assert torch.equal(first[31:], second[1:11]), "clip frames 30 to 39"
    assert torch.equal(first[0], second[0]), "the reference's"
    assert not torch.equal(section_noise(8, 16, size, 41, 0), first)


@pytest.mark.parametrize("size", [(576, 1024), (1024, 576), (224, 224), (64, 128), (300, 250)])
def test_the_picture_for_clip_is_diffusers(size):
    pipeline = pytest.importorskip("diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion")
    picture = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 * 2 - 1
    want = ((pipeline._resize_with_antialiasing(pixels, (224, 224)) + 1) / 2)[0].permute(1, 2, 0)
    assert np.abs(squashed(picture) - want.numpy()).max() < 2e-5  # sums of up to 7 x 7 taps in float32


def test_noise_on_the_reference_is_as_strong_as_asked():
    picture = np.full((64, 64, 3), 128, np.uint8)
    assert np.array_equal(augmented(picture, 0.0, 1), picture.astype(np.float32) / 255)
    noisy = augmented(picture, 0.1, 1) - augmented(picture, 0.0, 1)
    assert abs(noisy.std() - 0.05) < 0.002, "0.1 of -1..1"
    assert np.array_equal(augmented(picture, 0.1, 1), augmented(picture, 0.1, 1))
