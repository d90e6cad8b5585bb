"""AnimateDiff on ComfyUI's own models: the MODEL, VAE, CONDITIONING and CONTROL_NET of the wires, ComfyUI's samplers.

An `AnimateBackend` (see models/animate_diff/backend). Loaders, LoRAs, quantisation, offloading and previews stay what
the user has set up; objects of the wires are cloned, never changed.
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
from ..models.animate_diff.backend import OnStep, SectionCondition
from .animate_diff_identity import has_adapter, require_identity, with_identity
from .animate_diff_model import (
    MotionModule,
    base_of,
    is_prepared_by_evolved,
    moved,
    text_width,
    with_motion,
)
from .animate_diff_windows import with_windows
from .interruption import Cancelling
from .model_digest import add_conditioning, add_model, add_sampler, add_value, add_weights

EVOLVED = "AnimateDiff-Evolved's motion model"


@dataclass(frozen=True)
class Sampling:
    """What KSampler would be told, or the SAMPLER and SIGMAS of the wires in its place; and how strongly what leads."""

    steps: int = 20
    guidance: float = 7.5
    denoise: float = 1.0
    sampler_name: str = "euler"
    scheduler: str = "normal"
    sampler: Any = None
    sigmas: torch.Tensor | None = None
    pose_strength: float = 0.9
    reference_strength: float = 0.0
    identity: str = "ip-adapter"


class ComfyAnimateBackend:
    """`module` None: the motion that is on the MODEL already, ours or AnimateDiff-Evolved's."""

    def __init__(
        self,
        model: Any,
        vae: Any,
        positive: list[Any],
        negative: list[Any],
        control_net: Any,
        sampling: Sampling,
        *,
        module: MotionModule | None = None,
        motion_scale: float = 1.0,
    ) -> None:
        require_picture_vae(vae)
        self.notes: list[str] = []
        self._evolved = is_prepared_by_evolved(model)
        if self._evolved:
            self._model, self._module = model.clone(), None
            if module is not None:
                self.notes.append(
                    f"The MODEL comes prepared by AnimateDiff-Evolved and is taken as it is, windows and all; "
                    f"{module.name} and the settings of windows are left out."
                )
        else:
            known = moved(model)
            self._module = module if module is not None else known.module if known is not None else None
            if self._module is None:
                raise UsageError(
                    "The MODEL has no motion module: choose one in motion_module, or put AnimateDiff Model or "
                    "AnimateDiff-Evolved's loader before it."
                )
            scale = motion_scale if module is not None or known is None else known.scale
            self._scale, self._model = scale, with_motion(model, self._module, scale)
        require_same_base(control_net, self._model)
        self._adapted = has_adapter(model)
        if sampling.reference_strength > 0 and self._adapted:
            self.notes.append("The MODEL has an adapter on it already, which is taken as it is; reference_strength is left out.")  # fmt: skip
        elif sampling.reference_strength > 0:
            require_identity(sampling.identity, sampling.reference_strength)
        self._vae, self._control, self._sampling = vae, control_net, sampling
        self._positive, self._negative = positive, negative
        self._previewer = latent_preview.get_previewer(
            self._model.load_device, self._model.get_model_object("latent_format")
        )
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            self._fingerprint = self._digest()
        return self._fingerprint

    @property
    def module(self) -> str:
        return EVOLVED if self._module is None else self._module.title

    @property
    def places(self) -> int | None:
        return None if self._module is None else self._module.layout.places

    def look_at(self, picture: np.ndarray) -> None:
        s = self._sampling
        if s.reference_strength > 0 and not self._adapted:
            with Cancelling():
                self._model = with_identity(self._model, picture, s.identity, s.reference_strength)

    @torch.no_grad()
    def encode(self, frames: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).float() / 255
        with Cancelling():
            return self._vae.encode(pixels).float().cpu()

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        with Cancelling():
            frames = self._vae.decode(latents)
        return (frames.float().cpu().numpy().clip(0, 1) * 255 + 0.5).astype(np.uint8)

    @torch.no_grad()
    def sample(self, section: SectionCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        model = self._model if self._evolved else with_windows(self._model, section.rule)
        positive, negative = self._led(section.poses)
        sampler, sigmas = self._sampler_and_sigmas(model)
        mask = None
        if section.num_known:
            mask = torch.ones((len(noise), 1, *noise.shape[2:]))
            mask[: section.num_known] = 0  # known frames stay

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            on_step(step + 1, total, self._preview(x0))

        with Cancelling():
            made = comfy.sample.sample_custom(
                model, noise, self._sampling.guidance, sampler, sigmas, positive, negative, section.start,
                noise_mask=mask, callback=callback, disable_pbar=True, seed=seed,
            )  # fmt: skip
        return made.float().cpu()

    def _led(self, poses: np.ndarray) -> tuple[list[Any], list[Any]]:
        """Both prompts under the ControlNet with one pose picture a frame, beside whatever led them already."""
        strength = self._sampling.pose_strength
        if strength == 0:
            return self._positive, self._negative
        hint = torch.from_numpy(poses).float().div_(255).movedim(-1, 1)
        made: dict[int, Any] = {}
        out = []
        for conditioning in (self._positive, self._negative):
            led = []
            for tensor, values in conditioning:
                before = values.get("control")
                if id(before) not in made:  # one object for both prompts, so that they stay one batch
                    control = self._control.copy().set_cond_hint(hint, strength, (0.0, 1.0), vae=self._vae)
                    made[id(before)] = control.set_previous_controlnet(before)
                led.append([tensor, {**values, "control": made[id(before)], "control_apply_to_uncond": False}])
            out.append(led)
        return out[0], out[1]

    def _sampler_and_sigmas(self, model: Any) -> tuple[Any, torch.Tensor]:
        s = self._sampling
        sampler = s.sampler if s.sampler is not None else comfy.samplers.sampler_object(s.sampler_name)
        if s.sigmas is not None:
            return sampler, s.sigmas
        levels = model.get_model_object("model_sampling")
        # As KSampler does it: the last `steps` of more steps.
        whole = s.steps if s.denoise >= 1 else int(s.steps / s.denoise)
        return sampler, comfy.samplers.calculate_sigmas(levels, s.scheduler, whole)[-(s.steps + 1) :]

    def _preview(self, x0: torch.Tensor) -> np.ndarray | None:
        if self._previewer is None:
            return None
        middle = len(x0) // 2
        picture = self._previewer.decode_latent_to_preview(x0[middle : middle + 1].float())
        return np.asarray(picture.convert("RGB"))

    def _digest(self) -> str:
        h = hashlib.sha256()
        s = self._sampling
        told = (s.steps, s.guidance, s.denoise, s.sampler_name, s.scheduler, s.pose_strength, s.reference_strength)
        h.update(repr((*told, s.identity, self._adapted, self._evolved)).encode())
        add_sampler(h, s.sampler)
        add_value(h, s.sigmas)
        add_conditioning(h, self._positive)
        add_conditioning(h, self._negative)
        if self._module is not None:
            h.update(repr((self._module.title, self._module.num_bytes, self._scale)).encode())
        # Biases of the UNet alone: while it is loaded, the motion module stands among its blocks.
        network = self._model.model.diffusion_model
        for part in ("time_embed", "out", "input_blocks.1.0", "middle_block.0"):
            add_weights(h, dict(network.get_submodule(part).state_dict()), (".bias",))
        add_model(h, self._model, ("time_embed.0.bias",))
        inner = getattr(self._control, "control_model", None)
        h.update(repr((type(self._control).__name__, self._control.strength)).encode())
        if inner is not None:
            add_weights(h, inner.state_dict(), (".bias",), 24)
        add_weights(h, self._vae.get_sd(), (".weight", ".bias"), 8)
        return h.hexdigest()[:32]


def require_picture_vae(vae: Any) -> None:
    channels, axes = getattr(vae, "latent_channels", None), getattr(vae, "latent_dim", None)
    if (channels, axes) != (4, 2):
        raise UsageError(
            f"The VAE wire carries one with {channels} latent channels; AnimateDiff needs the checkpoint's own VAE "
            f"(SD1.5 or SDXL, 4 channels)."
        )


def require_same_base(control_net: Any, model: Any) -> None:
    """UsageError where a ControlNet was made for another base than the MODEL."""
    wanted = base_of(model)
    inner = getattr(control_net, "control_model", None)
    width = text_width(inner)
    if width is None:
        lora = getattr(control_net, "control_weights", {})
        weight = next((v for name, v in lora.items() if "attn2.to_k" in name and v.ndim > 1), None)
        if inner is None and weight is None:
            return  # a T2I adapter reads no text; ComfyUI itself says where one does not fit
        width = None if weight is None else int(weight.shape[1])
    known = {768: "SD1.5", 1024: "SD2", 2048: "SDXL"}
    found = known.get(width or 0, "another kind of model")
    if found != wanted:
        raise UsageError(
            f"The ControlNet was made for {found} and the MODEL is {wanted}: take an OpenPose ControlNet for {wanted}, "
            f"such as {'control_v11p_sd15_openpose' if wanted == 'SD1.5' else 'OpenPoseXL2'}."
        )
