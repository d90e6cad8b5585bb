"""Wan-Animate on ComfyUI's own models: the MODEL, VAE and CONDITIONING of the wires, sampled by ComfyUI's samplers.

Loaders, quantisation, LoRAs, offloading, attention and previews stay what the user has set up. Face codes go in
where the model would have looked at face pixels, so its face encoder never runs inside the loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import comfy.model_sampling
import comfy.sample
import comfy.samplers
import latent_preview
import node_helpers
import numpy as np
import torch

from ..core import UsageError
from ..face_motion.lmd_encoder import LmdEncoder
from ..models.wan_animate.backend import OnStep, WindowCondition
from .interruption import Cancelling
from .model_digest import add_conditioning, add_model, add_sampler, add_value, add_weights

FACE_NUMBERS = 20
_TELLING = (".bias", "modulation", "norm_q.weight", "norm_k.weight", "padding_tokens")
"""Endings of small tensors that tell one file from another."""


@dataclass(frozen=True)
class Sampling:
    """What KSampler would be told, or the SAMPLER and SIGMAS of the wires in its place."""

    steps: int = 20
    guidance: float = 1.0
    shift: float = 5.0
    sampler_name: str = "uni_pc"
    scheduler: str = "simple"
    sampler: Any = None
    sigmas: torch.Tensor | None = None


class ComfyWanBackend:
    """A `WanBackend` (see models/wan_animate/backend) around native objects; they are cloned, never changed."""

    def __init__(
        self,
        model: Any,
        vae: Any,
        positive: list[Any],
        negative: list[Any],
        sampling: Sampling,
        *,
        clip_vision_output: Any = None,
        clip_vision: Any = None,
    ) -> None:
        require_wan_animate(model)
        require_wan_vae(vae)
        self._model, self._vae, self._sampling = model.clone(), vae, sampling
        self._positive, self._negative = positive, negative
        self._seen, self._clip_vision = clip_vision_output, clip_vision
        self._latent_format = model.get_model_object("latent_format")
        self._codes_to_vectors()
        if sampling.sigmas is None:
            self._set_shift(sampling.shift)
        self._previewer = latent_preview.get_previewer(self._model.load_device, self._latent_format)
        self._fingerprint = ""
        self._black_code: torch.Tensor | None = None

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            self._fingerprint = self._digest()
        return self._fingerprint

    def look_at(self, picture: np.ndarray) -> None:
        """Only where no CLIP_VISION_OUTPUT came in: squashed, not cropped, as the model was trained."""
        if self._seen is None and self._clip_vision is not None:
            pixels = torch.from_numpy(np.ascontiguousarray(picture)).float()[None] / 255
            self._seen = self._clip_vision.encode_image(pixels, crop=False)

    def face_weights(self) -> Mapping[str, torch.Tensor]:
        return face_weights_of(self._model)

    def encode(self, frames: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(frames))
        if pixels.dtype == torch.uint8:
            pixels = pixels.float() / 255
        with Cancelling():
            latent = self._vae.encode(pixels).float().cpu()
        return self._latent_format.process_in(latent)[0]

    def decode(self, latent: torch.Tensor) -> np.ndarray:
        with Cancelling():
            frames = self._vae.decode(self._latent_format.process_out(latent[None].float()))
        return frames.reshape(-1, *frames.shape[-3:]).float().cpu().numpy()

    def sample(self, condition: WindowCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        model = self._model
        if condition.pose_strength != 1.0:
            model = model.clone()
            _scale_pose(model, condition.pose_strength)
        told = self._conditions(condition)
        without_face = dict(told)
        if "face_video_pixels" in told and self._sampling.guidance != 1.0:
            without_face["face_video_pixels"] = self._no_face(condition)
        positive = node_helpers.conditioning_set_values(self._positive, told)
        negative = node_helpers.conditioning_set_values(self._negative, without_face)
        sampler, sigmas = self._sampler_and_sigmas(model)

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            on_step(step + 1, total, self._preview(x0))

        with Cancelling():
            latent = comfy.sample.sample_custom(
                model, noise[None], self._sampling.guidance, sampler, sigmas, positive, negative,
                torch.zeros_like(noise)[None], callback=callback, disable_pbar=True, seed=seed,
            )  # fmt: skip
        return self._latent_format.process_in(latent.float().cpu())[0]

    def _conditions(self, condition: WindowCondition) -> dict[str, Any]:
        latent = self._latent_format
        told: dict[str, Any] = {
            "concat_latent_image": latent.process_out(condition.known[None, 4:]),
            "concat_mask": 1.0 - condition.known[None, :4],  # ComfyUI: 1 = to be made
            "pose_video_latent": latent.process_out(condition.pose[None]),
        }
        if self._seen is not None:
            told["clip_vision_output"] = self._seen
        if condition.face_codes is not None:
            told["face_video_pixels"] = condition.face_codes.T[None, :, :, None, None].contiguous()
        return told

    def _no_face(self, condition: WindowCondition) -> torch.Tensor:
        """What the model is shown instead of a face under guidance: black pictures, as codes."""
        assert condition.face_codes is not None
        if self._black_code is None:
            self._black_code = torch.from_numpy(LmdEncoder(self.face_weights()).no_face())
        return self._black_code[None, :, None, None, None].expand(-1, -1, len(condition.face_codes), -1, -1)

    def _codes_to_vectors(self) -> None:
        """The model multiplies codes with its own directions; face pixels still work as before."""
        encoder = self._model.model.diffusion_model.motion_encoder
        pixels_to_vectors = type(encoder).get_motion

        def get_motion(face: torch.Tensor) -> torch.Tensor:
            if face.shape[1:] == (FACE_NUMBERS, 1, 1):
                return encoder.dec.direction(face[:, :, 0, 0])
            return pixels_to_vectors(encoder, face)

        self._model.add_object_patch("diffusion_model.motion_encoder.get_motion", get_motion)

    def _set_shift(self, shift: float) -> None:
        class ShiftedFlow(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
            pass

        flow = ShiftedFlow(self._model.model.model_config)
        flow.set_parameters(shift=shift, multiplier=1000)
        self._model.add_object_patch("model_sampling", flow)

    def _sampler_and_sigmas(self, model: Any) -> tuple[Any, torch.Tensor]:
        s = self._sampling
        sampler = s.sampler if s.sampler is not None else comfy.samplers.sampler_object(s.sampler_name)
        if s.sigmas is not None:
            return sampler, s.sigmas
        flow = model.get_model_object("model_sampling")
        return sampler, comfy.samplers.calculate_sigmas(flow, s.scheduler, s.steps)

    def _preview(self, x0: torch.Tensor) -> np.ndarray | None:
        if self._previewer is None:
            return None
        middle = 1 + (x0.shape[2] - 1) // 2  # slot 0 is the reference
        picture = self._previewer.decode_latent_to_preview(x0[:1, :, middle : middle + 1].float())
        return np.asarray(picture.convert("RGB"))

    def _digest(self) -> str:
        """The same after a restart of the server, where object identities are not."""
        h = hashlib.sha256()
        s = self._sampling
        h.update(repr((s.steps, s.guidance, s.shift, s.sampler_name, s.scheduler)).encode())
        add_sampler(h, s.sampler)
        add_value(h, s.sigmas)
        add_conditioning(h, self._positive)
        add_conditioning(h, self._negative)
        add_value(h, getattr(self._seen, "penultimate_hidden_states", None))
        add_model(h, self._model, _TELLING)
        add_weights(h, self._vae.get_sd(), ("",), 8)
        return h.hexdigest()[:32]


def require_wan_animate(model: Any) -> None:
    """UsageError names what is on the MODEL wire instead."""
    network = getattr(getattr(model, "model", None), "diffusion_model", None)
    if all(hasattr(network, part) for part in ("motion_encoder", "face_adapter", "pose_patch_embedding")):
        return
    kind = type(getattr(model, "model", None)).__name__
    what = f"a {kind} model"
    patch = getattr(network, "patch_embedding", None)
    if "Animate2" in kind or "Animate2" in type(network).__name__:
        what = "Wan-Animate-2, another model"
    elif kind.startswith("WAN") and patch is not None:
        what = {16: "Wan text-to-video", 36: "Wan image-to-video"}.get(int(patch.weight.shape[1]), what)
    raise UsageError(
        f"The MODEL wire carries {what}; this node needs Wan2.2-Animate-14B, such as "
        f"wan2.2_animate_14B_bf16.safetensors in models/diffusion_models."
    )


def face_weights_of(model: Any) -> dict[str, torch.Tensor]:
    """The `motion_encoder.*` tensors of a native Wan-Animate MODEL, on the CPU."""
    encoder = model.model.diffusion_model.motion_encoder
    return {f"motion_encoder.{name}": _plain(value) for name, value in encoder.state_dict().items()}


def require_wan_vae(vae: Any) -> None:
    channels, axes = getattr(vae, "latent_channels", None), getattr(vae, "latent_dim", None)
    if (channels, axes) != (16, 3):
        raise UsageError(
            f"The VAE wire carries one with {channels} latent channels; Wan-Animate needs Wan 2.1's "
            f"(wan_2.1_vae.safetensors, 16 channels over time)."
        )


def _scale_pose(model: Any, strength: float) -> None:
    embed = model.model.diffusion_model.pose_patch_embedding
    forward = type(embed).forward

    def scaled(*args: Any, **kwargs: Any) -> torch.Tensor:
        return forward(embed, *args, **kwargs) * strength

    model.add_object_patch("diffusion_model.pose_patch_embedding.forward", scaled)


def _plain(value: torch.Tensor) -> torch.Tensor:
    """A tensor on the CPU, whatever holds it quantised."""
    dequantize = getattr(value, "dequantize", None)
    if type(value) is not torch.Tensor and type(value) is not torch.nn.Parameter and dequantize is not None:
        value = dequantize()
    return value.detach().float().cpu()
