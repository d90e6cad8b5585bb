"""Face Crops: the driver's face, steady and square, one picture for every frame of the motion."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import Input, io

from ..core import InputError, Motion
from ..pose.clean import clean
from ..pose.face_boxes import AREA_SCALE, cut_face, face_boxes
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
                io.Combo.Input("missing_face", options=["hold", "blank"], default="hold", tooltip="Frames without a face: follow the line between its neighbours, or a black picture."),
                io.Int.Input("start_frame", default=0, min=0, max=1_000_000, tooltip="First frame."),
                io.Int.Input("num_frames", default=0, min=0, max=10_000, tooltip="How many; 0 = to the end."),
            ],
            outputs=[
                io.Image.Output(id="faces", display_name="faces", tooltip="One square picture per frame."),
                io.Mask.Output(id="seen", display_name="seen", tooltip="White where the face was really seen, black where it was bridged."),
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
    ) -> io.NodeOutput:
        stop = min(motion.num_frames, start_frame + num_frames if num_frames else motion.num_frames)
        if start_frame >= stop:
            raise InputError(f"start_frame is {start_frame}, but the motion has {motion.num_frames} frames: 0 to {motion.num_frames - 1} would work.")  # fmt: skip
        track = clean(motion.main, motion.timeline.rate, strength=driving_smooth, cuts=motion.cuts)
        boxes, seen = face_boxes(track, scale)
        path, begin, end = video_file(video)
        source = open_video(path, start_seconds=begin, stop_seconds=end)
        crops = np.zeros((stop - start_frame, side, side, 3), np.uint8)
        done = 0
        with comfy_host() as host:
            for chunk in source.chunks(BATCH, start_frame):
                for k in range(min(chunk.num_frames, stop - chunk.start)):
                    t = chunk.start + k
                    if seen[t] or missing_face == "hold":
                        crops[t - start_frame] = cut_face(chunk.pixels[k], boxes[t], side)
                    done += 1
                host.step(done, stop - start_frame, "faces", crops[done - 1])
                if chunk.stop >= stop:
                    break
        if done < stop - start_frame:
            raise InputError(f"The video has only {start_frame + done} frames and the motion {motion.num_frames}: they do not belong together.")  # fmt: skip
        flags = np.broadcast_to(seen[start_frame:stop, None, None, None], (stop - start_frame, side, side, 1))
        return io.NodeOutput(image(crops), image(flags.astype(np.uint8) * 255)[..., 0])
