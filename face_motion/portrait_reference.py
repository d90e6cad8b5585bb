"""Which frame of a driver counts as rest: what he does away from it is what the source will do.

A driver that begins with an open mouth shuts it on the source for good, if his first frame is taken.
"""

from __future__ import annotations

import numpy as np

from .portrait_motion import EYE_POINTS, LIP_POINTS, PortraitMotion
from .portrait_rotation import angle_between_degrees
from .portrait_transfer import NEUTRAL_EXPRESSION

_LIP_RATIO, _EYE_RATIO, _EXPRESSION, _DEGREES = 0.10, 0.08, 0.010, 15.0
"""What counts as one step away from rest: of the ratios of mouth and lids, of expression values, of the turn."""
_NO_BETTER = 0.25
"""The first frame stays the reference unless another is better by this much: a change of reference is seen."""


def unrest(driving: PortraitMotion, source_rotation: np.ndarray | None = None) -> np.ndarray:
    """float64 `[T]`: how far each frame is from a face at rest, in steps squared; 0 = shut mouth, lids as usual, turned
    as the source (`[3,3]`; without one, straight ahead).

    Mouth and lids by their ratios where they were measured, else by the expression of their points.
    """
    ahead = np.eye(3) if source_rotation is None else np.asarray(source_rotation, np.float64).reshape(3, 3)
    away = (angle_between_degrees(driving.rotation.astype(np.float64), ahead) / _DEGREES) ** 2
    if driving.lip_ratio is not None:
        away += (np.maximum(driving.lip_ratio[:, 0], 0) / _LIP_RATIO) ** 2
    else:
        lips = driving.expression[:, list(LIP_POINTS)] - NEUTRAL_EXPRESSION[list(LIP_POINTS)]
        away += _mean_square(lips) / _EXPRESSION**2
    if driving.eye_ratio is not None:
        lids = driving.eye_ratio.mean(axis=1)
        away += ((lids - np.median(lids)) / _EYE_RATIO) ** 2
    else:
        eyes = driving.expression[:, list(EYE_POINTS)]
        away += _mean_square(eyes - np.median(eyes, axis=0)) / _EXPRESSION**2
    return away


def reference_frame(driving: PortraitMotion, source_rotation: np.ndarray | None = None) -> int:
    """The most neutral frame: mouth shut, lids as they mostly are, turned most like the source (`[3,3]`); the first
    one where none is clearly better. Take it from the smoothed motion."""
    away = unrest(driving, source_rotation)
    best = int(np.argmin(away))
    return best if away[best] + _NO_BETTER < away[0] else 0


def _mean_square(values: np.ndarray) -> np.ndarray:
    return np.mean(np.square(values.astype(np.float64)), axis=(1, 2))
