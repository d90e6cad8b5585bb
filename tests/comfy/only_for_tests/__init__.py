"""A second custom-node folder that only the tests lay beside the pack: an engine without its weights, core's poses.

Nothing in the product knows of it. It finds the pack among the loaded modules, because ComfyUI names a pack after the
path it lies at; and it looks when a graph is queued, because packs are loaded in no particular order.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import folder_paths
import numpy as np
from comfy_api.latest import ComfyExtension, io
from comfy_extras.nodes_sdpose import _to_openpose_frames
from server import PromptServer

TITLE = "Needs weights (test)"


def pack(name):
    return next(m for n, m in list(sys.modules.items()) if n.endswith(f"comfyui-motion-transfer.{name}"))


def add_engine(request):
    registry = pack("models.registry")
    registry._SPECS.setdefault("needs_weights", __name__)
    return request


@cache
def make_spec():
    core = pack("core")

    @dataclass(frozen=True)
    class NeedsWeights(core.Settings):
        strength: float = core.number(1.0, 0.0, 2.0, help="Nothing.")

    weights = core.WeightFile(
        name="Nobody's engine", file="nobody_14B_fp8.safetensors", folder="diffusion_models",
        repository="nobody/nothing", num_bytes=17_300_000_000, sha256=None, licence="Apache-2.0", commercial_use=True,
    )  # fmt: skip

    def open_engine(settings, host, seed):
        host.find_weights(weights)
        raise AssertionError("nobody has these weights")

    return core.EngineSpec(
        name="needs_weights", title=TITLE, summary="For tests.", settings=NeedsWeights, open=open_engine,
        version="1", window=8, weights=(weights,),
    )  # fmt: skip


def __getattr__(name):
    """`SPEC` is made when it is asked for: the pack has been loaded by then."""
    if name == "SPEC":
        return make_spec()
    raise AttributeError(name)


class CorePoses(io.ComfyNode):
    """POSE_KEYPOINT made by core's own code from raw joints `points` [T,133,2], `visible` [T,133] of an npz."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TEST_CorePoses", display_name="Core poses", category="test",
            inputs=[io.String.Input("file"), io.Int.Input("width"), io.Int.Input("height")],
            outputs=[io.Custom("POSE_KEYPOINT").Output()],
        )  # fmt: skip

    @classmethod
    def execute(cls, file, width, height):
        with np.load(Path(folder_paths.get_input_directory()) / file) as truth:
            points, scores = truth["points"], truth["visible"].astype(np.float32)
        return io.NodeOutput(_to_openpose_frames(points[:, None], scores[:, None], height, width))


class Conditioning(io.ComfyNode):
    """In place of umT5, which cannot be made small: numbers of its shape."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TEST_Conditioning", display_name="Conditioning", category="test",
            inputs=[io.Int.Input("seed")], outputs=[io.Conditioning.Output()],
        )  # fmt: skip

    @classmethod
    def execute(cls, seed):
        import torch

        numbers = torch.randn(1, 512, 4096, generator=torch.Generator().manual_seed(seed))
        return io.NodeOutput([[numbers * 0.2, {}]])


class OnlyForTests(ComfyExtension):
    async def on_load(self):
        PromptServer.instance.add_on_prompt_handler(add_engine)

    async def get_node_list(self):
        return [CorePoses, Conditioning]


async def comfy_entrypoint():
    return OnlyForTests()
