"""Where the nodes keep files: pictures and clips spooled from wires, journals, results.

Names are hashes of the content, so the same input is the same file and a run finds its journal again.
Spooled inputs and results live in ComfyUI's temp folder; journals and motions outlive a restart.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
import numpy as np
from comfy_api.latest import InputImpl

from ..core import FrameChunk, InputError, Timeline
from ..video import encode_chunk, join_chunks, output_format, write_image
from .pictures import levels

if TYPE_CHECKING:
    import torch

_FOLDER = "motion_transfer"
_MASK_FRAMES = 32


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


def driver_mask_file(mask: torch.Tensor) -> Path:
    """A MASK batch float `[T,H,W]` as a lossless video named by its content; a single one as a picture."""
    if mask.ndim == 2 or len(mask) == 1:
        return mask_file(levels(mask.reshape(1, *mask.shape[-2:], 1))[0, ..., 0])
    digest = hashlib.sha256(repr(tuple(mask.shape)).encode())
    for start in range(0, len(mask), _MASK_FRAMES):
        digest.update(levels(mask[start : start + _MASK_FRAMES, ..., None]).tobytes())
    path = spool_folder() / f"mask_{digest.hexdigest()[:32]}.mkv"
    if path.is_file():
        return path
    fmt, rate = output_format(path, "lossless"), Fraction(30)
    height, width = (n // 2 * 2 for n in mask.shape[1:])
    timeline = Timeline(np.arange(len(mask), dtype=np.int64), 1 / rate, rate)
    with tempfile.TemporaryDirectory(dir=spool_folder()) as scratch:
        pieces = []
        for start in range(0, len(mask), _MASK_FRAMES):
            grey = levels(mask[start : start + _MASK_FRAMES, :height, :width, None])
            pieces.append(Path(scratch) / f"{start:08}.mkv")
            encode_chunk(FrameChunk(np.repeat(grey, 3, axis=3), start), pieces[-1], fmt, rate)
        join_chunks(pieces, path, timeline=timeline, fmt=fmt, audio=None, audio_trim=None, metadata=None)
    return path


def video_file(video: Any) -> tuple[Path, float, float | None]:
    """A VIDEO as (file, start seconds, stop seconds or None), without decoding it.

    A video from a file is that file; one that lives in memory is written to the temp folder once.
    """
    if isinstance(video, InputImpl.VideoFromComponents):
        width, height = video.get_dimensions()
        if width % 2 or height % 2:
            raise InputError(
                f"The driving video was made of IMAGEs of {width}x{height} px, and ComfyUI encodes even sizes only. "
                f"Resize or crop them before Create Video; {width - width % 2}x{height - height % 2} would do."
            )
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
