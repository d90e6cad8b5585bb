"""The pack's nodes, loaded over the real ComfyUI where COMFYUI_DIR names one, else over a fake of a few lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_comfy


@pytest.fixture(scope="session")
def nodes(tmp_path_factory):
    """The list of node classes; the modules they pull in are forgotten afterwards."""
    before = set(sys.modules)
    folders = [tmp_path_factory.mktemp(n) for n in ("input", "output", "temp", "user")]
    fake_comfy.install(*folders)
    try:
        from motion_transfer.nodes.extension import NODES

        yield NODES
    finally:
        for name in set(sys.modules) - before:
            if name in fake_comfy.NAMES or name.startswith("motion_transfer.nodes"):
                del sys.modules[name]


@pytest.fixture(scope="session")
def schemas(nodes):
    return {node.define_schema().node_id: node.define_schema() for node in nodes}
