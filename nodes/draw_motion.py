"""Draw Motion: the skeleton as pictures, for ControlNets and for video models that read pose drawings."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import InputImpl, io

from ..core import InputError, Motion
from ..pose.draw import draw_motion, resize_short_side, resized
from ..pose.draw_styles import STYLES
from ..run.pose_video import write_pose_video
from .comfy_host import comfy_host
from .pictures import image
from .places import spool_folder
from .wires import CATEGORY, motion_input

STYLE_NAMES = {style.title: name for name, style in STYLES.items()}
PEOPLE = ("everyone", "main person")
LARGEST_IMAGE_BYTES = 8 << 30


def _style_input() -> io.Input:
    return io.Combo.Input("style", options=list(STYLE_NAMES), default="Wan-Animate", tooltip="As the model learned it. Wan-Animate: body and hands, thin. OpenPose: with face dots, for ControlNets; thick limbs for xinsir's. MimicMotion, SDPose, One-to-All: for those models.")  # fmt: skip


def _more_inputs(people: str) -> list[io.Input]:
    return [
        io.Int.Input("resolution", default=0, min=0, max=8192, step=8, optional=True, tooltip="Short side of the result: drawn first and then resized, as DWPose preprocessors do. 0 = not resized."),
        io.Combo.Input("people", options=list(PEOPLE), default=people, optional=True, tooltip="Everyone in the motion, or its main person."),
    ]  # fmt: skip


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
                *_more_inputs("main person"),
            ],
            outputs=[io.Image.Output(id="images", display_name="images", tooltip="One drawing per frame.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        motion: Motion,
        style: str,
        width: int,
        height: int,
        start_frame: int,
        num_frames: int,
        resolution: int = 0,
        people: str = "main person",
    ) -> io.NodeOutput:
        size = (width or motion.size[0], height or motion.size[1])
        stop = min(motion.num_frames, start_frame + num_frames if num_frames else motion.num_frames)
        if start_frame >= stop:
            raise InputError(f"start_frame is {start_frame}, but the motion has {motion.num_frames} frames: 0 to {motion.num_frames - 1} would work.")  # fmt: skip
        out = resized(size, resolution)
        check_batch(out, stop - start_frame, 12, "or use Draw Motion (Video)")
        frames = np.empty((stop - start_frame, out[1], out[0], 3), np.uint8)
        for t in range(start_frame, stop):
            picture = draw_motion(motion, t, size, STYLE_NAMES[style], everyone=people == "everyone")
            frames[t - start_frame] = resize_short_side(picture, resolution)
        return io.NodeOutput(image(frames))


def check_batch(size: tuple[int, int], num_frames: int, bytes_per_px: int, instead: str) -> None:
    """InputError where an IMAGE batch would not fit into a usual memory; `instead` ends the sentence."""
    per_frame = bytes_per_px * size[0] * size[1]
    if per_frame * num_frames > LARGEST_IMAGE_BYTES:
        raise InputError(
            f"{num_frames} frames of {size[0]}x{size[1]} are {per_frame * num_frames / 1e9:.0f} GB as IMAGE. "
            f"Take {max(1, LARGEST_IMAGE_BYTES // per_frame)} frames at a time with num_frames, {instead}."
        )


class DrawMotionVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_DrawMotionVideo",
            display_name="Draw Motion (Video)",
            category=CATEGORY,
            description="Draws the skeleton into a lossless video file, frame by frame: any length, no memory.",
            search_aliases=["pose video", "openpose video", "skeleton video"],
            inputs=[motion_input(), _style_input(), *_more_inputs("everyone")],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="The drawings with the driving video's time stamps.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: Motion, style: str, resolution: int = 0, people: str = "everyone") -> io.NodeOutput:
        with comfy_host() as host:
            path = write_pose_video(
                motion,
                STYLE_NAMES[style],
                spool_folder(),
                host,
                short_side=resolution,
                everyone=people == "everyone",
            )
            return io.NodeOutput(InputImpl.VideoFromFile(str(path)))
