"""Bins to degrees, degrees to turns, key points, and what is done to them, against the authors' own values."""

from __future__ import annotations

import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_motion import (
    PortraitMotion,
    degrees_from_bins,
    key_points,
    rotation_from_degrees,
)
from motion_transfer.face_motion.portrait_points import (
    expression_friendly,
    hull_multiplier,
    ratio_input,
    stitched,
    stitching_input,
    stretched,
)
from motion_transfer.face_motion.portrait_rotation import (
    angle_between_degrees,
    turn_matrices,
    turn_vectors,
    turned_by_share,
)

ROUNDING = 1e-5  # float32 of values about 1; the reference was computed in float32 too


@pytest.fixture(scope="module")
def reference():
    return goldens.bundled("keypoints")


def test_bins_become_degrees_and_degrees_turns(reference):
    assert np.abs(degrees_from_bins(reference["logits"]) - reference["degree"]).max() < 1e-4  # of up to 97
    turns = rotation_from_degrees(*reference["angles_pitch_yaw_roll_deg"].T)
    assert np.abs(turns - reference["R"]).max() < ROUNDING
    with pytest.raises(ValueError, match="66 bins"):
        degrees_from_bins(np.zeros((2, 65)))


def test_key_points_are_the_authors(reference):
    motion = PortraitMotion(reference["scale"], reference["R"], reference["exp"], reference["t"])
    assert np.abs(key_points(reference["kp"], motion) - reference["transformed"]).max() < ROUNDING


def test_stitching_and_ratios_are_the_authors(reference):
    source, driving = reference["transformed"], reference["driving"]
    network = goldens.small_network("stitching")
    assert np.abs(stitched(driving, network(stitching_input(source, driving))) - reference["stitched"]).max() < ROUNDING
    eyes, lips = goldens.closing_ratios(reference["lmk203"])
    assert np.abs(eyes - reference["eye_close_ratio"]).max() < ROUNDING
    assert np.abs(lips - reference["lip_close_ratio"]).max() < ROUNDING
    lids = goldens.small_network("eye")(ratio_input(source, eyes, 0.4)).reshape(-1, 21, 3)
    assert np.abs(lids - reference["retarget_eye_to_0.4"]).max() < ROUNDING
    mouth = goldens.small_network("lip")(ratio_input(source, lips, 0.0)).reshape(-1, 21, 3)
    assert np.abs(mouth - reference["retarget_lip_to_0"]).max() < ROUNDING


def test_hull_multiplier_is_the_authors(reference):
    first = np.roll(reference["driving"], -1, axis=0)  # recorded with the driven points of the next case
    found = [hull_multiplier(a, b) for a, b in zip(reference["transformed"], first, strict=True)]
    assert np.abs(np.array(found) / reference["motion_multiplier"] - 1).max() < ROUNDING
    with pytest.raises(UsageError, match="in one plane"):
        hull_multiplier(reference["driving"][0], np.zeros((21, 3)))


def test_expression_friendly_changes_nothing_that_starts_at_the_source(reference):
    points = reference["driving"].copy()
    assert np.allclose(expression_friendly(points, points[0]), points, atol=1e-6)
    larger = expression_friendly(points, 4 * points[0])  # volume 64 times: differences grow by the square root of it
    assert np.allclose(larger - larger[0], 8 * (points - points[0]), atol=1e-4)


def test_stretching_starts_at_the_source(reference):
    points, source = reference["driving"], reference["transformed"]
    assert np.array_equal(stretched(points, source, 0.0), source)
    assert np.allclose(stretched(points, source, 1.0), points, atol=1e-6)


def test_turns_by_a_share_meet_start_and_end_exactly_and_grow_between(reference):
    start, turn = reference["R"][:16].astype(np.float64), reference["R"][16:].astype(np.float64)
    assert np.array_equal(turned_by_share(start, turn, 0.0), start)
    assert np.array_equal(turned_by_share(start, turn, 1.0), turn @ start)
    angles = np.stack([angle_between_degrees(turned_by_share(start, turn, f), start) for f in np.linspace(0, 1, 9)])
    assert np.allclose(angles, angles[-1] * np.linspace(0, 1, 9)[:, None], atol=1e-4)
    assert np.allclose(turn_matrices(turn_vectors(turn)), turn, atol=1e-6)  # the stored turns are float32


def test_a_motion_says_what_it_is_made_of(reference):
    parts = [reference["scale"], reference["R"], reference["exp"], reference["t"]]
    motion = PortraitMotion(*parts)
    assert motion.cut(3, 7).num_frames == 4 and np.array_equal(motion.at([5, 5]).scale, reference["scale"][[5, 5]])
    with pytest.raises(ValueError, match=r"translation is float32 \[T,3\], T = 32"):
        PortraitMotion(*parts[:3], reference["t"][:5])
    with pytest.raises(ValueError, match="scale must be above 0"):
        PortraitMotion(-reference["scale"], *parts[1:])
    with pytest.raises(ValueError, match="finite"):
        PortraitMotion(reference["scale"] * np.float32("nan"), *parts[1:])
