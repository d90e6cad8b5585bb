"""How long the check of a driving clip takes, and what takes it: by default 30 s of 1280x720.

    python benchmarks/check_speed.py [--seconds 30] [--clip FILE]

The clip is the bundled dancer, there and back, with grain (8 Mbit/s), coded anew; --clip takes another. Processor
time is told beside wall time, and how busy the machine was, since a busy machine stretches both.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

DANCER = Path(__file__).resolve().parent.parent / "demo" / "media" / "dancer.mp4"
ONE_RUN = """
import resource, sys, time
start = time.perf_counter()
from motion_transfer.run.check import check_driving_video
from motion_transfer.run.host import LocalHost
report = check_driving_video(sys.argv[1], LocalHost())
used = resource.getrusage(resource.RUSAGE_SELF)
print(report.num_frames, time.perf_counter() - start, used.ru_utime, used.ru_stime)
"""


def make_clip(path: Path, seconds: float, crf: int = 20) -> None:
    frames = [f.to_ndarray(format="rgb24") for f in av.open(str(DANCER)).decode(video=0)]
    rng = np.random.default_rng(0)
    grains = [rng.normal(0, 3, (720, 1280, 1)).astype(np.float32) for _ in range(5)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"preset": "veryfast", "crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for k in range(round(24 * seconds)):
            at = k % (2 * len(frames) - 2)
            pixels = frames[min(at, 2 * len(frames) - 2 - at)] + grains[k % 5]
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels.clip(0, 255).astype(np.uint8), "rgb24")))
        out.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = asked.clip or Path(folder) / "dance.mp4"
        if asked.clip is None:
            make_clip(clip, asked.seconds)
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        with av.open(str(clip)) as container:
            container.streams.video[0].thread_type = "AUTO"
            count = sum(1 for _ in container.decode(video=0))
        now = resource.getrusage(resource.RUSAGE_SELF)
        print(f"{count} frames, {8e-6 * clip.stat().st_size / (count / 24):.1f} Mbit/s at 24 frames/s")
        print(f"decoding alone: {time.perf_counter() - start:.1f} s, {now.ru_utime - used.ru_utime:.1f} s of processor")
        for _ in range(asked.repeat):
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
            ran = subprocess.run(
                [sys.executable, "-c", ONE_RUN, str(clip)], check=True, capture_output=True, text=True
            ).stdout.split()
            wall, user, system = (float(v) for v in ran[-3:])
            print(f"check: {wall:.1f} s, {user:.1f} + {system:.1f} s of processor (load before {load:.1f})")


if __name__ == "__main__":
    main()
