"""`python -m demo.bundled_motion`: the dancer's motion, for the example workflow that starts from a saved one."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.motion_cache import load_or_extract

MEDIA = Path(__file__).resolve().parent / "media"


def make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        motion, _ = load_or_extract(MEDIA / "dancer.mp4", LocalHost(), Path(folder))
    # The film lies beside it wherever it is copied: its name alone is what holds.
    save_motion(replace(motion, source=replace(motion.source, path="dancer.mp4")), MEDIA / "dancer.motion")


if __name__ == "__main__":
    make()
