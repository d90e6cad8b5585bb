"""`motion-transfer retarget`: how the driver's motion will sit on a character, seen before anything is rendered."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from ..words import add_casting, add_running, add_trim

HELP = "show how the motion in DRIVING will sit on CHARACTER: bone ratios, report, preview"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("character", type=Path, metavar="CHARACTER", help="picture of the character")
    words.add_argument("driving", type=Path, metavar="DRIVING", help="driving video, or a .motion file made of one")
    words.add_argument("-o", "--output", type=Path, metavar="X.motion", help="write the retargeted motion here")
    words.add_argument(
        "--preview", type=Path, metavar="X.png", help="write a picture: character, driver and result side by side"
    )
    words.add_argument("--compare", action="store_true", help="show every mode in the preview")
    words.add_argument("--pictures", type=int, default=6, metavar="N", help="moments in the preview (6)")
    words.add_argument(
        "--mode", default="ours", metavar="WORD",
        help="ours, wan (Wan-Animate as published), mimicmotion (as published), none (driver's skeleton) (ours)",
    )  # fmt: skip
    words.add_argument(
        "--place", default="character", metavar="WORD",
        help="character: on its own picture; driver: in the driver's place in the driving video (character)",
    )  # fmt: skip
    words.add_argument(
        "--match", default="height", metavar="WORD",
        help="in the driver's place, as large as the driver by: height, torso, none (height)",
    )  # fmt: skip
    words.add_argument(
        "--ratio", action="append", default=[], metavar="'NAME = X'",
        help="a bone group's length over the driver's, in place of the one found, such as 'upper arm = 1.1'",
    )  # fmt: skip
    words.add_argument("--fit", action="store_true", help="shrink the figure until it stays in the picture")
    words.add_argument("--smooth", type=float, default=2.0, metavar="X", help="smoothing, 0 to 10; 0 = off (2)")
    words.add_argument("--factor", type=float, default=1.0, metavar="X", help="amount of movement, 0 to 2 (1)")
    words.add_argument("--mask", type=Path, metavar="FILE", help="picture whose white is the character")
    words.add_argument(
        "--character-pose", type=Path, metavar="FILE", help="the character's joints: OpenPose JSON or .motion"
    )
    add_trim(words)
    add_casting(words)
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...core import UsageError
    from ...run.retarget import RetargetRequest, retarget
    from ..progress import Shown

    if not 1 <= words.pictures <= 24:
        raise UsageError(f"--pictures takes 1 to 24, not {words.pictures}.")
    if not 0 <= words.smooth <= 10:
        raise UsageError(f"--smooth takes 0 to 10, not {words.smooth:g}.")
    asked = RetargetRequest(
        character=words.character,
        driving=words.driving,
        mode=words.mode,
        place=words.place,
        match=words.match,
        ratios=", ".join(words.ratio),
        fit=words.fit,
        smooth=words.smooth,
        factor=words.factor,
        mask=words.mask,
        character_pose=words.character_pose,
        start_seconds=words.start or 0.0,
        stop_seconds=words.stop,
    )
    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        made = retarget(
            asked,
            host,
            output=words.output,
            preview=words.preview,
            compare=words.compare,
            pictures=words.pictures,
            overwrite=words.overwrite,
            work_dir=words.work_dir,
        )
    if not words.quiet:
        print("\n".join(made.lines()))  # noqa: T201
        for path in made.written:
            print(path)  # noqa: T201
    return 0
