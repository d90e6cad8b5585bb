"""Names for what determines a result: SHA-256 over plain values and arrays, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core import Character, Motion, PoseTrack


def digest_of(values: Mapping[str, Any]) -> str:
    """64 hex digits over JSON values; the order of keys does not matter."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def array_digest(array: np.ndarray | None) -> str:
    """Over type, shape and values; '' for None."""
    if array is None:
        return ""
    # Little-endian and row-major, so that no machine's habit enters the name.
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    known = hashlib.sha256(f"{plain.dtype.str}{list(plain.shape)}".encode())
    if plain.size:
        known.update(plain.data)
    return known.hexdigest()


def motion_digest(motion: Motion) -> str:
    """Over everything in a motion but the name of the file it came from."""
    timeline = motion.timeline
    return digest_of(
        {
            "tracks": [_track(t) for t in motion.tracks],
            "pts": array_digest(timeline.pts),
            "time_base": str(timeline.time_base),
            "rate": str(timeline.rate),
            "last_duration": timeline.last_duration,
            "source": motion.source.sha256,
            "detector": motion.detector,
            "cuts": list(motion.cuts),
            "face_codes": {name: array_digest(codes) for name, codes in motion.face_codes.items()},
        }
    )


def character_digest(character: Character) -> str:
    """Over the prepared picture, its cut-out and its joints; the file's name does not count."""
    return digest_of(
        {
            "pixels": array_digest(character.pixels),
            "alpha": array_digest(character.alpha),
            "background": character.has_background,
            "pose": None if character.pose is None else _track(character.pose),
            **({} if character.film is None else {"film": motion_digest(character.film.motion)}),
        }
    )


def _track(track: PoseTrack) -> list[Any]:
    return [track.skeleton.name, list(track.size), array_digest(track.points), array_digest(track.scores)]
