"""Eyes and mouth of a drawn face: two alike dark spots side by side in a head of known place, and one below.

For mascots and toys in which no face network sees a face. It looks for little and believes it only
when it is symmetric; otherwise there is no face, and a template will do.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from .body_template import place_face

LOOK = 96
"""Radius of the head in the picture that is looked at, in px."""

DARK_FACE = 110
"""Levels of its brightest channel below which eyes are lighter than the face: a robot's screen has 60 to 90, dark
brown skin 130."""


@dataclass(frozen=True)
class _Spot:
    box: np.ndarray
    """x0, y0, x1, y1 in px of the picture looked at."""
    area: float

    @property
    def centre(self) -> np.ndarray:
        return (self.box[:2] + self.box[2:]) / 2

    @property
    def size(self) -> np.ndarray:
        return self.box[2:] - self.box[:2]


def find_drawn_face(pixels: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray | None:
    """float32 `[68,2]` px of the face in the head at `centre` with `radius` px, or None where no eyes stand out.

    `pixels` is uint8 `[h,w,3]`; the head is taken to be upright and to face the viewer.
    """
    if radius < 10:
        return None
    side, scale = 2 * LOOK, LOOK / radius
    shift = LOOK - 0.5 - centre * scale
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    smooth = cv2.GaussianBlur(pixels, (0, 0), max(0.3, 0.4 / scale)) if scale < 1 else pixels
    head = cv2.warpAffine(smooth, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    spots = _dark_spots(head)
    eyes = _pair(spots)
    if eyes is None:
        return None
    right, left = eyes
    mouth = _mouth(spots, right, left)
    face = _lay_out(right, left, mouth, [_brow(spots, eye, left.centre[0] - right.centre[0]) for eye in eyes])
    return ((face - shift) / scale).astype(np.float32)


def _dark_spots(head: np.ndarray) -> list[_Spot]:
    """Spots darker than the head's main colour, or lighter in a dark face, at several thresholds, each once."""
    side = len(head)
    y, x = np.mgrid[0:side, 0:side]
    inside = np.hypot(x - LOOK, y - LOOK) < 0.86 * LOOK
    is_dark = float(np.median(head.max(2)[np.hypot(x - LOOK, y - LOOK) < 0.5 * LOOK])) < DARK_FACE
    # The darkest channel: a red mouth in a brown face is as bright as it, but not in blue and green. On a screen
    # eyes and mouth are lights, whose brightest channel tells.
    value = (255 - head.max(2) if is_dark else head.min(2)).astype(np.float32)
    usual = max(float(np.median(value[inside])), 90.0)
    spots: list[_Spot] = []
    # Opened as well, so that the line from a nose to a mouth does not make one spot of them.
    for share, opened in itertools.product((0.35, 0.55, 0.72), (1, 6)):
        dark = ((value < usual * share) & inside).astype(np.uint8)
        dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (opened, opened)))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
        edge = np.unique(labels[~cv2.erode(inside.astype(np.uint8), np.ones((3, 3))).astype(bool)])
        for k in range(1, count):
            left, top, w, h, area = (int(v) for v in stats[k])
            if k in edge or area < 0.0015 * side * side or w > 0.6 * side or h > 0.4 * side:
                continue
            spots.append(_Spot(np.array([left, top, left + w - 1, top + h - 1], float), float(area)))
    return spots


def _pair(spots: list[_Spot]) -> tuple[_Spot, _Spot] | None:
    """The two spots that are most like eyes: right (the viewer's left) and left."""
    best, worth = None, 0.0
    for a in spots:
        for b in spots:
            span = b.centre - a.centre
            if not 0.35 * LOOK < span[0] < 1.35 * LOOK:
                continue
            if max(*a.size, *b.size) > 0.85 * span[0] or min(a.size[1], b.size[1]) < 0.08 * LOOK:
                continue
            middle = (a.centre + b.centre) / 2 - LOOK
            uneven = (
                abs(span[1]) / (0.2 * LOOK)
                + abs(middle[0]) / (0.25 * LOOK)
                + abs(np.log(a.area / b.area)) / 0.8
                + float(np.abs(np.log((a.size + 1) / (b.size + 1))).max()) / 0.6
                + max(abs(middle[1] + 0.05 * LOOK) / (0.5 * LOOK) - 0.5, 0)
                + 0.5 * max(float(max(a.size[0] / a.size[1], b.size[0] / b.size[1])) - 1.6, 0)
            )
            value = np.sqrt(min(a.area, b.area)) / LOOK * max(0.0, 1 - 0.6 * uneven)
            if value > worth:
                best, worth = (a, b), value
    return best if worth > 0.03 else None


def _mouth(spots: list[_Spot], right: _Spot, left: _Spot) -> _Spot | None:
    """The lowest spot in the middle below the eyes, the nose being higher."""
    span = left.centre[0] - right.centre[0]
    middle = (right.centre + left.centre) / 2
    best = None
    for spot in spots:
        away = spot.centre - middle
        level = 0.5 * span < away[1] < 1.7 * span and spot.box[1] > middle[1] + 0.2 * span
        if not level or abs(away[0]) > 0.2 * span or not 0.25 * span < spot.size[0] < 1.6 * span:
            continue
        if spot.size[1] > 1.1 * spot.size[0]:
            continue
        if best is not None and _holds(best, spot):
            continue  # a tongue, or a tooth
        if (
            best is None
            or _holds(spot, best)
            or spot.centre[1] > best.centre[1] + 0.05 * span
            or (abs(spot.centre[1] - best.centre[1]) <= 0.05 * span and spot.area > best.area)
        ):
            best = spot
    return best


def _holds(mouth: _Spot, spot: _Spot) -> bool:
    """Whether a spot clearly smaller than a flat one lies inside that one's box."""
    is_flat = mouth.size[1] < 0.6 * mouth.size[0] and spot.size[0] < 0.75 * mouth.size[0]
    return bool(is_flat and (spot.box[:2] >= mouth.box[:2] - 1).all() and (spot.box[2:] <= mouth.box[2:] + 1).all())


def _brow(spots: list[_Spot], eye: _Spot, span: float) -> np.ndarray:
    """Box of the brow over this eye: a flat spot there, else where one would be."""
    for spot in spots:
        away = eye.box[1] - spot.centre[1]
        is_above = 0.02 * span < away < 0.6 * span and abs(spot.centre[0] - eye.centre[0]) < 0.25 * span
        if is_above and 1.4 * spot.size[1] < spot.size[0] < 0.8 * span:
            return spot.box
    half, top = max(0.65 * float(eye.size[0]), 0.2 * span), float(eye.box[1]) - 0.15 * span
    return np.array([eye.centre[0] - half, top - 0.08 * span, eye.centre[0] + half, top])


def _lay_out(right: _Spot, left: _Spot, mouth: _Spot | None, brows: list[np.ndarray]) -> np.ndarray:
    """`[68,2]` in px of the picture looked at: the template, with eyes, mouth and jaw where they were found."""
    face = place_face(right.centre, left.centre, None if mouth is None else mouth.centre).astype(np.float64)
    lids = np.array([[-1, 0.1], [-0.4, -0.95], [0.4, -0.95], [1, 0.1], [0.4, 0.95], [-0.4, 0.95]])
    arch = np.array([1.0, 0.35, 0.1, 0.35, 1.0])  # from lower edge to upper edge of the brow's box
    for part, brow, eye, box in (
        (slice(36, 42), slice(17, 22), right, brows[0]),
        (slice(42, 48), slice(22, 27), left, brows[1]),
    ):
        face[part] = eye.centre + lids * np.maximum(eye.size / 2, 1)
        face[brow] = np.stack([np.linspace(box[0], box[2], 5), box[1] + arch * (box[3] - box[1])], 1)
    if mouth is not None:
        half = np.maximum(mouth.size / 2, [1, 0.02 * LOOK])
        at = face[48:60] - face[48:60].mean(0)
        at /= np.abs(at).max(0)
        face[48:60] = mouth.centre + at * half
        inner = face[60:68] - face[60:68].mean(0)
        inner /= np.maximum(np.abs(inner).max(0), 1e-6)
        is_open = half[1] > 0.25 * half[0]
        face[60:68] = mouth.centre + inner * half * ([0.85, 0.75] if is_open else [0.85, 0.25])
    eyes_y = (right.centre[1] + left.centre[1]) / 2
    angle = np.linspace(np.pi, 0, 17)
    lowest = 1.93 * LOOK
    face[:17] = np.stack([LOOK + 0.9 * LOOK * np.cos(angle), eyes_y + (lowest - eyes_y) * np.sin(angle)], 1)
    return face
