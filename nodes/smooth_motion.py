"""Smooth Motion: outliers out, short gaps filled, zero-phase smoothing."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import io

from ..core import Motion
from ..pose.clean import clean
from .wires import CATEGORY, motion_input, motion_output


class SmoothMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_SmoothMotion",
            display_name="Smooth Motion",
            category=CATEGORY,
            description="Removes jitter and single wrong frames and fills gaps of up to half a second, without lag and never across a cut.",
            search_aliases=["clean pose", "denoise motion", "stabilise pose", "jitter"],
            inputs=[
                motion_input(),
                io.Float.Input("strength", default=2.0, min=0.0, max=10.0, step=0.1, tooltip="0 changes nothing; 2 removes detector noise; 10 makes slow motion of fast gestures."),
            ],
            outputs=[motion_output("The cleaned motion. Set driving_smooth to 0 in Motion Transfer when you use it, or it is smoothed twice.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: Motion, strength: float) -> io.NodeOutput:
        rate = motion.timeline.rate
        tracks = tuple(clean(track, rate, strength=strength, cuts=motion.cuts) for track in motion.tracks)
        return io.NodeOutput(replace(motion, tracks=tracks))
