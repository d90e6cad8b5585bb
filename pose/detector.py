"""What a pose detector is, and how to get one.

MediaPipe's detectors follow one person; the others (`follows_everybody`) are a person finder and a pose
network, opened by `networks` and led through a clip by `top_down`. Opening one is where MediaPipe is imported;
nothing before that needs it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from ..core import DETECTORS, MissingPackage, MissingWeights, UsageError
from .mediapipe_import import has_solutions, mediapipe_version, require_solutions
from .networks import POSE_NETWORKS, FindFile, network_ids

OF_ONE_PERSON = ("auto", "mediapipe", "mediapipe-tasks")


class Detector(Protocol):
    """Finds the joints of one main person in consecutive frames and remembers who that was."""

    @property
    def id(self) -> str:
        """Name and version; changed whenever the same frames would give other joints."""
        ...

    def detect(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 `[n,133,2]` px, scores float32 `[n,133]` 0..1, of uint8 RGB frames `[n,H,W,3]`.

        Frames are given in order; how many at a time makes no difference to the answer. Unseen = score 0.
        """
        ...

    def reset(self) -> None:
        """The next frame has nothing to do with the one before (a cut)."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Detector: ...

    def __exit__(self, *reason: object) -> None: ...


def follows_everybody(name: str) -> bool:
    """Whether the detector called `name` follows everybody in a clip, or one person only."""
    if name not in DETECTORS:
        raise UsageError(f"There is no detector {name!r}; there are {', '.join(DETECTORS)}.")
    return name in POSE_NETWORKS


def detector_for(name: str, find_file: FindFile, device: str) -> str:
    """The detector that `name` means here: 'auto' is MediaPipe, or, where that is not installed, whose files are here.

    Nothing is loaded.
    """
    if follows_everybody(name) or name != "auto" or mediapipe_version() is not None:
        return name
    if find_spec("onnxruntime") is not None or find_spec("torch") is not None:
        for other in POSE_NETWORKS:
            with contextlib.suppress(MissingWeights, MissingPackage):
                network_ids(other, find_file, device)
                return other
    return name


def open_detector(name: str = "auto", *, models: Path | str | None = None) -> Detector:
    """The detector of one person called `name`; 'auto' takes what the installed MediaPipe can do.

    'mediapipe': models inside the wheel (0.10.9 to 0.10.21). 'mediapipe-tasks': any MediaPipe from 0.10.21
    on, with the user's own `.task` files in the folder `models`. MissingPackage or MissingWeights say what is
    not there and where to get it.
    """
    if follows_everybody(name):
        raise UsageError(f"{name} follows everybody; {', '.join(OF_ONE_PERSON)} follow one person.")
    if name == "auto":
        newer = mediapipe_version() is not None and not has_solutions()
        name = "mediapipe-tasks" if newer and models is not None else "mediapipe"
    return _OPENERS[name](None if models is None else Path(models))


def detector_id(name: str = "auto", *, models: Path | str | None = None) -> str:
    """The `id` that `open_detector` with the same words would have, told without loading any network."""
    if name == "mediapipe-tasks" or (name == "auto" and not has_solutions() and models is not None):
        from .mediapipe_tasks import tasks_id

        return tasks_id(None if models is None else Path(models))
    from .mediapipe_holistic import holistic_id

    return holistic_id()


def _open_wheel(models: Path | None) -> Detector:
    require_solutions()
    from .mediapipe_holistic import HolisticDetector

    return HolisticDetector()


def _open_tasks(models: Path | None) -> Detector:
    from .mediapipe_tasks import TasksDetector

    return TasksDetector(models)


_OPENERS: dict[str, Callable[[Path | None], Detector]] = {"mediapipe": _open_wheel, "mediapipe-tasks": _open_tasks}
