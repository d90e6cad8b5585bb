"""A pose as a picture, in the styles that generators were trained on.

Knows how the originals draw (filled ellipses for limbs, truncated coordinates, later overwrites) and
draws the same pixels faster: plain tuples instead of arrays, no scan of empty canvases, one pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND, UsageError
from .draw_styles import (
    COLOURS,
    FACE_DOT,
    HAND_BONES,
    HAND_COLOURS,
    HAND_DOT,
    LEFT_TOES,
    LIMB_COLOURS,
    LIMBS,
    NECK,
    OPENPOSE_JOINTS,
    RIGHT_TOES,
    STYLES,
    DrawStyle,
)

Joint = tuple[float, float, float]
FAR_PX = 30000.0  # OpenCV rejects or wraps coordinates of 16 bits and more; nothing that far can be seen


def draw_pose(
    points: np.ndarray,
    scores: np.ndarray,
    size: tuple[int, int],
    style: str = "wan",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """One person on black, uint8 `[h,w,3]` RGB.

    `points` `[133,2]` in pixels of a picture of `size` (width, height), `scores` `[133]`. `style` is a name
    of `STYLES`: 'wan' (Wan-Animate v2), 'wan-v1', 'openpose' (DWPose as controlnet_aux draws it, at the
    picture's own size). With `out` the person is drawn over that picture, for a second person.

    Raises UsageError for an unknown style.
    """
    if style not in STYLES:
        raise UsageError(f"There is no drawing style {style!r}; there are {', '.join(STYLES)}.")
    if points.shape != (133, 2) or scores.shape != (133,):
        raise ValueError(f"points are [133,2] and scores [133], not {list(points.shape)} and {list(scores.shape)}")
    rules = STYLES[style]
    width, height = size
    canvas = np.zeros((height, width, 3), np.uint8) if out is None else out
    if canvas.shape != (height, width, 3) or canvas.dtype != np.uint8:
        raise ValueError(f"the canvas is uint8 [{height},{width},3], not {canvas.dtype} {list(canvas.shape)}")
    home = _as_rows(points, scores)
    body = [_joint(home, j, rules) for j in OPENPOSE_JOINTS[: rules.num_joints]]
    _draw_body(canvas, body, rules)
    for hand in (home[LEFT_HAND], home[RIGHT_HAND]):
        _draw_hand(canvas, hand, rules)
    if rules.face_dot_px:
        face = home[FACE]
        if any(p[2] >= rules.threshold for p in face):
            _draw_dots(canvas, face + body[14:16], rules.face_dot_px, FACE_DOT, rules.threshold)
    return canvas


def _as_rows(points: np.ndarray, scores: np.ndarray) -> list[Joint]:
    # float64 holds every float32, so nothing is rounded; tolist is what makes the loops below fast
    near = (np.abs(points) < FAR_PX).all(-1)
    rows = np.concatenate([points, np.where(near, scores, 0.0)[:, None]], -1, dtype=np.float64)
    rows[~near] = 0.0
    return [(x, y, s) for x, y, s in rows.tolist()]


def _joint(home: Sequence[Joint], joint: int, rules: DrawStyle) -> Joint:
    if joint >= 0:
        return home[joint]
    a, b = {NECK: (5, 6), LEFT_TOES: (17, 18), RIGHT_TOES: (20, 21)}[joint]
    p, q = home[a], home[b]
    if rules.neck == "both":
        score = 1.0 if p[2] > 0.3 and q[2] > 0.3 else 0.0
    else:
        # a joint too far away to be drawn must not be half of a middle either
        score = (p[2] + q[2]) / 2 if p[2] > 0 and q[2] > 0 else 0.0
    return (p[0] + q[0]) / 2, (p[1] + q[1]) / 2, score


def _draw_body(canvas: np.ndarray, body: Sequence[Joint], rules: DrawStyle) -> None:
    width = rules.limb_width(canvas.shape[1], canvas.shape[0])
    for (a, b), colour in zip(LIMBS[: rules.num_limbs], LIMB_COLOURS, strict=False):
        (x0, y0, s0), (x1, y1, s1) = body[a], body[b]
        if s0 >= rules.threshold and s1 >= rules.threshold:
            centre = (int((x0 + x1) / 2), int((y0 + y1) / 2))
            axes = (int(math.hypot(x0 - x1, y0 - y1) / 2), width)
            angle = int(math.degrees(math.atan2(y0 - y1, x0 - x1)))
            polygon: Any = cv2.ellipse2Poly(centre, axes, angle, 0, 360, 1)  # an array, whatever cv2's stubs say
            cv2.fillConvexPoly(canvas, polygon, colour)
    _draw_dots(canvas, body, width, None, rules.threshold)


def _draw_hand(canvas: np.ndarray, hand: Sequence[Joint], rules: DrawStyle) -> None:
    line, dot = rules.hand_widths(canvas.shape[1], canvas.shape[0])
    whole = [(int(x), int(y)) if s >= rules.threshold and int(x) > 0 and int(y) > 0 else None for x, y, s in hand]
    for (a, b), colour in zip(HAND_BONES, HAND_COLOURS, strict=True):
        p, q = whole[a], whole[b]
        if p is not None and q is not None:
            cv2.line(canvas, p, q, colour, line)
    for p in whole:
        if p is not None:
            cv2.circle(canvas, p, dot, HAND_DOT, -1)


def _draw_dots(
    canvas: np.ndarray, joints: Sequence[Joint], radius: int, colour: tuple[int, int, int] | None, threshold: float
) -> None:
    """Filled circles; `colour` None: joint k in colour k, and the border of the picture does not hide a joint."""
    for k, (x, y, s) in enumerate(joints):
        if s >= threshold and (colour is None or (int(x) > 0 and int(y) > 0)):
            cv2.circle(canvas, (int(x), int(y)), radius, colour or COLOURS[k], -1)
