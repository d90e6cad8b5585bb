"""Weight files are found under the names and in the places people have them, and named in one line where they are not."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from motion_transfer.core import MissingWeights, NotForCommercialUse
from motion_transfer.models.live_portrait import weights as live_portrait
from motion_transfer.models.mimic_motion import weights as mimic_motion
from motion_transfer.models.wan_animate import weights as wan_animate
from motion_transfer.pose import pose_weights
from motion_transfer.pose.networks import POSE_NETWORKS, network_ids
from motion_transfer.run.download import asked_for
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
        find_weight_file(weights, [], [models], command="get {}", otherwise=".")


def test_of_several_folders_the_one_of_its_name_is_meant(models):
    with pytest.raises(MissingWeights, match=r"models.detection.yolox_l\.onnx"):
        find_weight_file(
            pose_weights.YOLOX_L, [models / "old", models / "detection"], [models], command="get {}", otherwise="."
        )


def test_pose_weights_are_listed_with_licence_and_place(models):
    here = put(models / "detection" / "dw-ll_ucoco_384.onnx")
    listed = {(w.used_by, w.name): w for w in all_weights(LocalHost(weights_folders=(models,)))}
    assert listed["dwpose", "DWPose"].path == here
    assert listed["yolox", "YOLOX-L"].licence == "Apache-2.0" and listed["yolox", "YOLOX-L"].path is None
    assert listed["yolov10", "YOLOv10m"].commercial_use is False
    assert {user for user, _ in listed} >= {f"vitpose-{size}" for size in "sblh"}


def test_all_that_an_engine_misses_is_told_at_once_with_the_command_that_brings_it(models):
    host = LocalHost(weights_folders=(models,))
    put(models / "liveportrait" / "warping_module.safetensors")
    with pytest.raises(MissingWeights) as told:
        live_portrait.find_weights(host)
    text = str(told.value)
    assert "\n" not in text and text.startswith("4 weight files of live-portrait are missing (339 MB): ")
    assert "'motion-transfer models get live-portrait' brings them" in text and "warping" not in text
    for part in ("appearance_feature_extractor", "motion_extractor", "spade_generator", "stitching_retargeting_module"):
        assert text.count(part) == 1
    assert text.count("huggingface.co/") == 1 and f"By hand, in {models / 'liveportrait'}: app" in text
    with pytest.raises(MissingWeights) as told:
        live_portrait.find_weights(host, animals=True)
    assert "models get animal/appearance_feature_extractor.safetensors animal/motion" in str(told.value)
    with pytest.raises(MissingWeights) as told:
        wan_animate.find_weights(host, relight_lora=False, distill_lora=True)
    assert f"models get wan-animate {wan_animate.DISTILL_LORA.file}' brings" in str(told.value)
    assert str(told.value).count(str(models)) == 1 and "split_files/vae to vae; " in str(told.value)
    with pytest.raises(MissingWeights, match=r"2 weight files of mimic-motion .* mind its terms for commercial use"):
        mimic_motion.find_weights(host, "1-1")


def test_one_missing_file_is_told_as_itself_and_a_refused_licence_before_any(models):
    host = LocalHost(weights_folders=(models,))
    for weights in live_portrait.PEOPLE.values():
        put(models / "liveportrait" / weights.file)
    (models / "liveportrait" / "warping_module.safetensors").unlink()
    with pytest.raises(MissingWeights, match=r"^LivePortrait warping \(W\) is missing"):
        live_portrait.find_weights(host)
    strict = LocalHost(weights_folders=(models,), commercial_use_only=True)
    with pytest.raises(NotForCommercialUse):
        mimic_motion.find_weights(strict, "1-1")


def test_a_pose_network_and_its_finder_are_missed_together(models):
    find = LocalHost(weights_folders=(models,)).find_weights
    with pytest.raises(MissingWeights, match=r"2 weight files of dwpose .*models get dwpose' brings") as told:
        network_ids("dwpose", find, "cpu")
    assert "yolox_l.onnx" in str(told.value) and "dw-ll_ucoco_384.onnx" in str(told.value)
    with pytest.raises(MissingWeights, match="2 weight files of vitpose-b"):
        network_ids("vitpose-b", find, "cpu")
    put(models / "detection" / "dw-ll_ucoco_384.onnx")
    with pytest.raises(MissingWeights, match=r"^YOLOX-L is missing"):
        network_ids("dwpose", find, "cpu")


@pytest.mark.parametrize("detector", POSE_NETWORKS)
def test_what_is_fetched_for_a_detector_makes_it_work(models, detector):
    for weights in asked_for(detector)[0]:
        put(models / weights.folder / weights.file)
    assert network_ids(detector, LocalHost(weights_folders=(models,)).find_weights, "cpu")
