"""The posed puppet: the picture itself at rest, joints where they are told to be, limbs that are whole."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.core import Character, InputError, PoseTrack
from motion_transfer.models.puppet import parts
from motion_transfer.models.puppet.drive import pull
from motion_transfer.models.puppet.order import layer_order
from motion_transfer.models.puppet.puppet import Puppet
from motion_transfer.models.puppet.raster import inverse_maps, lay_over


@pytest.fixture(scope="module")
def puppet(figure):
    return Puppet(figure)


def strings(puppet, points, scores=None, size=1.0):
    scores = np.full((len(points), 133), 0.9, np.float32) if scores is None else scores
    scores[:, 23:] = 0
    return pull(puppet.rig, points, scores, np.full(len(points), size))


def rest_points(puppet):
    return puppet.rig.points[None].astype(np.float32).copy()


def rigid_turn(points, ids, pivot, angle):
    c, s = np.cos(angle), np.sin(angle)
    out = points.copy()
    v = points[0, ids] - points[0, pivot]
    out[0, ids] = points[0, pivot] + np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], 1)
    return out


def carried(puppet, vertices, name, place):
    """Where a point of the picture is now, by the triangle of that piece that holds it."""
    sheet = next(s for s in puppet.sheets if s.layer.name == name)
    corners = puppet.vertices[sheet.triangles]
    maps, _ = inverse_maps(vertices[sheet.triangles], corners)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    u, v, w = b - a, c - a, np.asarray(place, float) - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    s, t = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area, (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
    k = int(np.argmax(np.minimum(np.minimum(s, t), 1 - s - t)))
    return maps[k, :6].reshape(2, 3) @ np.array([*place, 1.0])


def shown(puppet, vertices, background=0):
    canvas = np.full((puppet.size[1], puppet.size[0], 3), background, np.uint8)
    for piece, origin in puppet.draw(vertices, layer_order(0)):
        lay_over(canvas, piece, origin)
    return canvas


def test_the_drawn_figure_has_all_its_pieces(puppet):
    assert [s.layer.name for s in puppet.sheets] == ["core", "left_arm", "right_arm", "left_leg", "right_leg"]


def test_at_rest_nothing_moves_and_the_picture_comes_back(puppet, figure):
    vertices = puppet.pose(strings(puppet, rest_points(puppet)), 0)
    assert np.abs(vertices - puppet.vertices).max() < 0.05  # px; what the solve leaves
    canvas = shown(puppet, vertices)
    solid = figure.alpha == 255
    difference = np.abs(canvas.astype(int) - figure.pixels)[solid]
    assert difference.mean() < 0.5  # levels; the cuts between pieces are two soft pixels wide
    assert np.percentile(difference, 99.5) < 25


@pytest.mark.parametrize("angle", [-2.4, -1.2, -0.4, 0.3])
def test_a_lifted_arm_takes_elbow_wrist_and_hand_along(puppet, angle):
    points = rigid_turn(rest_points(puppet), [7, 9], 5, angle)
    vertices = puppet.pose(strings(puppet, points), 0)
    for joint in (7, 9):
        place = carried(puppet, vertices, "left_arm", puppet.rig.points[joint])
        assert np.hypot(*(place - points[0, joint])) < 4  # px of a figure 330 px tall


def test_a_bent_elbow_bends_there_and_not_before(puppet):
    points = rigid_turn(rest_points(puppet), [9], 7, -1.4)
    vertices = puppet.pose(strings(puppet, points), 0)
    wrist = carried(puppet, vertices, "left_arm", puppet.rig.points[9])
    assert np.hypot(*(wrist - points[0, 9])) < 4
    upper = puppet.rig.points[5] * 0.5 + puppet.rig.points[7] * 0.5
    assert np.hypot(*(carried(puppet, vertices, "left_arm", upper) - upper)) < 1.5


def test_a_foreshortened_forearm_is_shorter_and_as_wide(puppet):
    points = rest_points(puppet)
    points[0, 9] = points[0, 7] + 0.5 * (points[0, 9] - points[0, 7])
    vertices = puppet.pose(strings(puppet, points), 0)
    assert np.hypot(*(carried(puppet, vertices, "left_arm", puppet.rig.points[9]) - points[0, 9])) < 3
    middle = 0.5 * (puppet.rig.points[7] + puppet.rig.points[9])
    along = puppet.rig.points[9] - puppet.rig.points[7]
    side = 8 * np.array([-along[1], along[0]]) / np.hypot(*along)
    left, right = (carried(puppet, vertices, "left_arm", middle + s * side) for s in (1, -1))
    assert np.hypot(*(left - right)) == pytest.approx(16, rel=0.12)


def test_a_whole_body_that_is_shifted_and_larger_is_the_picture_shifted_and_larger(puppet):
    points = (rest_points(puppet) - (140, 350)) * 1.3 + (150, 340)
    vertices = puppet.pose(strings(puppet, points.astype(np.float32), size=1.3), 0)
    expected = (puppet.vertices - (140, 350)) * 1.3 + (150, 340)
    assert np.abs(vertices - expected).max() < 1.0


def test_a_moving_puppet_does_not_fold(puppet, make_motion):
    points = make_motion(24).main.points
    pulls = strings(puppet, points)
    for i in range(24):
        vertices = puppet.pose(pulls, i)
        for sheet in puppet.sheets:
            _, area = inverse_maps(puppet.vertices[sheet.triangles], vertices[sheet.triangles])
            _, rest = inverse_maps(puppet.vertices[sheet.triangles], puppet.vertices[sheet.triangles])
            assert (area * rest > 0).mean() > 0.97, (sheet.layer.name, i)  # the inside of a sharp bend may


def test_joints_that_are_not_seen_leave_the_limb_as_it_hangs(puppet):
    points = rest_points(puppet)
    points[0, 9] = (20, 20)
    scores = np.full((1, 133), 0.9, np.float32)
    scores[0, 9] = 0
    vertices = puppet.pose(strings(puppet, points, scores), 0)
    assert np.abs(vertices - puppet.vertices).max() < 0.05


def test_an_arm_that_touches_the_body_is_cut_off_it():
    """One colour, no outline: only the bones can tell."""
    import cv2

    pixels = np.full((300, 240, 3), 200, np.uint8)
    alpha = np.zeros((300, 240), np.uint8)
    cv2.rectangle(alpha, (80, 70), (160, 200), 255, -1)  # trunk
    cv2.rectangle(alpha, (160, 70), (182, 190), 255, -1)  # left arm, touching
    cv2.rectangle(alpha, (58, 70), (80, 190), 255, -1)
    cv2.circle(alpha, (120, 40), 28, 255, -1)
    points, scores = np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32)
    where = {0: (120, 42), 1: (130, 36), 2: (110, 36), 3: (145, 40), 4: (95, 40), 5: (165, 85), 6: (75, 85), 7: (171, 135),
             8: (69, 135), 9: (171, 180), 10: (69, 180), 11: (140, 190), 12: (100, 190)}  # fmt: skip
    for joint, place in where.items():
        points[0, joint], scores[0, joint] = place, 1
    puppet = Puppet(Character(pixels, "box", alpha, PoseTrack(points, scores, (240, 300))))
    x, y = (int(v) for v in -puppet.shift)  # the working copy begins near the character
    labels = np.pad(puppet.labels, ((y, 0), (x, 0)))
    assert (labels[100:180, 165:180] == parts.LIMBS["left_arm"]).mean() > 0.95
    assert (labels[100:180, 100:140] == parts.TORSO).all()
    core = next(s.layer for s in puppet.sheets if s.layer.name == "core")
    assert not np.pad(core.support, ((y, 0), (x, 0)))[
        110:180, 176:182
    ].any()  # what is left behind when the arm rises is no second arm


def test_a_character_without_shoulders_is_refused_in_one_line(figure):
    assert figure.pose is not None
    scores = figure.pose.scores.copy()
    scores[0, 5] = 0
    with pytest.raises(InputError, match="shoulders") as error:
        Puppet(Character(figure.pixels, "x", figure.alpha, PoseTrack(figure.pose.points, scores, figure.size)))
    assert "\n" not in str(error.value)


def test_an_empty_cut_out_is_refused(figure):
    with pytest.raises(InputError, match="empty"):
        Puppet(Character(figure.pixels, "x", np.zeros_like(figure.alpha), figure.pose))
