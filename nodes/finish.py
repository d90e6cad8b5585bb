"""Finish Video: several finishers in one pass over a video, or handed to Motion Transfer for its own frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy_api.latest import Input, io

from ..core.settings import Plain
from ..finishing.match_colour import CHARACTER, FIRST
from ..finishing.registry import finisher_spec
from .finished_video import commercial_input, finished_by, quality_input
from .interpolate import lent_model, model_input
from .pictures import first_picture
from .places import picture_file
from .wires import CATEGORY, FinishingWire

OFFERED = {
    "settle_flicker": ("settle-flicker", "strength"),
    "restore_faces": ("restore-faces", "strength"),
    "match_colour": ("match-colour", "strength"),
    "fps": ("interpolate", "fps"),
}
"""Input -> finisher and its main setting, in the order of work; 0 = off. The other settings have nodes of their own,
and so has what needs a second video."""
NO_VIDEO = "Finish Video was given no video; its 'finishing' output is for Motion Transfer."


@dataclass(frozen=True)
class Finishing:
    """What travels on an MT_FINISHING wire."""

    steps: Mapping[str, Mapping[str, Plain]]
    """As `TransferJob.finish`."""
    lent: Mapping[str, Any] = field(default_factory=dict)
    """Models for the host to lend."""


def finishing_input() -> io.Input:
    return FinishingWire.Input("finishing", optional=True, tooltip="From Finish Video: what is done to the finished frames in the same run, before they are encoded. Nothing without it.")  # fmt: skip


class FinishVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_Finish",
            display_name="Finish Video",
            category=CATEGORY,
            description="Flicker, faces, colours and frame rate of a video in one pass: any length at flat memory, cancelled runs go on, sound and timing exact.",
            search_aliases=["finish", "post process video", "deflicker", "face restore", "color match", "interpolate", "60 fps", "enhance video"],
            inputs=[
                *(_offer(name) for name in OFFERED),
                quality_input(),
                io.Video.Input("video", optional=True, tooltip="Any finished video. Without it only 'finishing' comes out."),
                io.Image.Input("picture", optional=True, tooltip="Whose colours match_colour goes to. Without it: the video's own beginning, against drift; in Motion Transfer the character's picture."),
                model_input(),
                commercial_input(),
            ],
            outputs=[
                io.Video.Output(id="video", display_name="video", tooltip="The finished video with its sound; ready for Save Video."),
                FinishingWire.Output(id="finishing", display_name="finishing", tooltip="The same for Motion Transfer's 'finishing': then its frames are encoded only once."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        quality: str,
        video: Input.Video | None = None,
        picture: Input.Image | None = None,
        interp_model: Any = None,
        commercial_use_only: bool = False,
        **chosen: float,
    ) -> io.NodeOutput:
        steps: dict[str, dict[str, Plain]] = {}
        for name, (finisher, setting) in OFFERED.items():
            if chosen[name] > 0:
                steps[finisher] = {setting: chosen[name]}
        if "match-colour" in steps:
            by_picture = picture is not None or video is None  # a transfer has its character at hand
            steps["match-colour"]["to"] = CHARACTER if by_picture else FIRST
        lent = lent_model(interp_model) if "interpolate" in steps else {}
        finishing = Finishing(steps, lent)
        if video is None:
            from comfy_execution.graph_utils import ExecutionBlocker

            return io.NodeOutput(ExecutionBlocker(NO_VIDEO), finishing)
        if not steps:
            return io.NodeOutput(video, finishing)
        beside = {} if picture is None else {"character": picture_file(*first_picture(picture))}
        made = finished_by(
            video, steps, quality, beside=beside, lent=lent, commercial_use_only=commercial_use_only
        )  # fmt: skip
        return io.NodeOutput(*made.args, finishing)


def _offer(name: str) -> io.Input:
    finisher, setting = OFFERED[name]
    spec = finisher_spec(finisher)
    option = next(o for o in spec.settings.options() if o.name == setting)
    step = float(option.step or 0.05)
    tooltip = f"{spec.summary} 0 = off; {option.default:g} is usual."
    return io.Float.Input(name, default=0.0, min=0.0, max=float(option.maximum or 1), step=step, tooltip=tooltip)
