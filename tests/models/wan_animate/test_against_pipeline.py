"""Our engine on diffusers' classes against diffusers' own WanAnimatePipeline: the same tiny weights, pictures and noise.

What the two define differently is set alike here and told in docs/wan-animate.md: the solver's exact levels, the picture
that CLIP sees, and the 8 bits through which a finished frame goes into the next window.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import WanAnimatePipeline
from diffusers_tiny import (  # fmt: skip
    FACE_SIDE,
    PICTURE,
    TEXT,
    official_state,
    official_vae_state,
    saved,
    tiny_transformer,
    tiny_vae,
)
from made_inputs import Lender, a_character, a_film, a_mask, a_motion
from PIL import Image

from motion_transfer.face_motion.lmd_encoder import LmdEncoder
from motion_transfer.models.wan_animate.diffusers_backend import Choices, DiffusersBackend, Parts
from motion_transfer.models.wan_animate.diffusers_solver import make_solver
from motion_transfer.models.wan_animate.drive import Poses
from motion_transfer.models.wan_animate.engine import WanAnimateEngine
from motion_transfer.models.wan_animate.faces import Faces
from motion_transfer.models.wan_animate.fit import place
from motion_transfer.models.wan_animate.spec import WanAnimateSettings
from motion_transfer.sampling.noise import window_noise

SIZE = (64, 80)
WINDOW, STEPS, SEED = 17, 3, 5


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny_wan")
    net, vae = tiny_transformer(), tiny_vae()
    parts = Parts(
        transformer=saved(official_state(net), folder / "wan.safetensors"),
        vae=saved(official_vae_state(vae), folder / "vae.safetensors"),
        text=None, tokenizer=None, clip_vision=None,
    )  # fmt: skip
    return net, vae, parts


def made_by_both(models, monkeypatch, mode, num_frames, guidance, overlap="1"):
    """Frames uint8 [n,H,W,3] of the engine and of the pipeline."""
    net, vae, parts = models
    draw = torch.Generator().manual_seed(1)
    prompts = tuple(torch.randn(1, 512, TEXT, generator=draw) for _ in range(2))
    seen = torch.randn(1, 257, PICTURE, generator=draw)
    faces = np.random.default_rng(2).integers(0, 256, (num_frames, FACE_SIDE, FACE_SIDE, 3), np.uint8)

    choices = Choices("", steps=STEPS, guidance=guidance, dtype="fp32", offload="none")
    backend = DiffusersBackend(parts, choices, embeddings=prompts)
    backend._picture = seen
    encoder = LmdEncoder(backend.face_weights())
    monkeypatch.setattr(Faces, "encoder", encoder)
    motion = replace(a_motion(num_frames, SIZE, codes=False), face_codes={encoder.encoder_id: encoder.encode(faces)})
    settings = WanAnimateSettings(
        steps=STEPS, guidance=guidance, window=WINDOW, overlap=overlap, retarget="none", driving_smooth=0.0,
        drift_lock="off", mask_grow=0, mask_blocks=0,
    )  # fmt: skip
    character, film, mask = a_character(SIZE), a_film(num_frames, SIZE), a_mask(num_frames, SIZE)
    engine = WanAnimateEngine(mode, settings, Lender(backend), SEED, backend)
    scene = {"driving": film, "driving_mask": mask, "canvas": SIZE} if mode == "replace" else {}
    ours = np.concatenate([chunk.pixels for chunk in engine.transfer(character, motion, **scene)])

    whole = place(SIZE, SIZE, "letterbox")
    pose = Poses(mode, settings, motion, character, whole, whole).draw(np.arange(num_frames))
    pipeline = WanAnimatePipeline(
        tokenizer=None, text_encoder=None, vae=vae, scheduler=make_solver("unipc", STEPS, 5.0), image_processor=None,
        image_encoder=None, transformer=net,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = _OurLevels()
    windows = iter(range(1000))

    def noise(*words, num_frames=WINDOW, **more):
        shape = (16, (num_frames - 1) // 4 + 2, SIZE[1] // 8, SIZE[0] // 8)
        return window_noise(SEED, next(windows), shape)[None]

    hand_over = pipeline.prepare_prev_segment_cond_latents

    def through_8_bits(frames, **words):
        if frames is not None:
            frames = ((frames / 2 + 0.5).clamp(0, 1) * 255).round() / 255 * 2 - 1
        return hand_over(frames, **words)

    monkeypatch.setattr(pipeline, "encode_image", lambda *words: seen)
    monkeypatch.setattr(pipeline, "prepare_latents", noise)
    monkeypatch.setattr(pipeline, "prepare_prev_segment_cond_latents", through_8_bits)
    films = {}
    if mode == "replace":
        clear = [np.where(m > 127, 0, f) for f, m in zip(_frames(film), _frames(mask), strict=True)]
        films = {
            "background_video": _pictures(clear),
            "mask_video": [Image.fromarray(m[..., 0]) for m in _frames(mask)],
        }
    made = pipeline(
        image=Image.fromarray(character.pixels), pose_video=_pictures(pose), face_video=_pictures(faces), mode={"move": "animate"}.get(mode, mode),
        prompt_embeds=prompts[0], negative_prompt_embeds=prompts[1], height=SIZE[1], width=SIZE[0],
        segment_frame_length=WINDOW, num_inference_steps=STEPS, guidance_scale=guidance,
        prev_segment_conditioning_frames=int(overlap), output_type="np", **films,
    )  # fmt: skip
    return ours, np.rint(made.frames[0] * 255).astype(np.uint8)


class _OurLevels:
    """A scheduler whose every `set_timesteps` begins anew with Wan's own levels; diffusers' differ in the last digits."""

    order = 1

    def set_timesteps(self, steps, device=None):
        self._solver = make_solver("unipc", steps, 5.0)
        self.timesteps = self._solver.timesteps

    def step(self, *words, **more):
        return self._solver.step(*words, **more)


def _frames(source):
    return np.concatenate([chunk.pixels for chunk in source.chunks(16)])


def _pictures(frames):
    return [Image.fromarray(frame) for frame in frames]


@pytest.mark.parametrize("mode", ["move", "replace"])
@pytest.mark.parametrize(("num_frames", "guidance", "overlap"), [(17, 1.0, "1"), (17, 3.0, "1"), (49, 1.0, "1"), pytest.param(41, 1.0, "5", marks=pytest.mark.slow)])  # fmt: skip
def test_frames_are_those_of_the_pipeline_within_a_level(models, monkeypatch, mode, num_frames, guidance, overlap):
    """One window, guided or not, and three windows with one or five frames carried over."""
    ours, theirs = made_by_both(models, monkeypatch, mode, num_frames, guidance, overlap)  # fmt: skip
    assert ours.shape == theirs.shape == (num_frames, SIZE[1], SIZE[0], 3)
    assert theirs.std() > 10, "a flat picture would equal anything"
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1, f"{(difference > 1).mean():.2%} differ, at most by {difference.max()}"


def test_a_wrong_noise_shows(models, monkeypatch):
    """The comparison can fail: another seed gives other frames."""
    monkeypatch.setattr("motion_transfer.models.wan_animate.engine.window_noise", lambda seed, *rest: window_noise(seed + 1, *rest))  # fmt: skip
    ours, theirs = made_by_both(models, monkeypatch, "move", 17, 1.0)
    assert np.abs(ours.astype(int) - theirs).max() > 3
