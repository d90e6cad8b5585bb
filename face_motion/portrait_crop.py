"""The square around a face that the portrait networks see: where it lies, and how it follows the face through a clip.

Matrices are 3 x 3 and lead from pixels of the frame to pixels of the crop; their inverse leads back. The up direction
is that from the lips to the eyes, so that a tilted head stands upright in its crop.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from ..core import UsageError
from ..pose.clean import shot_edges
from .portrait_smoother import noise_of_sigma, random_walk

CROP_PX = 512
NETWORK_PX = 256
SCALE_PER_FACTOR = 1.15
"""The authors' scale on brow-to-chin points for a `crop_factor` of 1; measured on 25 faces: a face from forehead to
chin is 1.15 times as large as from brow to chin."""
USUAL_FACTOR = 1.7
SMALLEST_FACTOR, LARGEST_FACTOR = 0.5, 2.0
CUTS_THE_HEAD_BELOW = 1.3
UP_SHIFT = -0.125
"""Of the side, towards the forehead."""
DRIVER_SCALE, DRIVER_SHIFT = 2.2, -0.1
FOLLOW_SECONDS = 0.04
"""Standard deviation with which a crop follows its face at strength 1."""

# Points -> those whose mean is the middle between the eyes, and those between which the lips lie.
_EYES_AND_LIPS: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    203: ((0, 6, 12, 18, 24, 30, 36, 42), (48, 66)),
    106: ((33, 35, 40, 39, 87, 89, 94, 93), (52, 61)),
    101: ((39, 42, 45, 48, 51, 54, 57, 60), (75, 81)),
    68: ((36, 39, 42, 45), (48, 54)),
    9: ((0, 1, 2, 3), (5, 6)),
    5: ((0, 1), (3, 4)),
}


@dataclass(frozen=True)
class FaceSquare:
    """Squares around a face through time, px of the frame."""

    centre: np.ndarray
    """float64 `[T,2]`."""
    side: np.ndarray
    """float64 `[T]`."""
    angle: np.ndarray
    """float64 `[T]`, radians: how far the head is tilted, clockwise as one looks at the picture."""

    def matrices(self, size_px: int = CROP_PX) -> np.ndarray:
        """float64 `[T,3,3]` from frame to a crop of `size_px`."""
        scale = size_px / self.side
        cos, sin = scale * np.cos(self.angle), scale * np.sin(self.angle)
        (x, y), out = self.centre.T, np.zeros((len(self.side), 3, 3))
        out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = cos, sin, size_px / 2 - cos * x - sin * y
        out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = -sin, cos, size_px / 2 + sin * x - cos * y
        out[:, 2, 2] = 1
        return out


def scale_of_factor(crop_factor: float) -> float:
    """The authors' crop scale for a `crop_factor` of 0.5..2 (side of the square over forehead-to-chin size)."""
    if not SMALLEST_FACTOR <= crop_factor <= LARGEST_FACTOR:
        raise UsageError(f"crop_factor goes from {SMALLEST_FACTOR:g} to {LARGEST_FACTOR:g}, not {crop_factor:g}.")
    return SCALE_PER_FACTOR * crop_factor


def crop_warning(crop_factor: float) -> str | None:
    """What to tell somebody who asks for a crop that the networks have not seen; None if there is nothing to tell."""
    if crop_factor >= CUTS_THE_HEAD_BELOW:
        return None
    return f"crop_factor {crop_factor:g} cuts the head; the networks were made for {CUTS_THE_HEAD_BELOW:g} and more, {USUAL_FACTOR:g} is usual."


def square_around(points: np.ndarray, scale: float, up_shift: float = UP_SHIFT, *, rotate: bool = True) -> FaceSquare:
    """The square around face points `[T,K,2]` px, K = 68 as core.FACE or 203, 106, 101, 9 or 5 as their detectors have them.

    Its side is `scale` times the longer side of the points' box along the head's own axes, its centre moved by
    `up_shift` sides along them. Without `rotate` it stands upright about the same centre.
    """
    points = np.asarray(points, np.float64)
    if points.ndim != 3 or points.shape[1] not in _EYES_AND_LIPS or points.shape[2] != 2:
        known = ", ".join(map(str, _EYES_AND_LIPS))
        raise UsageError(f"A face is cropped by [T,K,2] points with K one of {known}; there are {list(points.shape)}.")
    eyes, lips = (points[:, list(k)].mean(axis=1) for k in _EYES_AND_LIPS[points.shape[1]])
    down = lips - eyes
    length = np.linalg.norm(down, axis=1, keepdims=True)
    down = np.where(length > 1e-3, down / np.maximum(length, 1e-3), (0.0, 1.0))
    right = np.stack([down[:, 1], -down[:, 0]], axis=1)
    axes = np.stack([right, down], axis=1)  # [T,2,2], rows
    middle = points.mean(axis=1, keepdims=True)
    along = (points - middle) @ np.swapaxes(axes, 1, 2)
    low, high = along.min(axis=1), along.max(axis=1)
    side = scale * (high - low).max(axis=1)
    if not (side > 0).all():
        raise UsageError("The points of a face all lie in one place, so there is nothing to crop.")
    centre = middle[:, 0] + ((low + high)[:, None] / 2 @ axes)[:, 0] + up_shift * side[:, None] * down
    angle = np.arctan2(right[:, 1], right[:, 0])
    return FaceSquare(centre, side, angle if rotate else np.zeros(len(side)))


def driver_square(points: np.ndarray, scale: float = DRIVER_SCALE, up_shift: float = DRIVER_SHIFT) -> FaceSquare:
    """One upright square for a whole driving clip, the mean over its frames `[T,K,2]`: what moves in it is the head."""
    each = square_around(points, scale, up_shift, rotate=False)
    return FaceSquare(each.centre.mean(axis=0, keepdims=True), each.side.mean(keepdims=True), np.zeros(1))


def follow(
    square: FaceSquare,
    seen: np.ndarray,
    rate: float | Fraction,
    strength: float = 2.0,
    cuts: Sequence[int] = (),
) -> FaceSquare:
    """The square through a clip: bridged where no face is `seen` (bool `[T]`) and without jitter, shot by shot.

    `rate` in frames a second, strength 0..10, 0 = bridged only. One square for every frame of the clip, so that crops
    and frames never come apart. UsageError if no frame shows a face.
    """
    seen = np.asarray(seen, bool)
    if seen.shape != square.side.shape:
        raise UsageError(f"There are {len(square.side)} face squares, but {seen.size} marks of where a face was seen.")
    if not seen.any():
        raise UsageError("No frame of this clip shows a face, so there is nothing to crop.")
    if not 0 <= strength <= 10:
        raise UsageError(f"Following of a crop goes from 0 to 10, not {strength:g}.")
    values = np.column_stack([square.centre, np.log(np.where(seen, square.side, 1.0)), square.angle])
    frames, known = np.arange(len(seen)), np.flatnonzero(seen)
    noise = noise_of_sigma(FOLLOW_SECONDS * strength * float(rate))
    for start, stop in itertools.pairwise(shot_edges(len(seen), cuts)):
        here = known[(known >= start) & (known < stop)]
        if not len(here):  # hold the nearest face of the clip
            here = known[[np.abs(known - start).argmin()]]
        rows = values[here]
        rows[:, 3] = np.unwrap(rows[:, 3])
        shot = np.stack([np.interp(frames[start:stop], here, column) for column in rows.T], axis=1)
        values[start:stop] = random_walk(shot, noise) if strength else shot
    return FaceSquare(values[:, :2], np.exp(values[:, 2]), values[:, 3])


def crop(frame: np.ndarray, matrix: np.ndarray, size_px: int = CROP_PX) -> np.ndarray:
    """uint8 `[size,size,3]`: the square that `matrix` `[3,3]` leads to, bilinear, black outside of the frame."""
    return cv2.warpAffine(np.ascontiguousarray(frame), np.asarray(matrix, np.float64)[:2], (size_px, size_px))


def network_input(crop_512: np.ndarray) -> np.ndarray:
    """uint8 `[256,256,3]`: a crop in the size in which appearance and motion are read, each pixel a mean of four."""
    return cv2.resize(crop_512, (NETWORK_PX, NETWORK_PX), interpolation=cv2.INTER_AREA)
