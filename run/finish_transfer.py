"""Finishing as the last part of a transfer: the engine's pieces, kept without loss, become the pieces of the finished
video. Both journals go on after a kill, so one command makes the finished file whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import Character, Host, Timeline, VideoSource
from ..finishing.finisher import Clip
from ..video import output_format
from .digests import digest_of
from .finish_frames import PieceFrames, render
from .finish_steps import Step, check_steps, open_chain
from .journal import Journal

Beside = Callable[[], VideoSource | None]
"""Opens what lies beside the frames; called only where a finisher wants it."""


@dataclass(frozen=True)
class FinishedPieces:
    """What is to be joined."""

    journal: Journal
    timeline: Timeline
    chunks_made: int
    chunks_reused: int


def engine_format(final: Any, steps: tuple[Step, ...]) -> Any:
    """How the engine's own pieces are kept: exactly, where finishers still want to read them."""
    if not steps:
        return final
    return output_format("piece.mkv", "alpha" if final.has_alpha else "lossless")


def finish_key(pieces_key: str, steps: tuple[Step, ...], final: Any, mask_sha256: str) -> str:
    """Name of the finished pieces: everything that determines them."""
    asked = {"pieces": pieces_key, "steps": [s.key for s in steps], "format": final.key, "mask": mask_sha256}
    return digest_of(asked)[:32]


def check_frames_to_come(
    steps: tuple[Step, ...], size: tuple[int, int], timeline: Timeline, cuts: tuple[int, ...]
) -> None:
    """UsageError where finishers and the frames that the engine will make do not fit, before it makes one."""
    check_steps(steps, Clip(size, timeline, cuts))


def finish_pieces(
    raw: Journal,
    key: str,
    steps: tuple[Step, ...],
    final: Any,
    timeline: Timeline,
    cuts: tuple[int, ...],
    character: Character,
    beside: Mapping[str, Beside],
    host: Host,
) -> FinishedPieces:
    """The engine's finished pieces through the finishers; `timeline` and `cuts` are of the engine's frames."""
    wanted = {what for step in steps for what in step.spec.needs(step.settings)}
    opened: dict[str, Any] = {what: beside[what]() for what in ("original", "mask") if what in wanted}
    frames = PieceFrames(raw, timeline, alpha=final.has_alpha)
    clip = Clip((frames.info.width, frames.info.height), timeline, cuts, character, **opened)
    parts: Path = raw.folder.parent
    chain = open_chain(steps, clip, frames, raw.folder.name, parts / "surveys", host)
    final.check_size(*chain.clip.size)
    journal = Journal(parts / key, suffix=final.piece_suffix)
    reused = len(journal.pieces)
    try:
        render(chain, journal, final, host)
    finally:
        if not journal.pieces:
            journal.discard()
    return FinishedPieces(journal, chain.clip.timeline, len(journal.pieces) - reused, reused)
