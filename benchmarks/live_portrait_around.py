"""What a portrait's frame costs besides the networks, at 1080p: one thread, processor time, all in one run.

    python benchmarks/live_portrait_around.py [frames]

Decoding the driver, cropping its face, smoothing and transferring its motion, pasting into the source's picture with
and without matched colours, encoding at the usual quality: per frame of `frames` (24), which all of it is given. The
networks are of true size with seeded weights, in float32, for one frame after one to warm up; on a graphics card they
are a hundred times as fast, and then decoding and encoding are what a frame waits for. Exits 1 above 5 % of a frame.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "models" / "live_portrait"))
from golden_networks import goldens, seeded
from seeded_weights import image

from motion_transfer.core import FrameChunk
from motion_transfer.face_motion.portrait_crop import FaceSquare, crop, network_input, scale_of_factor
from motion_transfer.face_motion.portrait_motion import PortraitMotion, key_points
from motion_transfer.face_motion.portrait_paste import feather, paste
from motion_transfer.face_motion.portrait_smoother import smooth
from motion_transfer.face_motion.portrait_transfer import transfer
from motion_transfer.models.live_portrait.layout import TITLES
from motion_transfer.models.live_portrait.networks import PortraitNetworks
from motion_transfer.video import encode_chunk, open_video, output_format

WIDTH, HEIGHT, FACE_PX, RATE = 1920, 1080, 240.0, Fraction(30)
MOST = 0.05


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    networks = PortraitNetworks({network: seeded(network) for network in TITLES})
    face = (image("input/image_a")[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)
    gold = goldens()
    x_s, x_d = gold["input/kp_source"].numpy(), gold["input/kp_driving"][:1].numpy()
    source = networks.appearance(face)

    def frame_of_networks() -> np.ndarray:
        networks.motion(face[None])
        return networks.render(source, x_s, networks.stitch(x_s, x_d))

    made = frame_of_networks()[0]
    whole = spent(frame_of_networks, 1)
    parts = around(count, made)
    for name, seconds in parts.items():
        print(f"{name:28s} {1e3 * seconds:8.2f} ms   {100 * seconds / whole:5.2f} %")
    total = sum(seconds for name, seconds in parts.items() if name != "paste")
    share = total / (whole + total)
    print(f"{'networks':28s} {1e3 * whole:8.0f} ms   around them {1e3 * total:.1f} ms: {100 * share:.2f} % of a frame")
    return int(share > MOST)


def around(count: int, made: np.ndarray) -> dict[str, float]:
    """Processor seconds per frame of each part."""
    random, frames = np.random.default_rng(0), scene(count)
    square = FaceSquare(
        np.array([[WIDTH / 2, HEIGHT / 2]]), np.array([FACE_PX * scale_of_factor(1.7)]), np.array([0.1])
    )
    matrix, mask, kp = square.matrices()[0], feather(), random.normal(0, 0.3, (21, 3)).astype(np.float32)
    turns = np.repeat(np.eye(3, dtype=np.float32)[None], count, axis=0)
    expression = random.normal(0, 0.01, (count, 21, 3)).astype(np.float32)
    driver = PortraitMotion(np.full((count, 1), 1.3, np.float32), turns, expression, np.zeros((count, 3), np.float32))
    still = driver.cut(0, 1)
    fmt = output_format("out.mp4", "high")
    with tempfile.TemporaryDirectory() as folder:
        piece = Path(folder) / "piece.mkv"
        seconds = {"encode": spent(lambda: encode_chunk(FrameChunk(frames, 0), piece, fmt, RATE), count)}
        seconds["decode"] = spent(lambda: [c.pixels for c in open_video(piece).chunks(16)], count)
    seconds["crop"] = spent(lambda: [network_input(crop(f, matrix)) for f in frames], count)
    seconds["smooth, transfer, points"] = spent(lambda: key_points(kp, transfer(still, smooth(driver, RATE))), count)

    def pasted(match: float) -> Callable[[], Any]:
        def run() -> None:
            for f in frames:
                own = np.array(f)
                paste(own, made, matrix, mask, match=match, out=own)

        return run

    seconds["paste"] = spent(pasted(0.0), count)
    seconds["paste, colours matched"] = spent(pasted(1.0), count)
    return seconds


def scene(count: int) -> np.ndarray:
    """A textured head swinging before a slightly noisy background."""
    random = np.random.default_rng(0)
    still = cv2.resize(random.integers(0, 256, (18, 32, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    still = np.clip(still + random.normal(0, 4, still.shape), 0, 255).astype(np.uint8)
    head = cv2.resize(random.integers(0, 256, (12, 8, 3), np.uint8), (300, 420), interpolation=cv2.INTER_CUBIC)
    frames = np.repeat(still[None], count, 0)
    for i in range(count):
        turn = cv2.getRotationMatrix2D((150, 210), 8 * np.sin(i / 5), 1)
        turn[:, 2] += (WIDTH / 2 - 150 + 20 * np.sin(i / 9), HEIGHT / 2 - 210)
        cv2.warpAffine(head, turn, (WIDTH, HEIGHT), dst=frames[i], borderMode=cv2.BORDER_TRANSPARENT)
    return frames


def spent(work: Callable[[], Any], frames: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / frames


if __name__ == "__main__":
    with torch.inference_mode():
        sys.exit(main())
