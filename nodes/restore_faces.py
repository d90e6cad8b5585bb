"""Restore Faces: GFPGAN or RestoreFormer on tracked faces of a video, held still from frame to frame."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..finishing.restore_faces import RestoreFacesSettings
from .engine_inputs import settings_inputs
from .finished_video import commercial_input, finished_video, quality_input
from .wires import CATEGORY


class RestoreFacesNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_RestoreFaces",
            display_name="Restore Faces (Video)",
            category=CATEGORY,
            description="Sharpens the faces of a video with GFPGAN or RestoreFormer: followed, held still from frame to frame, pasted back softly; every other pixel stays.",
            search_aliases=["face restore", "gfpgan", "codeformer", "restoreformer", "facerestore", "reactor", "fix faces"],
            inputs=[
                io.Video.Input("video", tooltip="Any video, of any length."),
                *settings_inputs(RestoreFacesSettings),
                quality_input(),
                commercial_input(),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="With the sound and the time stamps of the video that came in.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, quality: str, commercial_use_only: bool = False, **settings: Any) -> io.NodeOutput:  # fmt: skip
        return finished_video(video, "restore-faces", settings, quality, commercial_use_only=commercial_use_only)
