"""The journal: finished pieces of a video on disk, so that a killed run loses at most the piece in the making.

A piece is written beside and renamed; only then is its record written beside and renamed. Whatever
moment a process dies at, the records on disk tell the truth, and what has no record is made again.
Knows nothing of engines or codecs: how frames become a file is given to `commit`.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Finished, FrameChunk, MotionTransferError
from ..video import file_sha256
from .places import write_beside, write_json, writing


@dataclass(frozen=True)
class Piece:
    """What the record of one committed piece says."""

    start: int
    stop: int
    """Half open."""
    file: str
    num_bytes: int
    sha256: str
    size: tuple[int, int]
    """Width, height in pixels."""
    state: Mapping[str, Any] | None
    tail_sha256: str | None
    """Of the lossless frames that the engine needs: the last ones, and what it has begun behind them."""
    report: Mapping[str, Any]
    """What the engine told of itself by then."""


class Journal:
    """The pieces of one output under one key. Opening it looks at every byte of what is there."""

    def __init__(self, folder: Path, *, suffix: str, overlap: int = 0) -> None:
        self.folder = folder
        self.pieces: list[Piece] = []
        self._suffix = suffix
        self._overlap = overlap
        self._tail: np.ndarray | None = None
        self._ahead: np.ndarray | None = None
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._read()

    @property
    def num_frames(self) -> int:
        """Frames 0..num_frames are on disk."""
        return self.pieces[-1].stop if self.pieces else 0

    @property
    def files(self) -> list[Path]:
        """The pieces, in order."""
        return [self.folder / piece.file for piece in self.pieces]

    def finished(self) -> Finished | None:
        """What an engine needs to go on, or None at the beginning."""
        if not self.pieces:
            return None
        width, height = self.pieces[-1].size
        tail = self._tail if self._tail is not None else np.zeros((0, height, width, 3), np.uint8)
        return Finished(self.num_frames, tail, self.pieces[-1].state, self._ahead)

    @property
    def report(self) -> Mapping[str, Any]:
        """The engine's own words, as of the last piece."""
        return self.pieces[-1].report if self.pieces else {}

    def commit(
        self, chunk: FrameChunk, encode: Callable[[FrameChunk, Path], None], report: Mapping[str, Any] | None = None
    ) -> Piece:
        """Make `chunk` permanent. CannotWrite leaves the journal as it was."""
        if chunk.start != self.num_frames:
            raise ValueError(f"the next piece begins at frame {self.num_frames}, not {chunk.start}")
        name = f"piece-{chunk.start:08d}"
        path = self.folder / f"{name}{self._suffix}"
        with writing(path):
            encode(chunk, path)
            num_bytes, sha256 = path.stat().st_size, file_sha256(path)
        tail = self._next_tail(chunk)
        tail_sha256 = None
        kept = {name: frames for name, frames in (("tail", tail), ("ahead", chunk.ahead)) if frames is not None}
        if kept:
            data = io.BytesIO()
            np.savez_compressed(data, allow_pickle=False, **kept)
            write_beside(self.folder / f"{name}.npz", data.getvalue())
            tail_sha256 = file_sha256(self.folder / f"{name}.npz")
        height, width = chunk.pixels.shape[1:3]
        piece = Piece(
            chunk.start,
            chunk.stop,
            path.name,
            num_bytes,
            sha256,
            (width, height),
            chunk.state,
            tail_sha256,
            dict(report or {}),
        )
        write_json(self.folder / f"{name}.json", asdict(piece))
        self.pieces.append(piece)
        self._tail, self._ahead = tail, chunk.ahead
        return piece

    def discard(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next_tail(self, chunk: FrameChunk) -> np.ndarray | None:
        if self._overlap == 0:
            return None
        frames = chunk.pixels[-self._overlap :]
        if self._tail is not None and len(frames) < self._overlap:
            frames = np.concatenate([self._tail, frames])[-self._overlap :]
        return np.ascontiguousarray(frames)

    def _read(self) -> None:
        """Take over what is whole; remove the first damaged piece and everything after it."""
        while (piece := self._whole_piece(self.num_frames)) is not None:
            needs_frames = self._overlap > 0 or piece.tail_sha256 is not None
            frames = self._whole_frames(piece) if needs_frames else {}
            if frames is None:
                break
            self._tail, self._ahead = frames.get("tail"), frames.get("ahead")
            self.pieces.append(piece)
        kept = {Path(p.file).stem for p in self.pieces}
        with writing(self.folder):
            for path in self.folder.iterdir():
                if path.name.split(".")[0] not in kept:
                    path.unlink()

    def _whole_piece(self, start: int) -> Piece | None:
        try:
            values = json.loads((self.folder / f"piece-{start:08d}.json").read_bytes())
            values["size"] = tuple(values["size"])
            piece = Piece(**values)
            path = self.folder / piece.file
            whole = (
                piece.start == start
                and piece.stop > start
                and path.name == f"piece-{start:08d}{self._suffix}"
                and path.stat().st_size == piece.num_bytes
                and file_sha256(path) == piece.sha256
            )
        except (OSError, ValueError, TypeError, KeyError, MotionTransferError):
            return None
        return piece if whole else None

    def _whole_frames(self, piece: Piece) -> dict[str, np.ndarray] | None:
        path = self.folder / f"piece-{piece.start:08d}.npz"
        try:
            if file_sha256(path) != piece.tail_sha256:
                return None
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                return dict(file)
        except (OSError, ValueError, KeyError, MotionTransferError):
            return None
