"""The switch that keeps to weights whose licences allow commercial use: refused in one line, before any work."""

from __future__ import annotations

import json
from dataclasses import replace

import light_engine
import pytest
from made_media import make_motion

from motion_transfer.cli.main import main
from motion_transfer.core import EngineSpec, MissingWeights, NotForCommercialUse, TransferJob, WeightFile
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.pose.networks import network_ids
from motion_transfer.pose.pose_weights import DWPOSE, YOLOV10M, YOLOX_L
from motion_transfer.run import route
from motion_transfer.run.host import LocalHost, NotedHost
from motion_transfer.run.manifest import manifest_path
from motion_transfer.run.route import run
from motion_transfer.run.weights import COMMERCIAL_USE_ONLY

FREE = WeightFile("free", "free.safetensors", "light", "some/where", None, None, "MIT", True)
OTHER = WeightFile("other", "other.safetensors", "light", "some/where", None, None, "CC-BY-NC-4.0", False)


@pytest.fixture
def motion_file(tmp_path):
    path = tmp_path / "dance.motion"
    save_motion(make_motion(9), path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Where both weight files are."""
    for weights in (FREE, OTHER, DWPOSE, YOLOX_L, YOLOV10M):
        place = tmp_path / "models" / weights.folder / weights.file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    return tmp_path / "models"


def engine_with(monkeypatch, *weights) -> EngineSpec:
    """The light engine finds these before it starts."""

    def identity(settings, host):
        return ", ".join(host.find_weights(w).name for w in weights)

    spec = replace(light_engine.SPEC, weights=weights, identity=identity)
    monkeypatch.setattr(light_engine, "SPEC", spec)
    return spec


def a_job(tmp_path, character, motion_file, **changes):
    return TransferJob(
        character=str(character), driving=str(motion_file), output=str(tmp_path / "out.mkv"), engine="light",
        quality="lossless", **changes,
    )  # fmt: skip


@pytest.mark.parametrize("weights", [(OTHER,), (FREE, OTHER)])
def test_weights_for_research_are_refused_before_any_work(
    monkeypatch, tmp_path, character, motion_file, folder, weights
):
    engine_with(monkeypatch, *weights)
    monkeypatch.setattr(route, "prepare_character", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(NotForCommercialUse) as refused:
        run(a_job(tmp_path, character, motion_file, commercial_use_only=True), LocalHost(weights_folders=(folder,)))
    line = str(refused.value)
    assert "other.safetensors (CC-BY-NC-4.0)" in line and "puppet" in line and "light" not in line.split("engines")[1]
    assert "\n" not in line and line.endswith("would work.")
    assert not (tmp_path / "out.mkv").exists()


def test_an_engine_that_is_lent_its_models_is_refused_too(monkeypatch, tmp_path, character, motion_file):
    monkeypatch.setattr(light_engine, "SPEC", replace(light_engine.SPEC, weights=(OTHER,)))  # finds nothing by name
    with pytest.raises(NotForCommercialUse, match=r"other\.safetensors"):
        run(a_job(tmp_path, character, motion_file, commercial_use_only=True), LocalHost())


def test_the_switch_changes_nothing_in_the_video(monkeypatch, tmp_path, character, motion_file, folder):
    engine_with(monkeypatch, FREE)
    host = LocalHost(weights_folders=(folder,))
    first = run(a_job(tmp_path, character, motion_file), host)
    again = run(a_job(tmp_path, character, motion_file, commercial_use_only=True), host)
    assert first.chunks_made == 3 and again.chunks_made == again.chunks_reused == 0  # finished already


def test_a_result_of_a_time_without_the_switch_is_still_known(monkeypatch, tmp_path, character, motion_file):
    result = run(a_job(tmp_path, character, motion_file), LocalHost())
    path = manifest_path(result.output)
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["job"]["commercial_use_only"]
    path.write_text(json.dumps(values), encoding="utf-8")
    assert run(a_job(tmp_path, character, motion_file), LocalHost()).chunks_made == 0
    job = json.loads(a_job(tmp_path, character, motion_file).to_json())
    del job["commercial_use_only"]
    assert TransferJob.from_json(json.dumps(job)).commercial_use_only is False


def test_who_can_choose_takes_the_free_one(folder):
    host = NotedHost(LocalHost(weights_folders=(folder,)), commercial_use_only=True)
    assert "yolox" in network_ids("dwpose", host.find_weights, "cpu")
    (folder / YOLOX_L.folder / YOLOX_L.file).unlink()
    anything = LocalHost(weights_folders=(folder,))
    assert "yolov10" in network_ids("dwpose", anything.find_weights, "cpu")
    with pytest.raises(MissingWeights, match=r"yolox_l\.onnx|yolov10m\.onnx \(AGPL"):
        network_ids("dwpose", host.find_weights, "cpu")


@pytest.mark.parametrize("word", ["1", "true", "On"])
def test_the_environment_can_say_it_for_everything(monkeypatch, folder, word):
    assert LocalHost(weights_folders=(folder,)).find_weights(OTHER).is_file()
    monkeypatch.setenv(COMMERCIAL_USE_ONLY, word)
    for host in (LocalHost(weights_folders=(folder,)), NotedHost(LocalHost(weights_folders=(folder,)))):
        assert host.find_weights(FREE).is_file()
        with pytest.raises(NotForCommercialUse):
            host.find_weights(OTHER)


def test_commands_refuse_and_list(monkeypatch, capsys, tmp_path, character, motion_file, folder):
    engine_with(monkeypatch, FREE, OTHER)
    weights = ["--weights", str(folder)]
    assert main(["run", str(character), str(motion_file), "--engine", "light", "--commercial-use-only", *weights]) == 4
    assert capsys.readouterr().err.count("other.safetensors (CC-BY-NC-4.0) may not be used commercially") == 1
    assert main(["models", "get", "light", "--commercial-use-only", *weights]) == 4
    assert "other.safetensors" in capsys.readouterr().err
    monkeypatch.setenv(COMMERCIAL_USE_ONLY, "1")
    assert main(["models", "--json", *weights]) == 0  # what is here is told, whatever its licence
    told = {f["file"]: f for f in json.loads(capsys.readouterr().out)}
    assert told["other.safetensors"]["path"] and not told["other.safetensors"]["commercial_use"]
    assert main(["models", "--json", "--commercial-use-only", *weights]) == 0
    files = {f["file"] for f in json.loads(capsys.readouterr().out)}
    assert "free.safetensors" in files and not files & {"other.safetensors", "yolov10m.onnx"}
    assert main(["engines"]) == 0
    shown = capsys.readouterr().out
    assert any("other.safetensors" in line and "CC-BY-NC-4.0" in line and "no" in line for line in shown.splitlines())
