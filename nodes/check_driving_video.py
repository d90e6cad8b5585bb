"""Check Driving Video: is the clip fit, and what to mend, before anything expensive runs."""

from __future__ import annotations

from comfy_api.latest import Input, io, ui

from ..core import MotionTransferError
from ..models.registry import engine_names, engine_spec
from ..video import open_video
from .comfy_host import comfy_host
from .places import video_file
from .wires import CATEGORY

ALL = "all engines"


class CheckDrivingVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_CheckDrivingVideo",
            display_name="Check Driving Video",
            category=CATEGORY,
            description="Looks for cuts, several people, hidden or cut-off limbs, camera motion, blur, odd frame rates; says when, why and what to do.",
            search_aliases=["validate video", "video quality", "preflight", "driving video check"],
            inputs=[
                io.Video.Input("video", tooltip="The driving video."),
                io.Combo.Input("engine", options=[ALL, *(engine_spec(n).title for n in engine_names())], default=ALL, tooltip="For whom the verdict is given."),
                io.Combo.Input("stop", options=["when unfit", "on any warning", "never"], default="when unfit", tooltip="When to stop the queue here, before the nodes that follow."),
            ],
            outputs=[
                io.Video.Output(id="checked", display_name="video", tooltip="The same video; comes out only when the check is passed."),
                io.Boolean.Output(id="passed", display_name="passed", tooltip="Whether the clip is fit."),
                io.String.Output(id="report", display_name="report", tooltip="Every finding with time, reason and advice, and the verdict for each engine."),
            ],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, engine: str, stop: str) -> io.NodeOutput:
        from ..run.check import check_driving_video  # here, for ComfyUI's start

        path, start, end = video_file(video)
        names = {engine_spec(n).title: n for n in engine_names()}
        with comfy_host() as host:
            report = check_driving_video(
                path, host, engine=names.get(engine),
                open_source=lambda p: open_video(p, start_seconds=start, stop_seconds=end),
            )  # fmt: skip
        text = "\n".join(report.lines())
        clean = report.ok and not any(f.level == "warn" for f in report.findings)
        if (stop == "when unfit" and not report.ok) or (stop == "on any warning" and not clean):
            raise MotionTransferError(f"The driving video did not pass the check.\n{text}")
        return io.NodeOutput(video, report.ok, text, ui=ui.PreviewText(text))
