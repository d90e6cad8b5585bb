from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

HOW = "needs the real ComfyUI: make comfy COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python>"


def pytest_collection_modifyitems(items):
    if os.environ.get("COMFYUI_DIR"):
        return
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.skip(reason=HOW))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    from real_server import RealServer

    here = Path(__file__).resolve().parent
    with RealServer(tmp_path_factory.mktemp("comfy"), beside=[here / "only_for_tests"]) as running:
        running.put_input(here.parents[1] / "demo" / "media" / "dancer_truth.npz")
        yield running
