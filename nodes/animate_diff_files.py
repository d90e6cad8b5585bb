"""AnimateDiff for Motion Transfer, where nothing but the Model's name comes in: its files, found and loaded as ComfyUI does."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Host, InputError, MissingWeights, WeightFile
from ..core.settings import Plain
from ..core.weight_files import find_all
from ..models.animate_diff.spec import BACKEND, AnimateDiffSettings
from ..models.animate_diff.weights import MODULES, is_sdxl, needed
from .animate_diff_identity import ask_for_identity, require_identity

_LARGEST_HEADER = 64 << 20
_TEXT_KEYS = {
    # (where a checkpoint's UNet first reads text, how wide the text is) -> its base
    ("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", 768): "SD1.5",
    ("model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", 2048): "SDXL",
}
_kept: dict[tuple[str, ...], Any] = {}
"""The models of the last run, so that the same graph queued again does not read them again."""


def lend_models(engine: str, settings: Mapping[str, Plain], host: Host) -> dict[str, Any]:
    """The backend that the files make. MissingWeights, or MissingPackage, before any work."""
    return {BACKEND: AnimateDiffFromFiles(AnimateDiffSettings.from_plain(settings), host)}


class AnimateDiffFromFiles:
    """An `AnimateBackend` that loads its models when they are first needed; a finished run needs none."""

    def __init__(self, settings: AnimateDiffSettings, host: Host) -> None:
        self._settings = settings
        self._paths = find_files(settings, host)
        if settings.reference_strength > 0:
            ask_for_identity(settings.identity, host)
            require_identity(settings.identity, settings.reference_strength)
        self._backend: Any = None

    @property
    def fingerprint(self) -> str:
        known = [f"{role} {path.name} {path.stat().st_size}" for role, path in sorted(self._paths.items())]
        return "comfyui/" + ", ".join(known)

    @property
    def module(self) -> str:
        return self._opened.module

    @property
    def places(self) -> int | None:
        return self._opened.places

    @property
    def notes(self) -> list[str]:
        return self._opened.notes

    def look_at(self, picture: np.ndarray) -> None:
        self._opened.look_at(picture)

    def encode(self, frames: np.ndarray) -> Any:
        return self._opened.encode(frames)

    def decode(self, latents: Any) -> np.ndarray:
        return self._opened.decode(latents)

    def sample(self, section: Any, noise: Any, seed: int, on_step: Callable[..., None]) -> Any:
        return self._opened.sample(section, noise, seed, on_step)

    @property
    def _opened(self) -> Any:
        if self._backend is None:
            self._backend = self._open()
        return self._backend

    def _open(self) -> Any:
        from .animate_diff_backend import ComfyAnimateBackend, Sampling
        from .animate_diff_model import load_motion_module

        s = self._settings
        model, clip, vae = _keep("checkpoint", self._paths["checkpoint"], _load_checkpoint)
        control = _keep("controlnet", self._paths["controlnet"], _load_control)
        sampling = Sampling(
            s.steps, s.guidance, s.denoise, s.sampler, s.scheduler, pose_strength=s.pose_strength,
            reference_strength=s.reference_strength, identity=s.identity,
        )  # fmt: skip
        positive, negative = (_said(clip, words) for words in (s.full_prompt, s.full_negative))
        return ComfyAnimateBackend(
            model, vae, positive, negative, control, sampling,
            module=load_motion_module(self._paths["motion_module"]), motion_scale=s.motion_scale,
        )  # fmt: skip


def find_files(settings: AnimateDiffSettings, host: Host) -> dict[str, Path]:
    """Role -> file. The checkpoint is the one that is named, else SD 1.5 (SDXL) itself, else the first fitting one.

    MissingWeights tells of all that are not there; InputError where the named checkpoint is of another base.
    """
    wanted = needed(settings.motion_module)
    base = "SDXL" if is_sdxl(settings.motion_module) else "SD1.5"

    def find(weights: WeightFile) -> Path:
        if weights is wanted["checkpoint"]:
            return _find_checkpoint(settings.checkpoint, base, weights, settings, host)
        return host.find_weights(weights)

    roles = ("motion_module", "controlnet", "checkpoint")
    return find_all(find, {role: wanted[role] for role in roles}, "animate-diff")


def _find_checkpoint(name: str, base: str, usual: WeightFile, settings: AnimateDiffSettings, host: Host) -> Path:
    import folder_paths

    if name:
        path = folder_paths.get_full_path("checkpoints", name)
        if path is None:
            raise MissingWeights(f"There is no checkpoint {name!r} in models/checkpoints; put it there, or leave checkpoint empty.")  # fmt: skip
        is_of = base_of_checkpoint(Path(path))
        if is_of not in (None, base):
            other = next(m for m in MODULES if is_sdxl(m) == (is_of == "SDXL"))
            raise InputError(f"{name} is a checkpoint of {is_of}, but {settings.motion_module} moves {base}; motion_module={other} would do.")  # fmt: skip
        return Path(path)
    try:
        return host.find_weights(usual)
    except MissingWeights:
        for name in sorted(folder_paths.get_filename_list("checkpoints")):
            path = folder_paths.get_full_path("checkpoints", name)
            if path is not None and base_of_checkpoint(Path(path)) == base:
                host.note(f"checkpoint is empty: {name} is taken, the first of {base}.")
                return Path(path)
        raise


def base_of_checkpoint(path: Path) -> str | None:
    """'SD1.5' or 'SDXL', read from the head of a safetensors file; None for anything else. No weights are read."""
    if path.suffix != ".safetensors":
        return None
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                return None
            header = json.loads(file.read(length))
    except (OSError, ValueError, struct.error):
        return None
    first = header.get("model.diffusion_model.input_blocks.0.0.weight", {}).get("shape", [0, 0])
    if first[1] != 4:  # inpainting and editing models read more channels
        return None
    for (key, width), base in _TEXT_KEYS.items():
        if header.get(key, {}).get("shape", [0, 0])[-1] == width:
            return base
    return None


def _keep(kind: str, path: Path, load: Callable[[Path], Any]) -> Any:
    key = (kind, str(path), str(path.stat().st_mtime_ns))
    if key not in _kept:
        for old in [k for k in _kept if k[0] == kind]:
            del _kept[old]
        _kept[key] = load(path)
    return _kept[key]


def _load_checkpoint(path: Path) -> Any:
    import comfy.sd

    return comfy.sd.load_checkpoint_guess_config(str(path), output_vae=True, output_clip=True)[:3]


def _load_control(path: Path) -> Any:
    import comfy.controlnet

    control = comfy.controlnet.load_controlnet(str(path))
    if control is None:
        raise InputError(f"{path.name} is no ControlNet that ComfyUI knows; control_v11p_sd15_openpose would do.")
    return control


def _said(clip: Any, words: str) -> Any:
    return clip.encode_from_tokens_scheduled(clip.tokenize(words))
