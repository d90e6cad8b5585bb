"""As much of ComfyUI as a schema needs, for machines without it: inputs that remember what they were given."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class _Input:
    def __init__(self, id, **words):
        self.id, self.words = id, words
        self.tooltip, self.optional = words.get("tooltip"), words.get("optional", False)


class _Output:
    def __init__(self, id=None, display_name=None, tooltip=None, **words):
        self.id, self.display_name, self.tooltip = id, display_name, tooltip


def _type(name):
    return type(
        name,
        (),
        {"Input": type("Input", (_Input,), {"io_type": name}), "Output": type("Output", (_Output,), {"io_type": name})},
    )


class _DynamicCombo:
    class Option:
        def __init__(self, key, inputs):
            self.key, self.inputs = key, inputs

    class Input(_Input):
        io_type = "COMFY_DYNAMICCOMBO_V3"

        def __init__(self, id, options, **words):
            super().__init__(id, options=options, **words)
            self.options = options


class _MultiType:
    class Input(_Input):
        io_type = "MULTI"

        def __init__(self, id, types, **words):
            super().__init__(id, types=types, **words)


@dataclass
class _Schema:
    node_id: str
    display_name: str
    category: str
    inputs: list
    outputs: list
    description: str = ""
    search_aliases: list = field(default_factory=list)
    essentials_category: str | None = None
    is_output_node: bool = False
    hidden: list = field(default_factory=list)


class _NodeOutput:
    def __init__(self, *args, ui=None, **words):
        self.args, self.ui = args, ui


def install(input_folder: Path, output_folder: Path, temp_folder: Path, user_folder: Path) -> None:
    """Put the fakes into `sys.modules`; the caller removes them again."""
    io: Any = types.SimpleNamespace(
        Schema=_Schema, ComfyNode=object, NodeOutput=_NodeOutput, Custom=_type, Input=_Input, Output=_Output,
        DynamicCombo=_DynamicCombo, MultiType=_MultiType,
        **{n: _type(n.upper()) for n in ("Image", "Video", "Mask", "String", "Int", "Float", "Boolean", "Combo", "Model", "Vae", "Conditioning", "ClipVision", "ClipVisionOutput", "ControlNet", "Sampler", "Sigmas", "BoundingBox")},
    )  # fmt: skip
    latest: Any = types.ModuleType("comfy_api.latest")
    latest.io, latest.ui = io, types.SimpleNamespace(PreviewText=lambda text: {"text": text})
    latest.Input = types.SimpleNamespace(Image=object, Mask=object, Video=object)
    latest.InputImpl, latest.ComfyExtension = types.SimpleNamespace(), object
    folders: Any = types.ModuleType("folder_paths")
    folders.get_input_directory = lambda: str(input_folder)
    folders.get_output_directory = lambda: str(output_folder)
    folders.get_temp_directory = lambda: str(temp_folder)
    folders.get_user_directory = lambda: str(user_folder)
    folders.get_folder_paths = lambda kind: {}[kind]
    folders.models_dir = str(user_folder / "models")
    management: Any = types.ModuleType("comfy.model_management")
    utils: Any = types.ModuleType("comfy.utils")
    samplers: Any = types.ModuleType("comfy.samplers")
    samplers.KSampler = types.SimpleNamespace(SAMPLERS=["euler", "uni_pc"], SCHEDULERS=["simple", "normal", "karras"])
    comfy: Any = types.ModuleType("comfy")
    comfy.model_management, comfy.utils, comfy.samplers = management, utils, samplers
    sys.modules.update(
        {"comfy_api": types.ModuleType("comfy_api"), "comfy_api.latest": latest, "folder_paths": folders,
         "comfy": comfy, "comfy.model_management": management, "comfy.utils": utils, "comfy.samplers": samplers}
    )  # fmt: skip


NAMES = (
    "comfy_api",
    "comfy_api.latest",
    "folder_paths",
    "comfy",
    "comfy.model_management",
    "comfy.utils",
    "comfy.samplers",
)
