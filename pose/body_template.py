"""The parts of a body that were not seen, placed where they would plausibly be.

Face points in a head of known place and size, small hands at the ends of forearms, feet under
ankles, and a body below the border of a half-length picture. Whoever uses these gives them low
scores: they are proportions, not observations. Proportions are those of an adult, drawn by hand
for this file.
"""

from __future__ import annotations

import numpy as np

from ..core import LEFT_HAND, RIGHT_HAND

NECK_TO_HIP = 1.25
"""Torso length in shoulder widths, for a body whose hips are out of the picture."""
THIGH = 0.9
"""Thigh length in torso lengths; the shin is as long."""


def face_template() -> np.ndarray:
    """float32 `[68,2]` frontal face: the eyes' middle at (0, 0), pupils 1 apart, y down, viewer's left first."""
    angle = np.linspace(np.pi * 1.03, -np.pi * 0.03, 17)
    jaw = np.stack([np.cos(angle) * 1.12, np.sin(angle) * 1.62 + 0.02], 1)
    right_brow = np.stack([np.linspace(-0.88, -0.2, 5), -0.38 - 0.12 * np.sin(np.linspace(0.3, 2.9, 5))], 1)
    left_brow = right_brow[::-1] * [-1, 1]
    ridge = np.stack([np.zeros(4), np.linspace(0.0, 0.52, 4)], 1)
    nostrils = np.stack([np.linspace(-0.2, 0.2, 5), 0.66 + 0.06 * np.sin(np.linspace(0, np.pi, 5))], 1)
    right_eye = np.array([[-0.72, 0.0], [-0.58, -0.09], [-0.42, -0.09], [-0.28, 0.02], [-0.42, 0.08], [-0.58, 0.08]])
    left_eye = (right_eye * [-1, 1])[[3, 2, 1, 0, 5, 4]]
    outer = np.array(
        [[-0.42, 1.04], [-0.27, 0.96], [-0.1, 0.92], [0, 0.94], [0.1, 0.92], [0.27, 0.96], [0.42, 1.04],
         [0.27, 1.15], [0.12, 1.2], [0, 1.21], [-0.12, 1.2], [-0.27, 1.15]]
    )  # fmt: skip
    inner = np.array(
        [[-0.34, 1.04], [-0.12, 1.01], [0, 1.02], [0.12, 1.01], [0.34, 1.04], [0.12, 1.07], [0, 1.08], [-0.12, 1.07]]
    )
    return np.concatenate([jaw, right_brow, left_brow, ridge, nostrils, right_eye, left_eye, outer, inner]).astype(
        np.float32
    )


def place_face(right_eye: np.ndarray, left_eye: np.ndarray, mouth: np.ndarray | None = None) -> np.ndarray:
    """float32 `[68,2]` template laid over the two eye centres (and the mouth's middle, where known), in px.

    The person's right eye is the one at the viewer's left; a face seen upside down stays upside down.
    """
    right_eye, left_eye = np.asarray(right_eye, np.float64), np.asarray(left_eye, np.float64)
    across = left_eye - right_eye
    down = np.array([-across[1], across[0]])
    if mouth is not None:
        to_mouth = np.asarray(mouth, np.float64) - (right_eye + left_eye) / 2
        length = np.linalg.norm(to_mouth)
        # A profile makes the eyes nearly coincide; the mouth then knows the size better.
        if length > 1e-6 and 0.5 < length / max(np.linalg.norm(down), 1e-6) < 2.5:
            down = to_mouth / 1.05
    face = face_template()
    return ((right_eye + left_eye) / 2 + face[:, :1] * across + face[:, 1:] * down).astype(np.float32)


def place_hand(elbow: np.ndarray, wrist: np.ndarray, *, is_left: bool, length: float | None = None) -> np.ndarray:
    """float32 `[21,2]` open hand that goes on in the forearm's direction, in px; `length` wrist to fingertip."""
    elbow, wrist = np.asarray(elbow, np.float64), np.asarray(wrist, np.float64)
    forearm = wrist - elbow
    reach = float(np.linalg.norm(forearm))
    along = forearm / reach if reach > 1e-6 else np.array([0.0, 1.0])
    # Palm towards the viewer or the thigh: the thumb of a hanging left hand points to the body's middle.
    across = np.array([along[1], -along[0]]) * (-1 if is_left else 1)
    length = 0.6 * reach if length is None else length
    hand = np.zeros((21, 2))
    for finger, (angle, root, tip) in enumerate(
        ((0.75, 0.25, 0.62), (0.25, 0.5, 0.95), (0.04, 0.52, 1.0), (-0.16, 0.48, 0.93), (-0.36, 0.45, 0.8))
    ):
        direction = along * np.cos(angle) + across * np.sin(angle)
        for k, t in enumerate(np.linspace(root, tip, 4)):
            hand[1 + 4 * finger + k] = direction * t * length
    return (wrist + hand).astype(np.float32)


def place_hands(points: np.ndarray) -> None:
    """Fill both hands of `[133,2]` in place from elbows and wrists."""
    for part, elbow, wrist, is_left in ((LEFT_HAND, 7, 9, True), (RIGHT_HAND, 8, 10, False)):
        points[part] = place_hand(points[elbow], points[wrist], is_left=is_left)


def place_foot(ankle: np.ndarray, *, height: float, outward: float) -> np.ndarray:
    """float32 `[3,2]` big toe, small toe, heel of a foot seen from the front; `outward` is -1 or 1 on the picture."""
    x, y = float(ankle[0]), float(ankle[1])
    return np.array(
        [[x + 0.45 * outward * height, y + height], [x + 0.9 * outward * height, y + 0.9 * height],
         [x - 0.3 * outward * height, y + 0.75 * height]],
        np.float32,
    )  # fmt: skip


def lower_body_below(points: np.ndarray, from_joint: str) -> None:
    """Fill what hangs below `from_joint` ('shoulders', 'hips' or 'knees') of `[133,2]` in place.

    A body that stands straight under its shoulders, in the shoulders' own direction.
    """
    across = (points[5] - points[6]).astype(np.float64)  # right to left shoulder
    width = max(float(np.linalg.norm(across)), 1.0)
    across = across / width
    down = np.array([-across[1], across[0]])
    if down[1] < 0.3:  # seen from behind, or from the side: straight down then
        down = np.array([0.0, 1.0])
    torso = width * NECK_TO_HIP
    if from_joint == "shoulders":
        middle = (points[5] + points[6]) / 2 + down * torso
        points[11], points[12] = middle + across * width * 0.32, middle - across * width * 0.32
    else:
        torso = max(float(np.linalg.norm((points[11] + points[12] - points[5] - points[6]) / 2)), 0.5 * width)
    for hip, knee, ankle, foot, side in ((11, 13, 15, 17, 1), (12, 14, 16, 20, -1)):
        if from_joint != "knees":
            points[knee] = points[hip] + down * torso * THIGH
        points[ankle] = points[knee] + down * torso * THIGH
        outward = 1 if across[0] * side > 0 else -1
        points[foot : foot + 3] = place_foot(points[ankle], height=0.2 * torso, outward=outward)
