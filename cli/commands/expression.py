"""`motion-transfer expression`: a portrait with another face, or keyframes of one as a motion for any portrait."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from ..words import add_running, frames, setting

HELP = "give PORTRAIT another expression by sliders, or write keyframes of one as a .motion file"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "portrait", type=Path, nargs="?", metavar="PORTRAIT", help="picture of a face; none for a .motion"
    )
    words.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="picture to write, or X.motion for keyframes"
    )
    words.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=X", dest="sliders",
        help="a slider, such as smile=0.6 or yaw=10; may be given several times; a wrong name lists them all",
    )  # fmt: skip
    words.add_argument(
        "--setting", type=setting, action="append", default=[], metavar="NAME=X",
        help="a setting of the engine live-portrait, such as crop_factor=2",
    )  # fmt: skip
    words.add_argument(
        "--keyframes", type=Path, metavar="FILE",
        help="lines such as '0.5: smile=1, yaw=10' (seconds: sliders), for a .motion; without it to the sliders and back",
    )  # fmt: skip
    words.add_argument("--rate", type=float, default=25.0, metavar="FPS", help="frames a second of the .motion (25)")
    words.add_argument(
        "--character-pose", type=Path, metavar="FILE", help="where the face is: OpenPose JSON or .motion"
    )
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...core import UsageError
    from ...models.live_portrait.expression_keys import TO_AND_FRO
    from ...run.motion_cache import is_motion_file
    from ...run.portrait_files import check_output, edit_portrait, read_keyframes, write_face_motion
    from ...video import write_image
    from ..progress import Shown

    sliders = dict(words.sliders)
    if is_motion_file(words.output):
        text = TO_AND_FRO if words.keyframes is None else read_keyframes(words.keyframes)
        motion = write_face_motion(text, sliders, words.output, rate=words.rate, overwrite=words.overwrite)
        if not words.quiet:
            print(f"{words.output}: {frames(motion.num_frames)}, for --engine live-portrait")  # noqa: T201
        return 0
    if words.keyframes is not None:
        raise UsageError(f"Keyframes make a motion; write them to {words.output.with_suffix('.motion')} and run that.")
    if words.portrait is None:
        raise UsageError("A picture needs a PORTRAIT: motion-transfer expression me.png -o smiling.png --set smile=0.6")
    check_output(words.output, overwrite=words.overwrite)
    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        pixels, _ = edit_portrait(
            words.portrait,
            sliders,
            host,
            settings=dict(words.setting),
            character_pose=words.character_pose,
            cache=words.work_dir,
        )
    write_image(words.output, pixels)
    if not words.quiet:
        print(words.output)  # noqa: T201
    return 0
