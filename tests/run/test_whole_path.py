"""The whole path, judged from outside: the pose in the finished video, and the pixels that nobody touched."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import SourceFile
from motion_transfer.pose.character_pose import find_character_pose
from motion_transfer.pose.detector import open_detector
from motion_transfer.pose.extract import extract_motion
from motion_transfer.pose.retarget import plan_retarget
from motion_transfer.run.api import transfer
from motion_transfer.run.host import LocalHost
from motion_transfer.video import file_sha256, open_video, read_character

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"
SECONDS = 2.0
BODY = list(range(17))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The dancer's first seconds on the heroine: (video, motion, character with its joints)."""
    folder = tmp_path_factory.mktemp("whole")
    source = open_video(MEDIA / "dancer.mp4", stop_seconds=SECONDS)
    with open_detector() as detector:
        motion = extract_motion(source, SourceFile("dancer.mp4", ""), detector, LocalHost())
    result = transfer(
        MEDIA / "heroine.png",
        MEDIA / "dancer.mp4",
        output=folder / "out.mp4",
        stop_seconds=SECONDS,
        work_dir=folder / "work",
    )
    return result.output, motion, read_character(MEDIA / "heroine.png")


def extracted(path):
    with open_detector() as detector:
        return extract_motion(open_video(path), SourceFile(str(path), file_sha256(path)), detector, LocalHost())


def test_the_pose_in_the_finished_video_is_the_retargeted_one(finished):
    path, motion, character = finished
    pose = find_character_pose(character, lambda _: None)
    plan = plan_retarget(motion.main, pose, rate=float(motion.timeline.rate), cuts=motion.cuts)
    target = plan.track(0, motion.num_frames)
    seen = extracted(path).main
    assert seen.num_frames == motion.num_frames
    torso = np.linalg.norm(pose.points[0, [5, 6]].mean(0) - pose.points[0, [11, 12]].mean(0))
    error = np.linalg.norm(seen.points[:, BODY] - target.points[:, BODY], axis=2) / torso
    known = target.scores[:, BODY] > 0.3
    error = np.where(seen.scores[:, BODY] > 0.3, error, np.inf)
    assert np.mean(error[known] <= 0.10) >= 0.90


def test_pixels_that_the_character_never_touches_keep_their_colour(finished):
    path, _, character = finished
    frames = np.concatenate([c.pixels for c in open_video(path).chunks(16)])
    picture = character.pixels[: frames.shape[1], : frames.shape[2]].astype(np.int16)
    # Where no frame differs from the first one, nobody passed; the character's own place is cut away widely.
    still = np.ptp(frames[::4, ..., 1].astype(np.int16), axis=0) <= 6
    still = cv2.erode(still.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(bool)
    assert still.mean() > 0.3
    difference = np.abs(frames[::12].astype(np.int16) - picture).mean(axis=(0, 3))
    assert difference[still].mean() <= 1.0
