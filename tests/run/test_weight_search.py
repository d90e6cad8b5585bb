"""Weight files are found under the names and in the places people have them, and named in one line where they are not."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from motion_transfer.core import MissingWeights
from motion_transfer.pose import pose_weights
from motion_transfer.run.host import LocalHost
from motion_transfer.run.weight_search import find_weight_file
from motion_transfer.run.weights import all_weights


def put(path, data=b"1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "ComfyUI" / "models"
    folder.mkdir(parents=True)
    return folder


def found(weights, models, host=None):
    return (host or LocalHost(weights_folders=(models,))).find_weights(weights)


@pytest.mark.parametrize(
    "weights, place",
    [
        (pose_weights.YOLOX_L, "models/detection/yolox_l.onnx"),
        (pose_weights.YOLOX_L, "models/detection/deep/down/yolox_l.onnx"),
        (pose_weights.YOLOX_L, "models/yolox_l.onnx"),
        (pose_weights.YOLOX_L, "models/onnx/yolox_l.onnx"),
        (pose_weights.YOLOX_L, "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose/yolox_l.onnx"),
        (pose_weights.DWPOSE, "custom_nodes/comfyui_controlnet_aux/ckpts/yzd-v/DWPose/dw-ll_ucoco_384.onnx"),
        (pose_weights.DWPOSE, "models/detection/dw-ll_ucoco.onnx"),
        (pose_weights.YOLOV10M, "models/detection/process_checkpoint/det/yolov10m.onnx"),
        (pose_weights.VITPOSE_ONNX["vitpose-h"], "models/detection/vitpose_h_wholebody.onnx/end2end.onnx"),
        (pose_weights.VITPOSE_ONNX["vitpose-h"], "models/onnx/vitpose_h_wholebody_model.onnx"),
        (pose_weights.VITPOSE_TORCH["vitpose-b"], "models/detection/vitpose-b-wholebody.safetensors"),
    ],
)
def test_files_are_found_where_people_have_them(models, weights, place):
    path = put(models.parent / place)
    assert found(weights, models) in (path, path.parent)  # the folder with end2end.onnx as a whole
    assert found(weights, models).name != "end2end.onnx"


def test_the_published_name_goes_first(models):
    put(models / "detection" / "dw-ll_ucoco.onnx")
    best = put(models / "detection" / "sub" / "dw-ll_ucoco_384.onnx")
    assert found(pose_weights.DWPOSE, models) == best


def test_a_data_file_is_never_offered(models):
    put(models / "detection" / "vitpose_h_wholebody_data.bin")
    put(models / "detection" / "yolox_l.bin")
    for weights in (pose_weights.VITPOSE_ONNX["vitpose-h"], pose_weights.YOLOX_L):
        with pytest.raises(MissingWeights):
            found(weights, models)


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_back_ends_the_walk(models):
    (models / "detection" / "deep").mkdir(parents=True)
    (models / "detection" / "deep" / "back").symlink_to(models / "detection")
    with pytest.raises(MissingWeights):
        found(pose_weights.YOLOX_L, models)


def test_the_message_says_which_how_large_which_licence_from_where_and_to_where(models):
    with pytest.raises(MissingWeights) as told:
        found(pose_weights.YOLOX_L, models)
    text = str(told.value)
    assert "\n" not in text
    for part in ("YOLOX-L", "yolox_l.onnx", "217 MB", "Apache-2.0", "huggingface.co/yzd-v/DWPose", "`weights_folders`",
                 str(models / "detection" / "yolox_l.onnx")):  # fmt: skip
        assert part in text
    with pytest.raises(MissingWeights, match=r"AGPL-3\.0, mind its terms"):
        found(pose_weights.YOLOV10M, models)


def test_without_folders_of_its_kind_the_standard_one_is_named(models):
    weights = replace(pose_weights.YOLOX_L, num_bytes=None)
    with pytest.raises(MissingWeights, match=r"yolox_l\.onnx \(Apache-2\.0\)"):
        find_weight_file(weights, [], [models], ".")


def test_of_several_folders_the_one_of_its_name_is_meant(models):
    with pytest.raises(MissingWeights, match=r"models.detection.yolox_l\.onnx"):
        find_weight_file(pose_weights.YOLOX_L, [models / "old", models / "detection"], [models], ".")


def test_pose_weights_are_listed_with_licence_and_place(models):
    here = put(models / "detection" / "dw-ll_ucoco_384.onnx")
    listed = {(w.used_by, w.name): w for w in all_weights(LocalHost(weights_folders=(models,)))}
    assert listed["dwpose", "DWPose"].path == here
    assert listed["yolox", "YOLOX-L"].licence == "Apache-2.0" and listed["yolox", "YOLOX-L"].path is None
    assert listed["yolov10", "YOLOv10m"].commercial_use is False
    assert {user for user, _ in listed} >= {f"vitpose-{size}" for size in "sblh"}
