"""The list of nodes. Ids are a promise to saved workflows: never renamed, never reused."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .animate_diff import AnimateDiff, AnimateDiffModel
from .character_mask import CharacterMask
from .check_driving_video import CheckDrivingVideo
from .check_result import CheckResult
from .draw_motion import DrawMotion, DrawMotionVideo
from .expression_editor import ExpressionEditor
from .extract_motion import ExtractMotion
from .face_crops import FaceCrops
from .face_motion import FaceMotion
from .finish import FinishVideo
from .interpolate import Interpolate
from .live_portrait import LivePortrait
from .match_colour import MatchColourNode
from .mimic_motion import LoadMimicMotion, MimicMotion
from .motion_files import LoadMotion, SaveMotion
from .motion_transfer import MotionTransfer
from .paste_back import PasteBackNode
from .pick_person import PickPerson
from .portrait_motion import PortraitMotion
from .pose_keypoint import MotionFromPoseKeypoint, MotionToPoseKeypoint
from .restore_faces import RestoreFacesNode
from .retarget_motion import RetargetMotion
from .sample_inputs import bring_sample_inputs
from .settle_flicker import SettleFlickerNode
from .smooth_motion import SmoothMotion
from .wan_animate import WanAnimate

NODES: list[type[io.ComfyNode]] = [
    MotionTransfer,
    ExtractMotion,
    LoadMotion,
    SaveMotion,
    MotionFromPoseKeypoint,
    MotionToPoseKeypoint,
    SmoothMotion,
    RetargetMotion,
    DrawMotion,
    DrawMotionVideo,
    FaceCrops,
    CheckDrivingVideo,
    WanAnimate,
    PickPerson,
    CharacterMask,
    FaceMotion,
    AnimateDiffModel,
    AnimateDiff,
    LivePortrait,
    ExpressionEditor,
    PortraitMotion,
    RestoreFacesNode,
    SettleFlickerNode,
    MatchColourNode,
    PasteBackNode,
    LoadMimicMotion,
    MimicMotion,
    Interpolate,
    FinishVideo,
    CheckResult,
]


class MotionTransferExtension(ComfyExtension):
    async def on_load(self) -> None:
        bring_sample_inputs()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)
