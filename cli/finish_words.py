"""Finishing on the command line: `restore-faces`, `interpolate.fps=60`, and a flag for each finisher's main setting."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..core.settings import Plain

# Flag, finisher, its main setting (what a value after the flag is for), what stands for that value, help. Written out
# because help must answer before anything is loaded; tests hold it to the finishers' own specs.
FLAGS: tuple[tuple[str, str, str, str, str], ...] = (
    ("fps", "interpolate", "fps", "N", "put frames between the frames, up to N a second (60); cuts and sound stay"),
    ("restore-faces", "restore-faces", "strength", "X", "sharpen faces that came out blurred, 0 to 1 (0.8)"),
    ("settle-flicker", "settle-flicker", "strength", "X", "take flicker of light out, 0 to 1 (1)"),
    ("match-colour", "match-colour", "strength", "X", "hold the colours of the first frame, or of --character, 0 to 1 (0.8)"),
    ("paste-back", "paste-back", "place", "WHERE", "put the frames back into --original: face, box, mask or whole (face)"),
)  # fmt: skip
SET_HELP = "a setting of a finisher, such as restore-faces.steadiness=0.8; 'motion-transfer finish --list' lists them"


def part(text: str) -> tuple[str, str, str]:
    """'restore-faces' or 'restore-faces.strength=0.5' as finisher, setting and value; which exist is said later."""
    path, equals, value = text.partition("=")
    name, dot, setting = path.partition(".")
    if not name.strip() or bool(equals) != bool(dot) or (dot and not setting.strip()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither FINISHER nor FINISHER.SETTING=VALUE, such as interpolate.fps=60"
        )
    return name.strip(), setting.strip(), value.strip()


def add_flags(words: argparse.ArgumentParser) -> None:
    """One flag for each finisher; the flag alone means its defaults."""
    for flag, name, _, shown, help_ in FLAGS:
        words.add_argument(f"--{flag}", nargs="?", const="", metavar=shown, dest=_dest(name), help=help_)


def steps_of(words: argparse.Namespace, parts: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, Plain]]:
    """What the flags (where the command has them) and the parts name, together: finisher -> settings."""
    steps: dict[str, dict[str, Any]] = {}
    for _, name, main, _, _ in FLAGS:
        value = getattr(words, _dest(name), None)
        if value is not None:
            steps[name] = {main: value} if value else {}
    for name, setting, value in parts:
        known = steps.setdefault(name, {})
        if setting:
            known[setting] = value
    return steps


def _dest(name: str) -> str:
    return f"finish_{name.replace('-', '_')}"
