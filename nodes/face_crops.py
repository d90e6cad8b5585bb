"""Face Crops: the driver's face, steady and square, one picture for every frame of the motion."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import Input, io

from ..core import InputError, Motion
from ..pose.face_boxes import AREA_SCALE, cut_face, shown_frames, steady_face_boxes, stretch_face, wan_face_boxes
from ..video import open_video
from .comfy_host import comfy_host
from .pictures import image
from .places import video_file
from .wires import CATEGORY, motion_input

BATCH = 16


class FaceCrops(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_FaceCrops",
            display_name="Face Crops",
            category=CATEGORY,
            description="Cuts the driver's face out of every frame: smoothed boxes, square without stretching, never shorter than the clip.",
            search_aliases=["crop face", "face video", "wan animate face", "face box"],
            inputs=[
                io.Video.Input("video", tooltip="The driving video that the motion was extracted from."),
                motion_input(),
                io.Int.Input("side", default=512, min=64, max=1024, step=16, tooltip="Pixels of each side; Wan-Animate takes 512."),
                io.Float.Input("scale", default=AREA_SCALE, min=1.0, max=3.0, step=0.05, tooltip="Area around the face points; Wan-Animate was trained with 1.3."),
                io.Float.Input("driving_smooth", default=2.0, min=0.0, max=10.0, step=0.1, tooltip="Smoothing of the boxes; 0 = off."),
                io.Combo.Input("missing_face", options=["hold", "blank", "interpolate"], default="hold", tooltip="Frames without a face. hold: the last face that was seen. blank: black. interpolate: what is there, on the line between its neighbours."),
                io.Int.Input("start_frame", default=0, min=0, max=1_000_000, tooltip="First frame."),
                io.Int.Input("num_frames", default=0, min=0, max=10_000, tooltip="How many; 0 = to the end."),
                io.Combo.Input("box", options=["steady", "wan"], default="steady", optional=True, tooltip="steady: follows the head without trembling, square. wan: Wan-Animate's own box, frame by frame and stretched, to compare."),
            ],
            outputs=[
                io.Image.Output(id="faces", display_name="faces", tooltip="One square picture per frame."),
                io.Mask.Output(id="seen", display_name="seen", tooltip="White where the face was really seen, black where it was bridged."),
                io.BoundingBox.Output(id="boxes", display_name="boxes", tooltip="One box per frame, for core's Crop By Bounding Boxes and SDPose; none where blank."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        video: Input.Video,
        motion: Motion,
        side: int,
        scale: float,
        driving_smooth: float,
        missing_face: str,
        start_frame: int,
        num_frames: int,
        box: str = "steady",
    ) -> io.NodeOutput:
        stop = min(motion.num_frames, start_frame + num_frames if num_frames else motion.num_frames)
        if start_frame >= stop:
            raise InputError(f"start_frame is {start_frame}, but the motion has {motion.num_frames} frames: 0 to {motion.num_frames - 1} would work.")  # fmt: skip
        if box == "wan":
            boxes, seen = wan_face_boxes(motion.main, scale)
        else:
            boxes, seen = steady_face_boxes(
                motion.main, motion.timeline.rate, scale=scale, strength=driving_smooth, cuts=motion.cuts
            )
        cut = stretch_face if box == "wan" else cut_face
        shown = (shown_frames(seen) if missing_face == "hold" else np.arange(motion.num_frames))[start_frame:stop]
        blank = ~seen[shown] if missing_face == "blank" else np.zeros(len(shown), bool)
        crops = np.zeros((stop - start_frame, side, side, 3), np.uint8)
        path, begin, end = video_file(video)
        source = open_video(path, start_seconds=begin, stop_seconds=end)
        read = first = int(shown.min())
        last = int(max(shown.max(), stop - 1)) + 1
        with comfy_host() as host:
            for chunk in source.chunks(BATCH, first):
                for k in range(min(chunk.num_frames, last - chunk.start)):
                    t = chunk.start + k
                    wanted = np.flatnonzero((shown == t) & ~blank)
                    if len(wanted):
                        crops[wanted] = cut(chunk.pixels[k], boxes[t], side)
                    read = t + 1
                host.step(read - first, last - first, "faces", crops[min(max(read - 1 - start_frame, 0), len(crops) - 1)])  # fmt: skip
                if chunk.stop >= last:
                    break
        if read < last:
            raise InputError(f"The video has only {read} frames and the motion {motion.num_frames}: they do not belong together.")  # fmt: skip
        flags = np.broadcast_to(seen[start_frame:stop, None, None, None], (stop - start_frame, side, side, 1))
        listed = [[] if b else [_box(boxes[t])] for t, b in zip(shown, blank, strict=True)]
        return io.NodeOutput(image(crops), image(flags.astype(np.uint8) * 255)[..., 0], listed)


def _box(box: np.ndarray) -> dict[str, int]:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    return {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
