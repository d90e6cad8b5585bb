"""Interpolate (Video): frames between the frames, up to a rate, streamed from file to file."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..finishing.interpolate import BETWEEN, InterpolateSettings
from .engine_inputs import settings_inputs
from .finished_video import finished_by, quality_input
from .wires import CATEGORY, InterpolationModelWire


def model_input() -> io.Input:
    return InterpolationModelWire.Input("interp_model", optional=True, tooltip="FILM or RIFE from Load Frame Interpolation Model. Without it frames are moved along their optical flow: no download, on the CPU.")  # fmt: skip


def lent_model(interp_model: Any) -> dict[str, Any]:
    """What a host lends to the finisher for the model of a wire; nothing without one."""
    if interp_model is None:
        return {}
    from .interpolate_backend import ComfyBetween

    return {BETWEEN: ComfyBetween(interp_model)}


class Interpolate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_Interpolate",
            display_name="Interpolate (Video)",
            category=CATEGORY,
            description="Puts frames between the frames, up to a rate such as 60. Any length at flat memory; nothing is mixed across a cut; sound and length stay exact.",
            search_aliases=["frame interpolation", "interpolate video", "rife", "film", "60 fps", "smooth motion video", "slow motion", "vfi"],
            inputs=[
                io.Video.Input("video", tooltip="Any video, of any length and any frame rate, even or uneven."),
                *settings_inputs(InterpolateSettings),
                quality_input(),
                model_input(),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="At the new rate, as long as before to the millisecond, with its sound; ready for Save Video.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, fps: float, quality: str, interp_model: Any = None) -> io.NodeOutput:
        return finished_by(video, {"interpolate": {"fps": fps}}, quality, lent=lent_model(interp_model))
