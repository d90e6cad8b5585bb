"""Every other drawing style: the very pixels of MimicMotion's, One-to-All's, ComfyUI's and xinsir's drawings.

`data/draw_more_sha256.json` lists what the originals drew (Tencent/MimicMotion 62f91e1, ssj9596/One-to-All-Animation
c6014ff, ComfyUI 0.33.0, controlnet_aux e8b689a; OpenCV 5.0.0) of the joints in `data/draw_keypoints.npz`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from motion_transfer.pose import draw_large
from motion_transfer.pose.draw import draw_people, draw_pose, resize_short_side
from motion_transfer.pose.draw_styles import STYLES

DATA = Path(__file__).parent / "data"
SHA256 = json.loads((DATA / "draw_more_sha256.json").read_text())
LARGE = [s.name for s in STYLES.values() if s.short_side]


@pytest.fixture(scope="module")
def keypoints():
    with np.load(DATA / "draw_keypoints.npz") as stored:
        return {name: stored[name] for name in stored.files}


def digest(picture):
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()[:16]


def cases(kind):
    return [(style, case) for style, some in SHA256[kind].items() for case in some]


@pytest.mark.parametrize(("style", "case"), cases("sized"))
def test_frames_drawn_large_and_shrunk_are_pixel_equal(keypoints, style, case):
    name, size = case.rsplit("_", 1)
    width, height = map(int, size.split("x"))
    frames = keypoints[name][::2].astype(np.float64)
    points = frames[..., :2] / keypoints[name + "_size"] * [width, height]
    for k, expected in enumerate(SHA256["sized"][style][case]):
        assert digest(draw_pose(points[k], frames[k, :, 2], (width, height), style)) == expected, f"frame {2 * k}"


@pytest.mark.parametrize(("style", "name"), cases("own_size"))
def test_frames_drawn_at_their_own_size_are_pixel_equal(keypoints, style, name):
    size = tuple(int(n) for n in keypoints[name + "_size"])
    for k, expected in enumerate(SHA256["own_size"][style][name]):
        frame = keypoints[name][2 * k]
        assert digest(draw_pose(frame[:, :2], frame[:, 2], size, style)) == expected, f"frame {2 * k}"


def test_two_people_are_drawn_layer_by_layer_as_mimicmotion_does(keypoints):
    for k, expected in enumerate(SHA256["two_people"]["mimicmotion"]):
        frame = keypoints["adult"][6 * k].astype(np.float64)
        people = [(frame[:, :2], frame[:, 2]), (frame[:, :2] + [150, 0], frame[:, 2])]
        assert digest(draw_people(people, (832, 480), "mimicmotion")) == expected, f"frame {6 * k}"


@pytest.mark.parametrize("case", SHA256["short_side"])
def test_a_drawing_is_resized_as_controlnet_aux_resizes_it(keypoints, case):
    name, side = case.rsplit("_", 1)
    size = tuple(int(n) for n in keypoints[name + "_size"])
    for k, expected in enumerate(SHA256["short_side"][case]):
        frame = keypoints[name][6 * k]
        picture = draw_pose(frame[:, :2], frame[:, 2], size, "openpose")
        assert digest(resize_short_side(picture, int(side))) == expected, f"frame {6 * k}"


@pytest.mark.parametrize("case", ["tall", "wide_two", "missing"])
def test_pictures_of_mimicmotion_with_a_neck_of_their_own_are_equal(monkeypatch, case):
    """`data/mimicmotion_draw.npz`: random joints and the original's pictures; a missing joint has a low score."""
    with np.load(DATA / "mimicmotion_draw.npz") as stored:
        given = {name.split(".")[1]: stored[name] for name in stored.files if name.startswith(case + ".")}
    expected = given["image"].transpose(1, 2, 0)
    height, width = expected.shape[:2]
    large = np.array([width, height]) * 2160 / min(width, height)
    bodies = [
        [(*place, score) for place, score in zip((body * large).tolist(), scores.tolist(), strict=True)]
        for body, scores in zip(given["body"].reshape(-1, 18, 2), given["body_score"], strict=True)
    ]
    people = []
    for k in range(len(bodies)):  # hands: everybody's left, then everybody's right
        points, scores = np.zeros((133, 2)), np.zeros(133)
        for part, name, row in ((slice(23, 91), "faces", k), (slice(91, 112), "hands", k), (slice(112, 133), "hands", len(bodies) + k)):  # fmt: skip
            points[part], scores[part] = given[name][row] * [width, height], given[name + "_score"][row]
        people.append((points, scores))
    remaining = iter(bodies)
    monkeypatch.setattr(draw_large, "body_of", lambda home, rules: next(remaining))
    monkeypatch.setattr(draw_large, "_region", lambda homes, big, small, margin: whole(big, small))
    assert np.array_equal(draw_people(people, (width, height), "mimicmotion"), expected)


def wild_people(rng, size, base):
    """One to three people of any size anywhere, some joints astray, some hardly seen."""
    people = []
    for _ in range(rng.randint(1, 4)):
        points = (base[:, :2] - [416, 240]) * rng.uniform(0.3, 3) * size[1] / 480
        points += np.array(size) * (0.5 + rng.uniform(-0.7, 0.7, 2))
        points[rng.randint(0, 133, 5)] += rng.uniform(-400, 400, (5, 2))
        people.append((points, np.clip(base[:, 2] * rng.uniform(0.1, 1.2, 133), 0, 1)))
    return people


@pytest.mark.parametrize("style", LARGE)
@pytest.mark.parametrize("size", [(832, 480), (512, 512), (576, 1024), (333, 517)])
def test_the_peoples_part_of_the_large_canvas_gives_the_pixels_of_the_whole(keypoints, monkeypatch, style, size):
    rng = np.random.RandomState(size[0])
    for k in range(4):
        people = wild_people(rng, size, keypoints["adult"][10 * k].astype(np.float64))
        part = draw_people(people, size, style)
        with monkeypatch.context() as patch:
            patch.setattr(draw_large, "_exact_steps", lambda large, small: None)
            patch.setattr(draw_large, "_region", lambda homes, large, small, margin: whole(large, small))
            assert np.array_equal(part, draw_people(people, size, style))
        assert part.any() or k  # something was compared


def whole(large, small):
    return (0, large[0], 0, small[0]), (0, large[1], 0, small[1])


@pytest.mark.parametrize("style", LARGE)
def test_brightness_follows_the_scores_and_score_zero_is_not_drawn(keypoints, style):
    frame = keypoints["adult"][0]
    bright = draw_pose(frame[:, :2], frame[:, 2], (832, 480), style)
    faint = draw_pose(frame[:, :2], np.where(frame[:, 2] > 0.5, 0.5, 0).astype(np.float32), (832, 480), style)
    assert 0 < faint.sum(dtype=np.int64) < 0.6 * bright.sum(dtype=np.int64)
    astray = frame.copy()
    astray[10] = (700, 400, 0)
    gone = frame.copy()
    gone[10] = (0, 0, 0)
    drawn = [draw_pose(f[:, :2], f[:, 2], (832, 480), style) for f in (astray, gone)]
    assert np.array_equal(*drawn)


def test_red_and_blue_are_swapped_for_mimicmotion_alone(keypoints):
    frame = keypoints["adult"][0]
    shoulder = frame[6, :2]  # the right one: red to yellow limbs meet in orange
    x, y = (int(v) for v in (shoulder * 0.5 + (frame[5, :2] + frame[6, :2]) / 4))
    for style in STYLES:
        red, _, blue = draw_pose(frame[:, :2], frame[:, 2], (832, 480), style)[y, x].tolist()
        assert (blue > red) == (style == "mimicmotion"), style


def test_thick_limbs_grow_with_the_picture():
    widths = [
        STYLES["openpose-xinsir"].strokes(w, h).limb for w, h in [(499, 300), (500, 300), (1000, 900), (9000, 10)]
    ]
    assert widths == [4, 8, 12, 28]


def test_points_outside_are_left_out_by_sdpose_and_its_feet_are_dots(keypoints):
    frame = keypoints["adult"][0].copy()
    frame[91:112, 0] -= 2000
    plain = draw_pose(frame[:, :2], frame[:, 2], (832, 480), "sdpose")
    feet = draw_pose(frame[:, :2], frame[:, 2], (832, 480), "sdpose-feet")
    changed = np.argwhere((plain != feet).any(-1))
    assert len(changed)
    distance = np.linalg.norm(changed[:, None, ::-1] - frame[None, 17:23, :2], axis=-1).min(1)
    assert distance.max() < 6  # radius 4 and what truncating moves


def test_a_drawing_with_short_side_zero_stays_the_very_picture():
    picture = np.zeros((4, 6, 3), np.uint8)
    assert resize_short_side(picture, 0) is picture
    assert resize_short_side(picture, 8).shape == (8, 12, 3)
