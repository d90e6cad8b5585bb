"""Time stamps read from packets without decoding them: how many, how even, how long the last one lasts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

_ROUNDING = Fraction(1, 1000)


@dataclass(frozen=True)
class PacketScan:
    """Time stamps of a stream's packets."""

    pts: np.ndarray
    """int64 `[T]`, rising, in units of the stream's time base; hidden packets (edit list) left out."""
    last_duration: int
    """Units that the packet shown last lasts; 0 = not known."""
    is_plain: bool
    """Every packet has its own time stamp and none is shown before the first key frame."""


def scan_packets(container: Any, stream: Any, limit: int | None = None) -> PacketScan:
    """Reads packets from where the container stands; with `limit`, only the first ones.

    With a limit the stamps shown last are left out, since packets of later ones may still be missing among them.
    """
    found: list[int] = []
    durations: dict[int, int] = {}
    first_key: int | None = None
    plain, seen = True, 0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        seen += 1
        if packet.pts is None:
            plain = False
        elif not packet.is_discard:
            if packet.is_keyframe and first_key is None:
                first_key = packet.pts
            found.append(packet.pts)
            durations[packet.pts] = packet.duration or 0
        if limit is not None and seen >= limit:
            break
    pts = np.unique(np.array(found, np.int64))
    plain = plain and len(pts) == len(found)
    plain = plain and (not len(pts) or (first_key is not None and first_key == int(pts[0])) or _starts_mid(stream))
    cut_short = limit is not None and seen >= limit
    if cut_short:
        pts = pts[:-16]  # deeper than any codec reorders
    last = 0
    if len(pts) and not cut_short:
        last = durations[int(pts[-1])]
        end = _declared_end(stream)
        # With reordered frames a packet's duration belongs to another frame; but many writers round the end to
        # a millisecond, and then the packet knows better.
        if end is not None and end > int(pts[-1]) and abs(end - int(pts[-1]) - last) * stream.time_base > _ROUNDING:
            last = end - int(pts[-1])
    return PacketScan(pts, last, plain)


def is_even(pts: np.ndarray) -> bool:
    """Whether frames come evenly, within the rounding of the time base."""
    if len(pts) < 3:
        return True
    steps = np.diff(pts)
    return int(steps.max() - steps.min()) <= 1


def nominal_rate(stream: Any, pts: np.ndarray, time_base: Fraction) -> Fraction:
    """Frames per second as a fraction: what the container says where it is credible, else from the stamps."""
    measured = None
    if len(pts) > 1:
        measured = Fraction(len(pts) - 1) / (int(pts[-1] - pts[0]) * time_base)
    said = [r for r in (stream.guessed_rate, stream.average_rate, stream.base_rate) if r and 0 < r <= 1000]
    if measured is None:
        return Fraction(said[0]) if said else Fraction(25)
    # Stamps rounded to `time_base` at both ends leave the measured rate this uncertain.
    slack = float(time_base / (int(pts[-1] - pts[0]) * time_base)) + 1e-3
    for rate in said:
        if abs(float(rate) / float(measured) - 1) <= slack:
            return Fraction(rate)
    average = stream.average_rate
    if not is_even(pts) and average and 0 < average <= 1000:
        return Fraction(average)
    return measured.limit_denominator(1001)


def duration_tag(stream: Any) -> Fraction | None:
    """Time stamp of the end of a Matroska track in seconds, from the tag that most writers leave: 'HH:MM:SS.fraction'."""
    text = next((v for k, v in stream.metadata.items() if k.upper().startswith("DURATION")), None)
    if text is None:
        return None
    try:
        hours, minutes, seconds = text.strip().split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except (ValueError, ZeroDivisionError):
        return None


def _declared_end(stream: Any) -> int | None:
    """Time stamp after the last frame, where the container keeps one per stream (mp4, mov, Matroska's tag)."""
    tag = duration_tag(stream)
    if tag is not None:
        return round(tag / stream.time_base)
    if not stream.container.format.name.startswith("mov"):
        return None
    if stream.duration is None or stream.start_time is None:
        return None
    return stream.start_time + stream.duration


def _starts_mid(stream: Any) -> bool:
    """Every frame of these codecs stands alone; their key flags need not be looked at."""
    return stream.codec_context is not None and stream.codec_context.name in ("prores", "ffv1", "mjpeg", "png")
