"""MimicMotion on ComfyUI's own models: the MODEL, VAE and CLIP_VISION of the wires, sampled by ComfyUI's samplers.

A `MimicBackend` (see models/mimic_motion/backend); objects of the wires are cloned, never changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import comfy.sample
import comfy.samplers
import latent_preview
import numpy as np
import torch

from ..core import UsageError
from ..models.mimic_motion.backend import OnStep, SectionCondition
from ..models.mimic_motion.pose_net import PoseLatents
from .interruption import Cancelling
from .mimic_model import led, parts_of
from .model_digest import add_model, add_sampler, add_value, add_weights

LATENT_CHANNELS = 4


@dataclass(frozen=True)
class Sampling:
    """What KSampler would be told, or the SAMPLER and SIGMAS of the wires in its place; and what SVD is told."""

    steps: int = 25
    sampler_name: str = "euler"
    scheduler: str = "karras"
    sampler: Any = None
    sigmas: torch.Tensor | None = None
    conditioning_fps: int = 7
    motion_bucket: int = 127
    noise_aug: float = 0.0


class ComfyMimicBackend:
    """UsageError where a wire carries something else."""

    def __init__(self, model: Any, vae: Any, clip_vision: Any, sampling: Sampling) -> None:
        self._parts = parts_of(model)
        require_svd_vae(vae)
        if clip_vision is None:
            raise UsageError("The CLIP_VISION wire is empty: the checkpoint in front of it holds none; svd_xt_1_1.safetensors does.")  # fmt: skip
        self._model, self._vae, self._clip, self._sampling = model.clone(), vae, clip_vision, sampling
        self._context = int(model.model.model_config.unet_config["context_dim"])
        self._previewer = latent_preview.get_previewer(model.load_device, model.get_model_object("latent_format"))
        self._seen: torch.Tensor | None = None
        self._picture: torch.Tensor | None = None
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            self._fingerprint = self._digest()
        return self._fingerprint

    @torch.no_grad()
    def look_at(self, squashed: np.ndarray, picture: np.ndarray) -> None:
        with Cancelling():
            # Squashed already, to the very size: nothing is left to be cropped.
            seen = self._clip.encode_image(torch.from_numpy(squashed)[None], crop=False).image_embeds
            self._picture = self._vae.encode(torch.from_numpy(np.ascontiguousarray(picture))[None]).float().cpu()
        if seen is None or seen.shape[-1] != self._context:
            width = "no embedding" if seen is None else f"embeddings of {seen.shape[-1]} numbers"
            raise UsageError(
                f"The CLIP_VISION wire gives {width}; SVD needs {self._context}: its own, from the SVD checkpoint "
                f"(Image Only Checkpoint Loader), would do."
            )
        self._seen = seen.reshape(1, 1, -1).float()

    @torch.no_grad()
    def sample(self, condition: SectionCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        assert self._seen is not None and self._picture is not None, "the reference comes first"
        s = self._sampling
        poses = PoseLatents(self._parts.pose_net, condition.poses, condition.pose_strength)
        model = led(self._model, condition, poses)
        told = {"motion_bucket_id": s.motion_bucket, "fps": s.conditioning_fps, "augmentation_level": s.noise_aug}
        positive = [[self._seen, {**told, "concat_latent_image": self._picture}]]
        nothing = torch.zeros_like(self._seen)
        negative = [[nothing, {**told, "concat_latent_image": torch.zeros_like(self._picture)}]]
        sampler = s.sampler if s.sampler is not None else comfy.samplers.sampler_object(s.sampler_name)
        sigmas = s.sigmas
        if sigmas is None:
            levels = model.get_model_object("model_sampling")
            sigmas = comfy.samplers.calculate_sigmas(levels, s.scheduler, s.steps)

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            on_step(step + 1, total, self._preview(x0))

        with Cancelling():
            made = comfy.sample.sample_custom(
                model, noise, float(condition.guidance.max()), sampler, sigmas, positive, negative,
                torch.zeros_like(noise), callback=callback, disable_pbar=True, seed=seed,
            )  # fmt: skip
        return made.float().cpu()

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        with Cancelling():
            return self._vae.decode(latents).float().cpu().numpy()

    def _preview(self, x0: torch.Tensor) -> np.ndarray | None:
        if self._previewer is None:
            return None
        middle = len(x0) // 2
        picture = self._previewer.decode_latent_to_preview(x0[middle : middle + 1].float())
        return np.asarray(picture.convert("RGB"))

    def _digest(self) -> str:
        """The same after a restart of the server, where object identities are not."""
        h, s = hashlib.sha256(), self._sampling
        told = (s.steps, s.sampler_name, s.scheduler, s.conditioning_fps, s.motion_bucket, s.noise_aug)
        h.update(repr((self._parts.name, self._parts.version, told)).encode())
        add_sampler(h, s.sampler)
        add_value(h, s.sigmas)
        add_model(h, self._model, ("norm.bias", "conv_in.weight", "mix_factor", "proj_in.bias", "out.2.weight"))
        for name in ("sampler_cfg_function", "model_function_wrapper"):
            h.update(repr(name in self._model.model_options).encode())
        add_weights(h, self._parts.pose_net.state_dict(), ("",))
        add_weights(h, self._vae.get_sd(), ("",), 8)
        add_weights(h, self._clip.get_sd() if hasattr(self._clip, "get_sd") else {}, ("",), 8)
        return h.hexdigest()[:32]


def require_svd_vae(vae: Any) -> None:
    channels, axes = getattr(vae, "latent_channels", None), getattr(vae, "latent_dim", None)
    if (channels, axes) != (LATENT_CHANNELS, 2):
        raise UsageError(
            f"The VAE wire carries one with {channels} latent channels; MimicMotion needs Stable Video Diffusion's "
            f"own, from its checkpoint (Image Only Checkpoint Loader)."
        )
