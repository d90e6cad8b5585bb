"""Character Mask: where the driver is in every frame, and the film without the driver, for models that replace people."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import Input, io

from ..core import InputError, Motion
from ..pose.clean import clean
from ..pose.driver_mask import ITERATIONS, METHODS, SIZE, MaskRules, black_under, driver_masks
from ..video import open_video
from .comfy_host import comfy_host
from .draw_motion import check_batch
from .pictures import image, levels
from .places import video_file
from .wires import CATEGORY, motion_input

BATCH = 8


class CharacterMask(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_CharacterMask",
            display_name="Character Mask",
            category=CATEGORY,
            description="Finds the person of the motion in the driving video, grows and fills the mask as Wan-Animate was trained, and blackens the video under it.",
            search_aliases=["replace mask", "wan animate mask", "character_mask", "background_video", "block mask", "person segmentation"],
            inputs=[
                io.Video.Input("video", tooltip="The driving video that the motion was extracted from."),
                motion_input(),
                io.Int.Input("grow_size", default=SIZE, min=1, max=127, step=2, tooltip="Width in pixels of the square that the mask is grown with; Wan-Animate: 7."),
                io.Int.Input("grow_times", default=ITERATIONS, min=0, max=50, tooltip="How often it is grown; Wan-Animate: 3. 0 = the outline as found."),
                io.Int.Input("blocks_wide", default=1, min=0, max=100, tooltip="Columns of the grid over the mask; every cell with a pixel is filled. 1 = the whole box, as Wan-Animate. 0 = the outline."),
                io.Int.Input("blocks_high", default=1, min=0, max=100, tooltip="Rows of that grid."),
                io.Combo.Input("find_by", options=list(METHODS), default=METHODS[0], tooltip="segmentation: from the picture, with MediaPipe. joints: a body drawn around the joints, without a network."),
                io.Int.Input("start_frame", default=0, min=0, max=1_000_000, tooltip="First frame."),
                io.Int.Input("num_frames", default=0, min=0, max=10_000, tooltip="How many; 0 = to the end."),
                io.Mask.Input("mask", optional=True, tooltip="A mask of yours instead, white where the person is (from SAM 2, say): one for each frame of the motion or of the range, or one for all."),
            ],
            outputs=[
                io.Mask.Output(id="mask", display_name="mask", tooltip="White where the character will be: character_mask of core's WanAnimateToVideo."),
                io.Image.Output(id="background", display_name="background", tooltip="The frames, black under the mask: background_video of core's WanAnimateToVideo."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        video: Input.Video,
        motion: Motion,
        grow_size: int,
        grow_times: int,
        blocks_wide: int,
        blocks_high: int,
        find_by: str,
        start_frame: int,
        num_frames: int,
        mask: Input.Mask | None = None,
    ) -> io.NodeOutput:
        stop = min(motion.num_frames, start_frame + num_frames if num_frames else motion.num_frames)
        if start_frame >= stop:
            raise InputError(f"start_frame is {start_frame}, but the motion has {motion.num_frames} frames: 0 to {motion.num_frames - 1} would work.")  # fmt: skip
        path, begin, end = video_file(video)
        source = open_video(path, start_seconds=begin, stop_seconds=end)
        size, count = (source.info.width, source.info.height), stop - start_frame
        check_batch(size, count, 16, "or make the video smaller")
        track, first, given = clean(motion.main, motion.timeline.rate, cuts=motion.cuts), start_frame, None
        if mask is not None:
            given = levels((mask if mask.ndim == 3 else mask[None])[..., None])[..., 0]
            if len(given) == count:  # of the range
                track, first = track.cut(start_frame, stop), 0
        masks = np.empty((count, size[1], size[0]), np.uint8)
        frames = np.empty((count, size[1], size[0], 3), np.uint8)
        done = 0
        with comfy_host() as host:
            for found in driver_masks(
                source, track, given=given, rules=MaskRules(grow_size, grow_times, blocks_wide, blocks_high),
                method=find_by, cuts=motion.cuts, start=first, stop=first + count, chunk_frames=BATCH,
            ):  # fmt: skip
                masks[done : done + len(found)] = found
                done += len(found)
                host.step(done, 2 * count, "masks", found[-1][..., None].repeat(3, -1))
            done = 0
            for chunk in source.chunks(BATCH, start_frame):
                part = chunk.pixels[: count - done]
                frames[done : done + len(part)] = black_under(part, masks[done : done + len(part)])
                done += len(part)
                host.step(count + done, 2 * count, "background", frames[done - 1])
                if done == count:
                    break
        if done < count:
            raise InputError(f"The video has only {start_frame + done} frames and the motion {motion.num_frames}: they do not belong together.")  # fmt: skip
        return io.NodeOutput(image(masks[..., None])[..., 0], image(frames))
