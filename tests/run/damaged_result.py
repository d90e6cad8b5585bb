"""A short finished video of the bundled heroine, and copies of it that are damaged in one way each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import FrameChunk, Timeline
from motion_transfer.run.api import transfer
from motion_transfer.run.manifest import manifest_path
from motion_transfer.video import encode_chunk, join_chunks, open_video, output_format, read_character, write_image

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"
SIZE = (320, 448)  # multiples of what every engine needs
SECONDS, RATE = 3, 24
SECTION = 24  # frames, once a section is set to last a second
GREY = (128, 128, 128)


def make_result(folder: Path) -> Path:
    """Three seconds on a plain background; driven by the bundled motion, so that no driver is looked at again."""
    picture = cv2.resize(read_character(MEDIA / "heroine.png").pixels, SIZE, interpolation=cv2.INTER_AREA)
    write_image(folder / "heroine.png", picture)
    for name in ("dancer.motion", "dancer.mp4"):
        shutil.copy(MEDIA / name, folder / name)
    made = transfer(
        folder / "heroine.png",
        folder / "dancer.motion",
        output=folder / "out.mp4",
        stop_seconds=SECONDS,
        work_dir=folder / "work",
        background="plain",
        plain_colour="grey",
    )
    return made.output


def damaged(
    result: Path,
    name: str,
    change: Callable[[int, np.ndarray], np.ndarray | None] = lambda t, frame: frame,
    *,
    audio: Path | None = None,
) -> Path:
    """A copy with `change(t, frame)` done to every frame, None drops it and leaves a gap; the manifest is copied too."""
    path = result.with_name(name)
    frames, pts = [], []
    source = open_video(result)
    for chunk in source.chunks(16):
        assert chunk.pts is not None
        for k, pixels in enumerate(chunk.pixels):
            changed = change(chunk.start + k, pixels)
            if changed is not None:
                frames.append(changed)
                pts.append(int(chunk.pts[k]))
    fmt = output_format(path, "high")
    piece = path.with_suffix(".piece.mp4")
    encode_chunk(FrameChunk(np.stack(frames), 0), piece, fmt, Fraction(RATE))
    timeline = Timeline(np.array(pts, np.int64), source.info.time_base, Fraction(RATE))
    join_chunks([piece], path, timeline=timeline, fmt=fmt, audio=audio or result, metadata=None)
    piece.unlink()
    shutil.copy(manifest_path(result), manifest_path(path))
    return path


def ramp(t: int, start: int, stop: int, frames: int) -> float:
    """0 outside start..stop, 1 inside, over so many frames at either end."""
    return float(np.clip(min(t - start + 1, stop - t) / (frames + 1), 0, 1))


def gained(frame: np.ndarray, gain: float | np.ndarray) -> np.ndarray:
    return np.clip(np.rint(frame * np.asarray(gain)), 0, 255).astype(np.uint8)


def shifted(frame: np.ndarray, right_px: float) -> np.ndarray:
    move = np.array([[1, 0, right_px], [0, 1, 0]], np.float32)
    return cv2.warpAffine(frame, move, (frame.shape[1], frame.shape[0]), borderMode=cv2.BORDER_REPLICATE)
