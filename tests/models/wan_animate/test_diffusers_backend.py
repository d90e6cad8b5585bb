"""The backend on tiny networks, against diffusers' own classes driven by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from diffusers_tiny import FACE_SIDE, TEXT, official_state, official_vae_state, saved, tiny_transformer, tiny_vae  # noqa: E402

from motion_transfer.core import Cancelled, UsageError  # noqa: E402
from motion_transfer.face_motion.lmd_encoder import LmdEncoder  # noqa: E402
from motion_transfer.models.wan_animate.backend import WindowCondition  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_backend import (  # noqa: E402
    Choices,
    DiffusersBackend,
    Parts,
    num_resident,
)
from motion_transfer.models.wan_animate.diffusers_solver import make_solver  # noqa: E402

SLOTS, H, W = 3, 4, 6  # latent: 5 frames of 32 x 48 px
CHOSEN = Choices(prompt="", steps=2, dtype="fp32")


@pytest.fixture(scope="module")
def networks():
    return tiny_transformer(), tiny_vae()


@pytest.fixture(scope="module")
def parts(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    transformer = saved(official_state(networks[0]), folder / "wan2.2_animate_14B_bf16.safetensors")
    return Parts(transformer, saved(official_vae_state(networks[1]), folder / "vae.safetensors"), None, None, None)


@pytest.fixture(scope="module")
def embeddings():
    draw = torch.Generator().manual_seed(5)
    made = [torch.randn(1, 512, TEXT, generator=draw) for _ in range(2)]
    made[0][:, 12:] = made[1][:, 30:] = 0
    return made[0], made[1]


@pytest.fixture
def faces():
    return np.random.default_rng(2).integers(0, 256, (4 * (SLOTS - 2) + 1, FACE_SIDE, FACE_SIDE, 3), dtype=np.uint8)


@pytest.fixture
def window(networks, faces):
    draw = torch.Generator().manual_seed(6)
    codes = torch.from_numpy(LmdEncoder(networks[0].motion_encoder.state_dict()).encode(faces))
    known, pose = torch.randn(20, SLOTS, H, W, generator=draw), torch.randn(16, SLOTS - 1, H, W, generator=draw)
    return WindowCondition(known, pose, codes), torch.randn(16, SLOTS, H, W, generator=draw)


def quiet(done, total, preview):
    pass


def by_hand(net, window, faces, embeddings, choices):
    condition, noise = window
    pixels = torch.from_numpy(faces).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    scheduler = make_solver(choices.solver, choices.steps, choices.shift)
    latent = noise[None]
    with torch.no_grad():
        for t in scheduler.timesteps:
            told = torch.cat([latent, condition.known[None]], 1)

            def velocity(text, face, told=told, t=t):
                # Without a picture for CLIP diffusers would attend to nothing at all; a network without one does not.
                return net(told, t[None], text, None, condition.pose[None], face).sample

            v = velocity(embeddings[0], pixels)
            if choices.guidance > 1:
                u = velocity(embeddings[1], torch.full_like(pixels, -1))
                v = u + choices.guidance * (v - u)
            latent = scheduler.step(v, t, latent, return_dict=False)[0]
    return latent[0]


@pytest.fixture(scope="module")
def plain(tmp_path_factory, networks):
    """A network without picture keys, so that diffusers' forward can be run without CLIP."""
    net = tiny_transformer(image_dim=None, added_kv_proj_dim=None)
    folder = tmp_path_factory.mktemp("plain")
    return net, Parts(saved(official_state(net), folder / "t.safetensors"), saved(official_vae_state(networks[1]), folder / "v.safetensors"), None, None, None)  # fmt: skip


@pytest.mark.parametrize("solver", ["unipc", "dpm++"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("drop", [True, False])
def test_a_window_is_denoised_as_diffusers_would(plain, window, faces, embeddings, solver, guidance, drop):
    net, parts = plain
    codes = torch.from_numpy(LmdEncoder(net.motion_encoder.state_dict()).encode(faces))
    window = replace(window[0], face_codes=codes), window[1]
    choices = replace(CHOSEN, solver=solver, guidance=guidance, drop_projected_weights=drop)
    steps = []
    backend = DiffusersBackend(parts, choices, embeddings=embeddings)
    made = backend.sample(*window, 0, lambda done, total, preview: steps.append((done, total)))
    expected = by_hand(net, window, faces, embeddings, choices)
    assert float((made - expected).norm() / expected.norm()) < 1e-5
    assert steps == [(1, 2), (2, 2)] and made.dtype == torch.float32 and made.shape == window[1].shape
    assert torch.equal(backend.sample(*window, 1, quiet), made)  # the next window begins with a fresh solver


def test_every_place_for_the_blocks_makes_the_same_latent(parts, window, embeddings):
    made = [
        DiffusersBackend(parts, replace(CHOSEN, offload=o), embeddings=embeddings).sample(*window, 0, quiet)
        for o in ("none", "group", "auto")
    ]
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2])


def test_blocks_at_home_on_a_card_of_any_size():
    block, rest = 600, 3000
    whole = 40 * block + rest
    assert num_resident(whole, block, 40, whole) == 40
    assert num_resident(whole, block, 40, rest + 20 * block) == 17  # three visit
    assert num_resident(whole, block, 40, rest) == 0


def test_no_codes_leave_the_face_out_and_wrong_ones_are_told(parts, window, embeddings):
    backend = DiffusersBackend(parts, replace(CHOSEN, steps=1), embeddings=embeddings)
    condition, noise = window
    bare = backend.sample(replace(condition, face_codes=None), noise, 0, quiet)
    assert not torch.allclose(bare, backend.sample(condition, noise, 0, quiet), atol=1e-4)
    with pytest.raises(UsageError, match=r"\[5,20\], not \[4, 20\]"):
        backend.sample(replace(condition, face_codes=condition.face_codes[:4]), noise, 0, quiet)


def test_a_cancel_in_a_step_ends_the_window(parts, window, embeddings):
    def stop(done, total, preview):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        DiffusersBackend(parts, CHOSEN, embeddings=embeddings).sample(*window, 0, stop)


def test_pictures_go_through_the_vae_and_back_as_latents_of_its_own_scale(parts, networks, embeddings):
    backend = DiffusersBackend(parts, CHOSEN, embeddings=embeddings)
    frames = np.random.default_rng(0).integers(0, 256, (5, 32, 48, 3), dtype=np.uint8)
    latent = backend.encode(frames)
    vae = networks[1]
    mean, std = (torch.tensor(v).view(16, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))
    with torch.no_grad():
        raw = vae.encode(torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1).latent_dist.mode()[0]
        expected = vae.decode(raw[None]).sample[0].permute(1, 2, 3, 0) / 2 + 0.5
    assert latent.shape == (16, 2, 4, 6) and torch.allclose(latent, (raw - mean) / std, atol=1e-5)
    assert torch.allclose(backend.encode(frames.astype(np.float32) / 255), latent, atol=1e-4)
    shown = backend.decode(latent)
    assert shown.shape == frames.shape and shown.dtype == np.float32 and shown.min() >= 0 and shown.max() <= 1
    assert np.abs(shown - expected.clamp(0, 1).numpy()).max() < 1e-4


def test_a_lora_changes_keys_that_are_projected_once(parts, window, embeddings, tmp_path):
    dim = 96
    delta = {"blocks.0.cross_attn.v.lora_A.weight": torch.ones(2, dim), "blocks.0.cross_attn.v.lora_B.weight": torch.ones(dim, 2)}  # fmt: skip
    lora = saved(delta, tmp_path / "l.safetensors")
    notes: list[str] = []
    backend = DiffusersBackend(replace(parts, loras=((lora, 0.1),)), CHOSEN, note=notes.append, embeddings=embeddings)
    plain = DiffusersBackend(parts, CHOSEN, embeddings=embeddings)
    assert not torch.allclose(backend.sample(*window, 0, quiet), plain.sample(*window, 0, quiet), atol=1e-3)
    assert "l.safetensors at 0.1: 1 modules changed" in notes[0] and backend.fingerprint != plain.fingerprint


def test_the_fingerprint_changes_with_whatever_changes_pixels(parts, embeddings, tmp_path):
    def fingerprint(parts=parts, embeddings=embeddings, **other):
        return DiffusersBackend(parts, replace(CHOSEN, **other), embeddings=embeddings).fingerprint

    first = fingerprint()
    assert fingerprint() == first and fingerprint(offload="group", drop_projected_weights=False) == first
    others = [fingerprint(**{k: v}) for k, v in {"steps": 3, "solver": "dpm++", "shift": 8.0, "dtype": "bf16", "guidance": 2.0}.items()]  # fmt: skip
    others.append(fingerprint(embeddings=embeddings[::-1]))
    data = bytearray(parts.vae.read_bytes())
    data[-1] ^= 1
    (tmp_path / parts.vae.name).write_bytes(data)
    others.append(fingerprint(replace(parts, vae=tmp_path / parts.vae.name)))
    assert len({first, *others}) == len(others) + 1


def test_requests_that_cannot_be(parts, embeddings):
    with pytest.raises(UsageError, match=r"not 0\.5"):
        DiffusersBackend(parts, replace(CHOSEN, guidance=0.5), embeddings=embeddings)
    with pytest.raises(UsageError, match="umT5"):
        DiffusersBackend(parts, CHOSEN)
    with pytest.raises(UsageError, match="fp64"):
        DiffusersBackend(parts, replace(CHOSEN, dtype="fp64"), embeddings=embeddings)
