"""Retarget Motion: how the driver's motion will sit on this character, seen before anything is rendered."""

from __future__ import annotations

from dataclasses import replace

from comfy_api.latest import Input, io, ui

from ..core import Motion
from ..pose.retarget import plan_retarget
from ..pose.retarget_preview import ratio_table, retarget_strip
from .characters import character_with_pose
from .comfy_host import comfy_host
from .pictures import image
from .wires import CATEGORY, motion_input, motion_output


class RetargetMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_RetargetMotion",
            display_name="Retarget Motion",
            category=CATEGORY,
            description="Gives the motion the character's proportions: its bone lengths, the driver's joint angles, feet on the ground. Seconds, no model.",
            search_aliases=["retarget pose", "rescale pose", "pose align", "body ratio"],
            inputs=[
                motion_input(),
                io.Image.Input("character", tooltip="The character's picture; its joints are found in it."),
                io.Float.Input("driving_smooth", default=2.0, min=0.0, max=10.0, step=0.1, tooltip="Smoothing before retargeting; 0 = off."),
                io.Float.Input("retargeting_factor", default=1.0, min=0.0, max=2.0, step=0.05, tooltip="Motion about the character's own pose: 0 stands still, 1 as driven, 1.5 exaggerated."),
                io.Int.Input("pictures", default=8, min=2, max=24, tooltip="Frames in the preview strip."),
                io.Mask.Input("mask", optional=True, tooltip="White where the character is; helps with mascots that no detector knows."),
            ],
            outputs=[
                motion_output("The motion on the character's picture, in its pixels."),
                io.Image.Output(id="preview", display_name="preview", tooltip="The character with the retargeted skeleton at moments spread over the clip."),
                io.String.Output(id="report", display_name="report", tooltip="The ratio of each bone, and how much of the motion stays in the picture."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        motion: Motion,
        character: Input.Image,
        driving_smooth: float,
        retargeting_factor: float,
        pictures: int,
        mask: Input.Mask | None = None,
    ) -> io.NodeOutput:
        with comfy_host() as host:
            known = character_with_pose(character, mask, host)
            assert known.pose is not None
            plan = plan_retarget(
                motion.main, known.pose, rate=motion.timeline.rate, cuts=motion.cuts,
                smooth=driving_smooth, factor=retargeting_factor,
            )  # fmt: skip
            track = plan.track(0, motion.num_frames)
        moved = replace(motion, tracks=(track,), detector=f"{motion.detector}/retargeted", face_codes={})
        strip = image(retarget_strip(known.pixels, track, pictures)[None])
        return io.NodeOutput(moved, strip, ratio_table(plan), ui=ui.PreviewImage(strip, cls=cls))
