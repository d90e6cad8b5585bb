"""The `motion-transfer` command: reads the words, calls the floor below, turns errors into one line.

Nothing heavy is imported before the words are understood: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .. import __version__
from .memory import give_large_blocks_back
from .option_names import as_options
from .stopping import Stopping

COMMANDS = (
    "run",
    "extract",
    "retarget",
    "check",
    "report",
    "finish",
    "expression",
    "template",
    "engines",
    "models",
    "rerun",
)

_EPILOG = """\
examples:
  motion-transfer run me.png dance.mp4 -o out.mp4
  motion-transfer extract dance.mp4 -o dance.motion     once; then any number of:
  motion-transfer run mascot.png dance.motion -o mascot.mp4 --set retargeting_factor=1.2
  motion-transfer retarget mascot.png dance.motion --preview look.png     seen before it is rendered
  motion-transfer check dance.mp4                       is this clip fit? what to fix
  motion-transfer report out.mp4 --sheet look.png       how good is it, section by section?
  motion-transfer finish out.mp4 --fps 60 --settle-flicker     frames between frames, calm light; any video

exit status: 0 done, 2 usage, 3 an input or the output's place cannot work, 4 weights or a package missing,
130 stopped (Ctrl-C); the same command then goes on from there"""


class OneLineParser(argparse.ArgumentParser):
    """argparse that says what is wrong in one line, as everything here does, and not under a dozen lines of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {' '.join(message.split())}; '{self.prog} --help' shows how.\n")


def parser() -> argparse.ArgumentParser:
    root = OneLineParser(
        prog="motion-transfer",
        description="A character image and a driving video become a video of that character doing that motion.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"motion-transfer {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = import_module(f".commands.{name}", __package__)
        words = commands.add_parser(
            name, help=command.HELP, description=command.HELP[0].upper() + command.HELP[1:] + ".", allow_abbrev=False
        )
        command.add(words)
        words.add_argument("--debug", action="store_true", help="show where an error came from")
        words.set_defaults(go=command.go)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 2 usage, 3 input, 4 missing weights or package, 130 stopped, 1 our own mistake."""
    try:
        words = parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has said what it had to say
        return leaving.code if isinstance(leaving.code, int) else 2
    give_large_blocks_back()
    try:
        with Stopping() as stopping:
            status = words.go(words, stopping.event)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130
    except Exception as error:  # noqa: BLE001  the last one on the way out: a user is owed one line
        return _told(error, words.debug)


def _told(error: Exception, debug: bool) -> int:
    """One line about `error` on standard error; its exit status."""
    from ..core.errors import Cancelled, MotionTransferError

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, Cancelled):
        _say(as_options(str(error)) or "Stopped.")
        return error.exit_status
    if isinstance(error, MotionTransferError):
        _say(f"error: {_line(error)}")
        return error.exit_status
    hint = "" if debug else " Say --debug to see where it came from."
    _say(f"error: unexpected {type(error).__name__}: {_line(error)}{hint}")
    return 1


def _line(error: Exception) -> str:
    return as_options(" ".join(str(error).split())) or type(error).__name__


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
