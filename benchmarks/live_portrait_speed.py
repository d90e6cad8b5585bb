"""Seconds per driven frame of LivePortrait's networks: ours and the official order of work, in one run.

    python benchmarks/live_portrait_speed.py [--rounds 2] [--threads 1]

True sizes, seeded weights, processor. The official order is unfolded and frame by frame: motion, stitching, warp,
generator. Ways take turns, so that a busy machine slows them all, and processor time counts; the best round of each
is shown. float32 is what a processor computes in unless asked otherwise, and what it computes in when asked for a
precision that it does not multiply. bfloat16 is timed where the processor multiplies it; elsewhere its pictures alone
are compared, with products of the same rounding made in float32.
Exits 1 below 2.3 times the official order's speed, or when a picture is off.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "models" / "live_portrait"))
import plain_live_portrait as plain
from golden_networks import goldens, seeded
from seeded_weights import image

from motion_transfer.models.live_portrait.layout import APPEARANCE, GENERATOR, STITCHING, TITLES, WARPING
from motion_transfer.models.live_portrait.motion_net import SmallNet
from motion_transfer.models.live_portrait.networks import PortraitNetworks, cpu_has_bfloat16

GOALS = {"float32": 2.3, "bfloat16": 2.3}
LARGEST_RMS = {"float32": 2e-5, "bfloat16": 3e-3}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tensors, gold = {network: seeded(network) for network in TITLES}, goldens()
    source = (image("input/image_a")[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)
    driver = (image("input/image_b")[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)[None]
    x_s, x_d = gold["input/kp_source"], gold["input/kp_driving"][:1]
    ways: dict[str, Callable[[], np.ndarray]] = {}

    def ours(name: str, dtype: torch.dtype) -> None:
        networks = PortraitNetworks(tensors, dtype)
        prepared = networks.appearance(source)

        def frame() -> np.ndarray:
            networks.motion(driver)
            return networks.render(prepared, x_s.numpy(), networks.stitch(x_s.numpy(), x_d.numpy()), as_float=True)

        ways[name] = frame

    ours("float32", torch.float32)
    reference = PortraitNetworks(tensors)  # for its motion network alone, which has nothing rewritten
    stitch = SmallNet(tensors[STITCHING])
    pixels = torch.from_numpy(source).permute(2, 0, 1)[None].float() / 255
    volume = plain.appearance(tensors[APPEARANCE], pixels)

    def official() -> np.ndarray:
        reference.motion(driver)
        change = stitch(torch.cat([x_s.flatten(1), x_d.flatten(1)], 1))
        moved = x_d + change[:, :63].reshape(1, 21, 3)
        moved[..., :2] += change[:, None, 63:]
        features = plain.warp(tensors[WARPING], volume, x_s, moved)[0]
        return plain.generate(tensors[GENERATOR], features).permute(0, 2, 3, 1).numpy()

    ours("bfloat16", torch.bfloat16)
    timed = {"official order": official, "float32": ways["float32"]}
    timed |= {"bfloat16": ways["bfloat16"]} if cpu_has_bfloat16() else {}
    best, pictures = dict.fromkeys(timed, float("inf")), {}
    for _ in range(args.rounds):
        for name, way in timed.items():
            start = time.process_time()
            pictures[name] = way()
            best[name] = min(best[name], time.process_time() - start)
    if "bfloat16" not in timed:
        with EmulatedBfloat16():
            pictures["bfloat16"] = ways["bfloat16"]()
    return report(best, pictures)


def report(best: dict[str, float], pictures: dict[str, np.ndarray]) -> int:
    slowest, failed = best["official order"], False
    print(f"official order  {slowest:6.2f} s/frame")
    for name, goal in GOALS.items():
        off = pictures[name] - pictures["official order"]
        rms, largest = float(np.sqrt(np.mean(off**2))), float(np.abs(off).max())
        line = f"{name:14s}  "
        if name in best:
            line += f"{best[name]:6.2f} s/frame, {slowest / best[name]:.2f} times (goal {goal})"
            failed |= slowest / best[name] < goal
        else:
            line += "not timed: this processor does not multiply bfloat16"
        failed |= rms > LARGEST_RMS[name]
        print(f"{line}; picture rms {rms:.1e}, at most {largest:.1e}")
    return int(failed)


class EmulatedBfloat16:
    """While open, convolutions of bfloat16 are made in float32 and rounded once: what such hardware computes."""

    def __enter__(self) -> None:
        self.kept = functional.conv2d, functional.conv3d

        def widened(convolve: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
            def call(x: torch.Tensor, weight: torch.Tensor, bias: Any = None, **rest: Any) -> torch.Tensor:
                bias = None if bias is None else bias.float()
                return convolve(x.float(), weight.float(), bias, **rest).to(x.dtype)

            return call

        functional.conv2d, functional.conv3d = (widened(each) for each in self.kept)

    def __exit__(self, *_: object) -> None:
        functional.conv2d, functional.conv3d = self.kept


if __name__ == "__main__":
    with torch.inference_mode():
        sys.exit(main())
