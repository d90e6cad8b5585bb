"""`motion-transfer template`: a motion template of LivePortrait's programs as a motion for any portrait."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

HELP = "turn LivePortrait's motion template IN.pkl into a .motion file; nothing in it is run"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "template", type=Path, metavar="IN.pkl", help="motion template written by LivePortrait's programs"
    )
    words.add_argument(
        "-o", "--output", type=Path, metavar="X.motion", help="file to write; without it beside the template"
    )
    words.add_argument("--rate", type=float, metavar="FPS", help="frames a second, in place of the template's own")
    words.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    words.add_argument("--quiet", action="store_true", help="only errors")


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...run.portrait_files import write_template

    output = words.output or words.template.with_suffix(".motion")
    motion = write_template(words.template, output, rate=words.rate, overwrite=words.overwrite)
    if not words.quiet:
        seconds = motion.num_frames / float(motion.timeline.rate)
        print(f"{output}: {motion.num_frames} frames, {seconds:.1f} s, for --engine live-portrait")  # noqa: T201
    return 0
