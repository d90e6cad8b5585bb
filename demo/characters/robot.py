"""A friendly household robot with a glass face, long arms and rubber joints, no background."""

# ruff: noqa: RUF005  (adding an offset to a point is arithmetic here, not concatenation)

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Look, curve, ellipse, limb, mix, rgb
from .joints import FaceShape, Joints, face_points, hand_points

WIDTH, HEIGHT = 820, 1100
MID = WIDTH / 2
INK = rgb("#1d2438")
SHELL, SHELL_SHADE, SHELL_LIGHT = rgb("#f1efe9"), rgb("#b9c0cf"), rgb("#ffffff")
ACCENT, ACCENT_SHADE, ACCENT_LIGHT = rgb("#ff8a3d"), rgb("#d25a2a"), rgb("#ffc07a")
RUBBER, RUBBER_SHADE, RUBBER_LIGHT = rgb("#4a5470"), rgb("#2c3450"), rgb("#77839f")
GLASS, GLASS_SHADE = rgb("#20304f"), rgb("#121a33")
GLOW = rgb("#7df3ff")

shell = Look(SHELL, SHELL_SHADE, SHELL_LIGHT, (-16, -16), (8, 10), 14, INK, 6)
accent = Look(ACCENT, ACCENT_SHADE, ACCENT_LIGHT, (-9, -10), (6, 7), 9, INK, 6)
rubber = Look(RUBBER, RUBBER_SHADE, RUBBER_LIGHT, (-9, -8), (5, 6), 8, INK, 6)


def _mirror(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, float)
    return np.stack([WIDTH - p[:, 0], p[:, 1]], 1)


SIDES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (_mirror, np.asarray)


def _both(half: list[tuple[float, float]]) -> np.ndarray:
    """A closed curve from points on the viewer's right, top to bottom; the ends lie on the middle line."""
    return curve([(MID + x, y) for x, y in half] + [(MID - x, y) for x, y in half[-2:0:-1]])


def draw_robot() -> tuple[np.ndarray, Joints]:
    """RGBA uint8 [H,W,4] and the joints."""
    c = Canvas(WIDTH, HEIGHT)
    j = Joints(WIDTH, (WIDTH, HEIGHT))
    _legs(c, j)
    _arms(c, j)
    _body(c, j)
    _head(c, j)
    return c.finish(), j


def _ribs(c: Canvas, side: Callable, a: np.ndarray, b: np.ndarray, radius: float, count: int) -> None:
    """A bellows of rubber between two shells."""
    c.shape(side(limb([a, b], [radius, radius])), rubber)
    d = (b - a) / np.linalg.norm(b - a)
    n = np.array([-d[1], d[0]])
    for u in np.linspace(0.12, 0.88, count):
        m = a + u * (b - a)
        c.stroke(side(np.array([m - (radius - 3) * n, m + 4 * d, m + (radius - 3) * n])), [2.2, 2.6, 2.2], INK, 0.75)


def _legs(c: Canvas, j: Joints) -> None:
    (hip, _), (knee, _), (ankle, _) = (
        j.pair("hip", MID + 62, 680),
        j.pair("knee", MID + 78, 826),
        j.pair("ankle", MID + 86, 968),
    )
    j.pair("big_toe", MID + 98, 1030)
    j.pair("small_toe", MID + 140, 1020)
    j.pair("heel", MID + 84, 1012)
    h, k, a = np.array(hip), np.array(knee), np.array(ankle)
    for side in SIDES:
        _ribs(c, side, h, k, 34, 6)
        _ribs(c, side, k, a, 30, 2)
        c.shape(side(limb([k + [1, 34], k + [4, 70], a + [-2, -14]], [38, 47, 40])), shell)
        c.shape(side(ellipse(*k, 40, 38)), accent)
        c.shape(side(ellipse(*k, 17, 16)), Look(ACCENT_SHADE, mix(ACCENT_SHADE, INK, 0.3), None, (5, 6), softness=5))
        foot = curve([(MID + 30, 1028), (MID + 44, 982), (MID + 96, 964), (MID + 148, 988), (MID + 172, 1030), (MID + 160, 1050), (MID + 96, 1056),
                      (MID + 38, 1048)])  # fmt: skip
        inside = c.shape(side(foot), shell)
        toe = limb([(MID + 24, 1046), (MID + 100, 1053), (MID + 178, 1044)], [13, 13, 13])
        c.shape(side(toe), Look(RUBBER, RUBBER_SHADE), clip=inside)
        c.stroke(
            side(np.array([(MID + 31, 1032), (MID + 100, 1040), (MID + 172, 1030)])), [2.5, 2.5, 2.5], INK, clip=inside
        )
        stripe = limb([(MID + 62, 1008), (MID + 102, 998), (MID + 140, 1008)], [6, 7, 6])
        c.shape(side(stripe), Look(ACCENT, ACCENT_SHADE, line=INK, line_width=4), clip=inside)


def _arms(c: Canvas, j: Joints) -> None:
    (shoulder, _), (elbow, _), (wrist, _) = (
        j.pair("shoulder", MID + 134, 446), j.pair("elbow", MID + 216, 574), j.pair("wrist", MID + 278, 700))  # fmt: skip
    along = (0.40, 0.92)
    hand = hand_points(wrist, along, 112, 1, fan=1.15)
    j.left_hand, j.right_hand = hand, _mirror(hand)
    s, e, w = np.array(shoulder), np.array(elbow), np.array(wrist)
    d = np.array(along)
    n = np.array([-d[1], d[0]])
    for side in SIDES:
        _ribs(c, side, s, e, 27, 6)
        for f in (4, 3, 2, 1):
            k = hand[1 + 4 * f : 5 + 4 * f]
            c.shape(side(limb(np.vstack([k[0] + 0.25 * (w - k[0]), k]), [9.5, 9.5, 9, 8.5, 7.5])), Look(
                RUBBER, RUBBER_SHADE, RUBBER_LIGHT, (-3, -4), (3, 3), 4, INK, 4.5))  # fmt: skip
            tip = limb([k[2] + 0.5 * (k[3] - k[2]), k[3]], [9, 8])
            c.shape(side(tip), Look(ACCENT, ACCENT_SHADE, ACCENT_LIGHT, (-3, -4), (2, 3), 4, INK, 4.5))
        k = hand[1:5]
        c.shape(side(limb(np.vstack([w + 6 * n + 14 * d, k]), [13, 12, 10.5, 9, 8])), Look(
            RUBBER, RUBBER_SHADE, RUBBER_LIGHT, (-3, -4), (3, 3), 4, INK, 4.5))  # fmt: skip
        c.shape(side(limb([k[2] + 0.5 * (k[3] - k[2]), k[3]], [9.5, 8.5])), Look(
            ACCENT, ACCENT_SHADE, ACCENT_LIGHT, (-3, -4), (2, 3), 4, INK, 4.5))  # fmt: skip
        back = curve(
            [
                w - 22 * n,
                w - 27 * n + 30 * d,
                w - 24 * n + 56 * d,
                w + 60 * d,
                w + 25 * n + 58 * d,
                w + 27 * n + 30 * d,
                w + 22 * n,
            ]
        )
        c.shape(side(back), Look(SHELL, SHELL_SHADE, SHELL_LIGHT, (-7, -7), (4, 5), 7, INK, 5))
        c.shape(side(limb([e, e + 0.35 * (w - e), w - 6 * d], [35, 42, 31])), shell)
        c.shape(side(limb([w - 6 * d - 22 * n, w - 2 * d, w - 6 * d + 22 * n], [10, 11, 10])), accent)
        c.shape(side(ellipse(*e, 36, 35)), accent)
        c.shape(side(ellipse(*e, 15, 15)), Look(ACCENT_SHADE, mix(ACCENT_SHADE, INK, 0.3), None, (5, 6), softness=5))
        c.shape(side(ellipse(s[0] + 4, s[1], 50, 48)), shell)
        c.stroke(side(np.array([s + [-14, -32], s + [20, -34], s + [38, -12]])), [1, 4, 1], SHELL_LIGHT)


def _body(c: Canvas, j: Joints) -> None:
    neck = limb([(MID, 372), (MID, 430)], [42, 46])
    c.shape(neck, rubber)
    for y in (392, 408):
        c.stroke([(MID - 40, y), (MID, y + 7), (MID + 40, y)], [2.4, 2.8, 2.4], INK, 0.75)
    pelvis = _both([(0, 640), (70, 640), (108, 664), (102, 712), (56, 744), (0, 752)])
    c.shape(pelvis, rubber)
    body = _both([(0, 412), (96, 418), (140, 456), (140, 540), (122, 622), (92, 676), (0, 690)])
    inside = c.shape(body, shell)
    belly = _both([(0, 612), (70, 608), (140, 580), (150, 660), (80, 704), (0, 712)])
    c.shape(belly, Look(ACCENT, ACCENT_SHADE, ACCENT_LIGHT, (-10, -10), (4, 7), 9, INK, 5), clip=inside)
    c.lay(c.line_mask(body, 6, True), INK)
    panel = _both([(0, 468), (52, 469), (66, 486), (64, 556), (46, 574), (0, 576)])
    c.shape(panel, Look(GLASS, GLASS_SHADE, rgb("#3e5a86"), (-8, -8), (6, 8), 9, INK, 5))
    heart = curve([(MID, 502), (MID + 16, 488), (MID + 35, 497), (MID + 33, 520), (MID, 552), (MID - 33, 520), (MID - 35, 497), (MID - 16, 488)],
                  sharp=(0, 4))  # fmt: skip
    c.blush(MID, 518, 40, 34, GLOW, 0.35)
    c.shape(heart, Look(GLOW, rgb("#39b9e0"), rgb("#d8fdff"), (-5, -6), (4, 5), 6))
    for s in (-1, 1):
        for k in range(3):
            c.stroke(
                [(MID + s * 88, 486 + 20 * k), (MID + s * 112, 488 + 20 * k)], [3.2, 3.2], mix(SHELL_SHADE, INK, 0.45)
            )
        c.shape(ellipse(MID + s * 62, 652, 6, 6), Look(ACCENT_SHADE, line=INK, line_width=3))


def _head(c: Canvas, j: Joints) -> None:
    c.shape(limb([(MID, 150), (MID, 92)], [7, 6]), rubber)
    c.shape(ellipse(MID, 74, 22, 22), accent)
    c.shape(ellipse(MID - 7, 66, 6, 5), Look(rgb("#fff0dc")))
    for s in (-1, 1):
        c.shape(limb([(MID + s * 176, 236), (MID + s * 190, 260), (MID + s * 176, 288)], [26, 30, 26]), accent)
    head = _both([(0, 136), (104, 142), (168, 182), (184, 262), (170, 336), (108, 380), (0, 388)])
    c.shape(head, Look(SHELL, SHELL_SHADE, SHELL_LIGHT, (-20, -20), (10, 13), 16, INK, 6.5))
    face = _both([(0, 184), (96, 188), (140, 214), (148, 264), (138, 318), (92, 346), (0, 350)])
    glass = c.shape(face, Look(GLASS, GLASS_SHADE, rgb("#4a6a98"), (-10, -14), (6, 9), 12, INK, 6))
    sheen = curve([(MID - 120, 214), (MID - 58, 196), (MID - 96, 330), (MID - 128, 306)])
    c.lay(c.mask(sheen), rgb("#5d7fae"), 0.28, clip=glass)
    ex, ey = 62, 250
    for s in (-1, 1):
        c.blush(MID + s * ex, ey, 40, 44, GLOW, 0.28, clip=glass)
        c.shape(ellipse(MID + s * ex, ey, 23, 29), Look(GLOW, rgb("#35b4de"), rgb("#e6feff"), (-4, -6), (4, 6), 7))
        c.shape(ellipse(MID + s * ex, ey + 2, 10, 14), Look(GLASS_SHADE))
        c.shape(ellipse(MID + s * ex - 6, ey - 9, 6, 7), Look(rgb("#ffffff")))
        c.stroke([(MID + s * 40, 206), (MID + s * 62, 199), (MID + s * 84, 207)], [3, 4.5, 3], GLOW, 0.9)
        c.blush(MID + s * 108, 292, 18, 11, rgb("#ff8fa8"), 0.55, clip=glass)
    c.shape(ellipse(MID, 281, 7, 5), Look(GLOW, rgb("#35b4de")))
    smile = curve(
        [(MID - 36, 303), (MID, 309), (MID + 36, 303), (MID + 22, 325), (MID, 331), (MID - 22, 325)], sharp=(0, 2)
    )
    mouth = c.shape(smile, Look(rgb("#0d3350"), None))
    c.shape(ellipse(MID, 329, 19, 9), Look(rgb("#ff8fa8")), clip=mouth)
    c.lay(c.line_mask(smile, 5, True), GLOW)
    j.body["nose"] = (MID, 281.0)
    j.pair("eye", MID + ex, ey)
    j.pair("ear", MID + 178, 262)
    jaw = np.array(
        [(-180, 8), (-178, 40), (-170, 72), (-150, 102), (-122, 120), (-92, 130), (-60, 134), (-30, 136.5), (0, 137)]
    )
    j.face = face_points(FaceShape((MID, ey), jaw, (ex, 23, 29), (44, 22, 7), (31, 14), (64, 37, 30, 7), 0.7))
