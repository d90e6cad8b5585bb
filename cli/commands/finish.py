"""`motion-transfer finish`: a finished video becomes a better one: faces, flicker, colours, frames between."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..finish_words import SET_HELP, add_flags, part, steps_of
from ..words import add_commercial, add_running, add_trim, wide_console

if TYPE_CHECKING:
    from ...core.settings import Plain
    from ...run.finish import FinishRequest

HELP = "finish any video: frames between frames, faces, flicker, colours; the sound stays as it is"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("video", nargs="?", metavar="VIDEO", help="the video to finish")
    words.add_argument("-o", "--output", metavar="OUT", help="file to write; without it <video>_finished.mp4 beside it")
    add_flags(words)
    words.add_argument("--set", type=part, action="append", default=[], metavar="NAME.KEY=VALUE", help=SET_HELP)
    words.add_argument("--character", metavar="FILE", help="picture of the character, to match colours with")
    words.add_argument("--original", metavar="FILE", help="the video to paste back into, frame for frame with VIDEO")
    words.add_argument("--mask", metavar="FILE", help="white = the region to paste: a picture, or a video as long")
    words.add_argument("--quality", default="high", metavar="WORD", help="high, medium, low, lossless, alpha (high)")
    words.add_argument("--no-audio", action="store_true", help="leave the sound out")
    words.add_argument("--list", action="store_true", help="list the finishers with every setting")
    words.add_argument("--keep-parts", action="store_true", help="keep the pieces after the video is finished")
    add_trim(words)
    add_commercial(words)
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    if words.list:
        _list()
        return 0
    from ...core import UsageError
    from ...run.finish import FinishRequest

    if words.video is None:
        raise UsageError("finish needs VIDEO; 'motion-transfer finish --help' shows how.")
    steps = _steps(words)
    if not steps:
        raise UsageError("There is nothing to do: name at least one finisher, such as --fps 60.")
    asked = FinishRequest(
        video=words.video,
        output=words.output or _beside(words.video, words.quality),
        finish=steps,
        quality=words.quality,
        audio=not words.no_audio,
        start_seconds=words.start or 0.0,
        stop_seconds=words.stop,
        character=words.character,
        original=words.original,
        mask=words.mask,
        commercial_use_only=words.commercial_use_only,
    )
    return finish_shown(asked, words, cancel, keep_parts=words.keep_parts)


_BESIDE = {"character": "match-colour", "original": "paste-back", "mask": "paste-back"}
"""What lies beside the video -> the finisher that looks at it."""


def _steps(words: argparse.Namespace) -> dict[str, dict[str, Plain]]:
    """What is to be done. UsageError for a file that nothing would look at."""
    from ...core import UsageError

    steps = steps_of(words, words.set)
    for given, finisher in _BESIDE.items():
        if steps and getattr(words, given) is not None and finisher not in steps:
            raise UsageError(f"--{given} is for --{finisher}; say that as well, or leave --{given} out.")
    if steps and words.character is not None:  # else the picture would be named and not looked at
        steps["match-colour"].setdefault("to", "character")
    return steps


def finish_shown(
    asked: FinishRequest, words: argparse.Namespace, cancel: threading.Event, *, keep_parts: bool = False
) -> int:
    """Finish with progress on the terminal, and say what was made."""
    from ...run.finish import finish
    from ..progress import Shown
    from .run import summary

    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        result = finish(asked, host, work_dir=words.work_dir, overwrite=words.overwrite, keep_parts=keep_parts)
    if not words.quiet:
        print(summary(result))  # noqa: T201
    return 0


def _beside(video: str, quality: str) -> str:
    from .run import SUFFIXES

    path = Path(video)
    return str(path.with_name(f"{path.stem}_finished{SUFFIXES.get(quality, '.mp4')}"))


def _list() -> None:
    from rich import box
    from rich.table import Table

    from ...finishing.registry import finisher_names, finisher_spec
    from .engines import default_of

    console = wide_console()
    for spec in (finisher_spec(name) for name in finisher_names()):
        console.print(f"[bold]{spec.name}[/bold]  {spec.title}; licence {spec.licence}", soft_wrap=True)
        console.print(spec.summary, soft_wrap=True, markup=False)
        table = Table("setting", "takes", "default", "what it does", box=box.SIMPLE, pad_edge=False)
        for option in spec.settings.options():
            table.add_row(option.name, option.allowed, default_of(option), option.help)
        console.print(table)
