"""Where motion modules lie: the folder that AnimateDiff-Evolved made usual, whether Evolved is there or not."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths

from ..core import InputError


def motion_module_files() -> list[str]:
    """Names of what lies in ComfyUI's folder for motion modules, its own subfolders included."""
    names: set[str] = set()
    for folder in _folders():
        for here, _, files in os.walk(folder, followlinks=True):
            for file in files:
                if file.endswith((".safetensors", ".ckpt", ".pth", ".pt")):
                    names.add(Path(here, file).relative_to(folder).as_posix())
    return sorted(names)


def motion_module_path(name: str) -> Path:
    """InputError where the file has gone."""
    for folder in _folders():
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"The motion module {name} is gone from models/animatediff_models; choose another, or press R.")


def _folders() -> list[Path]:
    try:
        folders = [Path(folder) for folder in folder_paths.get_folder_paths("animatediff_models")]
    except KeyError:
        folders = []
    standard = Path(folder_paths.models_dir) / "animatediff_models"
    return [*folders, standard] if standard not in folders else folders
