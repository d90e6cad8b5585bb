"""Extract Motion: once per clip, then reused for any number of characters."""

from __future__ import annotations

from comfy_api.latest import Input, io, ui

from ..core import DETECTORS
from ..pose.cast import people
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
            description="Finds body, feet, hands and face in every frame, of the main person or of everybody. Kept by content: the same clip is never extracted twice.",
            search_aliases=["pose", "detect pose", "mediapipe", "dwpose", "vitpose", "openpose", "skeleton", "motion capture"],
            inputs=[
                io.Video.Input(
                    "video", tooltip="The driving video; trims made before are honoured. Never loaded as a whole."
                ),
                io.Combo.Input("detector", options=list(DETECTORS), default="auto", optional=True, tooltip="auto: MediaPipe, which needs no download and follows one person. dwpose and vitpose follow everybody, with ONNX or safetensors files of your own; what they really run on is shown below."),
                io.String.Input("person", default="auto", optional=True, tooltip="Who comes first: auto (large, long there, in the middle), 2 (the second of everybody), point:640,200@48 (px @ frame; @2s seconds), box:x0,y0,x1,y1@48 or mask:FILE@48. MediaPipe follows whoever is pointed at."),
            ],
            outputs=[motion_output("Joints and time stamps of the clip: some kilobytes a second, no pixels. Everybody who was followed is in it.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, detector: str = "auto", person: str = "auto") -> io.NodeOutput:
        path, start, stop = video_file(video)
        with comfy_host() as host:
            motion, was_made = load_or_extract(
                path, host, lasting_folder(), start_seconds=start, stop_seconds=stop, detector=detector, person=person
            )
        told = host.notes if was_made else ["Kept from before; nothing had to be extracted."]
        lines = [motion.detector, *told, *(str(p) for p in people(motion))]
        return io.NodeOutput(motion, ui=ui.PreviewText("\n".join(lines)))
