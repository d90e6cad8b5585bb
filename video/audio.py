"""The driving video's sound, copied packet for packet: nothing is decoded, nothing is made again."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from ..core import UsageError
from .opening import disposition, is_cover, open_container, origin_seconds
from .source import VideoFile

_SUFFIXES = {"mp4": ".mp4", "mov": ".mov", "matroska": ".mkv", "webm": ".webm"}


class AudioCopy:
    """Every sound track of a file, with the part of it that belongs to the kept picture."""

    def __init__(self, container: Any, path: Path, trim: tuple[float, float | None] | None) -> None:
        self._container, self._path = container, path
        self._streams = list(container.streams.audio)
        self.num_packets = 0
        """Packets given out so far."""
        self._shift, self._until = Fraction(0), None
        if trim is not None:
            start, stop = trim
            origin = origin_seconds(container)
            if start > 0:
                # The picture was moved by the time of its first kept frame; the sound goes with it.
                with_picture = any(not is_cover(s) for s in container.streams.video)
                if with_picture:
                    self._shift = VideoFile(path, start_seconds=start, stop_seconds=stop).shift_seconds
                else:
                    self._shift = origin + Fraction(str(float(start)))
            if stop is not None:
                self._until = origin + Fraction(str(float(stop)))

    @property
    def streams(self) -> list[Any]:
        """The tracks, as PyAV's streams."""
        return list(self._streams)

    def sample_rates(self) -> tuple[int, ...]:
        return tuple(s.codec_context.sample_rate for s in self._streams if s.codec_context is not None)

    def check_fits(self, output: Path, container: str) -> None:
        """UsageError if `container` cannot hold one of the tracks, found by trying it on an empty file."""
        for number, stream in enumerate(self._streams, 1):
            if _fits(stream, container):
                continue
            name = stream.codec_context.name if stream.codec_context is not None else "an unknown codec"
            others = [_SUFFIXES[c] for c in ("mp4", "mov", "matroska") if c != container and _fits(stream, c)]
            help_ = f"{' or '.join(others)} can" if others else "no container written here can"
            raise UsageError(
                f"{output.name}: {output.suffix} cannot hold sound track {number} of {self._path.name} ({name}); "
                f"{help_}, or leave the sound out."
            )

    def add_to(self, out: Any) -> dict[int, Any]:
        """Adds the tracks to a file being written; index here -> stream there."""
        copies = {}
        for stream in self._streams:
            copy = out.add_stream_from_template(stream, opaque=True)
            copy.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
            copy.disposition = disposition(stream)
            copies[stream.index] = copy
        return copies

    def packets(self, copies: dict[int, Any]) -> Iterator[Any]:
        """Packets in file order, moved with the picture, each bound to its stream in the new file."""
        if not self._streams:
            return
        for packet in self._container.demux(*self._streams):
            if not packet.size:
                continue
            unit = Fraction(packet.time_base)
            if packet.pts is not None and (self._shift or self._until is not None):
                begin = packet.pts * unit
                if begin + (packet.duration or 0) * unit <= self._shift and self._shift:
                    continue
                if self._until is not None and begin >= self._until:
                    continue
                moved = round(self._shift / unit)
                packet.pts -= moved
                packet.dts = None if packet.dts is None else packet.dts - moved
            if packet.dts is None:
                packet.dts = packet.pts
            packet.stream = copies[packet.stream.index]
            self.num_packets += 1
            yield packet


@contextlib.contextmanager
def open_audio(path: str | Path, trim: tuple[float, float | None] | None) -> Iterator[AudioCopy]:
    """The sound of a file; one without sound has no tracks, which is no error."""
    with open_container(path) as container:
        yield AudioCopy(container, Path(path), trim)


def _fits(stream: Any, container: str) -> bool:
    if stream.codec_context is None:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=container) as out:
            out.add_stream_from_template(stream, opaque=True)
            out.start_encoding()
    except (ValueError, FFmpegError):
        return False
    return True
