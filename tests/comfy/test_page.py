"""Every UI workflow in the real front end, in headless Chromium: loads whole, converts to the bundled API form, runs.

Needs chromium and playwright-core beside COMFYUI_DIR: CHROMIUM=/usr/bin/chromium PLAYWRIGHT=<node_modules>/playwright-core.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("browser") / "check_workflows.mjs"

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("COMFYUI_DIR")) and not (shutil.which("node") and os.environ.get("PLAYWRIGHT")),
    reason="needs node, chromium and PLAYWRIGHT=<folder of playwright-core>",
)


@pytest.fixture(scope="module")
def page_server(tmp_path_factory):
    from real_server import RealServer

    with RealServer(tmp_path_factory.mktemp("page"), with_frontend=True) as running:
        running.put_names_of_models(ROOT / "workflows" / "api")
        yield running


@pytest.mark.parametrize("renderer", ["canvas", "vue"])
def test_every_workflow_loads_and_converts_to_its_api_form(page_server, tmp_path, renderer):
    shots = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    shots.mkdir(parents=True, exist_ok=True)
    queue = ["retarget_preview"] if renderer == "canvas" else []
    done = subprocess.run(
        ["node", str(SCRIPT), page_server.url, str(ROOT), str(shots), renderer, *queue],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.strip().splitlines()[-1])
    bundled = {p.stem: json.loads(p.read_text()) for p in (ROOT / "workflows" / "api").glob("*.json")}
    assert set(said["workflows"]) == set(bundled)
    for name, found in said["workflows"].items():
        assert not found["missing"] and not found["red"], f"{name}: {found['missing'] or found['red']}"
        for node_id, node in bundled[name].items():
            assert found["api"][node_id]["class_type"] == node["class_type"]
            inputs = dict(found["api"][node_id]["inputs"])
            inputs.pop("video-preview", None)  # the page's own player, which the server ignores
            assert inputs == node["inputs"], f"{name}, node {node_id}"
        extra = {n["class_type"] for i, n in found["api"].items() if i not in bundled[name]}
        assert extra <= {"MarkdownNote"}
        assert found.get("queued", True)
