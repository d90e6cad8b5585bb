"""Poses as a picture, in the styles that generators were trained on.

Knows how the originals draw (filled ellipses for limbs, truncated coordinates, later overwrites) and
draws the same pixels faster: plain tuples instead of arrays, no scan of empty canvases, one pass. Styles
that are drawn large and then shrunk are the business of `draw_large`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND, Motion, UsageError
from .draw_styles import (
    COLOURS,
    FACE_DOT,
    HAND_BONES,
    HAND_DOT,
    LEFT_TOES,
    LIMB_COLOURS,
    LIMBS,
    NECK,
    OPENPOSE_JOINTS,
    RIGHT_TOES,
    STYLES,
    DrawStyle,
    Strokes,
)

Joint = tuple[float, float, float]
"""x, y in pixels of the canvas, score."""
Person = tuple[np.ndarray, np.ndarray]
"""Points `[133,2]` in pixels of the picture, scores `[133]`."""
FAR_PX = 30000.0  # OpenCV rejects or wraps coordinates of 16 bits and more; nothing that far can be seen


def draw_pose(
    points: np.ndarray,
    scores: np.ndarray,
    size: tuple[int, int],
    style: str = "wan",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """One person on black, uint8 `[h,w,3]` RGB; see `draw_people`."""
    return draw_people([(points, scores)], size, style, out)


def draw_people(
    people: Sequence[Person], size: tuple[int, int], style: str = "wan", out: np.ndarray | None = None
) -> np.ndarray:
    """Everyone on black, uint8 `[h,w,3]` RGB, later people over earlier ones.

    Each person is points `[133,2]` in pixels of a picture of `size` (width, height) and scores `[133]`; a joint
    of score 0 is never drawn. `style` is a name of `draw_styles.STYLES`. With `out` the people are drawn over
    that picture; styles that are drawn large and shrunk ('mimicmotion', 'one-to-all') cannot be and replace it.

    Raises UsageError for an unknown style.
    """
    rules = find_style(style)
    width, height = size
    for points, scores in people:
        if points.shape != (133, 2) or scores.shape != (133,):
            raise ValueError(f"points are [133,2] and scores [133], not {list(points.shape)} and {list(scores.shape)}")
    canvas = np.zeros((height, width, 3), np.uint8) if out is None else out
    if canvas.shape != (height, width, 3) or canvas.dtype != np.uint8:
        raise ValueError(f"the canvas is uint8 [{height},{width},3], not {canvas.dtype} {list(canvas.shape)}")
    if rules.short_side:
        from .draw_large import draw_large

        if out is not None:
            out[:] = 0
        return draw_large(people, rules, canvas)
    for points, scores in people:
        _draw_person(canvas, joints_of(points, scores), rules)
    return canvas


def draw_motion(
    motion: Motion, frame: int, size: tuple[int, int], style: str = "wan", *, everyone: bool = True
) -> np.ndarray:
    """The people of one frame (or the main one alone) on black, uint8 `[h,w,3]`; the clip's picture fills `size`."""
    scale = np.array([size[0] / motion.size[0], size[1] / motion.size[1]], np.float32)
    tracks = motion.tracks if everyone else motion.tracks[:1]
    people = [(t.points[frame] * scale if (scale != 1).any() else t.points[frame], t.scores[frame]) for t in tracks]
    return draw_people(people, size, style)


def find_style(name: str) -> DrawStyle:
    """The rules of the style called `name`; UsageError names those that exist."""
    if name not in STYLES:
        raise UsageError(f"There is no drawing style {name!r}; there are {', '.join(STYLES)}.")
    return STYLES[name]


def resize_short_side(picture: np.ndarray, short_side: int) -> np.ndarray:
    """A drawing with this short side, as controlnet_aux's `resolution` does it: areas when smaller, cubic when larger.

    0 gives back the very picture.
    """
    if not short_side:
        return picture
    height, width = picture.shape[:2]
    factor = short_side / min(height, width)
    return cv2.resize(
        picture, resized((width, height), short_side), interpolation=cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    )


def resized(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """Width and height with this short side; 0 gives back the very size."""
    factor = short_side / min(size) if short_side else 1.0
    return (int(np.round(size[0] * factor)), int(np.round(size[1] * factor)))


def joints_of(points: np.ndarray, scores: np.ndarray) -> list[Joint]:
    """The 133 as plain numbers; what is too far away to be drawn counts as unseen."""
    # float64 holds every float32, so nothing is rounded; tolist is what makes the loops below fast
    near = (np.abs(points) < FAR_PX).all(-1)
    rows = np.concatenate([points, np.where(near, scores, 0.0)[:, None]], -1, dtype=np.float64)
    rows[~near] = 0.0
    return [(x, y, s) for x, y, s in rows.tolist()]


def body_of(home: Sequence[Joint], rules: DrawStyle) -> list[Joint]:
    """OpenPose's 18 joints, or Wan's 20."""
    return [_joint(home, j, rules) for j in OPENPOSE_JOINTS[: rules.num_joints]]


def _joint(home: Sequence[Joint], joint: int, rules: DrawStyle) -> Joint:
    if joint >= 0:
        return home[joint]
    a, b = {NECK: (5, 6), LEFT_TOES: (17, 18), RIGHT_TOES: (20, 21)}[joint]
    p, q = home[a], home[b]
    if rules.neck == "mean":
        # a joint too far away to be drawn must not be half of a middle either
        score = (p[2] + q[2]) / 2 if p[2] > 0 and q[2] > 0 else 0.0
    elif p[2] > 0.3 and q[2] > 0.3:
        score = 1.0 if rules.neck == "both" else min(p[2], q[2])
    else:
        score = 0.0
    return (p[0] + q[0]) / 2, (p[1] + q[1]) / 2, score


def ellipse(p: Joint, q: Joint, half_width: int) -> Any:
    """The outline of a limb, int32 `[n,1,2]`."""
    (x0, y0, _), (x1, y1, _) = p, q
    centre = (int((x0 + x1) / 2), int((y0 + y1) / 2))
    axes = (int(math.hypot(x0 - x1, y0 - y1) / 2), half_width)
    return cv2.ellipse2Poly(centre, axes, int(math.degrees(math.atan2(y0 - y1, x0 - x1))), 0, 360, 1)


def _draw_person(canvas: np.ndarray, home: Sequence[Joint], rules: DrawStyle) -> None:
    height, width = canvas.shape[:2]
    strokes = rules.strokes(width, height)
    threshold = rules.threshold
    body = body_of(home, rules)
    shown = [p[2] >= threshold and p[2] > 0 for p in body]
    if rules.skips_outside:
        home = [p if 0 <= int(p[0]) < width and 0 <= int(p[1]) < height else (p[0], p[1], 0.0) for p in home]
    for k, (a, b) in enumerate(LIMBS[: rules.num_limbs]):
        if shown[a] and shown[b] and not (rules.skips_outside and math.dist(body[a][:2], body[b][:2]) < 1):
            cv2.fillConvexPoly(canvas, ellipse(body[a], body[b], strokes.limb), LIMB_COLOURS[k] if rules.dim < 1 else COLOURS[k])  # fmt: skip
    for k, (x, y, _) in enumerate(body):
        if shown[k] and (not rules.skips_outside or (0 <= int(x) < width and 0 <= int(y) < height)):
            cv2.circle(canvas, (int(x), int(y)), strokes.joint, COLOURS[k], -1)
    if rules.has_foot_dots:
        for k, (x, y, s) in enumerate(home[17:23]):
            if s >= threshold:
                cv2.circle(canvas, (int(x), int(y)), strokes.joint, COLOURS[k], -1)
    for hand in (home[LEFT_HAND], home[RIGHT_HAND]):
        _draw_hand(canvas, hand, rules, strokes)
    if strokes.face_dot:
        face = home[FACE]
        if any(p[2] >= threshold for p in face):
            for x, y, s in [*face, *body[14:16]] if rules.has_eye_dots else face:
                if s >= threshold and int(x) > 0 and int(y) > 0:
                    cv2.circle(canvas, (int(x), int(y)), strokes.face_dot, FACE_DOT, -1)


def _draw_hand(canvas: np.ndarray, hand: Sequence[Joint], rules: DrawStyle, strokes: Strokes) -> None:
    least = rules.threshold
    whole = [(int(x), int(y)) if s >= least and int(x) > 0 and int(y) > 0 else None for x, y, s in hand]
    for (a, b), colour in zip(HAND_BONES, rules.hand_colours, strict=True):
        p, q = whole[a], whole[b]
        if p is not None and q is not None:
            cv2.line(canvas, p, q, colour, strokes.hand_line)
    for p in whole:
        if p is not None:
            cv2.circle(canvas, p, strokes.hand_dot, HAND_DOT, -1)
