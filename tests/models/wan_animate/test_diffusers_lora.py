"""LoRAs of every style end up in the weights, and what does not fit is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from diffusers_tiny import HEAD_SIZE, HEADS, saved, tiny_transformer  # noqa: E402

from motion_transfer.core import InputError  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_files import network_of  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_lora import add_lora, add_lora_tensors  # noqa: E402

DIM, RANK = HEADS * HEAD_SIZE, 4


@pytest.fixture
def net():
    state = {k: v.clone() for k, v in tiny_transformer().state_dict().items() if not k.startswith("motion_encoder.")}
    return network_of(state, "tiny")


@pytest.fixture
def pair():
    draw = torch.Generator().manual_seed(3)
    return torch.randn(RANK, DIM, generator=draw), torch.randn(DIM, RANK, generator=draw)


STYLES = {
    "PEFT": ("blocks.1.cross_attn.k_img", "lora_A.weight", "lora_B.weight"),
    "PEFT with a prefix": ("base_model.model.blocks.1.cross_attn.k_img", "lora_A.default.weight", "lora_B.default.weight"),
    "Kijai": ("diffusion_model.blocks.1.cross_attn.k_img", "lora_down.weight", "lora_up.weight"),
    "stacked prefixes": ("base_model.model.diffusion_model.blocks.1.cross_attn.k_img", "lora_A.weight", "lora_B.weight"),
    "diffusers": ("transformer.blocks.1.attn2.add_k_proj", "lora_A.weight", "lora_B.weight"),
    "kohya": ("lora_unet_blocks_1_cross_attn_k_img", "lora_down.weight", "lora_up.weight"),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_every_style_of_names(net, pair, style):
    module, down, up = STYLES[style]
    before = net.blocks[1].attn2.add_k_proj.weight.clone()
    report = add_lora_tensors(net, {f"{module}.{down}": pair[0], f"{module}.{up}": pair[1]}, style, 0.8)
    assert report.num_applied == 1 and not report.unmatched and not report.misshapen
    assert torch.allclose(net.blocks[1].attn2.add_k_proj.weight, before + 0.8 * pair[1] @ pair[0], atol=1e-5)


def test_alpha_is_divided_by_the_rank(net, pair):
    before = net.blocks[0].attn1.to_q.weight.clone()
    name = "blocks.0.self_attn.q"
    tensors = {f"{name}.lora_down.weight": pair[0], f"{name}.lora_up.weight": pair[1], f"{name}.alpha": torch.tensor(2.0)}  # fmt: skip
    add_lora_tensors(net, tensors, "alpha", 1.0)
    assert torch.allclose(net.blocks[0].attn1.to_q.weight, before + 2 / RANK * pair[1] @ pair[0], atol=1e-5)


def test_whole_differences_of_norms_and_biases(net):
    norm, bias = net.blocks[2].norm2.weight.clone(), net.blocks[2].ffn.net[2].bias.clone()
    tensors = {"blocks.2.norm3.diff": torch.ones(DIM), "blocks.2.ffn.2.diff_b": torch.full((DIM,), 0.5)}
    assert add_lora_tensors(net, tensors, "diff", 0.5).num_applied == 2
    assert torch.allclose(net.blocks[2].norm2.weight, norm + 0.5)
    assert torch.allclose(net.blocks[2].ffn.net[2].bias, bias + 0.25)


def test_the_two_halves_of_a_face_block(net, pair):
    k, v = net.face_adapter[1].to_k.weight.clone(), net.face_adapter[1].to_v.weight.clone()
    up = torch.cat([pair[1], -2 * pair[1]])
    name = "face_adapter.fuser_blocks.1.linear1_kv"
    add_lora_tensors(net, {f"{name}.lora_A.weight": pair[0], f"{name}.lora_B.weight": up}, "kv", 1.0)
    assert torch.allclose(net.face_adapter[1].to_k.weight, k + pair[1] @ pair[0], atol=1e-5)
    assert torch.allclose(net.face_adapter[1].to_v.weight, v - 2 * pair[1] @ pair[0], atol=1e-5)


def test_what_does_not_fit_is_told_and_left_out(net, pair, tmp_path):
    patch = net.patch_embedding.weight.clone()
    tensors = {
        "blocks.0.ffn.0.lora_A.weight": pair[0],
        "blocks.0.ffn.0.lora_B.weight": torch.ones(64, RANK),
        "patch_embedding.diff": torch.ones(DIM, 16, 1, 2, 2),  # of a T2V model: 16 channels, not 36
        "blocks.99.ffn.0.diff_b": torch.ones(64),
        "something_else": torch.ones(1),
    }
    report = add_lora(net, saved(tensors, tmp_path / "mixed.safetensors"), 1.0)
    assert report.num_applied == 1 and torch.equal(net.patch_embedding.weight, patch)
    assert report.misshapen == ("patch_embedding",) and report.unmatched == ("blocks.99.ffn.0", "something_else")
    assert "1 modules changed, 3 left out" in str(report)


def test_a_file_for_another_model_or_a_damaged_one_is_refused(net, pair, tmp_path):
    other = saved({"down_blocks.0.attn.to_q.lora_A.weight": pair[0]}, tmp_path / "sdxl.safetensors")
    with pytest.raises(InputError, match="nothing that fits"):
        add_lora(net, other)
    half = saved({"blocks.0.self_attn.q.lora_A.weight": pair[0]}, tmp_path / "half.safetensors")
    with pytest.raises(InputError, match="only one of its two"):
        add_lora(net, half)


def test_a_pickled_lora_under_its_key(net, pair, tmp_path):
    state = {"blocks.0.self_attn.o.lora_A.weight": pair[0], "blocks.0.self_attn.o.lora_B.weight": pair[1]}
    torch.save({"state_dict": state}, tmp_path / "relighting_lora.ckpt")
    assert add_lora(net, tmp_path / "relighting_lora.ckpt").num_applied == 1
