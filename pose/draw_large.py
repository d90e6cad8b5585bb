"""Styles that are drawn on a large canvas and shrunk (MimicMotion, One-to-All), drawn where somebody is only.

The originals fill a canvas with a short side of 2160 px for every frame. Only the people's part of it is
made here, cut where the resize begins a pixel with the same weights, so that the small picture is the same
to the bit. Sizes at which no such place exists (the ratio's fractions are not exact in binary) are shrunk
from the whole canvas, of which still only the people's part is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND
from .draw import Joint, Person, body_of, ellipse, joints_of
from .draw_styles import COLOURS, HAND_BONES, HAND_HUES, LIMBS, DrawStyle, Strokes

MOST_STEPS = 64  # of pixels of the small picture, until a pixel of the large one begins with it


def draw_large(people: Sequence[Person], rules: DrawStyle, out: np.ndarray) -> np.ndarray:
    """Lays the drawing of all people on `out`, uint8 `[h,w,3]` and black; points are pixels of `out`."""
    height, width = out.shape[:2]
    side = min(width, height)
    factor = rules.short_side / side if side != rules.short_side else 1
    large = (int(width * factor), int(height * factor))  # truncated, as the originals do: 2159 for some heights
    homes = [joints_of(points / [width, height] * large, scores) for points, scores in people]
    strokes = rules.strokes(*large)
    region = _region(homes, large, (width, height), max(strokes) + 3)
    if region is None:
        return out
    (x0, x1, ax, bx), (y0, y1, ay, by) = region
    if ax == 0 and ay == 0 and (bx, by) == (width, height):
        canvas = np.zeros((large[1], large[0], 3), np.uint8)
        part = canvas[y0:y1, x0:x1]
    else:
        canvas = part = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
    _draw_layers(part, (x0, y0), homes, rules, strokes)
    out[ay:by, ax:bx] = cv2.resize(canvas, (bx - ax, by - ay))
    return out


Span = tuple[int, int, int, int]
"""First and last (half open) pixel of the large canvas, first and last of the small picture."""


def _region(
    homes: Sequence[Sequence[Joint]], large: tuple[int, int], small: tuple[int, int], margin: int
) -> tuple[Span, Span] | None:
    """Where on both canvases somebody is; None where nobody can be seen."""
    drawn = np.array([p for home in homes for p in home if p[2] > 0]).reshape(-1, 3)
    if not len(drawn):
        return None
    spans: list[Span] = []
    steps = [_exact_steps(large[k], small[k]) for k in (0, 1)]
    for k in (0, 1):
        low = max(0, math.floor(drawn[:, k].min()) - margin)
        high = min(large[k], math.ceil(drawn[:, k].max()) + margin + 1)
        if low >= high:
            return None
        if None in steps:
            spans.append((low, high, 0, small[k]))
            continue
        step, scale = steps[k] or 1, large[k] / small[k]
        # one small pixel more on each side: its weights reach over to the last drawn one
        a = max(0, int(low / scale) - 1) // step * step
        b = min(small[k], -(-(int(high / scale) + 2) // step) * step)
        spans.append((round(a * scale), round(b * scale), a, b))
    return spans[0], spans[1]


def _exact_steps(large: int, small: int) -> int | None:
    """Small pixels until the resize repeats its weights; None where they are not exact and it never does."""
    steps = small // math.gcd(large, small)
    # Powers of two: OpenCV places its samples in float32, where other fractions are rounded by where they lie
    return steps if steps <= MOST_STEPS and steps & (steps - 1) == 0 else None


def _draw_layers(
    canvas: np.ndarray,
    origin: tuple[int, int],
    homes: Sequence[Sequence[Joint]],
    rules: DrawStyle,
    strokes: Strokes,
) -> None:
    """Limb by limb everybody's, then the joints, the hands, the faces; colours times scores."""
    ox, oy = origin
    bodies = [body_of(home, rules) for home in homes]
    order = -1 if rules.swaps_red_and_blue else 1
    colours = [colour[::order] for colour in COLOURS]
    hues = [hue[::order] for hue in HAND_HUES]
    least = rules.threshold
    for (a, b), colour in zip(LIMBS[: rules.num_limbs], colours, strict=False):
        for body in bodies:
            p, q = body[a], body[b]
            if p[2] > 0 and q[2] > 0 and p[2] >= least and q[2] >= least:
                # moved afterwards: rounding of halves depends on where an ellipse lies
                outline = ellipse(p, q, strokes.limb) - np.array([[ox, oy]], np.int32)
                cv2.fillConvexPoly(canvas, outline, _dimmed(colour, p[2] * q[2], rules.dim))
    for k, colour in enumerate(colours[: rules.num_joints]):
        for body in bodies:
            x, y, s = body[k]
            if s > 0 and s >= least:
                cv2.circle(canvas, (int(x) - ox, int(y) - oy), strokes.joint, _dimmed(colour, s, 1.0), -1)
    least = rules.threshold if rules.small_threshold is None else rules.small_threshold
    for hand in _hands(homes, rules):
        whole = [
            (int(x), int(y), s) if s > 0 and s >= least and int(x) > 0 and int(y) > 0 else None for x, y, s in hand
        ]
        for (a, b), (red, green, blue) in zip(HAND_BONES, hues, strict=True):
            p, q = whole[a], whole[b]
            if p is not None and q is not None:
                light = int(p[2] * q[2] * 255)
                colour = (red * light, green * light, blue * light)
                cv2.line(canvas, (p[0] - ox, p[1] - oy), (q[0] - ox, q[1] - oy), colour, strokes.hand_line)
        for p in whole:
            if p is not None:
                cv2.circle(canvas, (p[0] - ox, p[1] - oy), strokes.hand_dot, (0, 0, int(p[2] * 255))[::order], -1)
    for home in homes:
        face = home[FACE]
        for k in rules.face_points:
            x, y, s = face[k]
            if s > 0 and s >= least and int(x) > 0 and int(y) > 0:
                light = int(s * 255)
                cv2.circle(canvas, (int(x) - ox, int(y) - oy), strokes.face_dot, (light, light, light), -1)


def _hands(homes: Sequence[Sequence[Joint]], rules: DrawStyle) -> Iterator[Sequence[Joint]]:
    """Everybody's first hand, then everybody's second."""
    for part in (RIGHT_HAND, LEFT_HAND) if rules.right_hand_first else (LEFT_HAND, RIGHT_HAND):
        for home in homes:
            yield home[part]


def _dimmed(colour: tuple[int, ...], score: float, dim: float) -> tuple[int, int, int]:
    """Twice truncated: by the score when drawn, by the dimming of the whole canvas afterwards."""
    red, green, blue = colour
    if dim == 1.0:
        return int(red * score), int(green * score), int(blue * score)
    return int(int(red * score) * dim), int(int(green * score) * dim), int(int(blue * score) * dim)
