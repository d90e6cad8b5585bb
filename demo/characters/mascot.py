"""A bear cub in a hooded jumper: big head, short legs, thick lines, no background."""

# ruff: noqa: RUF005  (adding an offset to a point is arithmetic here, not concatenation)

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Look, curve, ellipse, limb, mix, rgb
from .joints import FaceShape, Joints, face_points, hand_points

WIDTH, HEIGHT = 768, 1024
MID = WIDTH / 2
INK = rgb("#3a211b")
FUR, FUR_SHADE, FUR_LIGHT = rgb("#d58a4a"), rgb("#b0653a"), rgb("#eba966")
CREAM, CREAM_SHADE = rgb("#fbe6c5"), rgb("#e9c497")
KNIT, KNIT_SHADE, KNIT_LIGHT = rgb("#2f9e9a"), rgb("#1f7480"), rgb("#58c2b3")
TRIM, TRIM_SHADE = rgb("#ffd166"), rgb("#e5a93f")
PINK = rgb("#f29a8a")

fur = Look(FUR, FUR_SHADE, FUR_LIGHT, (-14, -18), (9, 12), 14, INK, 7)
knit = Look(KNIT, KNIT_SHADE, KNIT_LIGHT, (-14, -16), (8, 12), 13, INK, 7)
trim = Look(TRIM, TRIM_SHADE, None, (-8, -8), line=INK, line_width=6)
cream = Look(CREAM, CREAM_SHADE, None, (-10, -14), softness=12)


def _mirror(p: np.ndarray) -> np.ndarray:
    return np.stack([WIDTH - p[:, 0], p[:, 1]], 1)


def _both(half: list[tuple[float, float]]) -> np.ndarray:
    """A closed curve from points on the viewer's right, top to bottom; the ends lie on the middle line."""
    right = [(MID + x, y) for x, y in half]
    left = [(MID - x, y) for x, y in half[-2:0:-1]]
    return curve(right + left)


def draw_mascot() -> tuple[np.ndarray, Joints]:
    """RGBA uint8 [H,W,4] and the joints."""
    c = Canvas(WIDTH, HEIGHT)
    j = Joints(WIDTH, (WIDTH, HEIGHT))
    _legs(c, j)
    _body(c, j)
    _arms(c, j)
    _head(c, j)
    return c.finish(), j


def _legs(c: Canvas, j: Joints) -> None:
    (hip, _), (knee, _), (ankle, _) = (
        j.pair("hip", MID + 62, 762),
        j.pair("knee", MID + 70, 840),
        j.pair("ankle", MID + 74, 916),
    )
    j.pair("big_toe", MID + 92, 968)
    j.pair("small_toe", MID + 138, 958)
    j.pair("heel", MID + 74, 950)
    for flip in (False, True):
        side = _mirror if flip else (lambda p: p)
        leg = limb([hip, knee, ankle], [60, 57, 52])
        c.shape(side(leg), fur)
        foot = curve([(MID + 20, 930), (MID + 62, 892), (MID + 118, 898), (MID + 156, 940), (MID + 146, 978), (MID + 84, 988),
                      (MID + 24, 976)])  # fmt: skip
        c.shape(side(foot), fur)
        for x in (96, 122):
            c.stroke(side(np.array([(MID + x, 962), (MID + x + 3, 982)])), [2.5, 3.5], INK)


def _body(c: Canvas, j: Joints) -> None:
    body = _both([(0, 500), (80, 508), (128, 560), (146, 650), (150, 740), (128, 792), (0, 802)])
    inside = c.shape(body, knit)
    hem = _both([(0, 766), (80, 764), (150, 742), (160, 780), (128, 806), (0, 816)])
    c.shape(hem, Look(KNIT_SHADE, mix(KNIT_SHADE, INK, 0.35), KNIT, (-8, -10), (5, 6), line=INK, line_width=6))
    for x in range(-120, 121, 24):
        sag = 806 - 0.0011 * x * x
        c.stroke([(MID + x, sag - 28), (MID + x * 0.99, sag - 4)], [1.5, 1.5], mix(KNIT_SHADE, INK, 0.45), 0.7)
    pocket = curve([(MID - 78, 748), (MID - 52, 668), (MID + 52, 668), (MID + 78, 748), (MID, 757)], sharp=(0, 1, 2, 3))
    c.shape(pocket, Look(mix(KNIT, KNIT_LIGHT, 0.25), KNIT_SHADE, None, (-5, -6), softness=6, line=mix(KNIT_SHADE, INK, 0.5), line_width=4),
            clip=inside)  # fmt: skip
    # A star on the chest.
    a = -np.pi / 2 + np.arange(10) * np.pi / 5
    r = np.where(np.arange(10) % 2 == 0, 40, 19)
    star = np.stack([MID + r * np.cos(a), 606 + r * np.sin(a)], 1)
    star = curve(star, steps=6, sharp=(1, 3, 5, 7, 9))
    c.shape(star, trim)


def _arms(c: Canvas, j: Joints) -> None:
    (shoulder, _), (elbow, _), (wrist, _) = (
        j.pair("shoulder", MID + 106, 562), j.pair("elbow", MID + 178, 640), j.pair("wrist", MID + 236, 716))  # fmt: skip
    along = (0.62, 0.78)
    hand = hand_points(wrist, along, 92, 1, fan=0.9)
    j.left_hand, j.right_hand = hand, _mirror(hand)
    d = np.array(along)
    n = np.array([-d[1], d[0]])
    w = np.array(wrist)
    for flip in (False, True):
        side = _mirror if flip else (lambda p: p)
        paw = [w - 36 * n, w - 48 * n + 34 * d, w - 40 * n + 74 * d, w - 14 * n + 94 * d, w + 14 * n + 90 * d,
               w + 36 * n + 66 * d, w + 44 * n + 30 * d, w + 36 * n]  # fmt: skip
        thumb = limb([w + 26 * n + 14 * d, w + 50 * n + 32 * d, w + 54 * n + 50 * d], [19, 18, 15])
        c.shape(side(thumb), fur)
        c.shape(side(curve(paw)), fur)
        for k in (-14, 14):
            c.stroke(side(np.array([w + k * n + 70 * d, w + k * 1.1 * n + 88 * d])), [2.5, 3.5], INK)
        sleeve = limb([np.array(shoulder) + [-18, -16], shoulder, elbow, w - 18 * d], [34, 48, 50, 46])
        c.shape(side(sleeve), knit)
        cuff = limb([w - 3 * d - 40 * n, w + 6 * d, w - 3 * d + 40 * n], [16, 17, 16])
        c.shape(side(cuff), trim)
        e = np.array(elbow)
        c.stroke(side(np.array([e + [-38, 12], e + [-22, 20], e + [-8, 18]])), [1, 3.5, 1], INK, 0.8)
    # The shoulder's seam lets the sleeve grow out of the jumper.
    for s in (1, -1):
        c.stroke([(MID + s * 92, 596), (MID + s * 98, 640), (MID + s * 112, 668)], [1, 3.5, 1], INK, 0.85)


def _head(c: Canvas, j: Joints) -> None:
    hood = _both([(0, 470), (120, 478), (158, 520), (112, 560), (0, 574)])
    c.shape(hood, knit)
    for s in (1, -1):
        cord = limb([(MID + s * 34, 552), (MID + s * 40, 590), (MID + s * 36, 622)], [5, 5, 6])
        c.shape(cord, Look(CREAM, CREAM_SHADE, line=INK, line_width=4))
    for s in (1, -1):
        c.shape(ellipse(MID + s * 148, 186, 74, 72), fur)
        c.shape(ellipse(MID + s * 150, 194, 44, 43), Look(PINK, rgb("#d9756b"), None, (8, 12), softness=14))
    head = _both([(0, 148), (120, 166), (196, 256), (216, 362), (190, 440), (110, 502), (0, 520)])
    inside = c.shape(head, Look(FUR, FUR_SHADE, FUR_LIGHT, (-20, -26), (14, 18), 20, INK, 7.5))
    tuft = curve([(MID - 34, 156), (MID - 20, 118), (MID - 4, 142), (MID + 12, 106), (MID + 20, 142), (MID + 44, 128),
                  (MID + 36, 162), (MID, 178)], sharp=(1, 3, 5))  # fmt: skip
    c.shape(tuft, Look(FUR, None, FUR_LIGHT, light_at=(4, 6), softness=6))
    c.lay(c.line_mask(tuft[:-28], 7, False), INK)
    c.shape(ellipse(MID, 432, 108, 76), cream, clip=inside)
    for s in (1, -1):
        c.blush(MID + s * 148, 418, 40, 27, rgb("#f2705f"), 0.62, clip=inside)
        c.stroke([(MID + s * 60, 262), (MID + s * 86, 250), (MID + s * 112, 262)], [5, 7.5, 4], rgb("#7a4326"))
        _eye(c, MID + s * 84, 338, s)
    mouth = (MID, 442.0)
    # An open smile: dark inside, tongue, a clean line above.
    lip = curve([(mouth[0] - 46, mouth[1] - 2), (mouth[0], mouth[1] + 8), (mouth[0] + 46, mouth[1] - 2), (mouth[0] + 30, mouth[1] + 27),
                 (mouth[0], mouth[1] + 37), (mouth[0] - 30, mouth[1] + 27)], sharp=(0, 2))  # fmt: skip
    hole = c.shape(lip, Look(rgb("#7a2230"), rgb("#5a1626"), None, (0, 9), softness=7))
    c.shape(ellipse(MID, mouth[1] + 36, 26, 15), Look(rgb("#ef7f7c")), clip=hole)
    c.lay(c.line_mask(lip, 5, True), INK)
    for s in (1, -1):
        c.stroke(
            [(mouth[0] + s * 43, mouth[1] + 1), (mouth[0] + s * 52, mouth[1] - 5), (mouth[0] + s * 57, mouth[1] - 13)],
            [3, 3, 2],
            INK,
        )
    nose = curve([(MID - 34, 378), (MID, 370), (MID + 34, 378), (MID + 22, 402), (MID, 414), (MID - 22, 402)])
    c.shape(nose, Look(rgb("#4a2a26"), rgb("#2c1614"), None, (-4, -7), softness=7, line=INK, line_width=4))
    c.shape(ellipse(MID - 10, 382, 13, 5, -6), Look(rgb("#b98a80")))
    c.stroke([(MID, 412), (MID, 449)], [2.5, 2.5], INK)
    j.body["nose"] = (MID, 400.0)
    j.pair("eye", MID + 84, 338)
    j.pair("ear", MID + 205, 345)
    jaw = np.array(
        [(-206, 5), (-204, 50), (-192, 98), (-165, 130), (-130, 155), (-95, 170), (-62, 177), (-30, 181), (0, 182)]
    )
    shape = FaceShape((MID, 338), jaw, (84, 30, 37), (72, 27, 12), (62, 30), (123, 48, 39, 8), 0.72)
    j.face = face_points(shape)


def _eye(c: Canvas, x: float, y: float, s: int) -> None:
    c.shape(
        ellipse(x, y, 31, 38), Look(rgb("#ffffff"), rgb("#d8dde6"), None, (0, 8), softness=8, line=INK, line_width=6)
    )
    c.shape(
        ellipse(x - s * 3, y + 2, 22, 29), Look(rgb("#5b3424"), None, rgb("#26120e"), light_at=(0, 16), softness=14)
    )
    c.shape(ellipse(x - s * 3, y + 2, 12, 17), Look(rgb("#180b09")))
    c.shape(ellipse(x - s * 3 - 8, y - 12, 8, 10, 20), Look(rgb("#ffffff")))
    c.shape(ellipse(x - s * 3 + 9, y + 15, 5, 5), Look(rgb("#ffe9d2")))
    c.stroke(
        [(x - 31, y - 19), (x - 18, y - 35), (x, y - 41), (x + 18, y - 35), (x + 31, y - 19)], [3, 5, 6, 5, 3], INK
    )
