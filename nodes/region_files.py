"""Regions from wires as files that lie beside a film: crops with the film's time stamps and sound, boxes as masks."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import FrameChunk, InputError, Motion
from ..finishing.region_paste import Box, box_mask, box_of_pixels
from ..pose.face_boxes import steady_face_boxes
from ..video import VideoFile, encode_chunk, join_chunks, output_format
from .pictures import levels
from .places import spool_folder

if TYPE_CHECKING:
    import torch

_PIECE_FRAMES = 32


def region_file(images: torch.Tensor, film: VideoFile, sound: Path) -> Path:
    """An IMAGE batch, one picture for each frame of `film`, as a lossless video with its stamps and the sound of `sound`."""
    total, (height, width) = film.timeline().num_frames, images.shape[1:3]
    if len(images) != total:
        raise InputError(f"There are {len(images)} pictures to paste and {total} frames to paste them into; it must be one for each.")  # fmt: skip
    if height % 2 or width % 2:
        raise InputError(f"The pictures to paste are {width}x{height}; even sizes work, such as {width + width % 2}x{height + height % 2}.")  # fmt: skip

    def pixels(start: int) -> np.ndarray:
        return levels(images[start : start + _PIECE_FRAMES])[..., :3]

    digest = hashlib.sha256(f"{sound} {sound.stat().st_mtime_ns}".encode())
    for start in range(0, total, _PIECE_FRAMES):
        digest.update(pixels(start).tobytes())
    return _lossless("region", digest.hexdigest(), pixels, film, sound if film.info.has_audio else None)


def boxes_file(boxes: Sequence[Box | None], film: VideoFile) -> Path:
    """One box for each frame (None: nowhere) as a mask video of the film's size, grey where a box ends inside a pixel."""
    size = (film.info.width, film.info.height)

    def pixels(start: int) -> np.ndarray:
        part = boxes[start : start + _PIECE_FRAMES]
        black = np.zeros(size[::-1], np.uint8)
        return np.stack([(black if b is None else box_mask(b, size))[..., None].repeat(3, axis=2) for b in part])

    digest = hashlib.sha256(repr((size, list(boxes))).encode()).hexdigest()
    return _lossless("boxes", digest, pixels, film, None)


def face_boxes_of(motion: Motion, scale: float, driving_smooth: float) -> list[Box | None]:
    """Where Face Crops cuts the face out, to a part of a pixel; None where it is not seen."""
    boxes, seen = steady_face_boxes(
        motion.main, motion.timeline.rate, scale=scale, strength=driving_smooth, cuts=motion.cuts
    )
    # Face Crops counts from the corners of pixels
    return [tuple(float(v) - 0.5 for v in box) if s else None for box, s in zip(boxes, seen, strict=True)]  # type: ignore[misc]


def boxes_of_wire(listed: Any) -> list[Box | None]:
    """The first box of each frame, of what core's and our nodes send as BOUNDING_BOX."""
    frames = listed if isinstance(listed, list) else [listed]
    found: list[Box | None] = []
    for frame in frames:
        first = frame[0] if isinstance(frame, list) and frame else frame
        if isinstance(first, dict) and first.get("width") and first.get("height"):
            found.append(box_of_pixels(first["x"], first["y"], first["width"], first["height"]))
        else:
            found.append(None)
    return found


def _lossless(name: str, digest: str, pixels: Callable[[int], np.ndarray], film: VideoFile, sound: Path | None) -> Path:
    path = spool_folder() / f"{name}_{digest[:32]}.mkv"
    if path.is_file():
        return path
    fmt, timeline = output_format(path, "lossless"), film.timeline()
    with tempfile.TemporaryDirectory(dir=spool_folder()) as scratch:
        pieces = []
        for start in range(0, timeline.num_frames, _PIECE_FRAMES):
            pieces.append(Path(scratch) / f"{start:08}.mkv")
            encode_chunk(FrameChunk(np.ascontiguousarray(pixels(start)), start), pieces[-1], fmt, timeline.rate)
        join_chunks(pieces, path, timeline=timeline, fmt=fmt, audio=sound, audio_trim=None, metadata=None)
    return path
