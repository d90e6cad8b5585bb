"""Settings that messages name, in ComfyUI's words: on their way out of a node, in its notes, in its reports."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from motion_transfer.core import Cancelled, MissingWeights, NoPersonFound


@pytest.fixture
def interruptions(nodes, monkeypatch):
    """One entry for each time that ComfyUI was asked to throw its own."""
    asked: list[bool] = []
    throw = "throw_exception_if_processing_interrupted"
    monkeypatch.setattr(sys.modules["comfy.model_management"], throw, lambda: asked.append(True), raising=False)
    return asked


@pytest.fixture
def host_of_comfyui(interruptions, monkeypatch):
    from motion_transfer.nodes.comfy_host import comfy_host

    monkeypatch.setattr(sys.modules["comfy.utils"], "ProgressBar", lambda total: SimpleNamespace(), raising=False)
    return comfy_host


def test_an_error_that_leaves_a_node_names_its_inputs(host_of_comfyui):
    with pytest.raises(NoPersonFound) as caught, host_of_comfyui():
        raise NoPersonFound("No body was found; a mask (`mask`), or its joints (`character_pose`) would work.")
    told = str(caught.value)
    assert "the mask input" in told and "character_pose input" in told
    assert "`" not in told and "--" not in told


def test_a_note_names_inputs_and_a_stopped_run_is_still_an_interruption(host_of_comfyui, interruptions):
    with host_of_comfyui() as host:
        host.note("Another quality (`quality=alpha`) keeps it see-through.")
        host.note("Half precision (`dtype=bf16`) would do.")
    assert host.notes[0] == "Another quality (the quality input: alpha) keeps it see-through."
    assert host.notes[1] == "Half precision (dtype: bf16) would do."
    with pytest.raises(Cancelled), host_of_comfyui():
        raise Cancelled("Stopped.")
    assert interruptions == [True]


def test_the_report_of_a_check_names_inputs(nodes, host_of_comfyui, monkeypatch):
    from motion_transfer.nodes import check_driving_video
    from motion_transfer.run import check

    line = "[warn] cut at 1.00 s: Choose one shot (`start_seconds`, `stop_seconds`)."
    report = SimpleNamespace(lines=lambda: [line], ok=True, findings=[])
    monkeypatch.setattr(check, "check_driving_video", lambda *a, **k: report)
    monkeypatch.setattr(check_driving_video, "video_file", lambda video: ("dance.mp4", 0.0, None))
    out = check_driving_video.CheckDrivingVideo.execute("film", "all engines", "never")
    told = out.args[2] if hasattr(out, "args") else out.result[2]
    assert told.endswith("Choose one shot (Trim Video's start_time, Trim Video's duration).")


def test_the_report_of_a_wired_engine_names_inputs(nodes, tmp_path):
    from motion_transfer.nodes.wired_transfer import report_of

    path = tmp_path / "out.mp4.json"
    path.write_text('{"engine": {}, "output": {}, "run": {}, "notes": ["Another file can give one (`audio_file`)."]}')
    assert "Create Video's audio input" in report_of(path) and "`" not in report_of(path)


def test_missing_weights_are_told_with_the_command_and_comfyuis_folder(host_of_comfyui, monkeypatch):
    from motion_transfer.models.live_portrait.weights import find_weights

    monkeypatch.setattr(sys.modules["folder_paths"], "get_folder_paths", lambda kind: [])
    with pytest.raises(MissingWeights) as told, host_of_comfyui() as host:
        find_weights(host)
    models = sys.modules["folder_paths"].models_dir
    assert f"'motion-transfer models get live-portrait --weights \"{models}\"' brings them" in str(told.value)
    assert str(told.value).endswith(", then press R in ComfyUI.")
