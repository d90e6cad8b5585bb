"""Seconds per frame of the face encoder: ours, the stock blur path, and diffusers' if it is installed, in one run.

    python benchmarks/face_code_speed.py [--rounds 3] [--threads 1] [--batch 8]

True sizes (512 px, 22.7 M parameters), random weights, CPU, faces in batches of 8 as the official code has them.
The encoders take turns, so that a busy machine slows all of them; the best of each counts, by the clock and in
processor time, which counts the system's too: most of the stock path's is fresh memory for its copies. Exits 1 below
five times the stock path's speed by the clock.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "face_motion"))
from stock_lmd import random_official, stock_codes

from motion_transfer.face_motion.lmd_encoder import LmdEncoder

GOAL = 5.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    weights = random_official()
    ours = LmdEncoder(weights)
    paths = {"stock": lambda x: stock_codes(weights, x), "ours": ours}
    try:
        from diffusers.models.transformers.transformer_wan_animate import WanAnimateMotionEncoder

        from motion_transfer.face_motion.lmd_weights import lmd_tensors

        theirs = WanAnimateMotionEncoder().eval()
        theirs.load_state_dict(lmd_tensors(weights))
        paths["diffusers"] = lambda x: ours.codes(theirs(x))
    except ImportError:
        pass
    faces = np.random.default_rng(0).integers(0, 256, (args.batch, 512, 512, 3), dtype=np.uint8)
    pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 127.5 - 1
    best, busy = (dict.fromkeys(paths, float("inf")) for _ in range(2))
    codes: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for path in paths.values():
            path(pixels[:1])
        for _ in range(args.rounds):
            for name, path in paths.items():
                start, start_busy = time.perf_counter(), time.process_time()
                codes[name] = path(pixels)
                best[name] = min(best[name], (time.perf_counter() - start) / args.batch)
                busy[name] = min(busy[name], (time.process_time() - start_busy) / args.batch)
    for name, seconds in best.items():
        error = (codes[name] - codes["stock"]).norm() / codes["stock"].norm()
        print(f"{name:10s} {seconds:7.3f} s/frame   {best['stock'] / seconds:5.1f} x stock   processor {busy[name]:6.3f} s   {busy['stock'] / busy[name]:5.1f} x   relative difference {error:.1e}")  # fmt: skip
    return 0 if busy["stock"] / busy["ours"] >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
