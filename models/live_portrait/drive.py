"""The driver read from the film: what each head does, once for a whole cast.

Memory stays at one batch of crops; the motion of 1000 frames is 320 kB. Afterwards no engine needs the film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Host, InputError, Motion, NoPersonFound, PoseTrack, VideoSource
from ...face_motion.portrait_crop import FaceSquare, crop, network_input
from ...face_motion.portrait_motion import POINTS, PortraitMotion
from ...face_motion.portrait_ratios import eye_ratios, lip_ratios
from ...face_motion.portrait_resample import bridge
from .face_track import SMALLEST_FACE_PX, FaceTrack, face_track, still_squares
from .motion_codes import pack

STAGE = "face"
CHUNK_FRAMES = 8


@dataclass
class _Reading:
    """One head, growing."""

    face: FaceTrack
    squares: FaceSquare
    scale: np.ndarray
    rotation: np.ndarray
    expression: np.ndarray
    translation: np.ndarray

    @classmethod
    def of(cls, face: FaceTrack, squares: FaceSquare) -> _Reading:
        n = len(face.seen)
        return cls(
            face,
            squares,
            np.ones((n, 1), np.float32),
            np.repeat(np.eye(3, dtype=np.float32)[None], n, axis=0),
            np.zeros((n, POINTS, 3), np.float32),
            np.zeros((n, 3), np.float32),
        )

    def codes(self, cuts: Sequence[int]) -> np.ndarray:
        motion = PortraitMotion(
            self.scale,
            self.rotation,
            self.expression,
            self.translation,
            eye_ratio=eye_ratios(self.face.points),
            lip_ratio=lip_ratios(self.face.points),
        )
        return pack(bridge(motion, self.face.seen, cuts), self.face.seen)


def read_heads(
    motion: Motion, people: Sequence[PoseTrack], driving: VideoSource, networks: Any, host: Host, *, must: bool = True
) -> list[np.ndarray | None]:
    """Codes float32 `[T,80]` of each of the people of `motion`, who were extracted from `driving`; None for those
    whose face is never seen.

    Raises NoPersonFound where that is the first one and there `must` be one, InputError where the film is shorter than its motion.
    """
    rate, cuts, total = motion.timeline.rate, motion.cuts, motion.num_frames
    faces = [face_track(track) for track in people]
    if must and faces[0] is None:
        raise NoPersonFound(
            f"None of the {total} frames of the driving video shows a face, and LivePortrait is driven by one; a clip "
            f"that shows the face from the front, an eighth of its height or more, would work."
        )
    readings = [None if f is None else _Reading.of(f, still_squares(f, rate, cuts)) for f in faces]
    if faces[0] is not None:
        _say_what_is_unusual(faces[0], host)
    done = 0
    with host.on_device(networks):
        networks.to(host.device)
        for chunk in driving.chunks(CHUNK_FRAMES):
            stop, last = min(chunk.stop, total), None
            for reading in (r for r in readings if r is not None):
                last = _read(reading, chunk.pixels, chunk.start, stop, networks, last)
            host.step(stop, total, STAGE, last)
            done = stop
            if done == total:
                break
    if done < total:
        raise InputError(f"The driving video has only {done} frames and its motion {total}: they do not belong together.")  # fmt: skip
    return [None if r is None else r.codes(cuts) for r in readings]


def _read(
    reading: _Reading, pixels: np.ndarray, start: int, stop: int, networks: Any, last: np.ndarray | None
) -> np.ndarray | None:
    """Fill in frames start..stop of one head; returns a picture for the progress bar."""
    wanted = [t for t in range(start, stop) if reading.face.seen[t]]
    if not wanted:
        return last
    matrices = FaceSquare(reading.squares.centre[wanted], reading.squares.side[wanted], reading.squares.angle[wanted]).matrices()  # fmt: skip
    views = [network_input(crop(as_bytes(pixels[t - start]), m)) for t, m in zip(wanted, matrices, strict=True)]
    read = networks.motion(np.stack(views))[0]
    reading.scale[wanted], reading.rotation[wanted] = read.scale, read.rotation
    reading.expression[wanted], reading.translation[wanted] = read.expression, read.translation
    return views[-1]


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """uint8, whatever the film has."""
    return picture if picture.dtype == np.uint8 else (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _say_what_is_unusual(face: FaceTrack, host: Host) -> None:
    missing = int((~face.seen).sum())
    if missing:
        host.note(f"{missing} of {len(face.seen)} driving frames show no face: they are bridged from their neighbours.")
    size = float(np.median(face.sizes[face.seen]))
    if size < SMALLEST_FACE_PX:
        host.note(
            f"The driver's face is only {size:.0f} px from brow to chin, so its expression is hard to read; a clip that "
            f"is closer or larger would follow better."
        )
