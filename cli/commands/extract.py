"""`motion-transfer extract`: the motion of a driving video, once, for any number of characters."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from ..words import add_casting, add_running, add_trim, frames

HELP = "find the motion in DRIVING and save it, so that many characters can use it"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "driving",
        type=Path,
        metavar="DRIVING",
        help="driving video; or a .motion file, or joints of another program (OpenPose JSON), to cut or convert",
    )
    words.add_argument(
        "-o", "--output", type=Path, metavar="X.motion", help="file to write; without it beside the driving video"
    )
    words.add_argument(
        "--openpose",
        type=Path,
        metavar="FILE.json",
        help="write the joints as OpenPose JSON too (ComfyUI's POSE_KEYPOINT)",
    )
    words.add_argument(
        "--pose-video",
        type=Path,
        metavar="FILE.mkv",
        help="draw the skeletons as a video for other models: .mkv is lossless, .mp4 is not",
    )
    words.add_argument(
        "--style",
        metavar="NAME",
        help="how the pose video is drawn: wan (as it is without), wan-v1, openpose, openpose-xinsir, mimicmotion, "
        "sdpose, sdpose-feet, one-to-all",
    )
    words.add_argument(
        "--rate", type=float, metavar="FPS", help="frames a second of OpenPose JSON, which does not tell"
    )
    add_trim(words)
    add_casting(words)
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...core.errors import UsageError
    from ...pose.cast import people
    from ...run.extract import extract
    from ..progress import Shown

    if words.style and not words.pose_video:
        raise UsageError(f"--style {words.style} says how a pose video is drawn; give --pose-video FILE.mkv with it.")
    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        made, motion = extract(
            words.driving,
            host,
            output=words.output,
            openpose=words.openpose,
            pose_video=words.pose_video,
            style=words.style or "wan",
            start_seconds=words.start or 0.0,
            stop_seconds=words.stop,
            detector=words.detector or "auto",
            person=words.person or "auto",
            rate=words.rate,
            overwrite=words.overwrite,
            work_dir=words.work_dir,
        )
    if not words.quiet:
        for path in made:
            print(f"{path}: {frames(motion.num_frames)}, {motion.detector}")  # noqa: T201
        if len(motion.tracks) > 1:
            print(f"{len(motion.tracks)} people; the first one drives:")  # noqa: T201
            for person in people(motion):
                print(f"  {person}")  # noqa: T201
    return 0
