"""Pasting a made face back: the region of its square against the whole frame, both in one run, turn by turn.

    python benchmarks/portrait_paste_speed.py [rounds]

The face is 240 px from brow to chin, as one that fills the middle of a portrait shot. Prints the median and the best
of each in milliseconds of one thread, and the ratio of the medians.
"""

from __future__ import annotations

import sys
import time
from functools import partial

import cv2
import numpy as np

from motion_transfer.face_motion.portrait_crop import FaceSquare, scale_of_factor
from motion_transfer.face_motion.portrait_paste import feather, paste

SIZES = {"1080p": (1920, 1080, 240.0), "4K": (3840, 2160, 480.0)}


def whole_frame(frame, made, back, weight):
    """As the authors' program does: the mask is warped once, the blend covers the frame."""
    warped = cv2.warpAffine(made, back, frame.shape[1::-1])
    return np.clip(weight * warped + (1 - weight) * frame, 0, 255).astype(np.uint8)


def main() -> None:
    cv2.setNumThreads(1)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    random = np.random.default_rng(0)
    for name, (width, height, face) in SIZES.items():
        frame = random.integers(0, 256, (height, width, 3), np.uint8)
        made = random.integers(0, 256, (512, 512, 3), np.uint8)
        side = np.array([face * scale_of_factor(1.7)])
        matrix = FaceSquare(np.array([[width / 2, height / 2]]), side, np.array([0.1])).matrices()[0]
        mask, back = feather(), np.linalg.inv(matrix)[:2]
        weight = cv2.warpAffine(cv2.merge([mask] * 3), back, (width, height)).astype(np.float32) / 255
        own = frame.copy()  # a decoded frame is nobody else's: the engine pastes into it
        ways = {
            "whole frame, float": partial(whole_frame, frame, made, back, weight),
            "region, new frame": partial(paste, frame, made, matrix, mask),
            "region, same frame": partial(paste, own, made, matrix, mask, out=own),
            "same, colours matched": partial(paste, own, made, matrix, mask, match=1.0, out=own),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                start = time.perf_counter()
                run()
                times[way].append(1e3 * (time.perf_counter() - start))
        base = np.median(times["whole frame, float"])
        for way, took in times.items():
            print(
                f"{name:6s} {way:24s} {np.median(took):7.1f} ms, best {min(took):7.1f}   {base / np.median(took):5.1f} x"
            )


if __name__ == "__main__":
    main()
