"""Sliders to key points, keyframes to frames, and both as a motion: against the authors' values and their own rules."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_motion import PortraitMotion, rotation_from_degrees
from motion_transfer.face_motion.portrait_rotation import angle_between_degrees
from motion_transfer.face_motion.portrait_transfer import TransferSettings, transfer
from motion_transfer.models.live_portrait.expression import Expression, expression_change, expression_frames
from motion_transfer.models.live_portrait.expression_keys import TO_AND_FRO, frames_between, read_keys
from motion_transfer.models.live_portrait.made_motion import motion_of_faces
from motion_transfer.models.live_portrait.motion_codes import TEMPLATE, at_rest, unpack
from motion_transfer.pose.motion_file import load_motion, save_motion

X, Y, Z = 0, 1, 2
# Slider at this value -> what the authors' editing page adds at the end of its own slider, read from its source.
PUBLISHED = {
    ("smile", 1.0): {(20, Y): -0.01, (14, Y): -0.02, (17, Y): 0.0065, (17, Z): 0.003, (13, Y): -0.00275, (16, Y): -0.00275, (3, Y): -0.0035, (7, Y): -0.0035},
    ("wink_right", 1.0): {(11, Y): 0.039, (13, Y): -0.0117, (17, X): 0.0117, (17, Y): 0.0117, (3, Y): -0.0117},
    ("brows_tilt", 1.0): {(1, Y): 0.03, (2, Y): -0.03},
    ("frown", 1.0): {(1, X): 0.03, (2, X): -0.03, (1, Y): -0.009, (2, Y): 0.009},
    ("gaze_x", 1.0): {(11, X): 0.021, (15, X): 0.03},
    ("gaze_x", -1.0): {(11, X): -0.03, (15, X): -0.021},
    ("gaze_y", 1.0): {(11, Y): -0.063 + 0.0315, (15, Y): -0.063 + 0.0315, (13, Y): -0.00945, (16, Y): -0.00945},
    ("lips_open", 1.0): {(19, Y): 0.12, (19, Z): 0.012, (17, Y): -0.012},
    ("lips_open", -1.0): {(19, Y): -0.09, (19, Z): -0.009, (17, Y): 0.009},
    ("lips_wide", 1.0): {(20, Z): -0.015, (20, Y): -0.015, (14, Y): -0.015},
    ("lips_wide", -1.0): {(14, Y): 0.015, (3, Y): -0.0075, (7, Y): -0.0075, (17, Z): -0.0075},
    ("pout", 1.0): {(19, X): 0.09},
    ("move_x", 1.0): {(5, X): -0.19},
    ("move_y", 1.0): {(5, Y): 0.19},
}  # fmt: skip


@pytest.mark.parametrize("slider", PUBLISHED)
def test_a_slider_moves_the_points_that_the_authors_move(slider):
    wanted = np.zeros((21, 3))
    for place, value in PUBLISHED[slider].items():
        wanted[place] = value
    name, at = slider
    assert np.abs(expression_change(Expression(**{name: at})) - wanted).max() < 1e-7


def test_every_slider_does_something_and_strength_none_undoes_it():
    for option in Expression.options():
        if option.name == "strength":
            continue
        moved = expression_frames([Expression(**{option.name: option.maximum})])
        still = expression_frames([Expression(**{option.name: option.maximum, "strength": 0})])
        away = [np.abs(getattr(moved, n) - getattr(at_rest(), n)).max() for n in ("scale", "rotation", "expression")]
        assert max(away) > 1e-3, option.name
        assert all(np.abs(getattr(still, n) - getattr(at_rest(), n)).max() < 1e-7 for n in ("scale", "rotation", "expression"))  # fmt: skip


def test_the_two_winks_are_mirrored_and_a_blink_is_both_without_their_cheeks():
    right, left = (expression_change(Expression(**{f"wink_{side}": 1})) for side in ("right", "left"))
    mirror = right[[0, 2, 1, 7, 4, 5, 6, 3, 8, 9, 10, 15, 12, 16, 14, 11, 13, 17, 18, 19, 20]] * [-1, 1, 1]
    assert np.array_equal(left, mirror)
    blink = expression_change(Expression(blink=1))
    assert np.array_equal(blink[[11, 13, 15, 16]], (right + left)[[11, 13, 15, 16]])
    assert not blink[[3, 7, 17]].any()


def test_the_head_turns_as_far_as_asked_towards_where_the_slider_says():
    nose, crown = np.array([0.0, 0.0, -0.3]), np.array([0.0, -0.3, 0.0])  # towards the viewer, up
    for name, point, axis, sign in (("yaw", nose, X, 1), ("pitch", nose, Y, -1), ("roll", crown, X, 1)):
        turn = expression_frames([Expression(**{name: 12.0})]).rotation
        assert abs(angle_between_degrees(turn, np.eye(3))[0] - 12) < 1e-3
        assert (point @ turn[0])[axis] * sign > 0.05, name


def test_what_a_slider_says_is_given_to_another_face_whatever_it_does_itself():
    source = PortraitMotion(
        np.float32([[1.4]]), rotation_from_degrees(*np.float32([[5], [-20], [3]])),
        np.full((1, 21, 3), 0.01, np.float32), np.float32([[0.1, 0.2, 0]]),
    )  # fmt: skip
    asked = Expression(smile=0.8, yaw=9, zoom=1.1)
    driver = expression_frames([asked, asked])
    rest = at_rest()
    both = PortraitMotion(*(np.concatenate([getattr(rest, n), getattr(driver, n)]) for n in ("scale", "rotation", "expression", "translation")))  # fmt: skip
    moved = transfer(source, both, TransferSettings(), reference=0)
    assert np.abs(moved.expression[1] - source.expression[0] - expression_change(asked)).max() < 1e-7
    assert abs(moved.scale[1, 0] - 1.4 * 1.1) < 1e-5
    assert abs(angle_between_degrees(moved.rotation[1:], source.rotation[0])[0] - 9) < 1e-3


def test_keyframes_are_met_exactly_and_between_them_nothing_jumps():
    keys = read_keys("0.5: sliders, blink=1\n0: rest  # a word\n\n2: yaw=-10", Expression(smile=1))
    faces = frames_between(keys, 10)
    assert len(faces) == 21
    assert faces[0] == Expression() and faces[20] == Expression(yaw=-10)
    assert faces[5].smile == 1 and faces[5].blink == 1 and faces[5].yaw == 0
    smiles = np.array([f.smile for f in faces])
    assert (np.diff(smiles[:6]) > 0).all() and (np.diff(smiles[5:]) < 0).all() and np.abs(np.diff(smiles)).max() < 0.35
    assert len(frames_between(read_keys("0: smile=1"), 25)) == 1
    assert len(frames_between(read_keys(TO_AND_FRO), 24)) == 37


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no keyframe"),
        ("0.5 smile=1", "has no colon"),
        ("soon: smile=1", "begins with 'soon'"),
        ("-1: rest", "seconds from 0 to 3600"),
        ("nan: rest", "seconds from 0"),
        ("0: grin=1", "has 'grin=1'; there are rest, sliders"),
        ("0: smile=7", "smile is '7', but takes -0.3 to 1.3"),
        ("0: smile=1\n0: rest", "Two keyframes are at 0 s"),
    ],
)
def test_a_keyframe_that_cannot_be_read_is_one_line(text, told):
    with pytest.raises(UsageError, match="^.*" + told.replace("(", r"\(")) as refused:
        read_keys(text)
    assert "\n" not in str(refused.value)


def test_faces_become_a_motion_that_survives_a_file_and_knows_its_rest(tmp_path):
    faces = frames_between(read_keys("0: smile=1\n0.2: yaw=10"), 10)
    motion = motion_of_faces(faces, 10)
    save_motion(motion, tmp_path / "face.motion")
    known = load_motion(tmp_path / "face.motion")
    assert known.num_frames == 3 and known.timeline.rate == 10 and not known.main.scores.any()
    coded = unpack(known.face_codes[TEMPLATE])
    assert coded.rest is not None and coded.seen.all()
    assert np.array_equal(coded.motion.expression, expression_frames(faces).expression)
    with pytest.raises(UsageError, match="from 1 to 240, not 0"):
        motion_of_faces(faces, 0)
