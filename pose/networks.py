"""The two kinds of network that a pose from pictures takes, and how to get one: a finder says where people are,
a pose network where each one's joints are.

Nothing heavy is imported before a network is opened, and nothing here decides who is looked at, or when.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core import MissingPackage, MissingWeights, NotForCommercialUse, UsageError, WeightFile
from ..core.weight_files import all_missing
from .pose_weights import DWPOSE, VITPOSE_ONNX, VITPOSE_TORCH, YOLOV10M, YOLOX_L

if TYPE_CHECKING:
    from .onnx_network import OnnxNetwork

FINDERS = ("auto", "yolox", "yolov10")
POSE_NETWORKS = ("dwpose", "vitpose-s", "vitpose-b", "vitpose-l", "vitpose-h")

FindFile = Callable[[WeightFile], Path]
"""Such as `Host.find_weights`: an existing file, or MissingWeights."""
Note = Callable[[str], None]
"""Such as `Host.note`."""


class PersonFinder(Protocol):
    """Finds everybody in single frames; remembers nothing."""

    @property
    def id(self) -> str:
        """Network and file; changed whenever the same frames would give other boxes."""
        ...

    @property
    def provider(self) -> str:
        """What the network really runs on, such as 'CUDAExecutionProvider' or 'torch cuda:0 fp16'."""
        ...

    @property
    def module(self) -> Any | None:
        """The torch module to be lent the device (`host.on_device`) while frames are given; None where there is none."""
        ...

    def find(self, frames: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each of the uint8 RGB frames `[n,H,W,3]`: boxes float32 `[k,4]` x0 y0 x1 y1 px, best first, and scores
        float32 `[k]` 0..1. Boxes may reach out of the frame a little; k may be 0."""
        ...

    def close(self) -> None: ...


class PoseNetwork(Protocol):
    """Finds the joints of people whose boxes are known; remembers nothing."""

    @property
    def id(self) -> str:
        """Network and file; changed whenever the same frames and boxes would give other joints."""
        ...

    @property
    def provider(self) -> str:
        """What the network really runs on, such as 'CUDAExecutionProvider' or 'torch cuda:0 fp16'."""
        ...

    @property
    def module(self) -> Any | None:
        """The torch module to be lent the device (`host.on_device`) while frames are given; None where there is none."""
        ...

    def estimate(self, frames: np.ndarray, boxes: np.ndarray, frame_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 `[m,133,2]` px and scores float32 `[m,133]` 0..1, for the people in `boxes` float32 `[m,4]`
        x0 y0 x1 y1 px; `frame_of` `[m]` says in which of the uint8 RGB frames `[n,H,W,3]` each one is.

        All crops go through the network together where the file allows it, so that several frames at a time are
        worth while. Joints the network does not see have score 0.
        """
        ...

    def close(self) -> None: ...


def open_finder(name: str, find_file: FindFile, device: str, *, note: Note | None = None) -> PersonFinder:
    """The person finder called `name` on `device` ('cpu', 'cuda:0', 'mps' ...).

    'yolox' is YOLOX-L (Apache-2.0); 'yolov10' is Wan's yolov10m (AGPL-3.0), for those who bring it; 'auto' takes
    YOLOX-L, or yolov10m where only that one is there. Where the graphics card cannot be used, `note` is told why
    and the processor does the work; without a `note` that is an error. Raises MissingWeights, MissingPackage,
    UsageError, and InputError for a file that is damaged or holds another network.
    """
    from .finders import YoloFinder, YoloxFinder

    weights, path = _finder_file(name, find_file)
    if weights is YOLOV10M:
        if name == "auto" and note is not None:
            note(f"People are found by {path.name}, which is under {YOLOV10M.licence}; YOLOX-L is free for all uses.")
        return YoloFinder(_open(path, weights, device, note))
    return YoloxFinder(_open(path, weights, device, note))


def open_pose_network(name: str, find_file: FindFile, device: str, *, note: Note | None = None) -> PoseNetwork:
    """The pose network called `name` on `device`; `note` and errors as for `open_finder`.

    ViTPose comes as ONNX or for torch. Where both files are here, a graphics card gets torch (half precision, and
    ComfyUI can move the `module` in and out) and the processor ONNX.
    """
    weights, path, is_torch = _pose_file(name, find_file, device)
    if is_torch:
        try:
            from .vitpose_torch import open_vitpose_torch
        except ImportError:
            raise MissingPackage(
                f"{path.name} needs torch, which is not installed; with onnxruntime, {name} also runs from "
                f"{VITPOSE_ONNX[name].file}."
            ) from None
        return open_vitpose_torch(path, name, device, note)
    network = _open(path, weights, device, note)
    if name == "dwpose":
        from .dwpose import DwPose

        return DwPose(network)
    from .vitpose import VitPoseOnnx

    return VitPoseOnnx(network, name)


def network_ids(name: str, find_file: FindFile, device: str, *, finder: str = "auto") -> str:
    """What identifies the joints that pose network `name` and `finder` give: both files, told without loading them.

    Equal to the two `id`s with ' + ' between them. Raises MissingWeights and UsageError.
    """
    from .network_files import file_id

    missing: list[MissingWeights] = []
    try:
        weights, finder_path = _finder_file(finder, find_file)
    except MissingWeights as error:
        missing.append(error)
    try:
        _, pose_path, _ = _pose_file(name, find_file, device)
    except MissingWeights as error:
        missing.append(error)
    if missing:
        refused = [error for error in missing if isinstance(error, NotForCommercialUse)]
        raise (refused or [all_missing(missing, name)])[0]
    return f"{file_id('yolov10' if weights is YOLOV10M else 'yolox', finder_path)} + {file_id(name, pose_path)}"


def _open(path: Path, weights: WeightFile, device: str, note: Note | None) -> OnnxNetwork:
    from .onnx_network import open_onnx

    title = weights.name.partition(" (")[0]
    return open_onnx(path, title, device, note, published_bytes=weights.num_bytes)


def _finder_file(name: str, find_file: FindFile) -> tuple[WeightFile, Path]:
    if name not in FINDERS:
        raise UsageError(f"There is no person finder {name!r}; there are {', '.join(FINDERS)}.")
    if name == "yolov10":
        return YOLOV10M, find_file(YOLOV10M)
    try:
        return YOLOX_L, find_file(YOLOX_L)
    except MissingWeights:
        if name == "auto":
            with contextlib.suppress(MissingWeights):
                return YOLOV10M, find_file(YOLOV10M)
        raise


def _pose_file(name: str, find_file: FindFile, device: str) -> tuple[WeightFile, Path, bool]:
    """The record, the file, and whether it is one for torch."""
    if name not in POSE_NETWORKS:
        raise UsageError(f"There is no pose network {name!r}; there are {', '.join(POSE_NETWORKS)}.")
    if name == "dwpose":
        return DWPOSE, find_file(DWPOSE), False
    onnx, torch = VITPOSE_ONNX[name], VITPOSE_TORCH[name]
    here: dict[bool, Path] = {}
    for is_torch, weights in ((False, onnx), (True, torch)):
        with contextlib.suppress(MissingWeights):
            here[is_torch] = find_file(weights)
    if not here:
        try:
            find_file(onnx)
        except MissingWeights as missing:
            raise MissingWeights(
                f"{missing} Or, for torch, {torch.file} from huggingface.co/{torch.repository}.",
                missing.missing,
            ) from None
    wants_torch = not device.startswith("cpu") and find_spec("torch") is not None
    if len(here) == 2 and not wants_torch and find_spec("onnxruntime") is None:
        wants_torch = True
    is_torch = wants_torch if len(here) == 2 else True in here
    return (torch if is_torch else onnx), here[is_torch], is_torch
