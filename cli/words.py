"""Kinds of words on the command line, shared by the commands: times, settings, the options that all have."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def seconds(text: str) -> float:
    """'7', '7.5', '1:07.5', '1:02:03' as seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
        total = 0.0
        for part in parts:
            if not 0 <= part < float("inf"):
                raise ValueError
            total = total * 60 + part
        if len(parts) > 3:
            raise ValueError
        return total
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; 7.5 or 1:07.5 would do") from None


def frames(count: int) -> str:
    """'1 frame', '2 frames'."""
    return f"{count} frame{'' if count == 1 else 's'}"


def setting(text: str) -> tuple[str, str]:
    """'key=value' as a pair; what the key may be is for the engine to say."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value, such as driving_smooth=2")
    return key.strip(), value.strip()


def wide_console() -> Any:
    """rich's console on standard output; wide where nobody looks, so that a pipe gets whole paths."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 240)


def add_trim(words: argparse.ArgumentParser) -> None:
    words.add_argument("--start", type=seconds, metavar="S", help="begin here in the driving video (7.5 or 1:07.5)")
    words.add_argument("--stop", type=seconds, metavar="S", help="end before this moment of the driving video")


def add_casting(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "--detector", metavar="NAME",
        help="who finds the joints: mediapipe (one person, no download), dwpose, vitpose-s, -b, -l or -h (everybody) (auto)",
    )  # fmt: skip
    words.add_argument(
        "--person", metavar="WHO",
        help="who drives where there are several: auto, 2, point:x,y@FRAME, box:x0,y0,x1,y1@2.5s, mask:FILE@FRAME (auto)",
    )  # fmt: skip


def add_commercial(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "--commercial-use-only", action="store_true",
        help="refuse weights whose licence does not allow commercial use (MOTION_TRANSFER_COMMERCIAL_USE_ONLY=1 does so always)",
    )  # fmt: skip


def add_running(words: argparse.ArgumentParser) -> None:
    words.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    words.add_argument("--quiet", action="store_true", help="no progress, only notes and errors")
    add_place(words)


def add_place(words: argparse.ArgumentParser) -> None:
    """Where networks run, and where files are kept and looked for."""
    words.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="where networks run: auto, cpu, cuda:0, mps (auto: the first GPU)",
    )
    words.add_argument("--work-dir", type=Path, metavar="DIR", help="keep the cache and unfinished pieces here")
    add_weights(words)


def add_weights(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "--weights", type=Path, action="append", default=[], metavar="DIR",
        help="look for weight files here (a ComfyUI models folder will do); may be given several times",
    )  # fmt: skip
