"""How near the truth frames between frames come: every second frame of a clip left out and made again, in dB.

    python benchmarks/interpolate_quality.py                       the bundled dancer, every sixth frame looked at
    python benchmarks/interpolate_quality.py demo/heroine.mp4 --frames 60

PSNR of all pixels (mean over the frames), by plain blending and by motion; processor time for one frame.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from motion_transfer.finishing.between_by_flow import BetweenByFlow, blended
from motion_transfer.video import open_video

DANCER = Path(__file__).resolve().parent.parent / "demo" / "media" / "dancer.mp4"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("clip", type=Path, nargs="?", default=DANCER)
    words.add_argument("--frames", type=int, default=144)
    words.add_argument("--every", type=int, default=6)
    given = words.parse_args()
    frames = []
    for chunk in open_video(given.clip).chunks(8):
        frames += list(chunk.pixels)
        if len(frames) >= given.frames:
            break
    by_flow, mixed, moved, seconds = BetweenByFlow(), [], [], 0.0
    for k in range(1, min(len(frames), given.frames) - 1, given.every):
        before, truth, after = frames[k - 1 : k + 2]
        mixed.append(psnr(blended(before, after, [0.5])[0], truth))
        begun = time.thread_time()
        made = by_flow.between(before, after, [0.5])[0]
        seconds += time.thread_time() - begun
        moved.append(psnr(made, truth))
    told = {
        "frames": len(mixed),
        "blend_db": round(float(np.mean(mixed)), 2),
        "motion_db": round(float(np.mean(moved)), 2),
    }
    told["worse"] = sum(float(a) > float(b) for a, b in zip(mixed, moved, strict=True))
    told["ms_a_frame"] = round(1000 * seconds / len(moved))
    print(json.dumps(told))


def psnr(made, truth):
    return 10 * np.log10(255**2 / max(1e-9, float(((made.astype(np.float32) - truth) ** 2).mean())))


if __name__ == "__main__":
    main()
