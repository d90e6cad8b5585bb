"""Drawing: the very pixels of Wan-Animate's and controlnet_aux's own drawings, which `data/` lists by hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import UsageError
from motion_transfer.pose.draw import draw_pose
from motion_transfer.pose.draw_styles import STYLES

DATA = Path(__file__).parent / "data"
SHA256 = json.loads((DATA / "draw_sha256.json").read_text())
"""style family -> sequence (and size, version) -> first 16 hex digits of the SHA-256 of every frame's RGB bytes."""


@pytest.fixture(scope="module")
def keypoints():
    with np.load(DATA / "draw_keypoints.npz") as stored:
        return {name: stored[name] for name in stored.files}


def digest(picture):
    return hashlib.sha256(picture.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("case", sorted(SHA256["wan"]))
def test_wan_frames_are_pixel_equal(keypoints, case):
    name, size, version = case.rsplit("_", 2)
    width, height = map(int, size.split("x"))
    frames = keypoints[name].astype(np.float64)
    points = frames[..., :2] / keypoints[name + "_size"] * [width, height]
    style = "wan" if version == "v2" else "wan-v1"
    for k, expected in enumerate(SHA256["wan"][case]):
        assert digest(draw_pose(points[k], frames[k, :, 2], (width, height), style)) == expected, f"frame {k}"


@pytest.mark.parametrize("name", sorted(SHA256["openpose"]))
def test_openpose_frames_are_pixel_equal(keypoints, name):
    frames = keypoints[name]
    size = tuple(int(n) for n in keypoints[name + "_size"])
    for k, expected in enumerate(SHA256["openpose"][name]):
        assert digest(draw_pose(frames[k, :, :2], frames[k, :, 2], size, "openpose")) == expected, f"frame {k}"


def test_wan_picture_is_the_stored_one(keypoints):
    stored = cv2.cvtColor(cv2.imread(str(DATA / "wan_adult_832x480_v2_23.png")), cv2.COLOR_BGR2RGB)
    frame = keypoints["adult"][23]
    assert np.array_equal(draw_pose(frame[:, :2], frame[:, 2], (832, 480), "wan"), stored)


@pytest.mark.parametrize("style", STYLES)
def test_nobody_is_a_black_picture(style):
    picture = draw_pose(np.zeros((133, 2), np.float32), np.zeros(133, np.float32), (64, 48), style)
    assert picture.shape == (48, 64, 3) and picture.dtype == np.uint8 and not picture.any()


@pytest.mark.parametrize("style", STYLES)
def test_points_far_outside_are_left_out_and_do_not_hide_the_rest(keypoints, style):
    frame = keypoints["adult"][36].copy()
    clean = draw_pose(frame[:, :2], frame[:, 2], (832, 480), style)
    frame[10, :2] = (3e9, -3e9)
    frame[10, 2] = 1.0
    hidden = frame.copy()
    hidden[10, 2] = 0.0
    drawn = draw_pose(frame[:, :2], frame[:, 2], (832, 480), style)
    assert np.array_equal(drawn, draw_pose(hidden[:, :2], hidden[:, 2], (832, 480), style))
    assert not np.array_equal(drawn, clean)


def test_two_people_are_drawn_on_one_picture(keypoints):
    frame = keypoints["adult"][23]
    other = frame[:, :2] + np.float32([150, 0])
    picture = draw_pose(frame[:, :2], frame[:, 2], (832, 480))
    both = draw_pose(other, frame[:, 2], (832, 480), out=picture)
    assert both is picture
    second = draw_pose(other, frame[:, 2], (832, 480))
    assert np.array_equal(both[second.any(-1)], second[second.any(-1)])


def test_unknown_style_names_those_that_exist():
    with pytest.raises(UsageError, match="wan, wan-v1, openpose"):
        draw_pose(np.zeros((133, 2), np.float32), np.zeros(133, np.float32), (8, 8), "stick")
