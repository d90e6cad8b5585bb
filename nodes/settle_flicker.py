"""Settle Flicker: light that flickers from frame to frame, taken out without touching edges."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..finishing.settle_flicker import SettleFlickerSettings
from .engine_inputs import settings_inputs
from .finished_video import finished_video, quality_input
from .wires import CATEGORY


class SettleFlickerNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_SettleFlicker",
            display_name="Settle Flicker (Video)",
            category=CATEGORY,
            description="Takes flicker of light and colour out of a video, place by place, with moving things taken into account; edges stay as sharp as they are.",
            search_aliases=["deflicker", "flicker", "temporal smoothing", "stabilize light", "temporal consistency"],
            inputs=[
                io.Video.Input("video", tooltip="Any video, of any length."),
                *settings_inputs(SettleFlickerSettings),
                quality_input(),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="With the sound and the time stamps of the video that came in.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, quality: str, **settings: Any) -> io.NodeOutput:
        return finished_video(video, "settle-flicker", settings, quality)
