"""MimicMotion on diffusers' SVD classes: the MimicBackend of everything outside ComfyUI.

CLIP comes and goes; the VAE goes before the UNet comes and the other way round, so that only one of them is on a GPU.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import __version__ as diffusers_version

from ...core import Host, UsageError
from .backend import OnStep, SectionCondition
from .conditioning import LATENT_CHANNELS
from .diffusers_files import build_unet, load_clip, load_vae
from .euler import karras_sigmas, sample_euler
from .files import pose_net_of, read_mimic
from .pose_net import PoseLatents, PoseNet
from .spec import MimicMotionSettings
from .tiles import Tile, fused
from .weights import MODEL_ROLE, POSE_ROLE, SVD_ROLE, find_weights, names_and_marks

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
SCALING = 0.18215
"""Of SVD's latents, between what the VAE gives and what the UNet makes."""


def open_diffusers_backend(settings: MimicMotionSettings, host: Host) -> DiffusersMimicBackend:
    """With the files that `host` finds; reads little until it is used. MissingWeights for the first not there."""
    return DiffusersMimicBackend(find_weights(host, settings.version), settings, host.device, host.note)


class DiffusersMimicBackend:
    """See `MimicBackend`. `paths`: role -> file, as `weights.find_weights` gives them."""

    def __init__(
        self,
        paths: Mapping[str, Path],
        settings: MimicMotionSettings,
        device: str = "cpu",
        note: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._paths, self._settings, self.device, self._note = dict(paths), settings, torch.device(device), note
        self.dtype = _computing_dtype(settings.dtype, self.device, note)
        self._unet: Any = None
        self._pose_net: PoseNet | None = None
        self._vae: Any = None
        self._vae_dtype = self.dtype
        self._seen: torch.Tensor | None = None
        self._picture: torch.Tensor | None = None
        facts = {
            "diffusers": diffusers_version,
            "device": self.device.type,
            "dtype": str(self.dtype),
            "files": names_and_marks(self._paths),
            "told": [settings.steps, settings.conditioning_fps, settings.motion_bucket, settings.noise_aug],
        }
        self.fingerprint = "diffusers/" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]

    @torch.no_grad()
    def look_at(self, squashed: np.ndarray, picture: np.ndarray) -> None:
        clip = load_clip(self._paths[SVD_ROLE]).to(self.device)
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (CLIP_MEAN, CLIP_STD))
        pixels = (torch.from_numpy(squashed).permute(2, 0, 1)[None] - mean) / std  # H W C -> 1 C H W
        self._seen = clip(pixel_values=pixels.to(self.device)).image_embeds[:, None].float().cpu()
        del clip
        vae = self._ready_vae(torch.float32)
        pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None] * 2 - 1
        self._picture = vae.encode(pixels.to(self.device, vae.dtype)).latent_dist.mode().float().cpu()[0]

    @torch.no_grad()
    def sample(self, condition: SectionCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        """As the protocol says; Euler is deterministic, so `seed` has nothing to do."""
        assert self._seen is not None and self._picture is not None, "the reference comes first"
        unet, steps = self._ready_unet(), self._settings.steps
        poses = PoseLatents(self._ready_pose_net(), condition.poses, condition.pose_strength)
        guided = Guided(unet, self._seen, self._picture, condition, poses, self._time_ids())

        def stepped(done: int, denoised: torch.Tensor) -> None:
            on_step(done, steps, None)

        latents = sample_euler(noise.to(self.device), karras_sigmas(steps), guided, stepped)
        return latents.float().cpu() / SCALING

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        pixels = self._decoded(latents)
        if not bool(torch.isfinite(pixels).all()):
            self._note("The VAE overflows in fp16: it goes on in fp32, which takes twice the memory.")
            self._vae_dtype = torch.float32
            pixels = self._decoded(latents)
        return (pixels / 2 + 0.5).clamp_(0, 1).permute(0, 2, 3, 1).cpu().numpy()  # T C H W -> T H W C

    def _decoded(self, latents: torch.Tensor) -> torch.Tensor:
        vae = self._ready_vae(self._vae_dtype)
        given = latents.to(self.device, vae.dtype)
        return vae.decode(given, num_frames=len(given)).sample.float()

    def _time_ids(self) -> torch.Tensor:
        """Frame rate, motion, noise on the reference; SVD was told one frame a second less than there were."""
        s = self._settings
        return torch.tensor([[s.conditioning_fps - 1, s.motion_bucket, s.noise_aug]])

    def _ready_unet(self) -> Any:
        if self._unet is None:
            weights = read_mimic(self._paths[MODEL_ROLE])
            self._pose_net = pose_net_of(weights, self._paths[MODEL_ROLE], self._paths.get(POSE_ROLE))
            self._unet = build_unet(weights.unet, self._paths[MODEL_ROLE].name, self.dtype)
        return self._alone(self._unet, self._vae)

    def _ready_pose_net(self) -> PoseNet:
        assert self._pose_net is not None
        return self._pose_net

    def _ready_vae(self, dtype: torch.dtype) -> Any:
        if self._vae is None:
            self._vae = load_vae(self._paths[SVD_ROLE], torch.float32)
        return self._alone(self._vae.to(dtype), self._unet)

    def _alone(self, net: Any, other: Any) -> Any:
        """`net` on the device, and on a GPU nothing beside it."""
        if self.device.type != "cpu" and other is not None and next(other.parameters()).device.type != "cpu":
            other.to("cpu")
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        return net.to(self.device)


class Guided:
    """The network as Euler asks for it: tile by tile, with the pose and without, fused, guided."""

    def __init__(
        self,
        unet: Any,
        seen: torch.Tensor,
        picture: torch.Tensor,
        condition: SectionCondition,
        poses: PoseLatents,
        time_ids: torch.Tensor,
    ) -> None:
        """`seen` `[1,1,c]` by CLIP, `picture` `[4,h,w]` by the VAE, unscaled, `time_ids` `[1,3]`."""
        parameter = next(unet.parameters())
        self._unet, self._device, self._dtype = unet, parameter.device, parameter.dtype
        self._seen, self._picture = (t.to(self._device, self._dtype) for t in (seen, picture))
        self._condition, self._poses = condition, poses
        self._time_ids = time_ids.to(self._device, self._dtype)
        self._guidance = condition.guidance.to(self._device).view(-1, 1, 1, 1)

    def __call__(self, scaled: torch.Tensor, timestep: float) -> torch.Tensor:
        """The guided v `[N,4,h,w]`, float32."""
        frames = scaled.shape[0]
        both = fused(frames, self._condition.tiles, lambda tile: self._predicted(scaled, timestep, tile))
        return both[0] + self._guidance * (both[1] - both[0])

    def _predicted(self, scaled: torch.Tensor, timestep: float, tile: Tile) -> torch.Tensor:
        """`[2,len(tile),4,h,w]`, float32: without picture, CLIP and pose, and with them; one after the other, because
        that is what a card of 16 GB takes."""
        some = scaled[list(tile)].to(self._dtype)
        picture = self._picture.expand(len(tile), LATENT_CHANNELS, *some.shape[-2:])
        nothing = self._asked(some, torch.zeros_like(picture), torch.zeros_like(self._seen), timestep)
        latents = self._poses.tile(tile, self._device, self._dtype)
        handle = self._unet.conv_in.register_forward_hook(lambda module, args, made: made + latents)
        try:
            told = self._asked(some, picture, self._seen, timestep)
        finally:
            handle.remove()
        return torch.stack([nothing, told]).float()

    def _asked(self, some: torch.Tensor, picture: torch.Tensor, seen: torch.Tensor, timestep: float) -> torch.Tensor:
        sample = torch.cat([some, picture], 1)[None]
        return self._unet(sample, torch.tensor(timestep, device=self._device), seen, self._time_ids, return_dict=False)[
            0
        ][0]


def _computing_dtype(name: str, device: torch.device, note: Callable[[str], None]) -> torch.dtype:
    if name not in DTYPES:
        raise UsageError(f"There is no dtype {name!r}; there are {', '.join(DTYPES)}.")
    if device.type == "cpu":
        return torch.float32  # half precision is slower there, where it works at all
    if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        note("This GPU has no bf16: fp16 is used.")
        return torch.float16
    return DTYPES[name]
