"""Match Colour: a video's colours brought to those of a picture, or back to those of its own beginning."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..finishing.match_colour import CHARACTER, FIRST, MatchColourSettings
from .engine_inputs import setting_input
from .finished_video import finished_video, quality_input
from .pictures import first_picture
from .places import picture_file
from .wires import CATEGORY

_BY_WIRE = "to"


class MatchColourNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_MatchColour",
            display_name="Match Colour (Video)",
            category=CATEGORY,
            description="Brings the colours of a whole video to those of a picture, or a drifting video back to how it began, by one calm map that never wobbles.",
            search_aliases=["color match", "colour match", "color transfer", "color drift", "grade"],
            inputs=[
                io.Video.Input("video", tooltip="Any video, of any length."),
                *(setting_input(o) for o in MatchColourSettings.options() if o.name != _BY_WIRE),
                quality_input(),
                io.Image.Input("picture", optional=True, tooltip="Whose colours are wanted, such as the character's picture; transparent parts do not count. Without it: the video's own beginning."),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="With the sound and the time stamps of the video that came in.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, video: Input.Video, quality: str, picture: Input.Image | None = None, **settings: Any) -> io.NodeOutput:  # fmt: skip
        beside = {} if picture is None else {"character": picture_file(*first_picture(picture))}
        wanted = FIRST if picture is None else CHARACTER
        return finished_video(video, "match-colour", {**settings, _BY_WIRE: wanted}, quality, beside=beside)
