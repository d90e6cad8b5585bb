"""The example workflows' inputs on their way into ComfyUI's input folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def samples(nodes, tmp_path, monkeypatch):
    from motion_transfer.nodes import sample_inputs

    monkeypatch.setattr(sample_inputs.folder_paths, "get_input_directory", lambda: str(tmp_path), raising=False)
    return sample_inputs


def test_every_input_of_every_workflow_is_a_sample_that_is_there(samples):
    known = {samples.PREFIX + name for name in samples.SAMPLES if (samples.MEDIA / name).is_file()}
    for path in sorted((ROOT / "workflows" / "api").glob("*.json")):
        for node in json.loads(path.read_text()).values():
            for key in {"LoadImage": ["image"], "LoadImageMask": ["image"], "LoadVideo": ["file"], "MT_LoadMotion": ["file"]}.get(node["class_type"], []):  # fmt: skip
                assert node["inputs"][key] in known, f"{path.name}: {node['inputs'][key]}"


def test_samples_are_brought_once_and_never_over_what_is_there(samples, tmp_path):
    mine = tmp_path / "motion_transfer_heroine.png"
    mine.write_bytes(b"mine")
    samples.bring_sample_inputs()
    assert mine.read_bytes() == b"mine"
    assert {p.name for p in tmp_path.iterdir()} == {samples.PREFIX + name for name in samples.SAMPLES}
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 2_000_000


@pytest.mark.parametrize("what", ["no folder", "a file in its place"])
def test_a_folder_that_cannot_be_written_is_no_failure(samples, tmp_path, monkeypatch, what):
    place = tmp_path / "input"
    if what != "no folder":
        place.write_text("")
    monkeypatch.setattr(samples.folder_paths, "get_input_directory", lambda: str(place), raising=False)
    samples.bring_sample_inputs()
    assert not place.is_dir()


def test_a_motion_finds_its_film_beside_itself(samples, tmp_path):
    from motion_transfer.nodes.motion_files import with_film_beside
    from motion_transfer.pose.motion_file import load_motion

    samples.bring_sample_inputs()
    file = tmp_path / "motion_transfer_dancer.motion"
    assert with_film_beside(load_motion(file), file).source.path == str(tmp_path / "motion_transfer_dancer.mp4")
    lonely = tmp_path / "elsewhere" / "a.motion"
    assert with_film_beside(load_motion(file), lonely).source.path == "dancer.mp4"


def test_the_bundled_motion_is_that_of_the_bundled_dancer(samples):
    import hashlib

    from motion_transfer.pose.motion_file import load_motion

    film = (samples.MEDIA / "dancer.mp4").read_bytes()
    assert load_motion(samples.MEDIA / "dancer.motion").source.sha256 == hashlib.sha256(film).hexdigest()
