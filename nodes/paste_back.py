"""Paste Back: a made face or region put back into the film that it was cut out of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comfy_api.latest import Input, io

from ..core import InputError, Motion, UsageError
from ..finishing.paste_back import MASK, WHOLE, PasteBackSettings
from ..pose.face_boxes import AREA_SCALE
from ..video import open_video
from .engine_inputs import setting_input
from .finished_video import finished_video, quality_input
from .places import driver_mask_file, video_file
from .region_files import boxes_file, boxes_of_wire, face_boxes_of, region_file
from .wires import CATEGORY, SOCKET_ONLY, BoundingBoxWire, MotionWire

_SHARED = ("feather", "match", "strength")


class PasteBackNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_PasteBack",
            display_name="Paste Back (Video)",
            category=CATEGORY,
            description="Puts a made face or region back into the whole film, frame for frame: a soft seam with colours met along it, every other pixel as it was.",
            search_aliases=["paste face", "uncrop", "composite crop", "stitch crop", "inpaint stitch", "paste region"],
            inputs=[
                io.Video.Input("original", tooltip="The whole film: its size, time stamps and sound are kept."),
                io.MultiType.Input("made", types=[io.Image, io.Video], tooltip="The region, one picture for each frame of the film, at any size: Face Crops' faces after another model, say."),
                *(setting_input(o) for o in PasteBackSettings.options() if o.name in _SHARED),
                io.Float.Input("scale", default=AREA_SCALE, min=1.0, max=3.0, step=0.05, advanced=True, tooltip="With a motion: as Face Crops was set."),
                io.Float.Input("driving_smooth", default=2.0, min=0.0, max=10.0, step=0.1, advanced=True, tooltip="With a motion: as Face Crops was set."),
                quality_input(),
                MotionWire.Input("motion", optional=True, tooltip="The motion that Face Crops was given: the face's own place, to a part of a pixel."),
                BoundingBoxWire.Input("boxes", optional=True, extra_dict=SOCKET_ONLY, tooltip="Where the region lies, one box per frame or one for all."),
                io.Mask.Input("mask", optional=True, tooltip="White where the region is. The pictures fill the box around the white; pictures of the film's own size lie over all of it and are seen through the mask."),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="The film with the region in it.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        original: Input.Video,
        made: Any,
        scale: float,
        driving_smooth: float,
        quality: str,
        motion: Motion | None = None,
        boxes: Any = None,
        mask: Input.Mask | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        path, start, stop = video_file(original)
        if start or stop:
            raise UsageError("Paste Back takes a whole video: save the part first, or trim after pasting.")
        film = open_video(path)
        region = region_file(made, film, path) if hasattr(made, "shape") else video_file(made)[0]
        seen = open_video(region).info
        settings["place"] = MASK
        if motion is not None:
            where = _one_each(face_boxes_of(motion, scale, driving_smooth), film.timeline().num_frames)
            beside: dict[str, Path] = {"mask": boxes_file(where, film)}
        elif boxes is not None:
            beside = {"mask": boxes_file(_one_each(boxes_of_wire(boxes), film.timeline().num_frames), film)}
        elif mask is not None:
            beside = {"mask": driver_mask_file(mask)}
            if (seen.width, seen.height) == (film.info.width, film.info.height):
                settings["place"] = WHOLE
        else:
            raise UsageError("Paste Back has to know where: give it the motion that Face Crops had, boxes, or a mask.")
        return finished_video(region, "paste-back", settings, quality, beside={**beside, "original": path})


def _one_each(boxes: list[Any], frames: int) -> list[Any]:
    if len(boxes) == 1:
        return boxes * frames
    if len(boxes) != frames:
        raise InputError(
            f"There are {len(boxes)} boxes and {frames} frames; there must be one for each, or one for all."
        )
    return boxes
