"""The driver's expression on the character's own face, without the driver's head movement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import synth_person
from retarget_cases import case, character_of, hide, whole

from motion_transfer.core import FACE, PoseTrack
from motion_transfer.pose.retarget import plan_retarget


def talker(frames=60, open_mouth=None, shut_eyes=None, seed=0):
    """A large frontal face that turns, nods and tilts; mouth opened by px, eyes shut by a share, per frame."""
    points, _ = synth_person.project(synth_person.make_rest("adult")[None], 832, 480)
    points = np.repeat(points * 6, frames, 0)
    face = points[:, FACE]
    if open_mouth is not None:
        face[:, [54 + k for k in range(1, 6)], 1] += open_mouth[:, None]
        face[:, [65, 66, 67], 1] += open_mouth[:, None]
    if shut_eyes is not None:
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            middle, half = (face[:, upper] + face[:, lower]) / 2, (face[:, lower] - face[:, upper]) / 2
            face[:, upper] = middle - half * (1 - shut_eyes[:, None])
            face[:, lower] = middle + half * (1 - shut_eyes[:, None])
    t = np.arange(frames) / 10
    tilt = 0.25 * np.sin(t + seed)
    centre = face.mean((0, 1))
    c, s = np.cos(tilt)[:, None], np.sin(tilt)[:, None]
    x, y = (face - centre)[..., 0] * (1 + 0.1 * np.sin(0.7 * t))[:, None], (face - centre)[..., 1]
    face = centre + np.stack([c * x - s * y, s * x + c * y], -1) + np.stack([30 * np.sin(t), 9 * t], -1)[:, None]
    points[:, FACE] = face
    return PoseTrack(points.astype(np.float32), np.full((frames, 133), 0.9, np.float32), (4992, 2880))


def big_eyed(character):
    """The same face with eyes twice as high and a mouth half as wide."""
    points = character.points.copy()
    face = points[0, FACE]
    for eye in (slice(36, 42), slice(42, 48)):
        middle = face[eye, 1].mean()
        face[eye, 1] = middle + 2 * (face[eye, 1] - middle)
    middle = face[48:68, 0].mean()
    face[48:68, 0] = middle + 0.5 * (face[48:68, 0] - middle)
    return replace(character, points=points)


def gap(faces, upper, lower):
    return faces[:, lower, 1] - faces[:, upper, 1]


def test_head_motion_alone_is_no_expression():
    character, _ = character_of("chibi", size=(640, 640))
    faces = plan_retarget(talker(), character, rate=24).face_in_rest(0, 60)
    assert np.abs(faces - character.points[0, FACE]).max() < 0.02 * np.ptp(character.points[0, FACE, 1])


def test_an_opened_mouth_opens_on_another_face():
    opening = np.where(np.arange(60) % 20 < 8, 0.0, 20.0)
    character, _ = character_of("chibi", size=(640, 640))
    character = big_eyed(character)
    faces = plan_retarget(talker(open_mouth=opening), character, rate=24, smooth=0).face_in_rest(0, 60)
    rest = gap(character.points[:, FACE], 62, 66)[0]
    driver_face = np.ptp(talker().points[0, FACE, 1])
    face = np.ptp(character.points[0, FACE, 1])
    opened, shut = gap(faces, 62, 66)[opening > 0], gap(faces, 62, 66)[opening == 0]
    assert np.abs(shut - rest).max() < 0.01 * face
    # half as wide a mouth opens less than the face's size alone would have it, by the root of a half
    share = (opened - rest) / face / (20.0 / driver_face)
    assert (share > 0.6).all() and (share < 1.1).all()
    chin = faces[opening > 0][:, 8, 1] - character.points[0, FACE][8, 1]
    assert np.abs(chin).max() < 0.02 * face  # the driver's chin did not move, only the lips


def test_a_blink_shuts_eyes_of_any_size():
    shut = np.where(np.arange(60) % 15 == 7, 0.85, 0.0)
    character, _ = character_of("adult")
    character = big_eyed(character)
    faces = plan_retarget(talker(shut_eyes=shut), character, rate=24, smooth=0).face_in_rest(0, 60)
    rest = gap(character.points[:, FACE], 37, 41)[0]
    assert gap(faces, 37, 41)[shut > 0].max() < 0.1 * rest
    assert np.abs(gap(faces, 37, 41)[shut == 0] / rest - 1).max() < 0.05
    assert (
        min(gap(faces, a, b).min() for a, b in ((37, 41), (38, 40), (43, 47), (44, 46))) > -0.05
    )  # px; the head stands a little askew


def test_a_face_that_is_not_seen_keeps_the_characters_expression():
    character, _ = character_of("adult")
    own = character.points[0, FACE]
    driver = hide(talker(90, open_mouth=np.full(90, 15.0)), slice(30, 80), FACE)
    faces = plan_retarget(driver, character, rate=24).face_in_rest(0, 90)
    assert np.abs(faces[50:60] - own).max() < 1e-3
    never = plan_retarget(hide(driver, slice(None), FACE), character, rate=24).face_in_rest(0, 90)
    assert np.abs(never - own).max() < 1e-3
    still = plan_retarget(driver, character, rate=24, factor=0.0).face_in_rest(0, 90)
    assert np.abs(still - own).max() < 1e-3


def test_a_close_up_of_a_face_moves_the_face_and_leaves_the_body():
    driver, character, _, _ = case("A adult to child", gaps=False)
    close = hide(driver, slice(None), [*range(5, 23), *range(91, 133)])
    plan = plan_retarget(close, character, rate=24)
    track = whole(plan)
    body = list(range(5, 23))
    assert np.abs(track.points[:, body] - character.points[:, body]).max() < 0.01
    assert np.ptp(track.points[:, 31, 0] - track.points[:, 0, 0]) > 1  # the chin turns about the nose
    assert np.abs(np.diff(plan.face_in_rest(0, 48), axis=0)).max() > 0
