"""Where the face restorers want a face to lie: five points of a 512 px picture, and the similarity that leads there.

All restorers were trained on FFHQ's own alignment, so a face that lies elsewhere is restored badly. The square is
found by fitting, frame by frame, and followed afterwards without jitter (`face_motion.portrait_crop.follow`).
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core import UsageError
from ..face_motion.portrait_crop import FaceSquare

SIDE_PX = 512
TEMPLATE_PX = np.array(
    [[192.98138, 239.94708], [318.90277, 240.1936], [256.63416, 314.01935], [201.26117, 371.41043], [313.08905, 371.15118]]
)  # fmt: skip
"""FFHQ's mean eyes (left and right in the picture), tip of the nose, corners of the mouth at 512 px; facexlib's
`face_restoration_helper.py`."""

# Of the 68 face points, those whose mean is the point: both eyes, the tip of the nose, both corners of the mouth.
_OF_68 = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47), (30,), (48,), (54,))

# The face in the template: middle, half width and half height, px. From above the brows to below the chin.
_MIDDLE_PX, _HALF_PX = (256.0, 284.0), (196.0, 216.0)
_ROUND = 2.6
"""Exponent of the outline: 2 is an ellipse, which cuts the jaw, more comes nearer to a rectangle."""


def five_points(face: np.ndarray) -> np.ndarray:
    """float64 `[T,5,2]` px out of the 68 face points `[T,68,2]`."""
    face = np.asarray(face, np.float64)
    if face.ndim != 3 or face.shape[1:] != (68, 2):
        raise UsageError(f"A face is aligned by its 68 points [T,68,2]; there are {list(face.shape)}.")
    return np.stack([face[:, list(points)].mean(axis=1) for points in _OF_68], axis=1)


def aligned_square(points: np.ndarray) -> FaceSquare:
    """The squares of the frame, `[T]`, that the template's picture is taken from; `points` float `[T,5,2]` px.

    Least squares over shift, turn and one scale (Umeyama 1991), in closed form with complex numbers. Points that all
    lie in one place give a square of side 0, which is no face.
    """
    at = np.asarray(points, np.float64) @ (1, 1j)
    goal = TEMPLATE_PX @ (1, 1j)
    middle, goal_middle = at.mean(axis=1), goal.mean()
    away, goal_away = at - middle[:, None], goal - goal_middle
    spread = (np.abs(away) ** 2).sum(axis=1)
    turn = (away.conj() * goal_away).sum(axis=1)  # times spread: scale and angle from frame to template
    known = np.abs(turn) > 1e-6
    back = np.where(known, spread / np.where(known, turn, 1), 0)  # one px of the template, as a step in the frame
    centre = middle + back * (SIDE_PX / 2 * (1 + 1j) - goal_middle)
    return FaceSquare(np.stack([centre.real, centre.imag], axis=1), SIDE_PX * np.abs(back), np.angle(back))


def face_mask(feather: float = 0.35, size_px: int = SIDE_PX) -> np.ndarray:
    """uint8 `[size,size]`: 255 on the face of the template, falling smoothly to 0 at its outline and beyond.

    `feather` 0.05..1 is the share of the way from the middle to the outline on which it falls.
    """
    if not 0.05 <= feather <= 1:
        raise UsageError(f"The feather of a face goes from 0.05 to 1 of its half width, not {feather:g}.")
    at = (np.arange(size_px) + 0.5) * SIDE_PX / size_px - 0.5
    x, y = np.abs(at - _MIDDLE_PX[0]) / _HALF_PX[0], np.abs(at - _MIDDLE_PX[1]) / _HALF_PX[1]
    out = (x[None] ** _ROUND + y[:, None] ** _ROUND) ** (1 / _ROUND)
    share = np.clip((1 - out) / feather, 0, 1)
    return np.rint(255 * share * share * (3 - 2 * share)).astype(np.uint8)


def take(frame: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """uint8 `[512,512,3]` of the frame, upright as the template; what lies outside is mirrored at the border.

    A face that is larger than the crop is averaged down first: skipping over its pixels would make it flicker.
    """
    matrix = np.asarray(matrix, np.float64)
    shrink = int(1 / max(np.hypot(*matrix[0, :2]), 1e-3))
    if shrink >= 2:
        shrink = min(shrink, 8)
        height, width = (max(1, side // shrink) for side in frame.shape[:2])
        scale_x, scale_y = frame.shape[1] / width, frame.shape[0] / height
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        # pixel centres lie at integers
        matrix = matrix @ [[scale_x, 0, scale_x / 2 - 0.5], [0, scale_y, scale_y / 2 - 0.5], [0, 0, 1]]
    return cv2.warpAffine(
        np.ascontiguousarray(frame), matrix[:2], (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REFLECT_101
    )


def at_size_of_frame(
    crop: np.ndarray, mask: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crop, mask and matrix with the crop brought down to about the size it has in the frame, for pasting.

    Bilinear pasting of a much larger crop would skip its pixels; enlarging is left to the paste.
    """
    side = round(SIDE_PX / np.hypot(*matrix[0, :2]))
    if side >= 0.75 * SIDE_PX:
        return crop, mask, matrix
    side = max(16, side)
    scale = side / SIDE_PX
    smaller = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
    size = (side, side)
    crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return crop, cv2.resize(mask, size, interpolation=cv2.INTER_AREA), smaller @ matrix
