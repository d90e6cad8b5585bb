"""A motion drawn as a lossless video file: one picture at a time, the driving video's time stamps."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ..core import FrameChunk, Host, Motion, plan_windows
from ..pose.draw import draw_pose
from ..video import encode_chunk, join_chunks, output_format
from .digests import digest_of, motion_digest

PIECE_FRAMES = 64


def write_pose_video(motion: Motion, style: str, folder: Path, host: Host) -> Path:
    """`folder`/pose_HASH.mkv, made once for the same motion and style; all people of the motion are drawn."""
    output = folder / f"pose_{digest_of({'motion': motion_digest(motion), 'style': style})[:32]}.mkv"
    if output.is_file():
        return output
    fmt = output_format(output, "lossless")
    width, height = motion.size[0] // 2 * 2, motion.size[1] // 2 * 2
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pieces = []
        for window in plan_windows(motion.num_frames, PIECE_FRAMES):
            frames = np.zeros((window.num_frames, height, width, 3), np.uint8)
            for k, t in enumerate(range(window.start, window.stop)):
                for track in motion.tracks:
                    draw_pose(track.points[t], track.scores[t], (width, height), style, out=frames[k])
            piece = Path(scratch) / f"{window.index:06}.mkv"
            encode_chunk(FrameChunk(frames, window.start), piece, fmt, motion.timeline.rate)
            pieces.append(piece)
            host.step(window.stop, motion.num_frames, "drawing", frames[-1])
        join_chunks(pieces, output, timeline=motion.timeline, fmt=fmt, audio=None, audio_trim=None, metadata=None)
    return output
