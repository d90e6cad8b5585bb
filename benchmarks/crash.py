"""kill -9 at random moments of the real command: the rerun must end with the very file of an unbroken run.

    python benchmarks/crash.py                    100 kills of `motion-transfer run` with the puppet
    python benchmarks/crash.py --kills 10 --frames 96

The demo's dancer is extracted once; its first frames drive the demo's mascot. Each kill falls up to 2 s after
some further piece was finished. Counted: pieces made twice, files that differ.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from motion_transfer.video import file_sha256

MEDIA = Path(__file__).resolve().parent.parent / "demo" / "media"
COMMAND = [sys.executable, "-m", "motion_transfer.cli.main"]


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--kills", type=int, default=100)
    words.add_argument("--frames", type=int, default=144, help="of the dancer's clip (24 a second)")
    words.add_argument("--resolution", default="480p")
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        told = attack(Path(name), given)
    print(json.dumps(told, indent=2))
    sys.exit(0 if told["differing_files"] == 0 and told["pieces_lost"] == 0 else 1)


def attack(folder, given):
    subprocess.run(
        [*COMMAND, "extract", str(MEDIA / "dancer.mp4"), "-o", "x.motion", "--stop", str(given.frames / 24), "--quiet"],
        cwd=folder,
        check=True,
    )
    line = [*COMMAND, "run", str(MEDIA / "mascot.png"), "x.motion", "--quiet", "--resolution", given.resolution]
    line += ["--work-dir", "w"]
    begun = time.perf_counter()
    subprocess.run([*line, "-o", "whole.mp4"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    unbroken = time.perf_counter() - begun
    truth = file_sha256(folder / "whole.mp4")
    total = json.loads((folder / "whole.mp4.json").read_text())["run"]["chunks_made"]
    chance = random.Random(given.seed)
    kept, killed, ended, differing, lost, at = 0, 0, 0, 0, 0, []
    while killed < given.kills:
        running = subprocess.Popen([*line, "-o", "out.mp4"], cwd=folder, stderr=subprocess.DEVNULL)
        further = min(total, kept + chance.choice([0, 1, 1, 2]))
        while running.poll() is None and records(folder) < further:
            time.sleep(0.002)
        try:
            running.wait(timeout=chance.uniform(0, 4.0 if kept >= total else 2.0))
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            killed += 1
            lost += max(0, kept - records(folder)) if not (folder / "out.mp4").exists() else 0
            kept = records(folder)
            at.append(kept)
            if killed < given.kills:
                continue
            subprocess.run([*line, "-o", "out.mp4"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        ended += 1
        differing += file_sha256(folder / "out.mp4") != truth
        run = json.loads((folder / "out.mp4.json").read_text())["run"]
        lost += max(0, kept - run["chunks_reused"]) if run["chunks_made"] else 0
        for left in ("out.mp4", "out.mp4.json"):
            (folder / left).unlink()
        kept = 0
    return {
        "kills": killed,
        "pieces_of_the_video": total,
        "kills_by_pieces_finished": {str(k): at.count(k) for k in sorted(set(at))},
        "finished_files": ended,
        "differing_files": differing,
        "pieces_lost": lost,
        "unbroken_seconds": round(unbroken, 1),
    }


def records(folder):
    return len(list(folder.glob("w/out.mp4.*.parts/*/piece-*.json")))


if __name__ == "__main__":
    main()
