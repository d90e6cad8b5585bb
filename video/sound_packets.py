"""The sound of a file as its packets are, without decoding: what two files can be compared by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .audio import open_audio


@dataclass(frozen=True)
class SoundTrack:
    """One sound track of a file, or of a part of it."""

    num_packets: int
    sha256: str
    """Of all packets' bytes in order."""
    start_seconds: float | None
    """When its first packet is heard, on the picture's clock; None where the file does not say."""


def sound_tracks(path: str | Path, trim: tuple[float, float | None] | None = None) -> list[SoundTrack]:
    """The tracks of `path`, or of the part of it that a run with this `trim` (as in `join_chunks`) would copy.

    Raises UnreadableVideo where the file cannot be opened.
    """
    with open_audio(path, trim) as sound:
        streams = {s.index: s for s in sound.streams}
        found: dict[int, list[Any]] = {index: [0, hashlib.sha256(), None] for index in streams}
        for packet in sound.packets(streams):  # bound to the streams they come from
            entry = found[packet.stream.index]
            if entry[0] == 0 and packet.pts is not None:
                entry[2] = float(packet.pts * packet.time_base)
            entry[0] += 1
            entry[1].update(bytes(packet))
        return [SoundTrack(count, digest.hexdigest(), start) for count, digest, start in found.values()]
