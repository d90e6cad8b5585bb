"""LivePortrait on a GPU: milliseconds per driven frame and peak memory, ours beside the official modules, in one run.

    python benchmarks/live_portrait_gpu.py --official PATH --out table.md     fp16, 1, 4 and 16 frames at once
    python benchmarks/live_portrait_gpu.py --tiny --device cpu                narrow networks in float32, anywhere

PATH is a checkout of KwaiVGI/LivePortrait; only its `src/modules` are imported, under torch's autocast as its program
runs them. Without one, the other side is the official order of work as our tests have it. Both get the same seeded
weights, source and key points. A driven frame is motion, stitching (ours on both sides: it takes no time), warp and
generator, and its picture as bytes in RAM. Exits 1 below 1.5 times the official speed on a GPU, or when the two
pictures differ by an rms of more than 0.01.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from device_meter import Meter, attempt, device_name

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "models" / "live_portrait"))
import plain_live_portrait as plain
from golden_networks import narrow, seeded
from seeded_weights import normal

from motion_transfer.models.live_portrait.layout import APPEARANCE, GENERATOR, MOTION, TITLES, WARPING
from motion_transfer.models.live_portrait.networks import PortraitNetworks

GOAL, LARGEST_RMS = 1.5, 0.01
SIZES = {"reshape_channel": 32, "reshape_depth": 16}
DENSE = {"block_expansion": 32, "max_features": 1024, "num_blocks": 5, "reshape_depth": 16, "compress": 4}
WIDE = {"block_expansion": 64, "max_features": 512, "num_down_blocks": 2}

Frames = Callable[[np.ndarray, torch.Tensor, torch.Tensor], np.ndarray]
"""Faces uint8 `[n,256,256,3]`, key points `[21,3]` of the source and `[n,21,3]` -> pictures uint8."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--frames", default="1,4,16")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    meter = Meter(torch.device(args.device))
    dtype = torch.float16 if meter.cuda and not args.tiny else torch.float32
    tensors = {network: seeded(network) for network in TITLES}
    if args.tiny:
        tensors |= {network: narrow(network) for network in (WARPING, GENERATOR)}
    side = 32 if args.tiny else 64
    volume = torch.from_numpy(normal("benchmark/volume", (1, 32, 16, side, side))).float()
    own = ours(tensors, volume, dtype, meter, args.tiny)
    if args.official and not args.tiny:
        theirs = official(args.official, tensors, volume, dtype, meter)
    else:
        theirs = plain_order(tensors, volume, dtype, meter)
    rows, failed = [], False
    for count in [int(n) for n in args.frames.split(",")]:
        inputs = drawn(count, meter.device)
        told = {}
        for name, way in (("ours", own), ("official", theirs)):
            work = partial(measured, way, inputs, args.rounds, meter)
            told[name] = attempt(f"{name}, {count} frames", work, meter)
        if not all(told.values()):
            continue
        gain = told["official"]["ms"] / told["ours"]["ms"]
        off = (told["ours"]["picture"].astype(np.float32) - told["official"]["picture"]) / 255
        rms = float(np.sqrt(np.mean(off**2)))
        failed |= rms > LARGEST_RMS or (meter.cuda and gain < GOAL)
        numbers = " | ".join(f"{told[n]['ms']:.1f} | {told[n]['gb']:.2f}" for n in ("ours", "official"))
        rows.append(f"| {count} | {numbers} | {gain:.2f} | {rms:.1e} |")
    side = "official modules" if args.official and not args.tiny else "official order of work"
    table = "\n".join(
        [
            f"{device_name(meter.device)}, {str(dtype).removeprefix('torch.')}, torch {torch.__version__}, against the {side}",
            "",
            "| frames at once | ours, ms/frame | peak GB | official, ms/frame | peak GB | times as fast | picture rms |",
            "|---|---|---|---|---|---|---|",
            *rows,
        ]
    )
    print(table)
    if args.out:
        args.out.write_text(table + "\n")
    return int(failed or not rows)


def drawn(count: int, device: torch.device) -> tuple[np.ndarray, torch.Tensor, torch.Tensor]:
    faces = np.random.default_rng(0).integers(0, 256, (count, 256, 256, 3), np.uint8)
    x_s = torch.from_numpy(normal("benchmark/points", (21, 3))).float() * 0.3
    x_d = x_s + 0.05 * torch.from_numpy(normal("benchmark/moves", (count, 21, 3))).float()
    return faces, x_s.to(device), x_d.to(device)


def measured(way: Frames, inputs: tuple[Any, ...], rounds: int, meter: Meter) -> dict:
    meter.begin()
    picture = way(*inputs)
    took = meter.median(lambda: way(*inputs), rounds)
    return {"ms": 1e3 * took / len(inputs[0]), "gb": meter.peak_gb(), "picture": picture}


def ours(tensors: Any, volume: torch.Tensor, dtype: torch.dtype, meter: Meter, tiny: bool) -> Frames:
    networks = PortraitNetworks(tensors, dtype, at_once=16, note=print).to(meter.device)
    source = networks.warping_net.prepare(volume.to(meter.device))
    if tiny:  # their pictures are of half the size
        from motion_transfer.models.live_portrait import networks as module

        module.SIDE_OUT = 256

    def way(faces: np.ndarray, x_s: torch.Tensor, x_d: torch.Tensor) -> np.ndarray:
        networks.motion(faces)
        still = x_s.cpu().numpy()
        return networks.render(source, still, networks.stitch(still, x_d.cpu().numpy()))

    return way


def official(path: Path, tensors: Any, volume: torch.Tensor, dtype: torch.dtype, meter: Meter) -> Frames:
    """The modules of a checkout, all frames in one call: their program gives them one frame at a time."""
    sys.path.insert(0, str(path))
    from src.modules.motion_extractor import MotionExtractor  # type: ignore[import-not-found]
    from src.modules.spade_generator import SPADEDecoder  # type: ignore[import-not-found]
    from src.modules.warping_network import WarpingNetwork  # type: ignore[import-not-found]

    made = {
        MOTION: MotionExtractor(num_kp=21, backbone="convnextv2_tiny"),
        WARPING: WarpingNetwork(num_kp=21, **WIDE, **SIZES, estimate_occlusion_map=True, dense_motion_params=DENSE),
        GENERATOR: SPADEDecoder(upscale=2, **WIDE),
    }
    for name, module in made.items():
        module.load_state_dict(tensors[name])
        made[name] = module.to(meter.device).eval()
    small = PortraitNetworks(tensors).to(meter.device)
    volume = volume.to(meter.device)

    def way(faces: np.ndarray, x_s: torch.Tensor, x_d: torch.Tensor) -> np.ndarray:
        count = len(faces)
        moved = torch.from_numpy(small.stitch(x_s.cpu().numpy(), x_d.cpu().numpy())).to(meter.device)
        with torch.no_grad(), torch.autocast(meter.device.type, torch.float16, enabled=dtype == torch.float16):
            made[MOTION](pixels_of(faces, meter.device))
            warped = made[WARPING](volume.repeat(count, 1, 1, 1, 1), moved, x_s.expand(count, -1, -1))
            return bytes_of(made[GENERATOR](warped["out"]))

    return way


def plain_order(tensors: Any, volume: torch.Tensor, dtype: torch.dtype, meter: Meter) -> Frames:
    """Nothing folded, one frame at a time."""
    placed = {n: {k: v.to(meter.device) for k, v in tensors[n].items()} for n in (APPEARANCE, WARPING, GENERATOR)}
    small = PortraitNetworks(tensors).to(meter.device)
    volume = volume.to(meter.device)

    def way(faces: np.ndarray, x_s: torch.Tensor, x_d: torch.Tensor) -> np.ndarray:
        moved = torch.from_numpy(small.stitch(x_s.cpu().numpy(), x_d.cpu().numpy())).to(meter.device)
        pictures = []
        half = torch.autocast(meter.device.type, torch.float16, enabled=dtype == torch.float16)
        with torch.no_grad(), half, meter.device:  # where the plain order makes its grids
            for k in range(len(faces)):
                small.motion(faces[k : k + 1])
                features = plain.warp(placed[WARPING], volume, x_s[None], moved[k : k + 1])[0]
                pictures.append(bytes_of(plain.generate(placed[GENERATOR], features)))
        return np.concatenate(pictures)

    return way


def pixels_of(faces: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float() / 255


def bytes_of(pictures: torch.Tensor) -> np.ndarray:
    return (pictures.permute(0, 2, 3, 1).float() * 255).round_().to(torch.uint8).cpu().numpy()


if __name__ == "__main__":
    sys.exit(main())
