"""Peak memory of a LivePortrait run by length of the clip, with stand-ins for the networks: all else is real.

    python benchmarks/live_portrait_memory.py                        10 s and 300 s at 1920x1080, a picture
    python benchmarks/live_portrait_memory.py --character film       a film that is moved
    python benchmarks/live_portrait_memory.py --seconds 10 60
    python benchmarks/live_portrait_memory.py --size 320 180         what grows with the number of frames, alone

The promise is 1.10 from 10 seconds to 5 minutes. Each run is the real command in a process of its own with an empty
cache; reading the driver, moving, pasting, encoding and joining all count, MediaPipe and the networks do not.
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
import numpy as np

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS / "run"), str(TESTS / "models" / "live_portrait")]

from made_faces import FACE_PX, motion_of, path, picture  # noqa: E402

from motion_transfer.pose.motion_file import save_motion  # noqa: E402
from motion_transfer.video import write_image  # noqa: E402

RATE = 25
_LOOP_FRAMES = 50
_MEASURED = """
import resource, sys
sys.path.insert(0, sys.argv.pop(1))
import portrait_program
portrait_program.install()
from motion_transfer.cli.main import main
status = main(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
print(f'{status} {peak}')
"""


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, nargs="+", default=[10, 300])
    words.add_argument("--character", choices=("picture", "film"), default="picture")
    words.add_argument("--size", type=int, nargs=2, default=[1920, 1080])
    given = words.parse_args()
    peaks = []
    for seconds in given.seconds:
        with tempfile.TemporaryDirectory() as folder:
            row = {
                "character": given.character,
                "seconds": seconds,
                **measure(Path(folder), given.character, seconds, tuple(given.size)),
            }
        print(json.dumps(row), flush=True)
        peaks.append(row["peak_mb"])
    ratio = peaks[-1] / peaks[0]
    print(f"ratio of the longest to the shortest: {ratio:.3f}", flush=True)
    sys.exit(0 if ratio <= 1.10 else 1)


def measure(folder, character, seconds, size):
    num_frames = round(seconds * RATE)
    write_loop(folder / "driver.mp4", num_frames, size)
    save_motion(motion_of(folder / "driver.mp4", num_frames, rate=RATE, size=size), folder / "driver.motion")
    line = ["run", "me.png", "driver.motion", "--character-pose", "me.motion"]
    if character == "film":
        line = ["run", "driver.mp4", "driver.motion"]
    write_image(folder / "me.png", picture([(size[0] / 2, size[1] / 2)], size))
    save_motion(motion_of(None, 1, size=size), folder / "me.motion")
    line += ["-o", "out.mp4", "--engine", "live-portrait", "--quiet", "--work-dir", "w", "--no-audio"]
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED, str(TESTS / "run"), *line], stdout=subprocess.PIPE, text=True, check=True, cwd=folder)  # fmt: skip
    status, peak = done.stdout.split()[-2:]
    assert status == "0"
    told = json.loads((folder / "out.mp4.json").read_text())
    assert told["output"]["num_frames"] == num_frames
    return {
        "frames": num_frames,
        "peak_mb": round(int(peak) / 2**20, 1),
        "run_seconds": round(time.perf_counter() - begun, 1),
        "stages_s": told["run"]["seconds"],
    }


def write_loop(place, num_frames, size):
    """A face that moves over two seconds, those packets over and over: encoded once, whatever the length."""
    at, _ = path(_LOOP_FRAMES, size)
    loop = place.with_name("loop.mp4")
    with av.open(str(loop), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        ground = picture([], size)
        half = round(1.5 * FACE_PX)
        for x, y in at:
            frame = ground.copy()
            x0, y0 = int(x) - half, int(y) - half
            patch = picture([(x - x0, y - y0)], (2 * half, 2 * half))
            bright = patch.astype(np.int16) - picture([], (2 * half, 2 * half))
            area = frame[y0 : y0 + 2 * half, x0 : x0 + 2 * half]
            area[:] = np.clip(area + bright, 0, 255)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode(None))
    with av.open(str(loop)) as film, av.open(str(place), "w") as out:
        stream = film.streams.video[0]
        packets = [p for p in film.demux(stream) if p.size]
        copy = out.add_stream_from_template(stream)
        step = int(1 / (Fraction(RATE) * stream.time_base))
        stamps = [(p.pts, p.dts) for p in packets]
        for k in range(num_frames):
            packet, (pts, dts) = packets[k % len(packets)], stamps[k % len(packets)]
            turn = k // len(packets) * len(packets) * step
            packet.pts, packet.dts, packet.stream = pts + turn, dts + turn, copy
            out.mux(packet)
    loop.unlink()


if __name__ == "__main__":
    main()
