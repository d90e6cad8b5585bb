"""Types, units, errors, plans and contracts. Knows numpy and the standard library, nothing else."""

from .character import Character, CharacterFilm
from .engine import Engine, EngineSpec, Finished, Host, Need, WeightFile
from .errors import (
    BadMotionFile,
    Cancelled,
    CannotWrite,
    InputError,
    MissingPackage,
    MissingWeights,
    MotionTransferError,
    NoPersonFound,
    NotForCommercialUse,
    UnreadableImage,
    UnreadableVideo,
    UsageError,
)
from .job import DETECTORS, QUALITIES, RESOLUTIONS, TransferJob
from .media import FrameChunk, Timeline, VideoInfo, VideoSource
from .motion import Motion, PoseTrack, SourceFile
from .person_choice import PersonChoice
from .settings import Option, Settings, choice, number, switch, text, whole
from .skeleton import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLE_BODY, Skeleton
from .windows import Window, plan_windows

__all__ = [
    "BODY", "DETECTORS", "FACE", "FEET", "LEFT_HAND", "QUALITIES", "RESOLUTIONS", "RIGHT_HAND", "WHOLE_BODY",
    "BadMotionFile", "Cancelled", "CannotWrite", "Character", "CharacterFilm", "Engine", "EngineSpec", "Finished", "FrameChunk",
    "Host", "InputError", "MissingPackage", "MissingWeights", "Motion", "MotionTransferError", "Need", "NoPersonFound",
    "NotForCommercialUse",
    "Option", "PersonChoice", "PoseTrack", "Settings", "Skeleton", "SourceFile", "Timeline", "TransferJob", "UnreadableImage",
    "UnreadableVideo", "UsageError", "VideoInfo", "VideoSource", "WeightFile", "Window", "choice", "number",
    "plan_windows", "switch", "text", "whole",
]  # fmt: skip
