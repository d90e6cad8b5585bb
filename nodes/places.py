"""Where the nodes keep files: pictures and clips spooled from wires, journals, results.

Names are hashes of the content, so the same input is the same file and a run finds its journal again.
Spooled inputs and results live in ComfyUI's temp folder; journals and motions outlive a restart.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np

from ..core import InputError
from ..video import write_image

_FOLDER = "motion_transfer"


def spool_folder() -> Path:
    """Wiped by ComfyUI at its start."""
    folder = Path(folder_paths.get_temp_directory()) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lasting_folder() -> Path:
    """Journals and cached motions: a run that a crash broke goes on after the restart."""
    folder = Path(folder_paths.get_user_directory()) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def picture_file(pixels: np.ndarray, alpha: np.ndarray | None) -> Path:
    """A PNG of the character, named by its content."""
    rgba = pixels if alpha is None else np.dstack([pixels, alpha])
    digest = hashlib.sha256(repr(rgba.shape).encode() + np.ascontiguousarray(rgba).tobytes()).hexdigest()[:32]
    path = spool_folder() / f"character_{digest}.png"
    if not path.is_file():
        write_image(path, rgba)
    return path


def mask_file(mask: np.ndarray) -> Path:
    """A grey PNG of a mask uint8 `[H,W]`, named by its content."""
    return picture_file(np.repeat(mask[..., None], 3, axis=2), None)


def video_file(video: Any) -> tuple[Path, float, float | None]:
    """A VIDEO as (file, start seconds, stop seconds or None), without decoding it.

    A video from a file is that file; one that lives in memory is written to the temp folder once.
    """
    source = video.get_stream_source()
    start, duration = (0.0, 0.0)
    if hasattr(video, "get_active_trim_window"):
        start, duration = video.get_active_trim_window()
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not path.is_file():
            raise InputError(f"The video file {path} is gone; choose it again in Load Video.")
        return path, start, start + duration if duration else None
    content = source.getvalue()
    path = spool_folder() / f"video_{hashlib.sha256(content).hexdigest()[:32]}.mp4"
    if not path.is_file():
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return path, start, start + duration if duration else None
