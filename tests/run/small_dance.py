"""The first frames of the bundled dancer, small, with sound, and her motion to match: for networks on a processor."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import FrameChunk, PoseTrack
from motion_transfer.pose.motion_file import load_motion, save_motion
from motion_transfer.video import encode_chunk, file_sha256, join_chunks, open_video, output_format

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"


def small_dance(folder: Path, num_frames: int = 24, size: tuple[int, int] = (192, 112)) -> tuple[Path, Path]:
    """(film, motion file) in `folder`; the motion names the film."""
    folder.mkdir(parents=True, exist_ok=True)
    film, place = folder / "small_dance.mp4", folder / "small_dance.motion"
    motion = load_motion(MEDIA / "dancer.motion")
    frames = np.empty((num_frames, size[1], size[0], 3), np.uint8)
    for chunk in open_video(MEDIA / "dancer.mp4").chunks(num_frames):
        for k, pixels in enumerate(chunk.pixels):
            frames[k] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        break
    fmt, timeline = output_format(film, "high"), motion.timeline.cut(0, num_frames)
    piece = folder / "piece.mp4"
    encode_chunk(FrameChunk(frames, 0), piece, fmt, timeline.rate)
    seconds = float(Fraction(num_frames) / timeline.rate)
    join_chunks([piece], film, timeline=timeline, fmt=fmt, audio=MEDIA / "dancer.mp4", audio_trim=(0.0, seconds), metadata=None)  # fmt: skip
    piece.unlink()
    scale = np.array(size, np.float32) / np.array(motion.size, np.float32)
    tracks = tuple(PoseTrack((t.points[:num_frames] * scale).astype(np.float32), t.scores[:num_frames], size) for t in motion.tracks)  # fmt: skip
    source = replace(motion.source, path=str(film), sha256=file_sha256(film), start_seconds=0.0, stop_seconds=None)
    save_motion(replace(motion, tracks=tracks, timeline=timeline, source=source, cuts=(), face_codes={}), place)
    return film, place
