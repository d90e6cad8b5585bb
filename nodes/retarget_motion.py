"""Retarget Motion: how the driver's motion will sit on this character, seen before anything is rendered."""

from __future__ import annotations

from comfy_api.latest import Input, io, ui

from ..core import Motion
from ..pose.driver_place import MATCHES
from ..pose.pose_report import pose_report
from ..pose.ratios import read_ratios, write_ratios
from ..pose.retarget import MODES, PLACES, modes_at, plan_retarget
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
            search_aliases=["retarget pose", "rescale pose", "pose align", "body ratio", "pose report"],
            inputs=[
                motion_input(),
                io.Image.Input("character", tooltip="The character's picture; its joints are found in it."),
                io.Float.Input("driving_smooth", default=2.0, min=0.0, max=10.0, step=0.1, tooltip="Smoothing before retargeting; 0 = off."),
                io.Float.Input("retargeting_factor", default=1.0, min=0.0, max=2.0, step=0.05, tooltip="Motion about the character's own pose: 0 stands still, 1 as driven, 1.5 exaggerated."),
                io.Int.Input("pictures", default=8, min=2, max=24, tooltip="Frames in the preview strip."),
                io.Mask.Input("mask", optional=True, tooltip="White where the character is; helps with mascots that no detector knows."),
                io.Combo.Input("mode", options=list(MODES), default="ours", optional=True, tooltip="ours: the character's bones, measured over the whole clip. To compare: wan and mimicmotion as published (exactly so with driving_smooth 0), none: the driver's skeleton."),
                io.Combo.Input("place", options=list(PLACES), default="character", optional=True, tooltip="character: stands on its own picture. driver: plays in the driver's place in the driving video, to replace a person."),
                io.Combo.Input("match", options=list(MATCHES), default="height", optional=True, advanced=True, tooltip="In the driver's place: what is made as large as the driver's; none keeps the picture's pixels."),
                io.String.Input("ratios", default="", multiline=True, optional=True, advanced=True, tooltip="Ratios of your own, as in the ratios output: upper arm = 1.1, foot = 0.9. Empty = as found."),
                io.Boolean.Input("fit", default=False, optional=True, advanced=True, tooltip="Shrinks the figure about the ground until 98 % of it stays in the picture."),
                io.Boolean.Input("compare", default=False, optional=True, advanced=True, tooltip="Shows every mode in the preview, a row each."),
            ],
            outputs=[
                motion_output("The motion on the character's picture, in its pixels."),
                io.Image.Output(id="preview", display_name="preview", tooltip="Character, driver and retargeted skeleton at moments spread over the clip."),
                io.String.Output(id="report", display_name="report", tooltip="The ratio of each bone, and how much of the motion stays in the picture."),
                io.String.Output(id="pose_report", display_name="pose report", tooltip="What can be measured before rendering: bones, feet, ground, unrest. '!' deserves a look."),
                io.String.Output(id="ratios", display_name="ratios", tooltip="The ratio of each bone, to copy into the ratios field and change."),
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
        mode: str = "ours",
        place: str = "character",
        match: str = "height",
        ratios: str = "",
        fit: bool = False,
        compare: bool = False,
    ) -> io.NodeOutput:
        given = read_ratios(ratios)
        with comfy_host() as host:
            known = character_with_pose(character, mask, host)
            pose = known.pose
            assert pose is not None
            plan = plan_retarget(
                motion.main, pose, rate=motion.timeline.rate, cuts=motion.cuts, smooth=driving_smooth,
                factor=retargeting_factor, mode=mode, place=place, match=match, ratios=given, fit=fit,
            )  # fmt: skip
            plans = {mode: plan}
            for other in modes_at(place) if compare else ():
                if other != mode:
                    plans[other] = plan_retarget(
                        motion.main, pose, rate=motion.timeline.rate, cuts=motion.cuts, smooth=driving_smooth,
                        mode=other, place=place, match=match, fit=fit,
                    )  # fmt: skip
        strip = image(retarget_strip(known.pixels, plans, pictures)[None])
        return io.NodeOutput(
            plan.moved(motion),
            strip,
            ratio_table(plan),
            "\n".join(pose_report(plan).lines()),
            write_ratios(plan.ratios),
            ui=ui.PreviewImage(strip, cls=cls),
        )
