"""Check Result: how good is the video that an engine has made, section by section, and what to try where it is not."""

from __future__ import annotations

from pathlib import Path

from comfy_api.latest import Input, InputImpl, io, ui

from ..core import DETECTORS, InputError
from .comfy_host import comfy_host
from .input_names import as_inputs
from .pictures import image
from .places import lasting_folder, video_file
from .result_advice import what_to_try_here
from .wires import CATEGORY

AS_IN_THE_RUN = "as in the run"
STRAIGHT_IN = (
    "The video output of Motion Transfer, Wan-Animate, AnimateDiff, MimicMotion or LivePortrait goes straight in."
)


class CheckResult(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_CheckResult",
            display_name="Check Result",
            category=CATEGORY,
            description="Measures a finished video section by section: joints where they were asked for, drift of looks, flicker, seams, frames, sound; says what to try.",
            search_aliases=["video quality report", "evaluate result", "flicker drift seams", "quality check"],
            inputs=[
                io.Video.Input("video", tooltip="The video output of Motion Transfer, Wan-Animate, AnimateDiff, MimicMotion or LivePortrait, straight from the node."),
                io.Combo.Input("detector", options=[AS_IN_THE_RUN, *DETECTORS], default=AS_IN_THE_RUN, optional=True, advanced=True, tooltip="Who finds the joints in the result."),
            ],
            outputs=[
                io.String.Output(id="report", display_name="report", tooltip="A table of all sections, ! where something deserves a look; frames, sound, and what to try at the worst."),
                io.Image.Output(id="sheet", display_name="sheet", tooltip="A picture: a frame of each section with the joints asked for and found, and its figures."),
                io.Boolean.Output(id="ok", display_name="ok", tooltip="Whether nothing deserves a look."),
            ],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, detector: str = AS_IN_THE_RUN) -> io.NodeOutput:
        from ..run.report import report_result  # here, for ComfyUI's start
        from ..run.report_sheet import draw_sheet

        path = _result_of_a_run(video)
        named = None if detector == AS_IN_THE_RUN else detector
        with comfy_host() as host:
            report = report_result(path, host, detector=named, cache=lasting_folder())
            sheet = draw_sheet(report, advise=what_to_try_here)
        text = as_inputs("\n".join(report.lines(advise=what_to_try_here)))
        return io.NodeOutput(text, image(sheet[None]), report.ok, ui=ui.PreviewText(text))


def _result_of_a_run(video: Input.Video) -> Path:
    """The file beside which a run has left its manifest. Raises InputError for any other video."""
    from ..run.manifest import manifest_path, read_manifest

    if isinstance(video, InputImpl.VideoFromComponents):
        raise InputError(f"Check Result was given a video made of IMAGEs, which says nothing of a run. {STRAIGHT_IN}")
    path, start, stop = video_file(video)
    if start or stop is not None:
        raise InputError(f"Check Result was given a part of {path.name}; it looks at whole results. {STRAIGHT_IN}")
    manifest = manifest_path(path)
    if not manifest.is_file():
        raise InputError(
            f"Check Result was given {path.name}, beside which no run has left its manifest {manifest.name}. {STRAIGHT_IN}"
        )
    if "job" not in read_manifest(manifest):
        raise InputError(
            f"Check Result was given {path.name}, which was finished after its run. Check the video before it, or "
            "connect Finish Video's finishing to Motion Transfer, which finishes in the run."
        )
    return path
