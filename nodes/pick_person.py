"""Pick Person: who of a motion's people drives what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import Input, io, ui

from ..core import Motion
from ..pose.cast import choose_person, people
from .person_inputs import choice_of
from .wires import CATEGORY, SOCKET_ONLY, BoundingBoxWire, motion_input, motion_output

if TYPE_CHECKING:
    import torch


class PickPerson(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_PickPerson",
            display_name="Pick Person",
            category=CATEGORY,
            description="Puts one of several people first, so that this one drives: by number, or by a point, box or mask in a frame. One Pick Person for each character makes a cast of one clip.",
            search_aliases=["choose person", "select person", "multi person", "casting", "second dancer", "track person"],
            inputs=[
                motion_input(tooltip="A motion with several people: from Extract Motion (dwpose or vitpose), Motion from POSE_KEYPOINT or a file."),
                io.Int.Input("person", default=0, min=0, max=64, tooltip="0: who is large, long there and in the middle. 1, 2 ...: by the list that this node gives out. A mask, box or point goes before it."),
                io.Int.Input("frame", default=0, min=0, max=1_000_000, tooltip="The frame, counted from 0, in which mask, box or point lie."),
                io.String.Input("point", default="", optional=True, tooltip="x,y on the person in px of the driving video, such as 640,200, or the coordinates of a points editor. Empty: none."),
                BoundingBoxWire.Input("bounding_box", optional=True, extra_dict=SOCKET_ONLY, tooltip="A box around the person, or around the face or a hand; of a list the first one, of a list for each frame the one of this frame. Goes before the point."),
                io.Mask.Input("mask", optional=True, tooltip="White on the person, from a segmentation; of a batch as long as the clip the one of this frame. Goes before box and point."),
                io.Boolean.Input("alone", default=False, optional=True, tooltip="Leave the others out of the motion, for drawings of this person only."),
            ],
            outputs=[
                motion_output("The motion with this person first; the others stay in it unless 'alone' is on."),
                io.Int.Output(id="count", display_name="people", tooltip="How many people the motion that came in has."),
                io.String.Output(id="report", display_name="report", tooltip="Everybody who came in: number, share of the frames, from when to when, height and place in px."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        motion: Motion,
        person: int,
        frame: int,
        point: str = "",
        bounding_box: Any = None,
        mask: Input.Mask | torch.Tensor | None = None,
        alone: bool = False,
    ) -> io.NodeOutput:
        choice = choice_of(
            person, frame, point=point, bounding_box=bounding_box, mask=mask, num_frames=motion.num_frames
        )
        report = "\n".join(str(p) for p in people(motion))
        return io.NodeOutput(
            choose_person(motion, choice, alone=alone), len(motion.tracks), report, ui=ui.PreviewText(report)
        )
