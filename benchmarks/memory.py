"""Peak memory of `motion-transfer run` by length of the clip: the promise is 1.10 from 10 seconds to 10 minutes.

    python benchmarks/memory.py                          10 s and 600 s
    python benchmarks/memory.py --seconds 10 60

The demo's dancer is repeated to each length without encoding it again (1280x720, 24 frames/s). Each run is a
process of its own with an empty cache, so extraction, rendering, encoding and joining all count.
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

MEDIA = Path(__file__).resolve().parent.parent / "demo" / "media"

# In a process of its own, because the peak of children is never forgotten.
_MEASURED = """
import resource, sys
from motion_transfer.cli.main import main
status = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
print(f'{status} {peak}')
"""


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, nargs="+", default=[10, 600])
    words.add_argument("--character", default=str(MEDIA / "mascot.png"))
    words.add_argument("--resolution", default="720p")
    words.add_argument("--engine", default="puppet")
    given = words.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seconds in given.seconds:
            clip = folder / f"{seconds:g}.mp4"
            frames = repeat(MEDIA / "dancer.mp4", clip, seconds)
            rows.append({"seconds": seconds, "frames": frames, **measure(clip, folder, given)})
            print(json.dumps(rows[-1]), flush=True)
    ratio = rows[-1]["peak_mb"] / rows[0]["peak_mb"]
    print(f"ratio of the longest to the shortest: {ratio:.3f}")
    sys.exit(0 if ratio <= 1.10 and rows[-1]["peak_mb"] <= 2048 else 1)


def repeat(source, target, seconds):
    """The clip's picture packets over and over until `seconds` are full; returns the number of frames."""
    with av.open(str(source)) as film:
        stream = film.streams.video[0]
        rate, unit = Fraction(stream.average_rate), stream.time_base
        packets = [p for p in film.demux(stream) if p.size]
        round_trip = len(packets) * int(1 / (rate * unit))
        with av.open(str(target), "w") as out:
            copy = out.add_stream_from_template(stream)
            wanted, written = round(seconds * rate), 0
            stamps = [(p.pts, p.dts) for p in packets]
            while written < wanted:
                turn = written // len(packets)
                for packet, (pts, dts) in zip(packets[: wanted - written], stamps, strict=False):
                    packet.pts, packet.dts = pts + turn * round_trip, dts + turn * round_trip
                    packet.stream = copy
                    out.mux(packet)
                    written += 1
    return written


def measure(clip, folder, given):
    line = ["run", given.character, str(clip), "-o", str(folder / "out.mp4"), "--quiet", "--overwrite"]
    line += ["--resolution", given.resolution, "--engine", given.engine, "--work-dir", str(folder / f"w{clip.stem}")]
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED, *line], stdout=subprocess.PIPE, text=True, check=True)
    status, peak = done.stdout.split()[-2:]
    if status != "0":
        sys.exit(f"the run ended with {status}")
    stages = json.loads((folder / "out.mp4.json").read_text())["run"]["seconds"]
    return {
        "peak_mb": round(int(peak) / 2**20, 1),
        "total_s": round(time.perf_counter() - begun, 1),
        "stages_s": stages,
    }


if __name__ == "__main__":
    main()
