"""Check Driving Video: is the clip fit, and what to mend, before anything expensive runs."""

from __future__ import annotations

from comfy_api.latest import Input, io, ui

from ..core import DETECTORS, MotionTransferError
from ..models.registry import engine_names, engine_spec
from .comfy_host import comfy_host
from .input_names import as_inputs
from .places import lasting_folder, video_file
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
                io.Combo.Input("detector", options=list(DETECTORS), default="auto", optional=True, advanced=True, tooltip="auto: MediaPipe's quick looks. dwpose and vitpose extract the motion first, as Extract Motion would, which then finds it kept."),
                io.String.Input("person", default="auto", optional=True, advanced=True, tooltip="Who drives where there are several, in Extract Motion's words: auto, 2, point:640,200@48, box:x0,y0,x1,y1@48. Whoever is named is looked at, others are only told of."),
            ],
            outputs=[
                io.Video.Output(id="checked", display_name="video", tooltip="The same video; comes out only when the check is passed."),
                io.Boolean.Output(id="passed", display_name="passed", tooltip="Whether the clip is fit."),
                io.String.Output(id="report", display_name="report", tooltip="Every finding with time, reason and advice, and the verdict for each engine."),
            ],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(
        cls, video: Input.Video, engine: str, stop: str, detector: str = "auto", person: str = "auto"
    ) -> io.NodeOutput:
        from ..run.check import check_driving_video  # here, for ComfyUI's start

        path, start, end = video_file(video)
        names = {engine_spec(n).title: n for n in engine_names()}
        with comfy_host() as host:
            report = check_driving_video(
                path, host, engine=names.get(engine), detector=detector, person=person.strip() or "auto",
                start_seconds=start, stop_seconds=end, cache=lasting_folder(),
            )  # fmt: skip
        text = as_inputs("\n".join(report.lines()))
        clean = report.ok and not any(f.level == "warn" for f in report.findings)
        if (stop == "when unfit" and not report.ok) or (stop == "on any warning" and not clean):
            raise MotionTransferError(f"The driving video did not pass the check.\n{text}")
        return io.NodeOutput(video, report.ok, text, ui=ui.PreviewText(text))
