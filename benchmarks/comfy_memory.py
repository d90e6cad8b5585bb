"""Peak memory of a real ComfyUI server by length of the clip: Load Video -> Extract Motion -> Motion Transfer -> Save Video.

    COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python> python benchmarks/comfy_memory.py       10 s and 180 s

A server of its own for each length; its resident memory is read twice a second. The promise is a ratio of 1.15.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "comfy"), str(ROOT / "benchmarks")]

from memory import repeat  # noqa: E402
from real_server import RealServer  # noqa: E402

MEDIA = ROOT / "demo" / "media"


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seconds", type=float, nargs="+", default=[10, 180])
    given = words.parse_args()
    peaks = []
    for seconds in given.seconds:
        with tempfile.TemporaryDirectory() as name, RealServer(Path(name)) as server:
            frames = repeat(MEDIA / "dancer.mp4", server.folder / "input" / "motion_transfer_dancer.mp4", seconds)
            peak, took, ran = measured(server)
            assert ran.status == "success", ran.error
        peaks.append(peak)
        print(
            json.dumps({"seconds": seconds, "frames": frames, "peak_mb": round(peak), "took_s": round(took)}),
            flush=True,
        )
    ratio = peaks[-1] / peaks[0]
    print(f"ratio of the longest to the shortest: {ratio:.3f}")
    sys.exit(0 if ratio <= 1.15 else 1)


def measured(server):
    graph = json.loads((ROOT / "workflows" / "api" / "cast.json").read_text())
    keep = {"1", "2", "20", "21", "22"}
    process, peak, stop = psutil.Process(server.pid), [0.0], threading.Event()

    def watch():
        while not stop.wait(0.5):
            peak[0] = max(peak[0], process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    try:
        ran = server.run({k: v for k, v in graph.items() if k in keep}, timeout=3600)
    finally:
        stop.set()
        watcher.join()
    return peak[0], time.monotonic() - begun, ran


if __name__ == "__main__":
    main()
