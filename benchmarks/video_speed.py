"""How fast frames are encoded in pieces and decoded again, per quality, at 1280x720.

    python benchmarks/video_speed.py [frames]

Prints wall-clock frames/s and processor time per frame; on a busy machine the second is the one to compare.
"""

from __future__ import annotations

import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import FrameChunk
from motion_transfer.video import encode_chunk, open_video, output_format

WIDTH, HEIGHT = 1280, 720
FORMATS = [("o.mp4", "high"), ("o.mp4", "medium"), ("o.mp4", "low"), ("o.mp4", "lossless"), ("o.mkv", "lossless"),
           ("o.mov", "alpha"), ("o.mkv", "alpha"), ("o.webm", "high"), ("o.webm", "alpha")]  # fmt: skip


def scene(count: int) -> np.ndarray:
    """A textured figure swinging before a still, slightly noisy background: what the puppet makes."""
    rng = np.random.default_rng(0)
    still = cv2.resize(rng.integers(0, 256, (18, 32, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    still = np.clip(still + rng.normal(0, 6, still.shape), 0, 255).astype(np.uint8)
    figure = cv2.resize(rng.integers(0, 256, (40, 20, 3), np.uint8), (300, 600), interpolation=cv2.INTER_CUBIC)
    frames = np.repeat(still[None], count, 0)
    for i in range(count):
        turn = cv2.getRotationMatrix2D((150, 300), 12 * np.sin(i / 5), 1)
        turn[:, 2] += (450 + 60 * np.sin(i / 9), 60 + 15 * np.cos(i / 4))
        cv2.warpAffine(figure, turn, (WIDTH, HEIGHT), dst=frames[i], borderMode=cv2.BORDER_TRANSPARENT)
    return frames


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    frames = scene(count)
    alpha = np.zeros(frames.shape[:3], np.uint8)
    alpha[:, 60:680, 400:900] = 255
    print(f"{WIDTH}x{HEIGHT}, {count} frames; frames/s wall clock (processor ms per frame)")
    with tempfile.TemporaryDirectory() as folder:
        piece = Path(folder) / "piece.mkv"
        for name, quality in FORMATS:
            fmt = output_format(name, quality)
            chunk = FrameChunk(frames, 0, alpha=alpha if fmt.has_alpha else None)
            encode = clock(encode_chunk, chunk, piece, fmt, Fraction(30))
            decode = clock(read, piece)
            size = piece.stat().st_size / count / 1000
            told = [f"{count / wall:6.1f} ({1000 * cpu / count:5.1f})" for wall, cpu in (encode, decode)]
            print(f"{name[1:]:6}{quality:9} {fmt.codec:11} encode {told[0]}   decode {told[1]}   {size:7.1f} kB/frame")


def read(path: Path) -> None:
    for _ in open_video(path).chunks(16):
        pass


def clock(work, *arguments) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work(*arguments)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
