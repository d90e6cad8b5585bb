"""LivePortrait: a portrait, picture or video, follows a face; any length, resumed, with the driving video's sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from comfy_api.latest import InputImpl, io

from ..core import RESOLUTIONS, TransferJob, UsageError
from ..face_motion.landmark_faces import tracks_of_landmarks
from ..models.live_portrait.spec import LivePortraitSettings
from .comfy_host import comfy_host
from .engine_inputs import settings_inputs
from .live_portrait_files import lend_models
from .motion_transfer import QUALITY_WORDS, SUFFIX, job_name, motion_or_video_file
from .pictures import first_picture
from .places import lasting_folder, picture_file, spool_folder
from .portrait_files import face_file, film_file, motion_of_faces_seen
from .wired_transfer import no_pictures, report_of
from .wires import CATEGORY, FaceLandmarksWire, MotionWire

ENGINE = "live-portrait"
TITLE, WHAT = "LivePortrait", "pictures and their mask"


class LivePortrait(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_LivePortrait",
            display_name="LivePortrait",
            category=CATEGORY,
            description="A portrait, photo, drawing or video, follows the face in the driving video. Any length at flat memory, with its sound; cancelled runs go on.",
            search_aliases=["live portrait", "liveportrait", "face animation", "animate portrait", "talking head", "expression transfer", "face reenactment", "lip sync video"],
            inputs=[
                io.MultiType.Input("portrait", types=[io.Image, io.Video], tooltip="Picture of a face (the first of a batch), or a video whose face is to do something else."),
                io.MultiType.Input("driving", types=[io.Video, MotionWire], tooltip="Video of the face that is followed, or a motion: extracted before, a motion template, or keyframes of the Expression Editor."),
                *settings_inputs(LivePortraitSettings),
                io.Combo.Input("resolution", options=list(RESOLUTIONS), default="source", tooltip="Short side of the result; never enlarged. The face itself is made with 512 px."),
                io.Combo.Input("quality", options=list(QUALITY_WORDS), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV."),
                io.Boolean.Input("also_images", default=False, advanced=True, tooltip="Give the whole clip as IMAGE and the mask of the pasted region too: 12 and 4 bytes a pixel in memory."),
                FaceLandmarksWire.Input("portrait_faces", optional=True, tooltip="Faces of the portrait from Detect Face Landmarks (MediaPipe), where its own detector finds none; for a picture."),
                FaceLandmarksWire.Input("driving_faces", optional=True, tooltip="Faces of the driving video from Detect Face Landmarks (MediaPipe), one entry a frame, in place of finding the person."),
            ],
            outputs=[
                io.Video.Output(id="video", display_name="video", tooltip="The finished video with the driving video's sound; ready for Save Video."),
                io.Image.Output(id="images", display_name="images", tooltip="The same frames as IMAGE, when also_images is on."),
                io.Mask.Output(id="mask", display_name="mask", tooltip="White where the made face was pasted: one mask for a picture, one a frame for a video; when also_images is on."),
                io.String.Output(id="report", display_name="report", tooltip="Whose motion, which frame counted as rest, and what was noticed on the way (JSON)."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        portrait: Any,
        driving: Any,
        resolution: str,
        quality: str,
        also_images: bool,
        portrait_faces: Any = None,
        driving_faces: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from ..run.route import run  # here, for ComfyUI's start

        word = QUALITY_WORDS[quality]
        if word == "alpha":
            raise UsageError("LivePortrait makes whole pictures without transparency; High or Lossless would work.")
        picture = picture_file(*first_picture(portrait)) if not is_video(portrait) else film_file(portrait)
        if portrait_faces is not None and is_video(portrait):
            raise UsageError("portrait_faces belongs to a picture; the faces of a portrait that is a video are found in it.")  # fmt: skip
        faces = None if portrait_faces is None else face_file(tracks_of_landmarks(portrait_faces)[:1])
        if driving_faces is not None:
            driving = motion_of_faces_seen(driving, driving_faces)
        path, start, stop = motion_or_video_file(driving)
        job = TransferJob(
            character=str(picture), driving=str(path), output="result", engine=ENGINE, settings=settings, quality=word,
            resolution=resolution, start_seconds=start, stop_seconds=stop,
            character_pose=None if faces is None else str(faces),
        )  # fmt: skip
        output = spool_folder() / f"portrait_{job_name(job)}{SUFFIX.get(word, '.mp4')}"
        with comfy_host() as host:
            host.lend_also(lend_models(ENGINE, settings, host))
            result = run(
                replace(job, output=str(output)), host, work_dir=lasting_folder(), overwrite=True, say=host.say
            )
            video = InputImpl.VideoFromFile(str(result.output))
            images, mask = _pictures(video, job, host) if also_images else (no_pictures(TITLE, WHAT),) * 2
        return io.NodeOutput(video, images, mask, report_of(result.manifest))


def is_video(what: Any) -> bool:
    return hasattr(what, "get_stream_source")


def _pictures(video: Any, job: TransferJob, host: Any) -> tuple[Any, Any]:
    import torch

    from ..run.portrait_files import portrait_regions

    images = video.get_components().images
    masks = portrait_regions(job, len(images), lasting_folder(), host)
    return images, torch.from_numpy(np.stack(list(masks))).to(torch.float32).div_(255)
