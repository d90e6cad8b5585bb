"""`python -m demo.bundled_motion`: the dancer's motion, and a duet of two, for the example workflows that start from one."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from motion_transfer.core import WHOLE_BODY, Motion, PoseTrack
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.motion_cache import load_or_extract

MEDIA = Path(__file__).resolve().parent / "media"
_APART_PX = 250.0  # each dancer's way from the middle
_SIZE = 0.85  # of the second, smaller one
_LATE_FRAMES = 12  # the second dancer follows in canon


def make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        motion, _ = load_or_extract(MEDIA / "dancer.mp4", LocalHost(), Path(folder))
    # The film lies beside it wherever it is copied: its name alone is what holds.
    motion = replace(motion, source=replace(motion.source, path="dancer.mp4"))
    save_motion(motion, MEDIA / "dancer.motion")
    save_motion(duet(motion), MEDIA / "duet.motion")


def duet(motion: Motion) -> Motion:
    """The dancer at the left and, at the right, smaller, mirrored and half a second later, somebody who follows."""
    track, (width, height) = motion.main, motion.size
    first = replace(track, points=(track.points - [_APART_PX, 0]).astype(np.float32))
    late = np.maximum(np.arange(track.num_frames) - _LATE_FRAMES, 0)
    mirror = list(WHOLE_BODY.mirror)
    points = track.points[late][:, mirror] * [-1, 1] + [width - 1, 0]
    middle, ground = (width - 1) / 2, 0.95 * height
    points = (points - [middle, ground]) * _SIZE + [middle + _APART_PX, ground]
    second = PoseTrack(points.astype(np.float32), track.scores[late][:, mirror], track.size)
    return replace(motion, tracks=(first, second))


if __name__ == "__main__":
    make()
