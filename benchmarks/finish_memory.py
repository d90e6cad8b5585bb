"""Peak memory of `motion-transfer finish` by length of the clip: the promise is 1.10 from 10 seconds to a minute and more.

    python benchmarks/finish_memory.py                          10 s and 64 s, 720p
    python benchmarks/finish_memory.py --short-side 180 --fps 30      the same at a small size, in a fraction of the time

The demo's dancer is repeated to each length. Light is settled and frames are put between, so surveys, neighbours,
the chain, encoding and joining all count. Each run is a process of its own with an empty work folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
from memory import _MEASURED, MEDIA, repeat


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, nargs="+", default=[10, 64])
    words.add_argument("--short-side", type=int, default=720)
    words.add_argument("--fps", default="60")
    words.add_argument("--no-flicker", action="store_true", help="frames between only")
    given = words.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dancer = MEDIA / "dancer.mp4"
        if given.short_side != 720:
            dancer = smaller(dancer, folder / "small.mp4", given.short_side)
        for seconds in given.seconds:
            clip = folder / f"{seconds:g}.mp4"
            frames = repeat(dancer, clip, seconds)
            rows.append({"seconds": seconds, "frames": frames, **measure(clip, folder, given)})
            print(json.dumps(rows[-1]), flush=True)
    ratio = rows[-1]["peak_mb"] / rows[0]["peak_mb"]
    print(f"ratio of the longest to the shortest: {ratio:.3f}")
    sys.exit(0 if ratio <= 1.10 else 1)


def smaller(source, target, short_side):
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        stream = film.streams.video[0]
        width, height = (round(n * short_side / 720 / 2) * 2 for n in (stream.width, stream.height))
        made = out.add_stream("libx264", rate=Fraction(stream.average_rate), options={"crf": "16", "bf": "0"})
        made.width, made.height, made.pix_fmt = width, height, "yuv420p"
        for frame in film.decode(stream):
            out.mux(made.encode(frame.reformat(width, height)))
        out.mux(made.encode(None))
    return target


def measure(clip, folder, given):
    line = ["finish", str(clip), "-o", str(folder / "out.mp4"), "--quiet", "--overwrite", "--fps", given.fps]
    line += ["--work-dir", str(folder / f"w{clip.stem}"), *([] if given.no_flicker else ["--settle-flicker"])]
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED, *line], stdout=subprocess.PIPE, text=True, check=True)
    status, peak = done.stdout.split()[-2:]
    if status != "0":
        raise SystemExit(f"finishing ended with status {status}")
    return {"peak_mb": round(int(peak) / 1e6, 1), "run_seconds": round(time.perf_counter() - begun, 1)}


if __name__ == "__main__":
    main()
