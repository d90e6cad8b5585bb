"""A long-legged young woman in a short jacket and a dress, before a painted evening landscape."""

# ruff: noqa: RUF005  (adding an offset to a point is arithmetic here, not concatenation)

from __future__ import annotations

import numpy as np

from .canvas import SUPERSAMPLING, Canvas, Look, curve, ellipse, limb, mix, rgb
from .joints import FaceShape, Joints, face_points, hand_points
from .landscape import evening

WIDTH = 864
PICTURE = (900, 1200)
# Room around the figure: a person who fills the whole picture is hard to find for detectors.
ZOOM, OFFSET = 0.86, (78.5, 116.0)
MID = WIDTH / 2
INK = rgb("#3b2230")
SKIN, SKIN_SHADE, SKIN_LIGHT = rgb("#f6cbae"), rgb("#dc9a80"), rgb("#ffe3cd")
HAIR, HAIR_SHADE, HAIR_LIGHT = rgb("#8e3b2f"), rgb("#5d2329"), rgb("#cf7348")
JACKET, JACKET_SHADE, JACKET_LIGHT = rgb("#2c4a7c"), rgb("#1c2f57"), rgb("#5179b4")
DRESS, DRESS_SHADE, DRESS_LIGHT = rgb("#fbf1df"), rgb("#d5bda9"), rgb("#ffffff")
TIGHTS, TIGHTS_SHADE, TIGHTS_LIGHT = rgb("#4b3a58"), rgb("#332640"), rgb("#75608a")
BOOT, BOOT_SHADE, BOOT_LIGHT = rgb("#b5562f"), rgb("#7f3523"), rgb("#e58b52")
GOLD = rgb("#f4c05c")

skin = Look(SKIN, SKIN_SHADE, SKIN_LIGHT, (-5, -7), (3, 4), 5, mix(SKIN_SHADE, INK, 0.55), 2.6)
jacket = Look(JACKET, JACKET_SHADE, JACKET_LIGHT, (-9, -8), (5, 5), 9, INK, 3.2)
dress = Look(DRESS, DRESS_SHADE, None, (-16, -10), softness=16, line=INK, line_width=3.2)
tights = Look(TIGHTS, TIGHTS_SHADE, TIGHTS_LIGHT, (-9, -6), (5, 4), 10, INK, 3.2)
boot = Look(BOOT, BOOT_SHADE, BOOT_LIGHT, (-8, -8), (4, 5), 8, INK, 3.2)
hair = Look(HAIR, HAIR_SHADE, HAIR_LIGHT, (-8, -8), (5, 7), 9, INK, 3.0)


def _mirror(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, float)
    return np.stack([WIDTH - p[:, 0], p[:, 1]], 1)


def _both(half: list[tuple[float, float]], sharp: tuple[int, ...] = ()) -> np.ndarray:
    """A closed curve from points on the viewer's right, top to bottom; the ends lie on the middle line."""
    right = [(MID + x, y) for x, y in half]
    left = [(MID - x, y) for x, y in half[-2:0:-1]]
    n = len(right) + len(left)
    return curve(right + left, sharp=[*sharp, *((n - k) % n for k in sharp)])


def draw_heroine() -> tuple[np.ndarray, Joints]:
    """RGBA uint8 [H,W,4], opaque, and the joints."""
    c = Canvas(*PICTURE, evening(PICTURE[0] * SUPERSAMPLING, PICTURE[1] * SUPERSAMPLING), ZOOM, OFFSET)
    j = Joints(WIDTH, PICTURE, ZOOM, OFFSET)
    c.blush(MID + 30, 1118, 190, 17, rgb("#3a2b4a"), 0.75)
    _hair_behind(c)
    _legs(c, j)
    _dress(c)
    _arms(c, j)
    _jacket(c)
    _head(c, j)
    return c.finish(), j


def _hair_behind(c: Canvas) -> None:
    back = _both([(0, 66), (66, 82), (92, 150), (98, 230), (112, 300), (100, 372), (62, 388), (0, 360)])
    c.shape(back, Look(HAIR_SHADE, mix(HAIR_SHADE, INK, 0.5), HAIR, (-10, -8), (6, 6), 12, INK, 3.2))


def _legs(c: Canvas, j: Joints) -> None:
    _, (knee, _), (ankle, _) = (
        j.pair("hip", MID + 48, 560),
        j.pair("knee", MID + 62, 806),
        j.pair("ankle", MID + 72, 1042),
    )
    j.pair("big_toe", MID + 82, 1106)
    j.pair("small_toe", MID + 112, 1098)
    j.pair("heel", MID + 66, 1086)
    for flip in (True, False):
        side = _mirror if flip else np.asarray
        leg = limb([(MID + 54, 640), (MID + 58, 700), knee, (MID + 70, 890), ankle], [50, 45, 32, 34, 19])
        c.shape(side(leg), tights)
        c.blush(*side(np.array([(MID + 54, 800)]))[0], 11, 18, TIGHTS_LIGHT, 0.5)
        c.stroke(side(np.array([(MID + 46, 830), (MID + 60, 838), (MID + 76, 832)])), [0.6, 1.8, 0.6], TIGHTS_SHADE)
        shaft = curve([(MID + 41, 1000), (MID + 72, 1006), (MID + 103, 998), (MID + 97, 1030), (MID + 98, 1052), (MID + 124, 1086),
                       (MID + 128, 1110), (MID + 92, 1120), (MID + 52, 1112), (MID + 50, 1080), (MID + 47, 1044)],
                      sharp=(0, 2))  # fmt: skip
        inside = c.shape(side(shaft), boot)
        sole = curve([(MID + 50, 1104), (MID + 90, 1112), (MID + 130, 1102), (MID + 130, 1117), (MID + 92, 1126), (MID + 52, 1119)],
                     sharp=(0, 2))  # fmt: skip
        c.shape(side(sole), Look(rgb("#4d2a26"), line=INK, line_width=2.6))
        for y in (1030, 1046, 1062, 1078):
            c.stroke(
                side(
                    np.array(
                        [
                            (MID + 62 + (y - 1030) * 0.12, y),
                            (MID + 75 + (y - 1030) * 0.15, y + 5),
                            (MID + 90 + (y - 1030) * 0.2, y + 1),
                        ]
                    )
                ),
                [1.8, 1.8, 1.8],
                GOLD,
                clip=inside,
            )
        c.stroke(
            side(np.array([(MID + 40, 1012), (MID + 72, 1018), (MID + 104, 1010)])),
            [1.2, 1.6, 1.2],
            BOOT_SHADE,
            clip=inside,
        )


def _dress(c: Canvas) -> None:
    skirt = curve([(MID - 62, 440), (MID, 446), (MID + 62, 440), (MID + 92, 540), (MID + 128, 668), (MID + 134, 700), (MID + 96, 716),
                   (MID + 60, 706), (MID + 26, 722), (MID - 10, 710), (MID - 48, 722), (MID - 84, 708), (MID - 112, 716), (MID - 134, 700),
                   (MID - 128, 668), (MID - 92, 540)], sharp=(0, 2))  # fmt: skip
    inside = c.shape(skirt, Look(DRESS_LIGHT, mix(DRESS_SHADE, rgb("#a08aa8"), 0.3), None, (-22, -12), softness=20, line=INK,
                                 line_width=3.2, lower=mix(DRESS, rgb("#f0c9a8"), 0.5)))  # fmt: skip
    for x0, x1, y1, w in (
        (-30, -66, 716, 9),
        (6, 8, 716, 8),
        (34, 76, 708, 10),
        (56, 112, 712, 7),
        (-50, -104, 712, 7),
    ):
        fold = [(MID + x0, 470), (MID + (x0 + x1) / 2 * 0.96, 590), (MID + x1, y1)]
        c.stroke(fold, [0.4, w * 0.45, w], mix(DRESS_SHADE, rgb("#a08aa8"), 0.35), 0.75, clip=inside)
        c.stroke(fold, [0.4, 0.8, 1.4], INK, 0.55, clip=inside)
    for dy, w in ((-26, 3.2), (-16, 1.4)):
        band = np.array(
            [(-131, 694), (-98, 706), (-66, 706), (-30, 712), (0, 706), (34, 712), (66, 702), (98, 706), (131, 694)]
        )
        c.stroke(band + [MID, dy + 4], [w] * 9, rgb("#d9694f"), clip=inside)
    bodice = _both([(0, 300), (40, 286), (66, 300), (74, 350), (64, 400), (62, 446), (0, 452)], sharp=(5,))
    inside = c.shape(bodice, dress)
    c.blush(MID + 30, 366, 30, 22, DRESS_SHADE, 0.55, clip=inside)
    c.blush(MID - 26, 366, 30, 22, DRESS_SHADE, 0.35, clip=inside)
    belt = _both([(0, 432), (40, 430), (66, 426), (67, 450), (40, 455), (0, 457)], sharp=(2, 3))
    inside = c.shape(belt, Look(BOOT, BOOT_SHADE, BOOT_LIGHT, (-6, -5), (3, 4), 5, INK, 3))
    c.shape(curve([(MID - 14, 430), (MID + 14, 430), (MID + 14, 458), (MID - 14, 458)], sharp=(0, 1, 2, 3)),
            Look(GOLD, rgb("#b97f2e"), rgb("#fff0be"), (-3, -4), (2, 3), 3, INK, 2.6))  # fmt: skip


def _arms(c: Canvas, j: Joints) -> None:
    (shoulder, _), (elbow, _), (wrist, _) = (
        j.pair("shoulder", MID + 82, 304),
        j.pair("elbow", MID + 156, 424),
        j.pair("wrist", MID + 214, 534),
    )
    along = (0.42, 0.907)
    hand = hand_points(wrist, along, 84, 1, fan=1.0)
    j.left_hand, j.right_hand = hand, _mirror(hand)
    d = np.array(along)
    n = np.array([-d[1], d[0]])
    w = np.array(wrist)
    for flip in (True, False):
        side = _mirror if flip else np.asarray
        _hand(c, side, hand, w, d, n)
        sleeve = limb(
            [np.array(shoulder) + [-10, -4], np.array(shoulder) + [12, 22], elbow, w - 28 * d], [30, 33, 27, 23]
        )
        inside = c.shape(side(sleeve), jacket)
        cuff = limb([w - 21 * d - 19 * n, w - 17 * d, w - 21 * d + 19 * n], [8.5, 9.5, 8.5])
        c.shape(side(cuff), Look(rgb("#d9694f"), rgb("#a8433c"), rgb("#f2946f"), (-3, -4), (2, 3), 4, INK, 3))
        e = np.array(elbow)
        for a, b, m in (((-22, -8), (2, 2), (-8, -1)), ((-20, 6), (6, 14), (-6, 13)), ((-14, 24), (8, 24), (-3, 27))):
            c.stroke(side(np.array([e + a, e + m, e + b])), [0.5, 2.2, 0.5], JACKET_SHADE, 0.9, clip=inside)
        stripe = np.array([np.array(shoulder) + [30, 12], e + [16, -10], w + [-2, -38]])
        c.stroke(side(stripe), [2.2, 2.2, 2.2], GOLD, 0.9, clip=inside)


def _hand(c: Canvas, side: object, p: np.ndarray, w: np.ndarray, d: np.ndarray, n: np.ndarray) -> None:
    place = side if callable(side) else np.asarray
    forearm = limb([w - 30 * d, w, w + 10 * d], [14, 12, 13])
    c.shape(place(forearm), skin)
    for f in (4, 3, 2, 1):
        k = p[1 + 4 * f : 5 + 4 * f]
        r = 5.6 if f < 4 else 4.8
        c.shape(place(limb(np.vstack([k[0] + 0.15 * (w - k[0]), k]), [r + 0.8, r + 0.8, r, r - 0.5, r - 1.4])), skin)
    k = p[5:21:4]
    palm = curve([w - 11 * n, w + 11 * n, w + 16 * n + 20 * d, k[0] + 6.5 * n, k[0] + 3 * d, k[1] + 3 * d, k[2] + 3 * d,
                  k[3] - 5.5 * n, w - 15 * n + 18 * d])  # fmt: skip
    inside = c.shape(place(palm), Look(SKIN, SKIN_SHADE, SKIN_LIGHT, (-4, -4), (3, 3), 5))
    rim = np.vstack([[w - 11 * n], [w - 15 * n + 18 * d], [k[3] - 6 * n]])
    line = mix(SKIN_SHADE, INK, 0.55)
    c.stroke(place(curve(rim, closed=False)), [1.3, 1.3, 1.3], line)
    thumb = np.vstack([w + 3 * n + 10 * d, p[1], p[2], p[3], p[4]])
    c.shape(place(limb(thumb, [8.5, 8, 6.6, 5.8, 4.4])), skin)
    c.lay(c.mask(place(limb([w + 1 * n + 6 * d, w + 5 * n + 22 * d], [9, 7]))), SKIN, 0.9, clip=inside)
    for m in (0, 1, 2):
        gap = (k[m] + k[m + 1]) / 2
        c.stroke(place(np.array([gap - 3 * d, gap + 7 * d])), [0.6, 1.2], line, 0.8)


def _jacket(c: Canvas) -> None:
    neck = curve(
        [
            (MID - 23, 222),
            (MID + 23, 222),
            (MID + 25, 262),
            (MID + 46, 290),
            (MID, 330),
            (MID - 46, 290),
            (MID - 25, 262),
        ]
    )
    inside = c.shape(neck, skin)
    c.blush(MID, 244, 34, 18, SKIN_SHADE, 0.95, clip=inside)
    c.stroke([(MID - 30, 291), (MID - 12, 297), (MID - 4, 303)], [0.6, 1.6, 0.6], SKIN_SHADE)
    c.stroke([(MID + 30, 291), (MID + 12, 297), (MID + 4, 303)], [0.6, 1.6, 0.6], SKIN_SHADE)
    c.stroke([(MID - 26, 272), (MID - 12, 306), (MID, 318), (MID + 12, 306), (MID + 26, 272)], [1, 1, 1.2, 1, 1], GOLD)
    c.shape(
        ellipse(MID, 321, 5.5, 6.5), Look(rgb("#59c2c9"), rgb("#2c7f92"), rgb("#d9ffff"), (-2, -2), (2, 2), 2, INK, 1.8)
    )
    for s in (-1, 1):
        panel = curve([(MID + s * 30, 272), (MID + s * 58, 280), (MID + s * 96, 292), (MID + s * 88, 356), (MID + s * 80, 420),
                       (MID + s * 40, 426), (MID + s * 36, 372), (MID + s * 44, 320)], sharp=(0, 4, 5))  # fmt: skip
        inside = c.shape(
            panel, Look(JACKET, JACKET_SHADE, JACKET_LIGHT, (-9, -8) if s > 0 else (-5, -8), (5, 5), 9, INK, 3.2)
        )
        hem = curve([(MID + s * 82, 404), (MID + s * 60, 410), (MID + s * 37, 410), (MID + s * 39, 430), (MID + s * 60, 431), (MID + s * 82, 425)],
                    sharp=(0, 2, 3, 5))  # fmt: skip
        c.shape(hem, Look(rgb("#d9694f"), rgb("#a8433c"), rgb("#f2946f"), (-3, -4), (2, 3), 4, INK, 3))
        c.stroke([(MID + s * 50, 352), (MID + s * 74, 346)], [1.8, 1.8], JACKET_SHADE, clip=inside)
        c.stroke([(MID + s * 50, 356), (MID + s * 74, 350)], [1.0, 1.0], GOLD, clip=inside)
        # The armhole.
        c.stroke([(MID + s * 92, 300), (MID + s * 84, 340), (MID + s * 86, 372)], [0.8, 2.0, 1.2], INK)
        collar = curve([(MID + s * 20, 262), (MID + s * 32, 258), (MID + s * 66, 284), (MID + s * 52, 316), (MID + s * 34, 298)],
                       sharp=(0, 1, 3))  # fmt: skip
        c.shape(collar, Look(rgb("#d9694f"), rgb("#a8433c"), rgb("#f2946f"), (-4, -4), (3, 3), 5, INK, 3))


def _head(c: Canvas, j: Joints) -> None:
    ex, ey = 31.0, 166.0
    jaw = np.array([(-68, 2), (-67, 16), (-63, 31), (-56, 45), (-46, 57), (-34, 67), (-22, 74), (-11, 78.5), (0, 80)])
    for s in (-1, 1):
        ear = c.shape(
            curve(
                [
                    (MID + s * 64, 156),
                    (MID + s * 76, 152),
                    (MID + s * 78, 170),
                    (MID + s * 70, 190),
                    (MID + s * 63, 188),
                ]
            ),
            skin,
        )
        c.shape(
            ellipse(MID + s * 72, 197, 4, 5),
            Look(GOLD, rgb("#b97f2e"), None, (-1, -2), softness=2, line=INK, line_width=1.6),
        )
        del ear
    outline = np.vstack([jaw, jaw[7::-1] * [-1, 1], [(66, -40), (0, -82), (-66, -40)]]) + [MID, ey]
    head = c.shape(
        curve(outline), Look(SKIN, SKIN_SHADE, SKIN_LIGHT, (-6, -5), (4, 6), 8, mix(SKIN_SHADE, INK, 0.6), 2.6)
    )
    for s in (-1, 1):
        c.blush(MID + s * 40, ey + 27, 17, 10, rgb("#f08f80"), 0.55, clip=head)
    c.blush(MID, 112, 90, 26, SKIN_SHADE, 0.55, clip=head)
    for s in (-1, 1):
        _eye(c, MID + s * ex, ey, s)
        c.stroke(
            [(MID + s * 15, ey - 24), (MID + s * 31, ey - 30), (MID + s * 49, ey - 23)], [2.6, 2.6, 1.0], HAIR_SHADE
        )
    c.stroke([(MID + 4, ey + 8), (MID + 6, ey + 22), (MID + 7, ey + 30)], [0.4, 1.4, 0.8], SKIN_SHADE, 0.9)
    c.stroke(
        [(MID - 9, ey + 34), (MID - 3, ey + 37.5), (MID + 1, ey + 36.5), (MID + 8, ey + 34)],
        [0.8, 1.6, 1.6, 0.8],
        mix(SKIN_SHADE, INK, 0.5),
    )
    c.blush(MID - 2, ey + 25, 4, 8, SKIN_LIGHT, 0.9)
    my = ey + 54
    upper = curve(
        [
            (MID - 22, my - 2),
            (MID - 7, my - 6.5),
            (MID, my - 5),
            (MID + 7, my - 6.5),
            (MID + 22, my - 2),
            (MID, my + 1),
        ],
        sharp=(0, 4),
    )
    lower = curve(
        [
            (MID - 22, my - 2),
            (MID, my + 0.5),
            (MID + 22, my - 2),
            (MID + 11, my + 8),
            (MID, my + 10),
            (MID - 11, my + 8),
        ],
        sharp=(0, 2),
    )
    c.shape(lower, Look(rgb("#d9686a"), rgb("#b84c58"), rgb("#f4a09a"), (-2, -2), (0, 4), 3))
    c.shape(upper, Look(rgb("#b9464f"), rgb("#993742"), None, (-2, -2), softness=2))
    c.stroke(
        [(MID - 25, my - 4), (MID - 20, my - 1.5), (MID, my + 0.8), (MID + 20, my - 1.5), (MID + 25, my - 4)],
        [0.6, 1.2, 1.1, 1.2, 0.6],
        rgb("#5d1f2b"),
    )
    c.blush(MID - 4, my + 5, 6, 1.6, rgb("#ffd9d2"), 0.8)
    _hair_front(c)
    j.body["nose"] = (MID, ey + 29.0)
    j.pair("eye", MID + ex, ey)
    j.pair("ear", MID + 69, ey + 6)
    shape = FaceShape((MID, ey), jaw, (ex, 15.5, 9.5), (25, 17, 5), (29, 9), (55.5, 23, 15, 3))
    j.face = face_points(shape)


def _eye(c: Canvas, x: float, y: float, s: int) -> None:
    almond = curve(
        [
            (x - s * 15, y + 3),
            (x - s * 8, y - 8),
            (x + s * 3, y - 10.5),
            (x + s * 15, y - 3),
            (x + s * 8, y + 7),
            (x - s * 5, y + 8.5),
        ],
        sharp=(0, 3),
    )
    white = c.shape(almond, Look(rgb("#fdfaf6"), rgb("#c9c2d2"), None, (0, 5), softness=4))
    c.shape(
        ellipse(x, y - 0.5, 8.8, 10.2),
        Look(rgb("#2f7d6b"), None, rgb("#123a3a"), light_at=(0, 7), softness=6, line=rgb("#10292c"), line_width=1.6),
        clip=white,
    )
    c.shape(ellipse(x, y - 0.5, 4, 4.8), Look(rgb("#08181a")), clip=white)
    c.shape(ellipse(x - 3, y - 4.5, 3.0, 3.4), Look(rgb("#ffffff")))
    c.shape(ellipse(x + 3.5, y + 4.5, 1.7, 1.7), Look(rgb("#bfeede")))
    c.stroke(
        [(x - s * 16, y + 3.5), (x - s * 8, y - 8.5), (x + s * 3, y - 11.5), (x + s * 15, y - 4), (x + s * 20, y - 8)],
        [0.8, 2.2, 2.8, 2.4, 0.6],
        rgb("#2a141b"),
    )
    c.stroke(
        [(x - s * 8, y + 8.5), (x + s * 4, y + 9), (x + s * 14, y - 1)], [0.3, 0.9, 0.9], mix(SKIN_SHADE, INK, 0.6)
    )
    c.stroke(
        [(x - s * 12, y - 11), (x + s * 2, y - 16.5), (x + s * 16, y - 10)], [0.4, 1.0, 0.5], mix(SKIN_SHADE, INK, 0.35)
    )


def _hair_front(c: Canvas) -> None:
    """A parting a little to one side; locks frame the face and fall over the shoulders."""
    part = (MID - 18, 78.0)
    left = curve([part, (MID - 40, 60), (MID - 78, 82), (MID - 94, 140), (MID - 96, 210), (MID - 108, 276), (MID - 98, 350), (MID - 74, 388),
                  (MID - 84, 330), (MID - 72, 268), (MID - 68, 208), (MID - 66, 160), (MID - 52, 122), (MID - 30, 100)], sharp=(0, 7))  # fmt: skip
    right = curve([part, (MID + 10, 56), (MID + 66, 66), (MID + 94, 118), (MID + 98, 196), (MID + 110, 268), (MID + 106, 344), (MID + 80, 396),
                   (MID + 88, 330), (MID + 74, 262), (MID + 69, 204), (MID + 66, 160), (MID + 50, 128), (MID + 14, 108)], sharp=(0, 7))  # fmt: skip
    for outline, s in ((left, -1), (right, 1)):
        lock = c.shape(outline, hair)
        for a, b in ((10, 0.75), (20, 0.45), (30, 0.35)):
            strand = np.array([(part[0] + s * a * 0.5, part[1] + 2), (MID + s * (44 + a), 106 - a * 0.5), (MID + s * (68 + a * 0.7), 170),
                               (MID + s * (74 + a * 0.8), 250), (MID + s * (86 + a * 0.5), 340)])  # fmt: skip
            c.stroke(strand, [0.4, 1.6, 1.4, 1.6, 0.5], HAIR_SHADE, b, clip=lock)
        gleam = [(MID + s * 40, 92), (MID + s * 66, 106), (MID + s * 84, 134)]
        c.stroke(gleam, [1.0, 5.0, 1.0], rgb("#f0a56a"), 0.75, clip=lock)
        c.stroke(
            [(MID + s * 84, 256), (MID + s * 94, 286), (MID + s * 92, 320)],
            [0.6, 3.0, 0.6],
            rgb("#e08a55"),
            0.6,
            clip=lock,
        )
