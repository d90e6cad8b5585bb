"""Peak memory of a Wan-Animate run by length of the clip, with a stub in the network's place: all else is real.

    python benchmarks/wan_memory.py                          6 s and 60 s at 832x480, moving and replacing
    python benchmarks/wan_memory.py --modes move --seconds 6 600

The promise is 1.10 from 6 seconds to 60. Each run is a process of its own with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parent.parent / "tests" / "models" / "wan_animate"
sys.path.insert(0, str(TESTS))

from made_inputs import a_character, a_film, a_mask, a_motion  # noqa: E402

from motion_transfer.core import FrameChunk, SourceFile, Timeline  # noqa: E402
from motion_transfer.pose.motion_file import save_motion  # noqa: E402
from motion_transfer.video import encode_chunk, file_sha256, join_chunks, output_format, write_image  # noqa: E402

SIZE, RATE = (832, 480), 25
_MEASURED = """
import resource, sys
sys.path.insert(0, sys.argv.pop(1))
import wan_program
wan_program.install()
from motion_transfer.cli.main import main
status = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
print(f'{status} {peak}')
"""


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, nargs="+", default=[6, 60])
    words.add_argument("--modes", nargs="+", default=["move", "replace"])
    given = words.parse_args()
    kept = True
    for mode in given.modes:
        peaks = []
        for seconds in given.seconds:
            with tempfile.TemporaryDirectory() as folder:
                row = {"mode": mode, "seconds": seconds, **measure(Path(folder), mode, round(seconds * RATE))}
            print(json.dumps(row), flush=True)
            peaks.append(row["peak_mb"])
        print(f"{mode}: ratio of the longest to the shortest {peaks[-1] / peaks[0]:.3f}", flush=True)
        kept = kept and peaks[-1] <= 1.10 * peaks[0]
    sys.exit(0 if kept else 1)


def measure(folder, mode, num_frames):
    film = folder / "film.mp4"
    write_film(film, a_film, num_frames)
    motion = a_motion(num_frames, SIZE)
    save_motion(replace(motion, source=SourceFile(str(film), file_sha256(film))), folder / "x.motion")
    save_motion(a_motion(1, SIZE), folder / "me.motion")
    write_image(folder / "me.png", a_character(SIZE).pixels)
    line = ["run", "me.png", "x.motion", "-o", "out.mp4", "--engine", "wan-animate", "--mode", mode, "--quiet"]
    line += ["--character-pose", "me.motion", "--work-dir", "w", "--resolution", "480p"]
    if mode == "replace":
        write_film(folder / "mask.mp4", a_mask, num_frames)
        line += ["--driving-mask", "mask.mp4"]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(TESTS), *line], stdout=subprocess.PIPE, text=True, check=True, cwd=folder
    )
    status, peak = done.stdout.split()[-2:]
    assert status == "0"
    report = json.loads((folder / "out.mp4.json").read_text())["engine"]["report"]
    return {
        "frames": num_frames,
        "windows": report["windows"],
        "peak_mb": round(int(peak) / 2**20),
        "run_seconds": round(time.perf_counter() - begun, 1),
    }


def write_film(path, source, num_frames):
    """In pieces of a second, so that the benchmark itself stays small."""
    fmt = output_format(path, "high")
    pieces = []
    still = np.concatenate([c.pixels for c in source(RATE, SIZE).chunks(RATE)])
    for start in range(0, num_frames, RATE):
        pieces.append(path.with_name(f"{path.stem}{start:06}.mp4"))
        encode_chunk(FrameChunk(still[: num_frames - start], start), pieces[-1], fmt, Fraction(RATE))
    timeline = Timeline.constant(num_frames, Fraction(RATE))
    join_chunks(pieces, path, timeline=timeline, fmt=fmt, audio=None, audio_trim=None, metadata=None)
    for piece in pieces:
        piece.unlink()


if __name__ == "__main__":
    main()
