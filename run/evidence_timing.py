"""Are all frames there, at their times, and is the sound the very sound? The timing contract, shown on the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..core import MotionTransferError, Timeline
from ..video import SoundTrack, sound_tracks
from .sound import Sound

_SAME_START_SECONDS = 0.0015  # Matroska and many mp4 writers count in whole milliseconds


@dataclass(frozen=True)
class FrameEvidence:
    """How the frames' times compare with those of the driving video."""

    num_frames: int
    expected_frames: int | None
    """None where nobody can tell any more."""
    compared_with: str
    """'driving video', 'manifest' (the count alone) or 'nothing'."""
    missing_seconds: tuple[float, ...] = ()
    """When frames should be shown that are not there."""
    num_extra: int = 0
    """Frames shown when none should be."""

    @property
    def ok(self) -> bool:
        count = self.expected_frames in (None, self.num_frames)
        return count and not self.missing_seconds and self.num_extra == 0

    def words(self) -> str:
        if self.expected_frames is None:
            return f"frames: {self.num_frames}; not compared, the driving video and the count are not known"
        told = f"frames: {self.num_frames} of {self.expected_frames}"
        if self.compared_with == "manifest":
            return f"{told} that the manifest tells of; time stamps not compared"
        if self.ok:
            return f"{told}, every time stamp equal to the driving video's"
        parts = []
        if self.missing_seconds:
            parts.append(
                f"{len(self.missing_seconds)} not shown at their time, first at {self.missing_seconds[0]:.3f} s"
            )
        if self.num_extra:
            parts.append(f"{self.num_extra} shown at other times")
        return ", ".join([told, *parts])


def compare_frames(shown: np.ndarray, unit: float, expected: Timeline | None, told: int | None) -> FrameEvidence:
    """`shown` float `[T]` seconds of the result's frames, counted in steps of `unit` seconds; `expected` when the frames
    should be shown, or None: then only the count `told` by the manifest is compared."""
    if expected is None:
        return FrameEvidence(len(shown), told, "nothing" if told is None else "manifest")
    wanted = expected.pts.astype(np.float64) * float(expected.time_base)
    tolerance = unit / 2 + 1e-6  # containers round to their own unit
    missing = wanted[_away_from(wanted, shown) > tolerance]
    extra = int((_away_from(shown, wanted) > tolerance).sum())
    return FrameEvidence(len(shown), len(wanted), "driving video", tuple(round(float(m), 4) for m in missing), extra)


def _away_from(moments: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each moment, seconds to the nearest of the others (rising)."""
    right = np.clip(np.searchsorted(others, moments), 1, max(len(others) - 1, 1))
    left = np.minimum(right - 1, len(others) - 1)
    right = np.minimum(right, len(others) - 1)
    return np.minimum(np.abs(moments - others[left]), np.abs(moments - others[right]))


@dataclass(frozen=True)
class SoundEvidence:
    """How the sound compares with the one that was to be copied."""

    num_packets: int
    source: str | None = None
    """The file it was to be copied from; None: there should be none, or it is not known."""
    differences: tuple[str, ...] = ()
    not_compared: str = ""
    """Why not; '' where it was."""
    num_tracks: int = field(default=0)

    @property
    def ok(self) -> bool:
        return not self.differences

    def words(self) -> str:
        if self.differences:
            return f"sound: {'; '.join(self.differences)}"
        if self.not_compared:
            return f"sound: {self.num_packets} packets, not compared: {self.not_compared}"
        if not self.num_tracks:
            return "sound: none, as it should be"
        name = Path(self.source).name if self.source else "?"
        return f"sound: all {self.num_packets} packets equal to those of {name}, byte for byte"


def compare_sound(result: Path, sound: Sound | None, is_known: bool, why_not: str) -> SoundEvidence:
    """`is_known` False: nobody can tell what sound there should be, because of `why_not`."""
    found = sound_tracks(result)
    packets = sum(t.num_packets for t in found)
    if not is_known:
        return SoundEvidence(packets, not_compared=why_not, num_tracks=len(found))
    if sound is None:
        wrong = (f"{packets} packets, where there should be none",) if packets else ()
        return SoundEvidence(packets, differences=wrong, num_tracks=len(found))
    try:
        wanted = sound_tracks(sound.path, sound.trim)
    except MotionTransferError as error:
        return SoundEvidence(packets, str(sound.path), not_compared=str(error), num_tracks=len(found))
    return SoundEvidence(packets, str(sound.path), tuple(_differences(found, wanted, sound)), num_tracks=len(found))


def _differences(found: list[SoundTrack], wanted: list[SoundTrack], sound: Sound) -> list[str]:
    name = sound.path.name
    wanted = [w for w in wanted if w.num_packets]
    found = [f for f in found if f.num_packets]
    if len(found) != len(wanted):
        return [f"{len(found)} tracks, where {name} has {len(wanted)}"]
    told = []
    for k, (f, w) in enumerate(zip(found, wanted, strict=True), 1):
        which = f"track {k}: " if len(wanted) > 1 else ""
        if f.num_packets != w.num_packets:
            told.append(f"{which}{f.num_packets} packets, where {name} has {w.num_packets}")
        elif f.sha256 != w.sha256:
            told.append(f"{which}{f.num_packets} packets, but not those of {name}")
        elif f.start_seconds is not None and w.start_seconds is not None:
            late = f.start_seconds - w.start_seconds
            if abs(late) > _SAME_START_SECONDS:
                told.append(f"{which}begins {abs(1000 * late):.0f} ms too {'late' if late > 0 else 'early'}")
    return told
