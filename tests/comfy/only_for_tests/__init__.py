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


class _AdapterLoader:
    """In place of the IPAdapter pack's loader, which wants gigabytes: it says which preset was asked for."""

    FUNCTION = "load_models"

    def load_models(self, model, preset, lora_strength=0.0, provider="CPU", ipadapter=None):
        return model, {"preset": preset}


class _AdapterApplied:
    """In place of the pack's node: what the picture says shifts every answer of the text a little."""

    FUNCTION = "apply_ipadapter"

    def apply_ipadapter(
        self, model, ipadapter, image, weight, weight_type, combine_embeds, start_at, end_at, embeds_scaling
    ):
        assert image.shape[1] == image.shape[2] and ipadapter["preset"].startswith("STANDARD")
        shift = float(image.mean()) * weight
        model = model.clone()
        model.set_model_attn2_output_patch(lambda n, extra: n + shift)
        return (model,)


class PicturePack(io.ComfyNode):
    """From here on the IPAdapter pack counts as installed."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TEST_PicturePack", display_name="Picture pack", category="test",
            inputs=[io.Model.Input("model")], outputs=[io.Model.Output()],
        )  # fmt: skip

    @classmethod
    def execute(cls, model):
        import nodes

        nodes.NODE_CLASS_MAPPINGS.update(IPAdapterUnifiedLoader=_AdapterLoader, IPAdapterAdvanced=_AdapterApplied)
        return io.NodeOutput(model)


class FaceLandmarks(io.ComfyNode):
    """What core's landmarker gives for one face: a mesh inside of a square, the places of eyes and lips about right."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TEST_FaceLandmarks", display_name="Face landmarks", category="test",
            inputs=[io.Image.Input("image"), io.Int.Input("x"), io.Int.Input("y"), io.Int.Input("side")],
            outputs=[io.Custom("FACE_LANDMARKS").Output()],
        )  # fmt: skip

    @classmethod
    def execute(cls, image, x, y, side):
        mesh = np.random.default_rng(1).random((478, 2)) * [1, 0.2] + [0, 0.4]
        order = pack("pose.mediapipe_order").FACE_68_FROM_MESH
        for part, height in ((range(36, 48), 0.2), (range(48, 68), 0.8), (range(6, 11), 1.0), (range(17, 27), 0.0)):
            mesh[[order[k] for k in part], 1] = height
        face = {"landmarks_xy": mesh * side + [x, y], "score": 0.9}
        return io.NodeOutput({"frames": [[face]] * len(image), "image_size": tuple(image.shape[1:3])})


class ClipVision(io.ComfyNode):
    """In place of CLIP ViT-H, which cannot be made small: an embedding of its width that depends on the picture."""

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="TEST_ClipVision", display_name="CLIP vision", category="test", inputs=[], outputs=[io.ClipVision.Output()])  # fmt: skip

    @classmethod
    def execute(cls):
        import torch

        class Seeing:
            def encode_image(self, image, crop):
                assert tuple(image.shape) == (1, 224, 224, 3) and crop is False
                cells = image.movedim(-1, 1).mean(1, keepdim=True)
                return type(
                    "Seen", (), {"image_embeds": torch.nn.functional.adaptive_avg_pool2d(cells, 32).reshape(1, 1024)}
                )

        return io.NodeOutput(Seeing())


class OnlyForTests(ComfyExtension):
    async def on_load(self):
        PromptServer.instance.add_on_prompt_handler(add_engine)

    async def get_node_list(self):
        return [CorePoses, Conditioning, PicturePack, FaceLandmarks, ClipVision]


async def comfy_entrypoint():
    return OnlyForTests()
