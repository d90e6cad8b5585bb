"""How fast a clip becomes a motion: the whole extraction, and its stages apart.

    python benchmarks/extract_speed.py [clip.mp4] [--repeat 3]

The stages are measured one by one in one thread; the whole runs them side by side, so that it can be faster than
their sum. The processor time beside the wall time tells how busy the machine was with other things.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from motion_transfer.core import SourceFile
from motion_transfer.pose.cuts import CutFinder
from motion_transfer.pose.detector import open_detector
from motion_transfer.pose.extract import extract_motion
from motion_transfer.pose.mediapipe_holistic import HolisticDetector
from motion_transfer.video import open_video

CLIP = Path(__file__).resolve().parent.parent / "demo" / "media" / "dancer.mp4"
FRAMES = 60  # for the stages


class QuietHost:
    device = "cpu"

    def step(self, done, total, stage, preview=None):
        pass

    def note(self, message):
        print(message, file=sys.stderr)


def timed(work, frames):
    wall, processor = time.perf_counter(), time.process_time()
    for frame in frames:
        work(frame)
    count = len(frames)
    return 1e3 * (time.perf_counter() - wall) / count, 1e3 * (time.process_time() - processor) / count


def stages(clip: Path) -> dict[str, tuple[float, float]]:
    """ms of wall time and of processor time for one frame, stage by stage."""
    start = time.perf_counter(), time.process_time()
    frames = [frame for chunk in islice(open_video(clip).chunks(10), FRAMES // 10) for frame in chunk.pixels]
    count = len(frames)
    result = {
        "decode": (1e3 * (time.perf_counter() - start[0]) / count, 1e3 * (time.process_time() - start[1]) / count)
    }
    result["cuts"] = timed(CutFinder().feed, frames)
    with HolisticDetector() as detector:
        bodies = []
        result["body"] = timed(lambda frame: bodies.append(detector._find_body(frame, False)), frames)
        pairs = iter(bodies)
        result["face and hands"] = timed(lambda frame: detector._complete(*next(pairs), False), frames)
    return result


def whole(clip: Path) -> dict[str, float]:
    with open_detector() as detector:
        wall, processor = time.perf_counter(), time.process_time()
        motion = extract_motion(open_video(clip), SourceFile(str(clip), ""), detector, QuietHost())  # type: ignore[arg-type]
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    n = motion.num_frames
    seen = float(np.mean(motion.main.scores[:, :17].mean(axis=1) > 0.3))
    return {"frames": n, "frames_per_s": n / wall, "processor_ms_per_frame": 1e3 * processor / n, "person_seen": seen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    runs = [whole(asked.clip) for _ in range(asked.repeat)]
    parts = stages(asked.clip)
    if asked.json:
        print(json.dumps({"runs": runs, "stages_ms": parts}, indent=2))
        return
    best = max(runs, key=lambda run: run["frames_per_s"])
    print(f"{asked.clip.name}: {best['frames']} frames, best of {len(runs)} runs {best['frames_per_s']:.1f} frames/s")
    print(f"processor time {best['processor_ms_per_frame']:.1f} ms/frame, person seen in {best['person_seen']:.0%}")
    for name, (wall, processor) in parts.items():
        print(f"  {name:16s} {wall:6.1f} ms/frame wall  {processor:6.1f} ms/frame processor")


if __name__ == "__main__":
    main()
