"""The face encoder against its published form, and against diffusers' where that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from stock_lmd import random_official, stock_codes, stock_vectors  # noqa: E402

from motion_transfer.core import InputError  # noqa: E402
from motion_transfer.face_motion import lmd_encoder  # noqa: E402
from motion_transfer.face_motion.lmd_encoder import LmdEncoder  # noqa: E402
from motion_transfer.face_motion.lmd_weights import lmd_tensors  # noqa: E402

SIDE = 64
ROUNDING = 1e-5  # float32 through a dozen convolutions whose constants are multiplied in another order


@pytest.fixture(scope="module")
def weights():
    return random_official(SIDE)


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def pixels_of(faces):
    return torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 127.5 - 1


def relative(a, b):
    return float((torch.as_tensor(a) - torch.as_tensor(b)).norm() / torch.as_tensor(b).norm())


def test_codes_are_those_of_the_published_network(weights, faces):
    assert relative(LmdEncoder(weights).encode(faces), stock_codes(weights, pixels_of(faces))) < ROUNDING


@pytest.mark.parametrize("rows", [2, 4, 12], ids=["thin", "even", "with a rest"])
def test_codes_do_not_depend_on_the_bands(weights, faces, rows, monkeypatch):
    monkeypatch.setattr(lmd_encoder, "BAND_ROWS", rows)  # of 32
    assert relative(LmdEncoder(weights).encode(faces[:1]), stock_codes(weights, pixels_of(faces[:1]))) < ROUNDING


def test_codes_do_not_depend_on_the_batch_and_float_faces_are_the_same_faces(weights, faces):
    encoder = LmdEncoder(weights)
    codes = encoder.encode(faces, batch=1)
    assert relative(encoder.encode(faces, batch=3), codes) < ROUNDING
    assert relative(encoder.encode(faces.astype(np.float32) / 255), codes) < ROUNDING


def test_both_layouts_and_prefixes_give_one_encoder(weights):
    plain = LmdEncoder(weights)
    comfy = {f"model.diffusion_model.motion_encoder.{k}": v for k, v in weights.items()}
    comfy["model.diffusion_model.patch_embedding.weight"] = torch.zeros(1)  # the rest of a checkpoint is not looked at
    diffusers = {f"motion_encoder.{k}": v for k, v in lmd_tensors(weights).items()}
    assert LmdEncoder(comfy).encoder_id == plain.encoder_id == LmdEncoder(diffusers).encoder_id
    other = weights | {"enc.fc.2.bias": weights["enc.fc.2.bias"] + 1e-3}
    assert LmdEncoder(other).encoder_id != plain.encoder_id


def test_codes_and_vectors_turn_into_each_other(weights, faces):
    encoder = LmdEncoder(weights)
    codes = torch.from_numpy(encoder.encode(faces))
    vectors = encoder.vectors(codes)
    assert relative(vectors, stock_vectors(weights, codes)) < ROUNDING
    assert relative(encoder.codes(vectors), codes) < ROUNDING


def test_signs_of_the_directions_are_left_as_they_fall(weights):
    q = torch.linalg.qr(weights["dec.direction.weight"] + 1e-8)[0]
    r = q.T @ weights["dec.direction.weight"]
    assert (r.diagonal() < 0).any()  # or the next line would prove nothing
    assert torch.equal(LmdEncoder(weights).directions, q)


def test_no_face_is_a_black_picture(weights):
    encoder = LmdEncoder(weights)
    black = stock_codes(weights, torch.full((1, 3, SIDE, SIDE), -1.0))[0]
    assert relative(encoder.no_face(), black) < ROUNDING
    assert relative(encoder.no_face(), encoder.encode(np.zeros((1, SIDE, SIDE, 3), np.uint8))[0]) < ROUNDING


@pytest.mark.parametrize("scale_name", ["scale_weight", "weight_scale"])
def test_fp8_weights_are_multiplied_by_their_scale(weights, scale_name):
    name = "enc.fc.1.weight"
    scale = torch.tensor(float(weights[name].abs().max() / 400))
    packed = dict(weights) | {name: (weights[name] / scale).to(torch.float8_e4m3fn)}
    packed[f"enc.fc.1.{scale_name}"] = scale
    packed["scaled_fp8"] = torch.zeros(0).to(torch.float8_e4m3fn)
    found = lmd_tensors(packed)["motion_network.1.weight"]
    assert torch.equal(found, packed[name].float() * scale)
    assert relative(found, weights[name]) < 0.04  # three bits of mantissa


def test_missing_and_unknown_names_are_told(weights):
    broken = {k: v for k, v in weights.items() if k != "enc.fc.3.bias"} | {"enc.fc.3.bais": torch.zeros(512)}
    with pytest.raises(InputError, match=r"missing motion_network\.3\.bias; unknown enc\.fc\.3\.bais"):
        LmdEncoder(broken)
    with pytest.raises(InputError, match="not of Wan-Animate"):
        LmdEncoder({"blocks.0.self_attn.q.weight": torch.zeros(2, 2)})


def test_another_blur_and_faces_of_another_size_are_refused(weights):
    kernel = "enc.net_app.convs.1.skip.0.kernel"
    with pytest.raises(InputError, match="blur"):
        LmdEncoder(weights | {kernel: torch.full((4, 4), 1 / 16)})
    with pytest.raises(InputError, match=r"\[n,64,64,3\]"):
        LmdEncoder(weights).encode(np.zeros((1, 32, 32, 3), np.uint8))


def test_true_size_against_diffusers():
    theirs_module = pytest.importorskip("diffusers.models.transformers.transformer_wan_animate")
    weights = random_official()
    theirs = theirs_module.WanAnimateMotionEncoder().eval()
    theirs.load_state_dict(lmd_tensors(weights))
    face = np.random.default_rng(2).integers(0, 256, (1, 512, 512, 3), dtype=np.uint8)
    with torch.no_grad():
        vectors = theirs(pixels_of(face))
    for layout in (weights, {f"motion_encoder.{k}": v for k, v in theirs.state_dict().items()}):
        encoder = LmdEncoder(layout)
        assert encoder.side_px == 512
        codes = torch.from_numpy(encoder.encode(face))
        assert relative(encoder.vectors(codes), vectors) < ROUNDING
        assert relative(codes, encoder.codes(vectors)) < ROUNDING
