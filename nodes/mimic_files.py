"""MimicMotion for ComfyUI by the names of files: what lies in the model folders, found, renamed and loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np

from ..core import Host, InputError
from ..core.settings import Plain
from ..models.mimic_motion.spec import BACKEND, MimicMotionSettings
from ..models.mimic_motion.weights import MODEL_ROLE, POSE_NET, POSE_ROLE, SVD_ROLE, find_weights, names_and_marks

FOLDERS = ("diffusion_models", "unet", "mimicmotion")
"""The last one is where kijai's wrapper keeps them."""
_ENDINGS = (".safetensors", ".pth", ".ckpt", ".pt")
_kept: dict[tuple[str, ...], Any] = {}
"""The models of the last run, so that the same graph queued again does not read them again."""


def mimic_files() -> list[str]:
    """Names of what may be MimicMotion: all weights of ComfyUI's folders for UNets and of kijai's, PoseNet not."""
    names: set[str] = set()
    for folder in _folders():
        for here, _, files in os.walk(folder, followlinks=True):
            names |= {Path(here, f).relative_to(folder).as_posix() for f in files if f.endswith(_ENDINGS)}
    return sorted(n for n in names if Path(n).name != POSE_NET.file)


def mimic_path(name: str) -> Path:
    """InputError where the file has gone."""
    for folder in _folders():
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{name} is gone from models/diffusion_models; choose another, or press R in ComfyUI.")


def _folders() -> list[Path]:
    found: list[Path] = []
    for kind in FOLDERS:
        try:
            named = [Path(folder) for folder in folder_paths.get_folder_paths(kind)]
        except KeyError:
            named = []
        found += [f for f in (*named, Path(folder_paths.models_dir) / kind) if f not in found]
    return found


def lend_models(engine: str, settings: Mapping[str, Plain], host: Host) -> dict[str, Any]:
    """The backend that the files make. MissingWeights before any work."""
    return {BACKEND: MimicFromFiles(MimicMotionSettings.from_plain(settings), host)}


class MimicFromFiles:
    """A `MimicBackend` that loads its models when they are first needed; a finished run needs none."""

    def __init__(self, settings: MimicMotionSettings, host: Host) -> None:
        self._settings = settings
        self._paths = find_weights(host, settings.version)
        if self._paths[SVD_ROLE].is_dir():
            raise InputError(
                f"{self._paths[SVD_ROLE]} is SVD as diffusers has it; ComfyUI needs the single file: "
                f"svd_xt_1_1.safetensors in models/checkpoints."
            )
        self._backend: Any = None

    @property
    def fingerprint(self) -> str:
        return f"comfyui/{names_and_marks(self._paths)}"

    def look_at(self, squashed: np.ndarray, picture: np.ndarray) -> None:
        self._opened.look_at(squashed, picture)

    def sample(self, condition: Any, noise: Any, seed: int, on_step: Callable[..., None]) -> Any:
        return self._opened.sample(condition, noise, seed, on_step)

    def decode(self, latents: Any) -> np.ndarray:
        return self._opened.decode(latents)

    @property
    def _opened(self) -> Any:
        if self._backend is None:
            self._backend = self._open()
        return self._backend

    def _open(self) -> Any:
        from .mimic_backend import ComfyMimicBackend, Sampling
        from .mimic_model import load_mimic_model

        s, paths = self._settings, self._paths
        vae, clip_vision = _keep("svd", paths[SVD_ROLE], lambda: _load_svd(paths[SVD_ROLE]))
        pose = paths.get(POSE_ROLE)
        model = _keep("model", paths[MODEL_ROLE], lambda: load_mimic_model(paths[MODEL_ROLE], pose))
        sampling = Sampling(
            s.steps, conditioning_fps=s.conditioning_fps, motion_bucket=s.motion_bucket, noise_aug=s.noise_aug
        )
        return ComfyMimicBackend(model, vae, clip_vision, sampling)


def _load_svd(path: Path) -> tuple[Any, Any]:
    """VAE and CLIP_VISION; SVD's own UNet is not built."""
    import comfy.sd

    found = comfy.sd.load_checkpoint_guess_config(
        str(path), output_vae=True, output_clip=False, output_clipvision=True, output_model=False
    )
    vae, clip_vision = found[2], found[3]
    if vae is None or clip_vision is None:
        raise InputError(f"{path.name} holds no VAE and CLIP of Stable Video Diffusion; svd_xt_1_1.safetensors would do.")  # fmt: skip
    return vae, clip_vision


def _keep(kind: str, path: Path, load: Callable[[], Any]) -> Any:
    key = (kind, str(path), str(path.stat().st_mtime_ns))
    if key not in _kept:
        for old in [k for k in _kept if k[0] == kind]:
            del _kept[old]
        _kept[key] = load()
    return _kept[key]
