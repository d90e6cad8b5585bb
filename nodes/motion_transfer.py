"""Motion Transfer: the whole product in one node."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from comfy_api.latest import Input, InputImpl, io

from ..core import RESOLUTIONS, Motion, TransferJob, UsageError
from ..models.registry import engine_spec
from ..pose.motion_file import save_motion
from ..run.digests import motion_digest
from ..run.weights import only_commercial, refuse_engine
from .comfy_host import comfy_host
from .engine_inputs import engine_of, model_input
from .finish import finishing_input
from .finished_video import fingerprint_of
from .lend_models import lend_models
from .pictures import character_mask, first_picture
from .places import lasting_folder, mask_file, picture_file, spool_folder, video_file
from .wires import CATEGORY, MotionWire

QUALITY_WORDS = {"High": "high", "Medium": "medium", "Low": "low", "Lossless": "lossless", "With alpha": "alpha"}
SUFFIX = {"lossless": ".mkv", "alpha": ".mov"}


class MotionTransfer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_MotionTransfer",
            display_name="Motion Transfer",
            category=CATEGORY,
            essentials_category="Video Tools",
            description="A character picture does what the person in a driving video does. Any length, with the sound.",
            search_aliases=["motion transfer", "animate character", "dance", "puppet", "pose to video", "animate image", "wan animate", "live portrait", "mimic motion"],
            inputs=[
                io.Image.Input("character", tooltip="Picture of the character; the first of a batch. Transparency cuts it out (join Load Image's MASK to it with Join Image with Alpha)."),
                io.MultiType.Input(
                    "driving", types=[io.Video, MotionWire],
                    tooltip="The reference video whose motion is taken, or a motion extracted from one before.",
                ),
                model_input(),
                io.Combo.Input("resolution", options=list(RESOLUTIONS), default="720p", tooltip="Short side of the result; a smaller picture is never enlarged."),
                io.Combo.Input("quality", options=list(QUALITY_WORDS), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV. With alpha: ProRes 4444."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=True, tooltip="The same seed and inputs give the same video."),
                io.Mask.Input("mask", optional=True, tooltip="White where the character is (Load Image's MASK is the other way round: Invert Mask); without it transparency or segmentation decides."),
                io.Boolean.Input("commercial_use_only", default=False, optional=True, advanced=True, tooltip="Refuse weights whose licence does not allow commercial use, in one line and before any work."),
                finishing_input(),
                MotionWire.Input("character_pose", optional=True, tooltip="The picture's own joints, where the figure in it is not found or moves wrongly: a motion whose first frame lies on the picture, as Motion from POSE_KEYPOINT makes of a pose editor's."),
            ],
            outputs=[io.Video.Output(id="video", display_name="video", tooltip="The finished video with the driving video's sound and time stamps; ready for Save Video.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        character: Input.Image,
        driving: Any,
        model: dict[str, Any],
        resolution: str,
        quality: str,
        seed: int,
        mask: Input.Mask | None = None,
        commercial_use_only: bool = False,
        finishing: Any = None,
        character_pose: Motion | None = None,
    ) -> io.NodeOutput:
        from ..run.route import run  # here, for ComfyUI's start

        engine, settings = engine_of(model)
        word = QUALITY_WORDS[quality]
        path, start, stop = motion_or_video_file(driving)
        picture = picture_file(*first_picture(character))
        known = character_mask(mask)
        job = TransferJob(
            character=str(picture), driving=str(path), output="result", engine=engine, settings=settings, seed=seed,
            quality=word, resolution=resolution, start_seconds=start, stop_seconds=stop,
            mask=None if known is None else str(mask_file(known)), commercial_use_only=commercial_use_only,
            finish={} if finishing is None else finishing.steps,
            character_pose=None if character_pose is None else str(motion_or_video_file(character_pose)[0]),
        )  # fmt: skip
        lent = {} if finishing is None else finishing.lent
        name = f"transfer_{job_name(job)}{fingerprint_of(lent)}"
        output = spool_folder() / f"{name}{SUFFIX.get(word, '.mp4')}"
        with comfy_host(lent, commercial_use_only=commercial_use_only) as host:
            if only_commercial(commercial_use_only):
                refuse_engine(engine_spec(engine))
            host.lend_also(lend_models(engine, settings, host))
            result = run(
                replace(job, output=str(output)), host, work_dir=lasting_folder(), overwrite=True, say=host.say
            )
        return io.NodeOutput(InputImpl.VideoFromFile(str(result.output)))


def motion_or_video_file(driving: Any) -> tuple[Any, float, float | None]:
    """A motion becomes a `.motion` file of the temp folder, a video is the file that it is."""
    if isinstance(driving, Motion):
        path = spool_folder() / f"motion_{motion_digest(driving)[:32]}.motion"
        if not path.is_file():
            save_motion(driving, path)
        return path, 0.0, None
    if hasattr(driving, "get_stream_source"):
        return video_file(driving)
    raise UsageError(f"driving takes a VIDEO or a motion, not {type(driving).__name__}.")


def job_name(job: TransferJob) -> str:
    """The same job has the same result file, so a queue of the same graph finds its journal again."""
    return hashlib.sha256(job.to_json().encode()).hexdigest()[:32]
