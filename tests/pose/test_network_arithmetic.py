"""Crops, decoding and suppression against what the originals answer to the same seeded inputs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.pose import boxes, crops, heat_maps, simcc

_HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("network_inputs", _HERE / "network_inputs.py")
inputs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(inputs)


@pytest.fixture(scope="module")
def golden():
    with np.load(_HERE / "data" / "network_goldens.npz") as file:
        return dict(file)


def crops_of(width, height):
    picture = inputs.test_image()
    frame_boxes = crops.usable_boxes(inputs.BOXES, picture.shape[1], picture.shape[0])
    planes = np.empty((len(frame_boxes), 3, height, width), np.float32)
    for plane, centre, size in zip(planes, *crops.regions(frame_boxes, width, height), strict=True):
        crops.crop_into(plane, picture, centre, size)
    return planes


def test_regions_are_those_of_dwpose_and_of_wan(golden):
    centres, sizes = crops.regions(inputs.BOXES, 288, 384)
    np.testing.assert_allclose(centres, golden["dw_centres"], rtol=1e-12)
    np.testing.assert_allclose(sizes, golden["dw_sizes"], rtol=1e-12)
    centres, sizes = crops.regions(inputs.BOXES, 192, 256)
    np.testing.assert_allclose(np.hstack([centres, sizes]), golden["wan_at"], rtol=1e-12)


def test_dwpose_crops_are_controlnet_auxs(golden):
    ours = crops_of(288, 384)[:, :, ::8, ::8]
    # Equal with the OpenCV that made the file (5.0); 4.x weighs its samples a little differently, up to 0.053 on a
    # noisy picture. 0.0175 is one grey level.
    difference = np.abs(ours - golden["dw_crops"])
    assert difference.mean() < 0.002
    assert difference.max() < 0.1


def test_wan_crops_are_wans_where_asked_for(golden):
    ours = np.empty((len(inputs.BOXES), 3, 256, 192), np.float32)
    for planes, box in zip(ours, inputs.BOXES, strict=True):
        crops.wan_crop_into(planes, inputs.test_image(), box)
    ours = ours[:, :, ::6, ::6]
    np.testing.assert_allclose(ours, golden["wan_crops"], atol=1e-6)


def test_our_crop_and_the_way_back_agree_to_a_hundredth_of_a_pixel():
    # A soft spot at a known place: its centre of gravity in the crop, put back, is where it is.
    centre = (231.4, 187.7)
    y, x = np.mgrid[:400, :500]
    spot = 255 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * 8**2))
    frame = np.repeat(np.rint(spot)[..., None], 3, axis=2).astype(np.uint8)
    box = np.array([[120.3, 61.7, 322.9, 331.2]])
    centres, sizes = crops.regions(box, 192, 256)
    planes = np.empty((3, 256, 192), np.float32)
    crops.crop_into(planes, frame, centres[0], sizes[0])
    weight = planes[0] - planes[0].min()
    y, x = np.mgrid[:256, :192]
    found = np.array([[[(x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()]]])
    np.testing.assert_allclose(crops.to_frame(found, (192, 256), centres, sizes)[0, 0], centre, atol=0.01)


def test_outside_the_frame_is_black():
    planes = np.empty((3, 256, 192), np.float32)
    crops.crop_into(planes, np.full((50, 50, 3), 255, np.uint8), np.array([-500.0, -500]), np.array([90.0, 120]))
    np.testing.assert_allclose(
        planes, np.broadcast_to((-crops._MEAN / crops._DEVIATION)[:, None, None], planes.shape), rtol=1e-6
    )


def test_boxes_that_are_none_become_the_whole_frame():
    found = crops.usable_boxes(np.array([[5, 5, 9, 200], [np.nan, 0, 50, 50], [1, 2, 30, 40]]), 640, 480)
    np.testing.assert_array_equal(found, [[0, 0, 640, 480], [0, 0, 640, 480], [1, 2, 30, 40]])


def test_simcc_is_exact(golden):
    points, scores = simcc.decode_simcc(*inputs.simcc_bins(), golden["dw_centres"][:3], golden["dw_sizes"][:3])
    np.testing.assert_array_equal(scores, golden["simcc_scores"])
    assert (scores <= 0).any() and (scores > 1).any()
    np.testing.assert_allclose(points, golden["simcc_points"], rtol=0, atol=1e-9)  # the last bits of float64


def test_dark_is_that_of_whole_maps(golden):
    maps = inputs.gauss_maps()
    points, scores = heat_maps.decode_heat_maps(maps, golden["wan_at"][:2, :2], golden["wan_at"][:2, 2:])
    np.testing.assert_array_equal(scores, golden["dark_scores"])
    assert (scores <= 0).sum() >= 2
    # In pixels of the frame. They keep positions in float32, whose last digit is 3e-5 px here.
    np.testing.assert_allclose(points, golden["dark_points"], rtol=0, atol=1e-4)


def test_dark_finds_the_top_between_pixels():
    y, x = np.mgrid[:64, :48].astype(np.float64)
    tops = np.random.RandomState(0).uniform(8, 38, (1, 40, 2))
    maps = np.exp(-((x - tops[0, :, :1, None]) ** 2 + (y - tops[0, :, 1:, None]) ** 2) / 8)[None].astype(np.float32)
    points, _ = heat_maps.decode_heat_maps(maps, np.array([[24.0, 32]]), np.array([[48.0, 64]]))
    np.testing.assert_allclose(points, tops, atol=0.01)  # plain peaks are wrong by up to 0.5


def test_a_flat_or_saddle_shaped_map_leaves_the_plain_peak():
    maps = np.full((1, 2, 64, 48), 0.2, np.float32)
    maps[0, 1, 20] = 0.5  # a ridge: no top along it
    maps[0, 1, 20, 30] = 0.5001
    points, _ = heat_maps.decode_heat_maps(maps, np.array([[24.0, 32]]), np.array([[48.0, 64]]))
    assert np.abs(points[0, 1] - (30, 20)).max() <= heat_maps._LONGEST_STEP_PX


@pytest.mark.parametrize("width, height", inputs.FRAME_SHAPES)
def test_yolox_input_and_boxes_are_the_originals(golden, width, height):
    planes = np.empty((3, 640, 640), np.float32)
    scale = boxes.letter_box_into(planes, inputs.test_image(width, height), order="rgb")
    np.testing.assert_array_equal(planes[:, ::16, ::16], golden[f"yolox_input_{width}x{height}"])
    found, scores = boxes.yolox_boxes(inputs.yolox_rows()[0], 640, scale)
    wanted = golden[f"yolox_boxes_{width}x{height}"]
    assert len(wanted) == 4
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-3)  # theirs are float32 throughout
    assert (np.diff(scores) <= 0).all() and scores[-1] > boxes.SURE


def test_yolox_is_fed_blue_first():
    frame = np.zeros((640, 640, 3), np.uint8)
    frame[..., 0] = 200
    planes = np.empty((3, 640, 640), np.float32)
    boxes.letter_box_into(planes, frame)
    assert planes[0].max() == 0 and planes[2].min() == 200


@pytest.mark.parametrize("name, rows", [("yolov10", inputs.yolov10_rows()), ("yolov8", inputs.yolov8_rows())])
def test_yolo_boxes_are_wans_less_its_rounding(golden, name, rows):
    found, scores = boxes.yolo_boxes(rows[0], (640, 640), (1280, 720), sure=0.05)
    wanted = golden[f"{name}_boxes"]
    people = wanted[wanted[:, 5] == 0]
    assert len(people) == len(found) == 2 and len(wanted) == 3
    np.testing.assert_allclose(scores, people[:, 4], rtol=1e-6)
    # Wan truncates corner and size to whole pixels: up to 1 px for the first corner, 2 for the second.
    difference = found - people[:, :4]
    assert (difference > -1e-3).all() and (difference[:, :2] < 1).all() and (difference[:, 2:] < 2).all()


def test_suppression_without_boxes_gives_none():
    found, scores = boxes.suppress(np.zeros((0, 4)), np.zeros(0), 0.5)
    assert found.shape == (0, 4) and scores.shape == (0,)


def test_yolo_input_is_stretched_to_0_1():
    planes = np.empty((3, 640, 640), np.float32)
    picture = inputs.test_image()
    boxes.stretch_into(planes, picture)
    np.testing.assert_allclose(planes, cv2.resize(picture, (640, 640)).transpose(2, 0, 1) / 255, atol=1e-6)
