"""Expression Editor: one portrait and sliders give a picture; keyframes of the same sliders give a motion."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..face_motion.landmark_faces import tracks_of_landmarks
from ..models.live_portrait.expression import Expression
from ..models.live_portrait.expression_keys import TO_AND_FRO
from ..models.live_portrait.spec import LivePortraitSettings
from .comfy_host import comfy_host
from .engine_inputs import setting_input, settings_inputs
from .live_portrait_files import lend_models
from .pictures import first_picture, image
from .places import lasting_folder, picture_file
from .portrait_files import face_file
from .wires import CATEGORY, FaceLandmarksWire, motion_output

ENGINE = "live-portrait"
PICTURE = ("crop_factor", "paste_back", "stitching", "feather", "colour_match", "weights", "face_box", "dtype")
"""The engine's settings that one picture depends on."""
_OPTIONS = {o.name: o for o in LivePortraitSettings.options()}
NO_PORTRAIT = "The Expression Editor makes a picture where a portrait is connected; its motion needs none."


class ExpressionEditor(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_ExpressionEditor",
            display_name="Expression Editor",
            category=CATEGORY,
            description="Turns a head, makes it smile, blink or speak by sliders: one picture, or keyframes as a motion that drives any portrait.",
            search_aliases=["expression", "smile", "blink", "wink", "gaze", "head pose", "face editor", "retargeting", "live portrait", "emotion"],
            inputs=[
                io.Image.Input("portrait", optional=True, tooltip="Picture of a face; the first of a batch. Only the image and mask outputs need it."),
                *settings_inputs(Expression),
                io.String.Input("keyframes", default=TO_AND_FRO, multiline=True, tooltip="The motion: lines of seconds: sliders, as in 0.5: smile=1, yaw=10. 'rest' is the portrait itself, 'sliders' stands for the sliders above."),
                io.Float.Input("frame_rate", default=25.0, min=1.0, max=240.0, step=0.001, tooltip="Frames a second of the motion."),
                *(setting_input(_OPTIONS[name]) for name in PICTURE),
                FaceLandmarksWire.Input("portrait_faces", optional=True, tooltip="Faces of the portrait from Detect Face Landmarks (MediaPipe), where its own detector finds none."),
            ],
            outputs=[
                io.Image.Output(id="image", display_name="image", tooltip="The portrait with the face that the sliders set."),
                motion_output("The keyframes as a motion: for LivePortrait, Motion Transfer and Save Motion."),
                io.Mask.Output(id="mask", display_name="mask", tooltip="White where the made face was pasted."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        keyframes: str,
        frame_rate: float,
        portrait: Input.Image | None = None,
        portrait_faces: Any = None,
        **values: Any,
    ) -> io.NodeOutput:
        from ..models.live_portrait.expression_keys import frames_between, read_keys
        from ..models.live_portrait.made_motion import motion_of_faces

        sliders = {option.name: values[option.name] for option in Expression.options()}
        keys = read_keys(keyframes or TO_AND_FRO, Expression.from_plain(sliders))
        motion = motion_of_faces(frames_between(keys, frame_rate), frame_rate)
        if portrait is None:
            from comfy_execution.graph_utils import ExecutionBlocker

            return io.NodeOutput(ExecutionBlocker(NO_PORTRAIT), motion, ExecutionBlocker(NO_PORTRAIT))
        faces = None if portrait_faces is None else face_file(tracks_of_landmarks(portrait_faces)[:1])
        made, region = _edited(portrait, sliders, {name: values[name] for name in PICTURE}, faces)
        return io.NodeOutput(made, motion, region)


def _edited(portrait: Any, sliders: dict[str, Any], settings: dict[str, Any], faces: Any) -> tuple[Any, Any]:
    """IMAGE `[1,H,W,3]` and MASK `[1,H,W]`."""
    from ..run.portrait_files import edit_portrait

    picture = picture_file(*first_picture(portrait))
    with comfy_host() as host:
        host.lend_also(lend_models(ENGINE, settings, host))
        pixels, region = edit_portrait(
            picture, sliders, host, settings=settings, character_pose=faces, cache=lasting_folder()
        )
    return image(pixels[None]), image(region[None, ..., None])[..., 0]
