"""`motion-transfer template`: what a head does, as a motion for any portrait, from a clip or LivePortrait's own file."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from ..words import add_casting, add_running, add_trim, frames, setting

HELP = "read what the head in DRIVING does, or LivePortrait's IN.pkl, into a .motion file for any portrait"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "driving", type=Path, metavar="DRIVING", help="driving video, or a motion template (.pkl) of LivePortrait's programs; nothing in it is run",
    )  # fmt: skip
    words.add_argument("-o", "--output", type=Path, metavar="X.motion", help="file to write; without it beside DRIVING")
    words.add_argument("--rate", type=float, metavar="FPS", help="frames a second of a .pkl, in place of its own")
    words.add_argument(
        "--setting", type=setting, action="append", default=[], metavar="NAME=X",
        help="a setting of the engine live-portrait: faces=all reads everybody, weights=animals as the animals' networks see it",
    )  # fmt: skip
    add_trim(words)
    add_casting(words)
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...core import UsageError
    from ...pose.motion_file import save_motion
    from ...run.portrait_files import check_motion_output, is_template, portrait_motion, write_template
    from ..progress import Shown

    output = words.output or words.driving.with_suffix(".motion")
    if is_template(words.driving):
        motion = write_template(words.driving, output, rate=words.rate, overwrite=words.overwrite)
    else:
        if words.rate is not None:
            raise UsageError("--rate is for a .pkl; a video knows when its frames are shown.")
        if output.resolve() == words.driving.resolve():
            raise UsageError(f"The output {output} is the driving motion itself; choose another name with -o.")
        check_motion_output(output, overwrite=words.overwrite)
        with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
            motion = portrait_motion(
                words.driving,
                host,
                settings=dict(words.setting),
                start_seconds=words.start or 0.0,
                stop_seconds=words.stop,
                detector=words.detector or "auto",
                person=words.person or "auto",
                cache=words.work_dir,
            )
        save_motion(motion, output)
    if not words.quiet:
        seconds = motion.num_frames / float(motion.timeline.rate)
        print(f"{output}: {frames(motion.num_frames)}, {seconds:.2f} s, for --engine live-portrait")  # noqa: T201
    return 0
