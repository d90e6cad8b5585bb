"""How far lids and lips are open: against the authors' values, and on faces drawn with a known opening."""

from __future__ import annotations

import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_ratios import eye_ratios, lip_ratios


def drawn_face(
    opening: float, mouth: float, *, at: float = 1 / 3, curve: float = 2.4, tilt: float = 0.0, scale: float = 1.0
) -> np.ndarray:
    """float64 `[1,68,2]`: lids of `opening` over the eye's width that curve as lids do, their points at a share `at`."""
    face = np.zeros((68, 2))
    lid = (1 - abs(2 * at - 1) ** curve) * opening / 2 * 30
    for first, x in ((36, 50.0), (42, 110.0)):
        face[first : first + 6] = [(x, 60), (x + 30 * at, 60 - lid), (x + 30 * (1 - at), 60 - lid), (x + 30, 60), (x + 30 * (1 - at), 60 + lid), (x + 30 * at, 60 + lid)]  # fmt: skip
    face[[48, 54, 62, 66]] = [(70, 130), (120, 130), (95, 130 - 25 * mouth), (95, 130 + 25 * mouth)]
    cos, sin = scale * np.cos(tilt), scale * np.sin(tilt)
    return (face @ np.array([[cos, sin], [-sin, cos]]))[None]


@pytest.mark.parametrize("opening", [0.0, 0.1, 0.35])
@pytest.mark.parametrize("place", [{}, {"at": 0.25}, {"tilt": 0.6, "scale": 7.0}])
def test_a_drawn_opening_is_measured(opening, place):
    face = drawn_face(opening, opening, **place)
    assert np.abs(eye_ratios(face) - opening).max() < 1e-6
    assert np.abs(lip_ratios(face) - opening).max() < 1e-6


@pytest.mark.parametrize("curve", [2.0, 3.0])
def test_lids_that_curve_more_or_less_are_nearly_as_open(curve):
    face = drawn_face(0.35, 0.0, at=0.3, curve=curve)  # the flattest and the roundest lids of the faces looked at
    assert np.abs(eye_ratios(face) - 0.35).max() < 0.03


def test_the_persons_right_eye_comes_first():
    face = drawn_face(0.3, 0.0)
    face[0, 36:42] = drawn_face(0.0, 0.0)[0, 36:42]
    assert eye_ratios(face)[0, 0] == 0 and abs(eye_ratios(face)[0, 1] - 0.3) < 1e-6


def test_the_authors_points_give_the_authors_ratios():
    reference = goldens.bundled("keypoints")
    # the golden points are random, so a few ratios lie beyond what a face can have
    assert np.abs(eye_ratios(reference["lmk203"]) - reference["eye_close_ratio"].clip(0, 1)).max() < 1e-6
    assert np.abs(lip_ratios(reference["lmk203"]) - reference["lip_close_ratio"].clip(0, 1)).max() < 1e-6


def test_the_mesh_is_measured_where_it_shows_the_same_places():
    mesh = np.zeros((2, 478, 2))
    for (_, b, up, low), gap in (((33, 133, 159, 145), 3.0), ((362, 263, 386, 374), 6.0), ((61, 291, 13, 14), 12.0)):
        mesh[:, b, 0] = 30
        mesh[1, [up, low], 0], mesh[1, up, 1], mesh[1, low, 1] = 15, -gap / 2, gap / 2
    assert np.allclose(eye_ratios(mesh), [[0, 0], [0.1, 0.2]], atol=1e-6)
    assert np.allclose(lip_ratios(mesh), [[0], [0.4]], atol=1e-6)


def test_points_that_are_no_face_are_told_and_a_side_face_stays_small():
    with pytest.raises(UsageError, match=r"K 68, 468, 478 or 203; there are \[2, 20, 2\]"):
        eye_ratios(np.zeros((2, 20, 2)))
    side = drawn_face(0.3, 0.3) * [0.001, 1]
    assert eye_ratios(side).max() == 1 and lip_ratios(side).max() == 1
    assert np.isfinite(eye_ratios(np.zeros((1, 68, 2)))).all() and lip_ratios(np.zeros((1, 68, 2))).max() == 0
