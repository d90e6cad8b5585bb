"""The face puppet on faces drawn here: a shaded portrait, a flat cartoon with big eyes, a mascot with dots."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from drawn_heads import SIZE, Drawn, draw, face_points

from motion_transfer.models.puppet.face import FacePuppet

KINDS = ("photo", "cartoon", "mascot")
FACES = {kind: draw(kind) for kind in KINDS}
PUPPETS = {kind: FacePuppet(f.pixels, f.alpha, f.points) for kind, f in FACES.items()}


def opened(points: np.ndarray, gap_px: float) -> np.ndarray:
    """The lower lip and the chin go down, in an ellipse; the upper lip and the corners stay."""
    p = points.copy()
    half = (points[54, 0] - points[48, 0]) / 2
    for k in (55, 56, 57, 58, 59, 65, 66, 67):
        p[k, 1] += gap_px * np.sqrt(max(1 - ((points[k, 0] - 160) / half) ** 2, 0))
    p[5:12, 1] += 0.8 * gap_px * np.array([0.5, 0.8, 1, 1, 1, 0.8, 0.5])
    return p


def blinking(points: np.ndarray, amount: float = 1.0) -> np.ndarray:
    p = points.copy()
    for first in (36, 42):
        for up, low in ((1, 5), (2, 4)):
            p[first + up] += amount * (points[first + low] - points[first + up])
    return p


def brows_up(points: np.ndarray, px: float) -> np.ndarray:
    p = points.copy()
    p[17:27, 1] -= px
    return p


def smiling(points: np.ndarray) -> np.ndarray:
    p = points.copy()
    p[[48, 60]] += (-7, -6)
    p[[54, 64]] += (7, -6)
    return p


EXPRESSIONS = {
    "open": lambda p: opened(p, 22),
    "blink": blinking,
    "brows": lambda p: brows_up(p, 12),
    "smile": smiling,
    "all": lambda p: opened(blinking(brows_up(smiling(p), 8)), 14),
}


def shown(puppet: FacePuppet, face: Drawn, points: np.ndarray, strength: float = 1.0, turn=(0.0, 0.0)) -> np.ndarray:
    """The whole picture, RGBA, with the patch in its place."""
    whole = np.dstack([face.pixels, face.alpha])
    patch, (x, y) = puppet.patch(points, strength, turn)
    whole[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_at_rest_is_the_very_picture(kind):
    face, puppet = FACES[kind], PUPPETS[kind]
    x0, y0, x1, y1 = puppet.box
    patch, corner = puppet.patch(face.points)
    assert corner == (x0, y0)
    assert patch.dtype == np.uint8 and patch.shape == (y1 - y0, x1 - x0, 4)
    assert np.array_equal(patch, np.dstack([face.pixels, face.alpha])[y0:y1, x0:x1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_strength_nought_is_the_very_picture(kind, name):
    face, puppet = FACES[kind], PUPPETS[kind]
    assert np.array_equal(puppet.patch(EXPRESSIONS[name](face.points), 0.0)[0], puppet.patch(face.points)[0])
    assert not np.array_equal(puppet.patch(EXPRESSIONS[name](face.points), 1.0)[0], puppet.patch(face.points)[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*EXPRESSIONS, "turn"])
def test_the_edge_of_the_box_never_changes(kind, name):
    face, puppet = FACES[kind], PUPPETS[kind]
    points, turn = (face.points, (1.0, -1.0)) if name == "turn" else (EXPRESSIONS[name](face.points), (0.0, 0.0))
    rest, patch = puppet.patch(face.points)[0], puppet.patch(points, 1.5, turn)[0]
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.array_equal(patch[edge], rest[edge])


def test_the_order_of_calls_does_not_matter():
    face = FACES["photo"]
    first = PUPPETS["photo"].patch(opened(face.points, 15))[0]
    PUPPETS["photo"].patch(blinking(face.points))
    assert np.array_equal(PUPPETS["photo"].patch(opened(face.points, 15))[0], first)
    assert np.array_equal(FacePuppet(face.pixels, face.alpha, face.points).patch(opened(face.points, 15))[0], first)


@pytest.mark.parametrize("kind", KINDS)
def test_a_blink_covers_the_iris_with_skin(kind):
    face, puppet = FACES[kind], PUPPETS[kind]
    shut = shown(puppet, face, blinking(face.points))[..., :3].astype(float)
    skin = face.pixels[185:195, 100:110].reshape(-1, 3).mean(0)
    for x in (115, 205):
        # the lash line is thin: of what was iris, most is skin now
        radius = 0.8 * (9 if kind == "mascot" else face.eye_px[1])
        yy, xx = np.mgrid[:SIZE, :SIZE]
        iris = (xx - x) ** 2 + (yy - 140) ** 2 < radius**2
        before = np.abs(face.pixels[iris].astype(float) - skin).max(-1)
        after = np.abs(shut[iris] - skin).max(-1)
        assert np.median(before) > 90
        assert np.median(after) < 40
        assert (after < 60).mean() > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_a_blink_leaves_a_dark_line(kind):
    face, puppet = FACES[kind], PUPPETS[kind]
    shut = shown(puppet, face, blinking(face.points))[..., :3].astype(float)
    for x in (115, 205):
        column = shut[140 - int(face.eye_px[1]) : 140 + int(face.eye_px[1]) + 3, x].mean(-1)
        assert column.min() < 0.6 * np.median(column)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gap_px", [8.0, 22.0])
def test_an_opening_mouth_is_dark_inside(kind, gap_px):
    face, puppet = FACES[kind], PUPPETS[kind]
    out = shown(puppet, face, opened(face.points, gap_px))[..., :3].astype(float)
    # below the teeth, above the lip
    inside = out[int(225 + 0.6 * gap_px) : int(225 + 0.85 * gap_px), 152:169].mean(-1)
    assert inside.max() < 110
    # dark from lip to lip, as far as was asked (a pixel of soft edge and line at both)
    if kind != "photo":
        dark = (out[:, 160].mean(-1) < 120)[215:270]
        assert abs(dark.sum() - gap_px) < 5.0


def test_lips_and_chin_go_where_they_are_asked():
    """Markers drawn on the lips, the chin and the nose are found again where the points went."""
    face = FACES["cartoon"]
    pixels = face.pixels.copy()
    marks = {
        "upper": (160, 218.0, 0.0),
        "lower": (160, 236.0, 1.0),
        "nose": (160, 185.0, 0.0),
        "cheek": (75, 170.0, 0.0),
    }
    for x, y, _ in marks.values():
        cv2.circle(pixels, (x, int(y)), 3, (255, 0, 255), -1, cv2.LINE_AA)
    puppet = FacePuppet(pixels, face.alpha, face.points)
    gap = 20.0
    out = shown(puppet, face, opened(face.points, gap))[..., :3].astype(int)
    pink = (out[..., 0] - out[..., 1] > 120) & (out[..., 2] - out[..., 1] > 90)
    _, _, _, centres = cv2.connectedComponentsWithStats(pink.astype(np.uint8))
    for name, (x, y, share) in marks.items():
        nearest = np.abs(centres[1:] - (x, y + share * gap)).sum(1).min()
        assert nearest < 2.0, name


def test_more_strength_opens_wider_and_shuts_further():
    face, puppet = FACES["cartoon"], PUPPETS["cartoon"]
    blues, gaps = [], []
    for strength in np.linspace(0, 1, 6):
        out = shown(puppet, face, opened(blinking(face.points), 24), strength)[..., :3].astype(float)
        blues.append(int((out[100:180, 80:240, 2] > out[100:180, 80:240, 0] + 40).sum()))
        gaps.append(int((out[218:265, 160].mean(-1) < 120).sum()))
    assert blues == sorted(blues, reverse=True) and blues[0] > 1000 and blues[-1] < 0.05 * blues[0]
    assert gaps == sorted(gaps) and gaps[-1] > gaps[0] + 15


def test_brows_rise_and_the_eyes_below_stay():
    face, puppet = FACES["photo"], PUPPETS["photo"]
    out = shown(puppet, face, brows_up(face.points, 12))[..., :3].astype(float)

    def brow(picture: np.ndarray) -> float:
        column = 255 - picture[85:127, 115].astype(float).mean(-1)
        column = np.maximum(column - np.median(column) - 30, 0)
        return float((column * np.arange(len(column))).sum() / column.sum())

    assert brow(face.pixels) - brow(out) == pytest.approx(12, abs=2.0)
    pupil = np.s_[134:147, 108:123]
    assert np.abs(out[pupil] - face.pixels[pupil]).mean() < 12


def test_a_turned_drivers_short_brow_stays_a_brow():
    """Squeezed to a third, as a brow is seen from the side, it became a caret; the mouth walked to a corner."""
    face, puppet = FACES["photo"], PUPPETS["photo"]
    driven = face.points.copy()
    for k in (range(17, 22), range(22, 27)):
        middle = driven[list(k), 0].mean()
        driven[list(k), 0] = middle + 0.3 * (driven[list(k), 0] - middle)
    driven[48:68, 0] += 18
    out = shown(puppet, face, driven)[..., :3].astype(int)

    def widths(picture: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
        part = picture[rows, columns].sum(-1)
        return np.nonzero((part < 0.6 * np.median(part)).any(0))[0]

    for columns in (slice(80, 150), slice(170, 240)):
        before, after = (np.ptp(widths(p, slice(95, 125), columns)) for p in (face.pixels.astype(int), out))
        assert after > 0.9 * before
    lips = [widths(p, slice(220, 230), slice(100, 220)).mean() for p in (face.pixels.astype(int), out)]
    assert abs(lips[1] - lips[0]) < 8


def test_a_mouth_open_in_the_picture_keeps_its_inside_and_can_shut():
    face = FACES["cartoon"]
    pixels = face.pixels.copy()
    cv2.ellipse(pixels, (160, 225), (32, 14), 0, 0, 360, (200, 30, 60), -1, cv2.LINE_AA)
    points = face_points(face.eye_px, gap=28.0)
    puppet = FacePuppet(pixels, face.alpha, points)
    red = lambda p: int(((p[..., 0] > 150) & (p[..., 1] < 90)).sum())  # noqa: E731
    rest = red(pixels.astype(int))
    shut = points.copy()
    for up, low in ((61, 67), (62, 66), (63, 65), (50, 58), (51, 57), (52, 56), (49, 59), (53, 55)):
        gap = 28.0 * (0.9 if up in (61, 63) else 1.0)
        shut[up, 1] += gap / 2
        shut[low, 1] -= gap / 2
    half = (points + shut) / 2
    counts = [red(shown(puppet, face, p)[..., :3].astype(int)) for p in (half, shut)]
    assert 0.25 * rest < counts[0] < 0.8 * rest
    assert counts[1] < 0.15 * rest


@pytest.mark.parametrize("turn", [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
def test_a_turn_shifts_the_features_and_keeps_the_silhouette(turn):
    face, puppet = FACES["photo"], PUPPETS["photo"]
    out = shown(puppet, face, face.points, turn=turn)
    assert np.abs(out[..., 3].astype(int) - face.alpha).max() <= 24  # less than a tenth of a pixel of the edge
    here = face.pixels[120:240, 80:240].astype(np.float32).mean(-1)
    there = out[120:240, 80:240, :3].astype(np.float32).mean(-1)
    window = cv2.createHanningWindow(here.shape[::-1], cv2.CV_32F)
    shift, _ = cv2.phaseCorrelate(here, there, window)
    along = shift[0] * turn[0] + shift[1] * turn[1]
    assert 4 < along < 25


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_painted_where_the_character_is_not(kind):
    face, puppet = FACES[kind], PUPPETS[kind]
    far = cv2.dilate(face.alpha, np.ones((61, 61), np.uint8)) == 0
    out = shown(puppet, face, opened(face.points, 20))
    assert out[far].tobytes() == np.dstack([face.pixels, face.alpha])[far].tobytes()
    # a jaw may come down, but the cover stays one piece of about the same size
    assert (out[..., 3] > 127).sum() == pytest.approx((face.alpha > 127).sum(), rel=0.05)


def test_transparent_colours_do_not_bleed_in():
    face = FACES["cartoon"]
    pixels = face.pixels.copy()
    pixels[face.alpha == 0] = (0, 255, 0)
    puppet = FacePuppet(pixels, face.alpha, face.points)
    out = shown(puppet, face, opened(face.points, 20)).astype(int)
    green = (out[..., 1] - out[..., 0] > 60) & (out[..., 3] > 200)
    assert green.sum() == 0


BAD_POINTS = {
    "nan": lambda p: p * np.nan,
    "one nan": lambda p: np.where(np.arange(68)[:, None] == 62, np.nan, p),
    "infinite": lambda p: p + np.inf,
    "far": lambda p: p + 1e9,
    "random": lambda p: np.random.default_rng(1).uniform(-500, 900, (68, 2)),
    "all one point": lambda p: np.zeros((68, 2)) + 160,
    "upside down": lambda p: np.array([0, SIZE]) + p * (1, -1),
    "mirrored": lambda p: np.array([SIZE, 0]) + p * (-1, 1),
    "yawn of a metre": lambda p: opened(p.astype(np.float32), 400),
}


@pytest.mark.parametrize("name", BAD_POINTS)
@pytest.mark.parametrize("kind", KINDS)
def test_absurd_driven_points_are_survived(kind, name):
    face, puppet = FACES[kind], PUPPETS[kind]
    for strength in (1.0, 50.0, float("nan"), -3.0):
        patch, _ = puppet.patch(BAD_POINTS[name](face.points).astype(np.float32), strength, (float("nan"), 9.0))
        rest = puppet.patch(face.points)[0]
        assert patch.shape == rest.shape and np.array_equal(patch[0], rest[0])


@pytest.mark.parametrize("name", BAD_POINTS)
def test_absurd_rest_points_leave_the_picture_usable(name):
    face = FACES["photo"]
    rest = BAD_POINTS[name](face.points).astype(np.float32)
    puppet = FacePuppet(face.pixels, face.alpha, rest)
    driven = rest.copy()
    driven[55:60, 1] += 20
    patch, (x, y) = puppet.patch(driven)
    assert patch.shape[0] >= 1 and patch.shape[1] >= 1
    assert 0 <= x < SIZE and 0 <= y < SIZE and x + patch.shape[1] <= SIZE and y + patch.shape[0] <= SIZE


def test_features_of_low_score_stay_still():
    face = FACES["photo"]
    scores = np.ones(68, np.float32)
    scores[48:68] = 0.1
    puppet = FacePuppet(face.pixels, face.alpha, face.points, scores)
    driven = face.points.copy()
    driven[48:68] = opened(face.points, 25)[48:68]
    assert np.array_equal(puppet.patch(driven)[0], puppet.patch(face.points)[0])
    assert not np.array_equal(puppet.patch(blinking(face.points))[0], puppet.patch(face.points)[0])


def test_features_outside_the_character_stay_still():
    face = FACES["photo"]
    alpha = face.alpha.copy()
    alpha[:, 170:] = 0
    puppet = FacePuppet(face.pixels, alpha, face.points)
    driven = face.points.copy()
    driven[42:48] = blinking(face.points)[42:48]
    assert np.array_equal(puppet.patch(driven)[0], puppet.patch(face.points)[0])


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (40, 30)])
def test_tiny_pictures_are_survived(size):
    pixels = np.zeros((*size, 3), np.uint8)
    points = FACES["photo"].points * (size[0] / SIZE)
    puppet = FacePuppet(pixels, np.full(size, 255, np.uint8), points)
    assert np.array_equal(puppet.patch(points + 3)[0][0], puppet.patch(points)[0][0])


def test_a_blink_of_big_drawn_eyes_follows_the_drawing_and_not_the_detector():
    """A detector fits a small human eye into the big drawn one; the lids must still cover all of it."""
    face = FACES["cartoon"]
    points = face_points((24, 14))
    points[17:27] = face.points[17:27]
    puppet = FacePuppet(face.pixels, face.alpha, points)
    out = shown(puppet, face, blinking(points))[..., :3].astype(float)
    assert (out[100:180, 80:240].min(-1) > 240).sum() < 0.05 * (face.pixels[100:180, 80:240].min(-1) > 240).sum()
