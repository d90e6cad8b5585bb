"""MediaPipe's points in the home order of 133, and what their scores mean.

Body: 17 of MediaPipe's 33, score = visibility x presence. Feet: MediaPipe sees heel and the tip of the
foot; the tip is taken as the big toe. It sees no small toe, so that one is estimated (see `small_toes`)
with half the score of the big toe. Hands: the same 21 in the same order. Face: 68 of the 478 points of
the mesh that lie where iBUG 68 has its points. Left and right are the person's own in both orders.
"""

from __future__ import annotations

import numpy as np

from ..core import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND

BODY_17_FROM_33 = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
_LEFT_HIP, _RIGHT_HIP = 23, 24
_LEFT_HEEL, _RIGHT_HEEL, _LEFT_TIP, _RIGHT_TIP = 29, 30, 31, 32
_BROWS = slice(FACE.start + 17, FACE.start + 27)
_LOWER_BROWS = [46, 53, 52, 65, 55, 285, 295, 282, 283, 276]
_NOSE_TIP = 4
_EYE_CORNERS = [[263, 362], [33, 133]]  # left, right
_EAR_EDGES = [454, 234]
_OUTWARD = 0.25  # of the hip distance: joints of the hips are some 18 cm apart, the toes some 5 cm
_BACK = 0.2  # the small toe ends this part of the foot's length before the big one

FACE_68_FROM_MESH = [
    127, 234, 132, 58, 172, 136, 150, 176, 152, 400, 379, 365, 397, 288, 361, 454, 356,  # jaw, viewer's left to right
    70, 63, 105, 66, 107,  # right brow
    336, 296, 334, 293, 300,  # left brow
    168, 197, 5, 4,  # nose bridge
    75, 97, 2, 326, 305,  # under the nose
    33, 160, 158, 133, 153, 144,  # right eye
    362, 385, 387, 263, 373, 380,  # left eye
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 81, 13, 311, 308, 402, 14, 178,  # inner lips: half way between corner and middle, as in iBUG
]  # fmt: skip


def fill_body(points: np.ndarray, scores: np.ndarray, body: np.ndarray, body_scores: np.ndarray) -> None:
    """Write body and feet into one frame's `points` `[133,2]` and `scores` `[133]` from MediaPipe's 33."""
    points[BODY] = body[BODY_17_FROM_33]
    scores[BODY] = body_scores[BODY_17_FROM_33]
    small = small_toes(body)
    points[FEET] = [body[_LEFT_TIP], small[0], body[_LEFT_HEEL], body[_RIGHT_TIP], small[1], body[_RIGHT_HEEL]]
    left, right = body_scores[_LEFT_TIP], body_scores[_RIGHT_TIP]
    scores[FEET] = [left, left / 2, body_scores[_LEFT_HEEL], right, right / 2, body_scores[_RIGHT_HEEL]]


def small_toes(body: np.ndarray) -> np.ndarray:
    """Left and right small toe `[2,2]`, estimated: beside the big toe, away from the other foot, a little behind.

    'Away' is the direction from the other hip, and as long as the hips look wide, so that it vanishes when
    the person is seen from the side.
    """
    outward = (body[_LEFT_HIP] - body[_RIGHT_HIP]) * _OUTWARD
    left = body[_LEFT_TIP] + outward + (body[_LEFT_HEEL] - body[_LEFT_TIP]) * _BACK
    right = body[_RIGHT_TIP] - outward + (body[_RIGHT_HEEL] - body[_RIGHT_TIP]) * _BACK
    return np.stack([left, right])


def fill_face(points: np.ndarray, scores: np.ndarray, mesh: np.ndarray, presence: float) -> None:
    """Write the 68 face points from the mesh `[468 or 478,2]`, and put the body's nose, eyes and ears right.

    The face's network sees the head five times larger than the body's. Its mesh has the tip of the nose and
    the corners of the eyes, and ends at the front edge of the ears, nearer to them than the body's guess.
    How far a nose, eye or ear is visible remains the body's word.
    """
    points[FACE] = mesh[FACE_68_FROM_MESH]
    brows = points[_BROWS]
    points[_BROWS] = (brows + mesh[_LOWER_BROWS]) / 2  # iBUG's brows are their middle line
    scores[FACE] = presence
    points[0] = mesh[_NOSE_TIP]
    points[1:3] = mesh[_EYE_CORNERS].mean(axis=1)
    points[3:5] = mesh[_EAR_EDGES]


def fill_hand(points: np.ndarray, scores: np.ndarray, left: bool, hand: np.ndarray, score: float) -> None:
    """Write the 21 points of one hand, and move the body's wrist halfway to the hand's.

    Two networks saw the same joint at different sizes; the mean is nearer to the truth than either.
    """
    part, wrist = (LEFT_HAND, 9) if left else (RIGHT_HAND, 10)
    points[part] = hand
    scores[part] = score
    points[wrist] = (points[wrist] + hand[0]) / 2


def discount_outside(points: np.ndarray, scores: np.ndarray, size: tuple[int, int], margin: float) -> None:
    """Lower the scores of points beyond the frame's border, in place: to 0 at `margin` px outside.

    A network goes on guessing where the picture has ended; a guess is not a sighting.
    """
    last = np.array([size[0] - 1, size[1] - 1])
    beyond = np.maximum(np.maximum(-points, points - last), 0).max(axis=-1)
    scores *= np.clip(1 - beyond / max(margin, 1e-3), 0, 1)
