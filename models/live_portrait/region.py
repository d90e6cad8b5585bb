"""Where the made face is put: the pasted square with its soft edge, as a mask of the picture or of each frame."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ...core import Character
from ...face_motion.portrait_crop import scale_of_factor, square_around
from ...face_motion.portrait_paste import feather
from .face_track import following_squares
from .source import film_faces, first_pose_points, presence
from .spec import LivePortraitSettings


def pasted_regions(character: Character, settings: LivePortraitSettings, num_frames: int) -> Iterator[np.ndarray]:
    """Masks uint8 `[H,W]`, 255 where a pixel is wholly a made one: one for a picture, `num_frames` for a film.

    Needs the character as the run prepares it. InputError where it shows no face.
    """
    mask, size = feather(settings.feather), character.size
    if character.film is None:
        faces = [
            square_around(points[None], scale_of_factor(settings.crop_factor), rotate=len(points) > 5).matrices()[0]
            for points in first_pose_points(settings, character)
        ]
        yield _drawn([(matrix, 1.0) for matrix in faces], mask, size)
        return
    motion = character.film.motion
    tracks, scale = film_faces(character.film, settings), scale_of_factor(settings.crop_factor)
    matrices = [following_squares(t, scale, motion.timeline.rate, motion.cuts).matrices() for t in tracks]
    shares = [presence(t.seen, float(motion.timeline.rate)) for t in tracks]
    for k in range(num_frames):
        yield _drawn([(m[k], float(s[k])) for m, s in zip(matrices, shares, strict=True)], mask, size)


def _drawn(faces: list[tuple[np.ndarray, float]], mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    out = np.zeros((size[1], size[0]), np.uint8)
    for matrix, share in faces:
        weight = mask if share == 1 else (mask * share).astype(np.uint8)
        np.maximum(out, cv2.warpAffine(weight, np.linalg.inv(matrix)[:2], size), out=out)
    return out
