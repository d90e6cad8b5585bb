"""What the registry's archive holds: all that a ComfyUI user needs, nothing that touches their environment."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 5_000_000


def git(*words):
    return set(subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())  # fmt: skip


@pytest.fixture(scope="module")
def archive():
    """The files that `comfy node pack` takes: tracked, less what .comfyignore names."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: only git knows which files are ours")
    return git("ls-files") - git("ls-files", "--cached", "--ignored", "--exclude-from=.comfyignore")


def names_in(path):
    return [re.split(r"[<>=!~ \[;]", line)[0].lower() for line in path.read_text().splitlines() if line and line[0] not in "#-"]  # fmt: skip


def test_nothing_is_pulled_that_is_the_users_own():
    """A requirement on these would replace the user's CUDA build, or what ComfyUI itself has chosen."""
    assert not set(names_in(ROOT / "requirements.txt")) & {
        "torch", "torchvision", "torchaudio", "xformers", "comfyui-frontend-package", "opencv-python", "onnxruntime-gpu",
    }  # fmt: skip
    said = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.S | re.M)
    assert said
    wanted = [line.strip().strip('",') for line in said[1].splitlines()]
    assert (ROOT / "requirements.txt").read_text().split() == wanted
    assert not [w for w in wanted if "==" in w or "<" in w], "a pin fights with other packs"


def test_the_archive_is_whole(archive):
    from_git = git("ls-files", "*.py")
    ours = {f for f in from_git if not f.startswith(("tests/", "benchmarks/", "demo/"))}
    assert ours <= archive
    assert {"__init__.py", "pyproject.toml", "requirements.txt", "README.md", "LICENSE", "CHANGELOG.md"} <= archive
    nodes = json.loads((ROOT / "tests" / "nodes" / "names_are_promises.json").read_text())
    assert {f"web/docs/{node}/{language}.md" for node in nodes for language in ("en", "zh")} <= archive
    assert {f"web/docs/{node}/picture.jpg" for node in nodes} <= archive
    assert "locales/zh/nodeDefs.json" in archive
    pictures = re.findall(r"\]\((docs/[^)]+)\)", (ROOT / "README.md").read_text())
    assert set(pictures) <= archive


def test_every_workflow_comes_with_its_thumbnail_and_its_inputs(archive):
    source = (ROOT / "nodes" / "sample_inputs.py").read_text()
    samples = re.findall(r'"([a-z]+\.[a-z0-9]+)"', re.search(r"^SAMPLES = .*?\)$", source, re.S | re.M)[0])
    assert {f"demo/media/{name}" for name in samples} <= archive
    for path in (ROOT / "workflows" / "api").glob("*.json"):
        assert f"workflows/api/{path.name}" in archive
        used = re.findall(r'"motion_transfer_([^"]+\.(?:mp4|png|jpg|motion))"', path.read_text())
        assert set(used) <= set(samples), path.name
    for path in (ROOT / "workflows").glob("*.json"):
        assert {f"workflows/{path.name}", f"workflows/{path.stem}.jpg"} <= archive


def test_the_archive_is_small_and_holds_no_workshop(archive):
    assert not [f for f in archive if f.startswith(("tests/", "benchmarks/", ".ci/"))]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as whole:
        for path in (ROOT / f for f in archive):
            if path.is_file():
                whole.write(path, path.relative_to(ROOT))
    assert packed.tell() < MOST_BYTES


def test_the_icon_is_one_that_the_registry_takes(archive):
    said = re.search(r'^Icon = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert said and said[1] in archive
    with Image.open(ROOT / said[1]) as icon:
        assert icon.width == icon.height <= 400


def test_every_loader_in_a_workflow_says_where_its_file_comes_from():
    """The page offers these for download; they are the registry's own places."""
    sys.path.insert(0, str(ROOT / "tests" / "comfy"))
    from name_models import LOADERS, known_places

    places, seen = known_places(), 0
    for path in (ROOT / "workflows").glob("*.json"):
        for node in json.loads(path.read_text(encoding="utf-8"))["nodes"]:
            if node["type"] in LOADERS:
                file = node["widgets_values"][0]
                assert node["properties"]["models"] == [places[file]], f"{path.name}: run tests/comfy/name_models.py"
                assert places[file]["url"].startswith("https://huggingface.co/") and places[file]["url"].endswith(file)
                seen += 1
    assert seen >= 20
