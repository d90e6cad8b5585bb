"""A motion drawn as a video file: one picture at a time, the driving video's time stamps."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ..core import CannotWrite, FrameChunk, Host, Motion, plan_windows
from ..pose.draw import draw_motion, find_style, resize_short_side, resized
from ..video import OutputFormat, check_place, encode_chunk, join_chunks, output_format
from .digests import digest_of, motion_digest

PIECE_FRAMES = 64
LOSSLESS = ".mkv"


def write_pose_video(
    motion: Motion, style: str, folder: Path, host: Host, *, short_side: int = 0, everyone: bool = True
) -> Path:
    """`folder`/pose_HASH.mkv, lossless, made once for the same motion and the same choices."""
    asked = {"motion": motion_digest(motion), "style": style}
    if short_side or not everyone:
        asked |= {"short_side": short_side, "everyone": everyone}
    output = folder / f"pose_{digest_of(asked)[:32]}{LOSSLESS}"
    if not output.is_file():
        draw_pose_video(motion, style, output, host, short_side=short_side, everyone=everyone)
    return output


def draw_pose_video(
    motion: Motion, style: str, output: Path, host: Host, *, short_side: int = 0, everyone: bool = True
) -> None:
    """The file `output`, made beside and renamed: lossless in .mkv, else as good as the container holds.

    `style` as in `draw_styles`; drawn at the driving video's size, then resized to `short_side` (px; 0: not). An odd
    last row or column is left out. `everyone`: all people of the motion, else the main one.

    Raises UsageError for an unknown style or suffix, CannotWrite.
    """
    fmt = check_pose_video(output, style)
    check_place(output)
    width, height = (side // 2 * 2 for side in resized(motion.size, short_side))
    try:
        scratch_folder = tempfile.TemporaryDirectory(dir=output.parent, prefix=".pose_")
    except OSError as error:
        raise CannotWrite(f"{output.parent}: nothing can be written there: {error.strerror}.") from error
    with scratch_folder as scratch:
        pieces = []
        for window in plan_windows(motion.num_frames, PIECE_FRAMES):
            frames = np.zeros((window.num_frames, height, width, 3), np.uint8)
            for k, t in enumerate(range(window.start, window.stop)):
                picture = draw_motion(motion, t, motion.size, style, everyone=everyone)
                frames[k] = resize_short_side(picture, short_side)[:height, :width]
            piece = Path(scratch) / f"{window.index:06}{output.suffix}"
            encode_chunk(FrameChunk(frames, window.start), piece, fmt, motion.timeline.rate)
            pieces.append(piece)
            host.step(window.stop, motion.num_frames, "drawing", frames[-1])
        join_chunks(pieces, output, timeline=motion.timeline, fmt=fmt, audio=None, audio_trim=None, metadata=None)


def check_pose_video(output: Path, style: str) -> OutputFormat:
    """UsageError, before any work is done, for a style or a suffix that does not exist."""
    find_style(style)
    return output_format(output, "lossless" if output.suffix.lower() == LOSSLESS else "high")
