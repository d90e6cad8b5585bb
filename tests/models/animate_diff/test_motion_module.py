"""One motion module and the layouts of the published files, against AnimateDiff-Evolved's numbers and names."""

from __future__ import annotations

import pytest
import torch
from animate_recipe import filled, full_size, golden, numbers

from motion_transfer.core import InputError
from motion_transfer.models.animate_diff.layout import build, published_names, read_layout
from motion_transfer.models.animate_diff.motion_module import MotionLayout, MotionNet, TemporalTransformer

KINDS = {"v1": "v1", "v2": "v2", "v3": "v3", "sdxl_beta": "sdxl"}
TINY = {"v1": MotionLayout("v1", (32, 64, 64, 64), False, 24), "sdxl": MotionLayout("sdxl", (32, 64, 64), False, 32)}


@pytest.mark.parametrize(("scale", "name"), [(1.0, "scale_1"), (0.5, "scale_0_5"), (1.5, "scale_1_5")])
def test_a_module_gives_evolveds_numbers_at_every_motion_scale(scale, name):
    wanted = golden("motion_module.safetensors")
    module = filled(TemporalTransformer(64, 32), "motion.temporal_transformer.")
    x = torch.from_numpy(numbers("input:motion.x", (8, 64, 4, 6)).astype("float32"))
    assert torch.equal(x, wanted["x"])
    with torch.no_grad():
        assert (module(x, 8, scale) - wanted[name]).abs().max() < 5e-6
    if scale != 1:
        assert (wanted[name] - wanted["scale_1"]).abs().max() > 1e-3


def test_two_clips_in_one_batch_do_not_see_each_other():
    module = filled(TemporalTransformer(64, 32), "motion.temporal_transformer.")
    x = torch.from_numpy(numbers("two", (16, 64, 2, 3)).astype("float32"))
    with torch.no_grad():
        apart = torch.cat([module(x[:8], 8), module(x[8:], 8)])
        assert (module(x, 8) - apart).abs().max() < 2e-6
        assert (module(x, 16) - apart).abs().max() > 1e-3


def test_more_frames_than_places_are_refused():
    with pytest.raises(ValueError, match="32 places"):
        TemporalTransformer(64, 32)(torch.zeros(33, 64, 1, 1), 33)


@pytest.mark.parametrize("kind", KINDS)
def test_every_published_file_loads_strictly_at_its_true_size(kind):
    told = golden("motion_keys.json.gz")[kind]
    net = build(full_size(kind), "a file")
    assert net.layout.kind == KINDS[kind] and net.layout.places == told["positions"]
    assert sum(p.numel() for p in net.parameters()) == told["parameters"]
    assert net.layout.base == told["sd_type"]
    assert net.layout.schedule[0] == told["beta_schedule"].split(" ")[0]
    assert net.layout.norms_over_frames == (told["version"] == "v1")


def diffusers_names(tensors):
    """As diffusers' MotionAdapter names them."""
    out = {}
    for name, value in tensors.items():
        if name.endswith("pos_encoder.pe"):
            continue
        for ours, theirs in (("attention_blocks.0", "attn1"), ("attention_blocks.1", "attn2"), ("norms.0", "norm1"), ("norms.1", "norm2"), ("ff_norm", "norm3"), ("temporal_transformer.", "")):  # fmt: skip
            name = name.replace(ours, theirs)
        out[name] = value
    return out


@pytest.mark.parametrize("kind", ["v2", "v3", "sdxl_beta"])
def test_diffusers_names_are_taken_too_with_and_without_the_table(kind):
    published = full_size(kind)
    renamed = diffusers_names(published)
    assert build(renamed, "a file").layout.kind == KINDS[kind]
    for name, value in published.items():
        if name.endswith("attention_blocks.0.pos_encoder.pe"):
            place = name.replace("temporal_transformer.", "").replace("attention_blocks.0.pos_encoder", "pos_embed")
            renamed[place] = value
    assert set(published_names(renamed)) == set(published)
    assert build(renamed, "a file").layout.kind == KINDS[kind]


def test_a_published_table_is_kept_and_a_prefix_is_taken_off():
    plain = MotionNet(TINY["v1"]).state_dict()
    table = next(name for name in plain if name.endswith("pe"))
    plain[table] = plain[table] + 0.25
    net = build({f"module.{name}": value for name, value in plain.items()} | {"step": 3}, "a file")
    assert torch.equal(net.state_dict()[table], plain[table]) and net.layout.kind == "v1"


@pytest.mark.parametrize(
    ("name", "seems"),
    [
        ("model.diffusion_model.input_blocks.0.0.weight", "a whole checkpoint"),
        ("down_blocks.0.motion_modules.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", "motion LoRA"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight", "a LoRA"),
        ("control_model.input_hint_block.0.weight", "a ControlNet"),
        ("controlnet_cond_embedding.conv_in.weight", "a SparseCtrl encoder"),
        ("down_blocks.0.temporal_attentions.0.norm.weight", "HotshotXL"),
        ("image_proj.latents", "an IP-Adapter"),
        ("decoder.conv_in.weight", "a file of 1 tensors such as decoder.conv_in.weight"),
    ],
)
def test_a_wrong_file_is_named_with_what_it_seems_to_be(name, seems):
    with pytest.raises(InputError) as refusal:
        build({name: torch.zeros(4, 4)}, "wrong.safetensors")
    line = str(refusal.value)
    assert "wrong.safetensors" in line and seems in line and "\n" not in line


def test_a_torn_or_foreign_module_is_refused_tensor_by_tensor():
    whole = MotionNet(TINY["v1"]).state_dict()
    first = next(iter(whole))
    with pytest.raises(InputError, match=f"lacks 1 tensors such as {first[:40]}|no motion module that is known"):
        build({k: v for k, v in whole.items() if k != first}, "torn.ckpt")
    last = list(whole)[-1]
    with pytest.raises(InputError, match=f"lacks 1 tensors such as {last}"):
        build({k: v for k, v in whole.items() if k != last}, "torn.ckpt")
    with pytest.raises(InputError, match=r"also holds 1 tensors such as conv_in.weight"):
        build(whole | {"conv_in.weight": torch.zeros(1)}, "pia.ckpt")
    with pytest.raises(InputError, match=r"is \[7\], not \[32\]"):
        build(whole | {"down_blocks.0.motion_modules.1.temporal_transformer.norm.bias": torch.zeros(7)}, "x.ckpt")
    with pytest.raises(InputError, match="empty"):
        build({}, "nothing.ckpt")


def test_the_layout_says_where_it_belongs():
    assert read_layout(MotionNet(TINY["sdxl"]).state_dict(), "x").base == "SDXL"
    assert TINY["sdxl"].norms_over_frames and not MotionLayout("v3", (320,) * 4, False, 32).norms_over_frames
