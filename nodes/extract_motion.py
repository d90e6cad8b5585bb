"""Extract Motion: once per clip, then reused for any number of characters."""

from __future__ import annotations

from comfy_api.latest import Input, io

from ..run.motion_cache import load_or_extract
from .comfy_host import comfy_host
from .places import lasting_folder, video_file
from .wires import CATEGORY, motion_output


class ExtractMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_ExtractMotion",
            display_name="Extract Motion",
            category=CATEGORY,
            description="Finds body, feet, hands and face of the main person in every frame. Kept by content: the same clip is never extracted twice.",
            search_aliases=["pose", "detect pose", "mediapipe", "dwpose", "openpose", "skeleton", "motion capture"],
            inputs=[
                io.Video.Input(
                    "video", tooltip="The driving video; trims made before are honoured. Never loaded as a whole."
                )
            ],
            outputs=[motion_output("Joints and time stamps of the clip: some kilobytes a second, no pixels.")],
        )

    @classmethod
    def execute(cls, video: Input.Video) -> io.NodeOutput:
        path, start, stop = video_file(video)
        with comfy_host() as host:
            motion, _ = load_or_extract(path, host, lasting_folder(), start_seconds=start, stop_seconds=stop)
        return io.NodeOutput(motion)
