"""Portrait Motion: what a head does, read once for any number of portraits."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..models.live_portrait.spec import LivePortraitSettings
from .comfy_host import comfy_host
from .engine_inputs import setting_input
from .live_portrait_files import lend_models
from .motion_transfer import motion_or_video_file
from .places import lasting_folder
from .portrait_files import motion_of_faces_seen
from .wires import CATEGORY, FaceLandmarksWire, MotionWire, motion_output

ENGINE = "live-portrait"
READING = ("faces", "weights", "dtype")
"""The engine's settings that matter to reading a driver."""
_OPTIONS = {o.name: o for o in LivePortraitSettings.options()}


class PortraitMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_PortraitMotion",
            display_name="Portrait Motion",
            category=CATEGORY,
            description="Reads what the head in a driving video does, once, as a motion for any number of portraits; saved, it needs the film no more.",
            search_aliases=["motion template", "live portrait motion", "extract expression", "face performance", "liveportrait template"],
            inputs=[
                io.MultiType.Input("driving", types=[io.Video, MotionWire], tooltip="The driving video, or a motion extracted from one that is still there."),
                *(setting_input(_OPTIONS[name]) for name in READING),
                FaceLandmarksWire.Input("driving_faces", optional=True, tooltip="Faces of the driving video from Detect Face Landmarks (MediaPipe), one entry a frame, in place of finding the person."),
            ],
            outputs=[motion_output("The motion with what the head does: for LivePortrait, Motion Transfer, and Save Motion.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, driving: Any, driving_faces: Any = None, **settings: Any) -> io.NodeOutput:
        from ..run.portrait_files import portrait_motion  # here, for ComfyUI's start

        if driving_faces is not None:
            driving = motion_of_faces_seen(driving, driving_faces)
        if settings["weights"] == "animals":  # the box is the portrait's; a driver has a face
            settings["face_box"] = "0,0,1,1"
        path, start, stop = motion_or_video_file(driving)
        with comfy_host() as host:
            host.lend_also(lend_models(ENGINE, settings, host))
            motion = portrait_motion(
                path, host, settings=settings, start_seconds=start, stop_seconds=stop, cache=lasting_folder()
            )
        return io.NodeOutput(motion)
