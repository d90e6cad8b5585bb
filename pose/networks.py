"""The two kinds of network that a pose from pictures takes, and how to get one: a finder says where people are,
a pose network where each one's joints are.

Nothing heavy is imported before a network is opened, and nothing here decides who is looked at, or when.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..core import WeightFile

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
    UsageError.
    """
    raise NotImplementedError


def open_pose_network(name: str, find_file: FindFile, device: str, *, note: Note | None = None) -> PoseNetwork:
    """The pose network called `name` on `device`; `note` and errors as for `open_finder`."""
    raise NotImplementedError


def network_ids(name: str, find_file: FindFile, device: str, *, finder: str = "auto") -> str:
    """What identifies the joints that pose network `name` and `finder` give: both files, told without loading them."""
    raise NotImplementedError
