"""Draw Motion: the skeleton as pictures, for ControlNets and for video models that read pose drawings."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import InputImpl, io

from ..core import InputError, Motion
from ..pose.draw import draw_pose
from ..run.pose_video import write_pose_video
from .comfy_host import comfy_host
from .pictures import image
from .places import spool_folder
from .wires import CATEGORY, motion_input

STYLES = {"Wan-Animate": "wan", "OpenPose (DWPose)": "openpose"}
LARGEST_IMAGE_BYTES = 8 << 30


def _style_input() -> io.Input:
    return io.Combo.Input("style", options=list(STYLES), default="Wan-Animate", tooltip="Wan-Animate: body and hands, thin. OpenPose: body, hands and face dots, as ControlNets learned it.")  # fmt: skip


class DrawMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_DrawMotion",
            display_name="Draw Motion",
            category=CATEGORY,
            description="Draws the skeleton of each frame as an IMAGE batch, pixel-equal to what the models were trained on.",
            search_aliases=["draw pose", "openpose image", "pose video", "controlnet pose", "skeleton image"],
            inputs=[
                motion_input(),
                _style_input(),
                io.Int.Input("width", default=0, min=0, max=8192, step=8, tooltip="0 = that of the driving video."),
                io.Int.Input("height", default=0, min=0, max=8192, step=8, tooltip="0 = that of the driving video."),
                io.Int.Input("start_frame", default=0, min=0, max=1_000_000, tooltip="First frame to draw."),
                io.Int.Input("num_frames", default=0, min=0, max=100_000, tooltip="How many; 0 = to the end. An IMAGE batch lives in memory: use Draw Motion (Video) for long clips."),
            ],
            outputs=[io.Image.Output(id="images", display_name="images", tooltip="One drawing per frame.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: Motion, style: str, width: int, height: int, start_frame: int, num_frames: int
    ) -> io.NodeOutput:
        size = (width or motion.size[0], height or motion.size[1])
        stop = min(motion.num_frames, start_frame + num_frames if num_frames else motion.num_frames)
        if start_frame >= stop:
            raise InputError(f"start_frame is {start_frame}, but the motion has {motion.num_frames} frames: 0 to {motion.num_frames - 1} would work.")  # fmt: skip
        need = 12 * size[0] * size[1] * (stop - start_frame)
        if need > LARGEST_IMAGE_BYTES:
            raise InputError(
                f"{stop - start_frame} frames of {size[0]}x{size[1]} are {need / 1e9:.0f} GB as IMAGE. "
                f"Draw {LARGEST_IMAGE_BYTES // (12 * size[0] * size[1])} frames at a time with num_frames, or use Draw Motion (Video)."
            )
        scale = np.array([size[0] / motion.size[0], size[1] / motion.size[1]], np.float32)
        track = motion.main
        frames = np.stack(
            [draw_pose(track.points[t] * scale, track.scores[t], size, STYLES[style]) for t in range(start_frame, stop)]
        )
        return io.NodeOutput(image(frames))


class DrawMotionVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_DrawMotionVideo",
            display_name="Draw Motion (Video)",
            category=CATEGORY,
            description="Draws the skeleton into a lossless video file, frame by frame: any length, no memory.",
            search_aliases=["pose video", "openpose video", "skeleton video"],
            inputs=[motion_input(), _style_input()],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="The drawings with the driving video's time stamps.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: Motion, style: str) -> io.NodeOutput:
        with comfy_host() as host:
            return io.NodeOutput(
                InputImpl.VideoFromFile(str(write_pose_video(motion, STYLES[style], spool_folder(), host)))
            )
