"""Encoding pieces: some frames become one small file that needs nothing outside itself.

A piece begins with a key frame and refers to no other piece, so pieces can be joined without encoding again and
a broken run loses one piece only. The same frames give the same bytes, whoever runs it. Time stamps in a piece
are only an order; `join` gives every frame its true one.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from ..core import FrameChunk, InputError
from .beside import written_beside
from .colour import BT709, FULL, LIMITED, FromRgb
from .formats import ENCODER_THREADS, OutputFormat, cannot_write

_BIT_EXACT = 1 << 23  # AV_CODEC_FLAG_BITEXACT
_CLOSED_GOP = 1 << 31  # AV_CODEC_FLAG_CLOSED_GOP
_MUXER_BIT_EXACT = 0x0400  # AVFMT_FLAG_BITEXACT: no dates, no random identifiers
_SRGB_CURVE = 13  # IEC 61966-2-1 in ITU-T H.273
_MATRIX_RGB = 0


class PieceWriter:
    """Writes one piece a frame at a time; memory holds the encoder's look-ahead and nothing else.

    with PieceWriter(path, fmt, rate) as piece:
        piece.add(pixels)

    The file appears when the `with` ends without an error.
    """

    def __init__(self, path: str | Path, fmt: OutputFormat, rate: Fraction) -> None:
        self._path, self._format, self._rate = Path(path), fmt, Fraction(rate)
        self._convert = FromRgb(fmt.pixel_format)
        self._stack = contextlib.ExitStack()
        self._container: Any = None
        self._stream: Any = None
        self.num_frames = 0

    def __enter__(self) -> PieceWriter:
        temporary = self._stack.enter_context(written_beside(self._path))
        try:
            # A Python file reports a full disk; FFmpeg's own writer swallows it when closing.
            self._file = self._stack.enter_context(temporary.open("w+b"))
            self._container = av.open(self._file, "w", format="matroska")
            self._container.flags |= _MUXER_BIT_EXACT
        except BaseException as error:
            if not self._stack.__exit__(type(error), error, error.__traceback__):
                raise
        return self

    def add(self, pixels: np.ndarray, alpha: np.ndarray | None = None) -> None:
        """One frame: `pixels` uint8 `[H,W,3]` (or float32 0..1), `alpha` uint8 `[H,W]`; None = opaque."""
        if pixels.dtype != np.uint8:
            pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
        if self._stream is None:
            self._format.check_size(pixels.shape[1], pixels.shape[0])
            self._stream = self._open_stream(pixels.shape[1], pixels.shape[0])
        elif pixels.shape[:2] != (self._stream.codec_context.height, self._stream.codec_context.width):
            context = self._stream.codec_context
            raise ValueError(
                f"all frames of a piece are {context.width}x{context.height}, not {pixels.shape[1]}x{pixels.shape[0]}"
            )
        frame = self._convert(pixels, alpha if self._format.has_alpha else None)
        frame.pts, frame.time_base = self.num_frames, 1 / self._rate
        self._mux(frame)
        self.num_frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                if self._stream is None:
                    raise ValueError("a piece has at least one frame")
                self._mux(None)
                self._close()
            except BaseException as failure:
                self._abandon()
                if not self._stack.__exit__(type(failure), failure, failure.__traceback__):
                    raise
                return
            self._stack.__exit__(None, None, None)
        else:
            self._abandon()
            self._stack.__exit__(kind, error, trace)

    def _open_stream(self, width: int, height: int) -> Any:
        options = dict(self._format.options)
        if min(width, height) < 2:  # FFV1 refuses more slices than pixels
            options.pop("slices", None)
        stream = self._container.add_stream(self._format.codec, rate=self._rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, self._format.pixel_format
        context = stream.codec_context
        context.time_base = 1 / self._rate
        context.thread_count = ENCODER_THREADS
        context.flags |= _BIT_EXACT
        is_rgb = av.VideoFormat(self._format.pixel_format).is_rgb
        context.color_primaries = BT709
        context.color_trc = _SRGB_CURVE if is_rgb else BT709
        context.colorspace = _MATRIX_RGB if is_rgb else BT709
        context.color_range = FULL if is_rgb else LIMITED
        return stream

    def _mux(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except FFmpegError as error:
            raise _write_error(self._path, error) from None

    def _close(self) -> None:
        try:
            self._container.close()
        except FFmpegError as error:
            raise _write_error(self._path, error) from None
        self._file.flush()

    def _abandon(self) -> None:
        # The container insists on writing its end; there may be no room for it, and nobody wants it.
        with contextlib.suppress(FFmpegError, OSError, ValueError):
            self._container.close()


def encode_chunk(chunk: FrameChunk, path: str | Path, fmt: OutputFormat, rate: Fraction) -> None:
    """The chunk's frames as one piece at `path`; nominal `rate` guides the encoder's bit budget only.

    Raises CannotWrite (place, full disk) and UsageError (odd size where the format needs an even one).
    """
    with PieceWriter(path, fmt, rate) as piece:
        for index in range(chunk.num_frames):
            piece.add(chunk.pixels[index], None if chunk.alpha is None else chunk.alpha[index])


def _write_error(path: Path, error: Exception) -> Exception:
    if isinstance(error, OSError):
        return cannot_write(path, error)
    return InputError(f"{path}: the encoder gave up ({error}).")
