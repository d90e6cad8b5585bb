"""Published layouts become one and the same network."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from diffusers_tiny import (  # noqa: E402
    official_state,
    official_vae_state,
    saved,
    sharded,
    tiny_transformer,
    tiny_vae,
)

from motion_transfer.core import InputError, MissingWeights  # noqa: E402
from motion_transfer.face_motion.lmd_encoder import LmdEncoder  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_files import face_tensors, load_transformer, load_vae  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_keys import diffusers_tensors, official_tensor  # noqa: E402


@pytest.fixture(scope="module")
def reference():
    return tiny_transformer()


def without_face(net):
    return {k: v for k, v in net.state_dict().items() if not k.startswith("motion_encoder.")}


def same(net, reference):
    found, expected = net.state_dict(), without_face(reference)
    assert found.keys() == expected.keys()
    return all(torch.equal(found[k], expected[k]) for k in expected)


def test_names_agree_with_diffusers_own_converter(reference):
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers, convert_wan_vae_to_diffusers

    # Their converter counts the motion encoder's blocks as of 512 px; it is compared in tests/face_motion.
    state = {k: v for k, v in official_state(reference).items() if not k.startswith("motion_encoder.")}
    converted = convert_wan_transformer_to_diffusers(dict(state))
    expected = without_face(reference)
    assert converted.keys() == expected.keys() and all(torch.equal(converted[k], expected[k]) for k in expected)
    vae = tiny_vae()
    converted = convert_wan_vae_to_diffusers(official_vae_state(vae))
    assert converted.keys() == vae.state_dict().keys()
    assert all(torch.equal(v, vae.state_dict()[k]) for k, v in converted.items())


def test_names_go_there_and_back(reference):
    for name in without_face(reference):
        assert name in diffusers_tensors(official_tensor(name))


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model."])
def test_one_official_file(reference, tmp_path, prefix):
    path = saved({prefix + k: v for k, v in official_state(reference).items()}, tmp_path / "wan.safetensors")
    assert same(load_transformer(path, torch.float32), reference)
    assert LmdEncoder(face_tensors(path)).encoder_id == LmdEncoder(reference.motion_encoder.state_dict()).encoder_id


def test_official_shards_and_a_diffusers_repository(reference, tmp_path):
    assert same(load_transformer(sharded(official_state(reference), tmp_path / "official"), torch.float32), reference)
    repository = tmp_path / "repository"
    sharded(reference.state_dict(), repository / "transformer")
    assert same(load_transformer(repository, torch.float32), reference)
    assert LmdEncoder(face_tensors(repository)).encoder_id == LmdEncoder(reference.motion_encoder.state_dict()).encoder_id  # fmt: skip
    (repository / "transformer" / "diffusion_pytorch_model-00002-of-00003.safetensors").unlink()
    with pytest.raises(MissingWeights, match="00002-of-00003"):
        load_transformer(repository, torch.float32)


def test_half_precision_keeps_norms_time_and_modulation_wide(reference, tmp_path):
    net = load_transformer(saved(official_state(reference), tmp_path / "w.safetensors"), torch.bfloat16)
    wide = {n for n, p in net.named_parameters() if p.dtype == torch.float32}
    assert "blocks.0.attn1.to_q.weight" not in wide and "patch_embedding.weight" not in wide
    assert {"blocks.3.norm2.weight", "scale_shift_table", "condition_embedder.time_embedder.linear_1.bias"} <= wide


@pytest.mark.parametrize("scale_name", ["scale_weight", "weight_scale"])
def test_fp8_weights_come_back_by_their_scale(reference, tmp_path, scale_name):
    state = official_state(reference)
    packed = ["blocks.1.ffn.0", "blocks.2.cross_attn.k_img", "face_adapter.fuser_blocks.1.linear1_kv", "motion_encoder.enc.fc.1"]  # fmt: skip
    expected = {}
    for module in packed:
        scale = state[f"{module}.weight"].abs().max() / 448
        small = (state[f"{module}.weight"] / scale).to(torch.float8_e4m3fn)
        state[f"{module}.weight"], state[f"{module}.{scale_name}"] = small, scale
        expected[module] = small.float() * scale
    state["scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)
    path = saved(state, tmp_path / "fp8.safetensors")
    net = load_transformer(path, torch.float32)
    assert torch.equal(net.blocks[1].ffn.net[0].proj.weight, expected[packed[0]])
    assert torch.equal(net.blocks[2].attn2.add_k_proj.weight, expected[packed[1]])
    kv = torch.cat([net.face_adapter[1].to_k.weight, net.face_adapter[1].to_v.weight])
    assert torch.equal(kv, expected[packed[2]])
    LmdEncoder(face_tensors(path))


def test_other_and_broken_models_are_told_apart(reference, tmp_path):
    state = official_state(reference)
    t2v = {k: v for k, v in state.items() if k.startswith(("blocks.", "patch_embedding"))}
    with pytest.raises(InputError, match="no face adapter"):
        load_transformer(saved(t2v, tmp_path / "t2v.safetensors"), torch.float32)
    less = {k: v for k, v in state.items() if k != "blocks.4.ffn.2.bias"}
    with pytest.raises(InputError, match=r"missing blocks\.4\.ffn\.net\.2\.bias"):
        load_transformer(saved(less, tmp_path / "less.safetensors"), torch.float32)
    more = state | {"vace_blocks.0.weight": torch.zeros(2)}
    with pytest.raises(InputError, match=r"vace_blocks\.0\.weight"):
        load_transformer(saved(more, tmp_path / "more.safetensors"), torch.float32)
    (tmp_path / "text.safetensors").write_text("not a tensor in sight")
    with pytest.raises(InputError, match="cannot be read"):
        load_transformer(tmp_path / "text.safetensors", torch.float32)
    with pytest.raises(MissingWeights, match=r"no \.safetensors"):
        load_transformer(tmp_path / "nowhere", torch.float32)


def test_the_vae_from_every_layout(tmp_path):
    vae = tiny_vae()
    files = [saved(official_vae_state(vae), tmp_path / "wan_2.1_vae.safetensors"), tmp_path / "Wan2.1_VAE.pth"]
    torch.save(official_vae_state(vae), files[1])
    files.append(saved(vae.state_dict(), tmp_path / "vae" / "diffusion_pytorch_model.safetensors").parent)
    for path in files:
        found = load_vae(path, torch.float32).state_dict()
        assert all(torch.equal(found[k], v) for k, v in vae.state_dict().items())
    with pytest.raises(InputError, match=r"not the Wan 2\.1 VAE"):
        load_vae(saved({"decoder.head.weight": torch.zeros(1)}, tmp_path / "other.safetensors"), torch.float32)


class Trap:
    def __reduce__(self):
        return print, ("code from a weight file ran",)


def test_a_pickle_with_code_in_it_is_refused(tmp_path, capsys):
    torch.save({"encoder.conv1.weight": Trap()}, tmp_path / "trap.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.pth", "plain.pth"):
        with pytest.raises(InputError, match=name):
            load_vae(tmp_path / name, torch.float32)
    assert "ran" not in capsys.readouterr().out
