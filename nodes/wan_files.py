"""Wan-Animate for Motion Transfer, where nothing but the Model's name comes in: its files, found and loaded as ComfyUI does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Host
from ..core.settings import Plain
from ..models.registry import engine_spec
from ..models.wan_animate.spec import BACKEND, WanAnimateSettings
from ..models.wan_animate.weights import find_weights, names_and_sizes

LORA_STRENGTH = 1.0
_kept: dict[tuple[str, ...], Any] = {}
"""The models of the last run, so that the same graph queued again does not read 17 GB again. ComfyUI moves them
between devices; they leave the memory when other files are asked for."""


def lend_models(engine: str, settings: Mapping[str, Plain], host: Host) -> dict[str, Any]:
    """The backend that the files make. MissingWeights before any work."""
    return {BACKEND: WanFromFiles(engine_spec(engine).settings.from_plain(settings), host)}


class WanFromFiles:
    """A `WanBackend` that loads its models when they are first needed; a finished run needs none."""

    def __init__(self, settings: WanAnimateSettings, host: Host) -> None:
        self._settings = settings
        self._paths = find_weights(host, relight_lora=settings.relight_lora, distill_lora=settings.distill_lora)
        self._backend: Any = None

    @property
    def fingerprint(self) -> str:
        return f"comfyui/{names_and_sizes(self._paths)}"

    def look_at(self, picture: np.ndarray) -> None:
        self._opened.look_at(picture)

    def face_weights(self) -> Any:
        return self._opened.face_weights()

    def encode(self, frames: np.ndarray) -> Any:
        return self._opened.encode(frames)

    def decode(self, latent: Any) -> np.ndarray:
        return self._opened.decode(latent)

    def sample(self, condition: Any, noise: Any, seed: int, on_step: Callable[..., None]) -> Any:
        return self._opened.sample(condition, noise, seed, on_step)

    @property
    def _opened(self) -> Any:
        if self._backend is None:
            self._backend = self._open()
        return self._backend

    def _open(self) -> Any:
        import comfy.samplers

        from .wan_backend import ComfyWanBackend, Sampling

        s, paths = self._settings, self._paths
        model = _load_transformer(paths["transformer"])
        for role, strength in (("relight_lora", LORA_STRENGTH), ("distill_lora", s.distill_strength)):
            if role in paths:
                model = _with_lora(model, paths[role], strength)
        if s.solver == "dpm++":  # ComfyUI's way to the original's DPM++ (2nd order, midpoint)
            words = {"eta": 0.0, "solver_type": "midpoint"}
            sampler = comfy.samplers.ksampler("dpmpp_2m_sde", words)
        else:
            sampler = comfy.samplers.ksampler("uni_pc_bh2")
        sampling = Sampling(s.steps, s.guidance, s.shift, scheduler="simple", sampler=sampler)
        positive, negative = _prompts(paths["text"], s.full_prompt, s.full_negative)
        return ComfyWanBackend(
            model, _load_vae(paths["vae"]), positive, negative, sampling,
            clip_vision=_load_clip_vision(paths["clip_vision"]),
        )  # fmt: skip


def _keep(kind: str, path: Path, load: Callable[[], Any]) -> Any:
    key = (kind, str(path), str(path.stat().st_mtime_ns))
    if key not in _kept:
        for old in [k for k in _kept if k[0] == kind]:
            del _kept[old]
        _kept[key] = load()
    return _kept[key]


def _load_transformer(path: Path) -> Any:
    import comfy.sd

    return _keep("transformer", path, lambda: comfy.sd.load_diffusion_model(str(path)))


def _load_vae(path: Path) -> Any:
    import comfy.sd
    import comfy.utils

    return _keep("vae", path, lambda: comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(path), safe_load=True)))


def _load_clip_vision(path: Path) -> Any:
    import comfy.clip_vision

    return _keep("clip_vision", path, lambda: comfy.clip_vision.load(str(path)))


def _with_lora(model: Any, path: Path, strength: float) -> Any:
    import comfy.sd
    import comfy.utils

    return comfy.sd.load_lora_for_models(
        model, None, comfy.utils.load_torch_file(str(path), safe_load=True), strength, 0
    )[0]


def _prompts(path: Path, positive: str, negative: str) -> tuple[Any, Any]:
    """Both prompts as CONDITIONING. The text encoder, 6 to 11 GB, is let go afterwards."""
    import comfy.sd

    def encode() -> tuple[Any, Any]:
        clip = comfy.sd.load_clip([str(path)], clip_type=comfy.sd.CLIPType.WAN)
        one, other = (clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in (positive, negative))
        return one, other

    return _keep(f"prompts {positive} | {negative}", path, encode)
