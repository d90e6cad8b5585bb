"""Finders and pose networks from ONNX files: true shapes and tiny weights, made here."""

from __future__ import annotations

import sys
from pathlib import Path

import network_inputs as inputs
import numpy as np
import pytest
from onnx_files import SPOTS, finder_of, make, spots, tiny

from motion_transfer.core import InputError, MissingWeights, UsageError
from motion_transfer.pose import network_files, onnx_network, pose_weights, vitpose
from motion_transfer.pose.networks import POSE_NETWORKS, network_ids, open_finder, open_pose_network

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def nothing_kept():
    onnx_network.forget_networks()
    yield
    onnx_network.forget_networks()


@pytest.mark.parametrize("name", POSE_NETWORKS)
@pytest.mark.parametrize("batch", ["n", 1, 5])
def test_points_land_where_the_spot_is_whatever_the_batch(tmp_path, name, batch):
    make(name, tmp_path, batch=batch)
    network = open_pose_network(name, finder_of(tmp_path), "cpu")
    frames, boxes = spots()
    order = [2, 0, 1, 0, 2, 1, 1]
    points, scores = network.estimate(frames, boxes[order], np.array(order))
    assert points.shape == (7, 133, 2) and points.dtype == np.float32
    assert scores.shape == (7, 133) and scores.dtype == np.float32
    assert scores.min() > 0 and scores.max() <= 1
    # DWPose answers in half input pixels, heat maps average 4: within one of their steps over a region of 276 px.
    # The tiny heat maps have their middle 1.5 input pixels from mmpose's convention.
    near = 1.0 if name == "dwpose" else 2.5
    assert np.abs(points - np.array(SPOTS)[order][:, None]).max() < near
    assert network.provider == "CPUExecutionProvider" and network.module is None
    network.close()


def test_dwpose_of_256_reads_its_size_from_the_file(tmp_path):
    tiny.dwpose(tmp_path / "dw-ll_ucoco.onnx", 256, 192)
    frames, boxes = spots()
    points, _ = open_pose_network("dwpose", finder_of(tmp_path), "cpu").estimate(frames, boxes, np.arange(3))
    assert np.abs(points - np.array(SPOTS)[:, None]).max() < 1.5


def test_a_file_that_promises_batches_and_takes_one_is_fed_one_by_one(tmp_path):
    make("vitpose-b", tmp_path, first=1)
    make("vitpose-s", tmp_path)
    frames, boxes = spots()
    traced, plain = (open_pose_network(name, finder_of(tmp_path), "cpu") for name in ("vitpose-b", "vitpose-s"))
    for _ in range(2):
        got = traced.estimate(frames, boxes, np.arange(3))
        np.testing.assert_array_equal(got[0], plain.estimate(frames, boxes, np.arange(3))[0])
    assert traced._network.batch == 1


def test_a_network_that_fails_while_running_is_one_line(tmp_path):
    make("vitpose-b", tmp_path, first=7)
    network = open_pose_network("vitpose-b", finder_of(tmp_path), "cpu")
    frames, boxes = spots()
    with pytest.raises(InputError, match=r"vitpose-b-wholebody\.onnx does not run on CPU.*\[1, 3, 256, 192\]") as told:
        network.estimate(frames, boxes, np.arange(3))
    assert "\n" not in str(told.value)


def test_wans_crop_can_be_asked_for_and_is_another_network_to_the_cache(tmp_path):
    opened = onnx_network.open_onnx(make("vitpose-b", tmp_path), "ViTPose", "cpu", None)
    frames, boxes = spots()
    made = {c: vitpose.VitPoseOnnx(opened, "vitpose-b", crop=c) for c in ("exact", "wan")}
    assert made["wan"].id == made["exact"].id + "/wan"
    exact, wan = (made[c].estimate(frames, boxes, np.arange(3))[0] for c in ("exact", "wan"))
    # Corners in whole pixels and a resize by half-pixel centres: about 1 px, never more than 2 for such a region.
    assert 0.1 < np.abs(exact - wan).max() < 2


def test_a_half_precision_file_is_fed_halves(tmp_path):
    tiny.dwpose(tmp_path / pose_weights.DWPOSE.file, kind=tiny.HALF)
    frames, boxes = spots()
    points, _ = open_pose_network("dwpose", finder_of(tmp_path), "cpu").estimate(frames, boxes, np.arange(3))
    assert np.abs(points - np.array(SPOTS)[:, None]).max() < 4


def test_nobody_in_no_frames_gives_nothing(tmp_path):
    for name in ("dwpose", "vitpose-b"):
        make(name, tmp_path)
        network = open_pose_network(name, finder_of(tmp_path), "cpu")
        points, scores = network.estimate(
            np.zeros((2, 50, 60, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, int)
        )
        assert points.shape == (0, 133, 2) and scores.shape == (0, 133)


def test_black_frames_have_no_joints_and_finite_points(tmp_path):
    make("dwpose", tmp_path)
    network = open_pose_network("dwpose", finder_of(tmp_path), "cpu")
    points, scores = network.estimate(
        np.zeros((1, 480, 640, 3), np.uint8), np.array([[np.nan, 0, 1, 1]]), np.zeros(1, int)
    )
    assert np.isfinite(points).all() and not scores.any()


def test_boxes_out_of_the_picture_and_tiny_pictures_are_no_trouble(tmp_path):
    make("vitpose-s", tmp_path)
    network = open_pose_network("vitpose-s", finder_of(tmp_path), "cpu")
    boxes = np.array([[-900, -900, -500, -500], [0, 0, 5, 5], [-1e6, -1e6, 1e6, 1e6]], np.float32)
    points, scores = network.estimate(np.full((1, 9, 7, 3), 200, np.uint8), boxes, np.zeros(3, int))
    assert np.isfinite(points).all() and np.isfinite(scores).all()


@pytest.mark.parametrize("batch", ["n", 1])
def test_yolox_finds_the_people_of_each_frame(tmp_path, batch):
    tiny.detector(tmp_path / "yolox_l.onnx", inputs.yolox_rows(), batch)
    finder = open_finder("auto", finder_of(tmp_path), "cpu")
    found = finder.find(np.zeros((6, 720, 1280, 3), np.uint8))
    assert len(found) == 6
    wanted = np.load(Path(__file__).parent / "data" / "network_goldens.npz")["yolox_boxes_1280x720"]
    for boxes, scores in found:
        assert boxes.dtype == scores.dtype == np.float32
        np.testing.assert_allclose(boxes, wanted, rtol=1e-5, atol=1e-3)
    assert finder.find(np.zeros((0, 720, 1280, 3), np.uint8)) == []
    assert finder.id.startswith("yolox/") and finder.module is None
    finder.close()


@pytest.mark.parametrize("rows", [inputs.yolov10_rows(), inputs.yolov8_rows()])
def test_yolov10_and_v8_files_are_read(tmp_path, rows):
    tiny.detector(tmp_path / "yolov10m.onnx", rows)
    (boxes, scores), _ = open_finder("yolov10", finder_of(tmp_path), "cpu").find(np.zeros((2, 720, 1280, 3), np.uint8))
    assert len(boxes) == 2 and scores[0] > scores[1] > 0.3


def test_auto_takes_yolov10_only_where_it_is_alone_and_says_its_licence(tmp_path):
    notes = []
    tiny.detector(tmp_path / "yolov10m.onnx", inputs.yolov10_rows())
    assert open_finder("auto", finder_of(tmp_path), "cpu", note=notes.append).id.startswith("yolov10/")
    assert len(notes) == 1 and "AGPL-3.0" in notes[0]
    tiny.detector(tmp_path / "yolox_l.onnx", inputs.yolox_rows())
    assert open_finder("auto", finder_of(tmp_path), "cpu", note=notes.append).id.startswith("yolox/")
    assert len(notes) == 1


def test_nothing_here_names_yolox_and_both_forms_of_vitpose(tmp_path):
    with pytest.raises(MissingWeights, match="YOLOX-L"):
        open_finder("auto", finder_of(tmp_path), "cpu")
    with pytest.raises(MissingWeights, match=r"vitpose-b-wholebody\.onnx.*vitpose-b-wholebody\.pth"):
        open_pose_network("vitpose-b", finder_of(tmp_path), "cpu")


@pytest.mark.parametrize("opener", [open_finder, open_pose_network])
def test_unknown_names_are_refused_with_the_known_ones(opener, tmp_path):
    with pytest.raises(UsageError, match=r"yolox|dwpose"):
        opener("yolo99", finder_of(tmp_path), "cpu")


# What identifies the files


def test_ids_are_told_without_loading_and_equal_those_of_the_networks(tmp_path, monkeypatch):
    tiny.detector(tmp_path / "yolox_l.onnx", inputs.yolox_rows())
    make("dwpose", tmp_path)
    find = finder_of(tmp_path)
    opened = f"{open_finder('auto', find, 'cpu').id} + {open_pose_network('dwpose', find, 'cpu').id}"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert network_ids("dwpose", find, "cpu") == network_ids("dwpose", find, "cuda:0") == opened
    path = tmp_path / pose_weights.DWPOSE.file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert network_ids("dwpose", find, "cpu") != opened
    with pytest.raises(MissingWeights):
        network_ids("vitpose-l", find, "cpu")


def test_the_id_knows_the_weights_beside_the_graph(tmp_path):
    path = tmp_path / "vitpose_h_wholebody.onnx" / "end2end.onnx"
    split(path)
    before = network_files.file_id("vitpose-h", path.parent)
    assert before == network_files.file_id("vitpose-h", path)
    (path.parent / "weights.bin").write_bytes(b"x" * (path.parent / "weights.bin").stat().st_size)
    assert network_files.file_id("vitpose-h", path.parent) != before


# Files as people have them


def split(path, name="weights.bin"):
    return tiny.detector(path, inputs.yolox_rows(), save_as_external_data=True, location=name, size_threshold=1024)


def test_a_folder_with_end2end_and_weights_beside_it_is_opened(tmp_path):
    folder = tmp_path / "yolox_l.onnx"
    split(folder / "end2end.onnx")
    assert onnx_network.data_files(folder / "end2end.onnx") == ["weights.bin"]
    finder = open_finder("yolox", finder_of(tmp_path), "cpu")
    assert len(finder.find(np.zeros((1, 720, 1280, 3), np.uint8))[0][0]) == 4


def test_weights_missing_beside_the_graph_are_named(tmp_path):
    split(tmp_path / "yolox_l.onnx", "yolox_l_data.bin")
    (tmp_path / "yolox_l_data.bin").unlink()
    with pytest.raises(MissingWeights, match=r"yolox_l_data\.bin, which must lie beside it") as told:
        open_finder("yolox", finder_of(tmp_path), "cpu")
    assert "\n" not in str(told.value)


def test_a_folder_without_end2end_is_named(tmp_path):
    (tmp_path / "yolox_l.onnx").mkdir()
    with pytest.raises(MissingWeights, match=r"end2end\.onnx"):
        open_finder("yolox", finder_of(tmp_path), "cpu")


@pytest.mark.parametrize("damage", ["half", "empty", "page", "short weights"])
def test_damaged_files_are_one_line(tmp_path, damage):
    path = tmp_path / "yolox_l.onnx"
    if damage == "short weights":
        split(path)
        (tmp_path / "weights.bin").write_bytes(b"short")
    else:
        data = tiny.detector(path, inputs.yolox_rows()).read_bytes()
        path.write_bytes({"half": data[: len(data) // 2], "empty": b"", "page": b"<html>404</html>"}[damage])
    with pytest.raises(InputError, match="damaged, cut short, no ONNX file") as told:
        open_finder("yolox", finder_of(tmp_path), "cpu")
    assert str(path) in str(told.value) and "as published 216.7 MB" in str(told.value)
    assert "\n" not in str(told.value) and len(str(told.value)) < 500


@pytest.mark.parametrize(
    "name, make_other, found",
    [
        ("dwpose", lambda p: tiny.vitpose(p), r"\[n,133,64,48\]"),
        ("dwpose", lambda p: tiny.dwpose(p, joints=17), r"\[n,17,576\]"),
        ("vitpose-b", lambda p: tiny.dwpose(p), r"\[n,133,576\]"),
        ("vitpose-b", lambda p: tiny.vitpose(p, joints=17), "bodies without hands and face"),
        ("yolox", lambda p: tiny.detector(p, inputs.yolov10_rows()), r"\[n,300,6\]"),
        ("yolox", lambda p: tiny.dwpose(p), r"\[n,3,384,288\]"),
        ("yolov10", lambda p: tiny.detector(p, inputs.yolox_rows()), r"\[n,8400,85\]"),
    ],
)
def test_the_onnx_of_another_model_is_named_with_what_is_in_it(tmp_path, name, make_other, found):
    records = {"dwpose": pose_weights.DWPOSE, "yolox": pose_weights.YOLOX_L, "yolov10": pose_weights.YOLOV10M}
    record = records.get(name) or pose_weights.VITPOSE_ONNX[name]
    make_other(tmp_path / record.file)
    opener = open_finder if name.startswith("yolo") else open_pose_network
    with pytest.raises(InputError, match=found) as told:
        opener(name, finder_of(tmp_path), "cpu")
    assert record.file in str(told.value) and "wanted" in str(told.value) and "\n" not in str(told.value)


# Providers
