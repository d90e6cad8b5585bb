"""The two contracts: an Engine turns a character and a motion into frames; a Host lends it the machine.

An engine never opens a file, never prints, never asks where it runs. A host never knows what an
engine does. Whoever adds an engine reads this file and `docs/architecture.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from .character import Character
from .media import FrameChunk, Timeline, VideoSource
from .motion import Motion
from .settings import Settings

Need = Literal["character_pose", "character_alpha", "driving_frames", "driving_if_there", "driving_mask"]
"""driving_if_there: the driving pixels unless the film is gone, which is then no error; driving_mask: where the
driver is in them, from a file that the job names or else from the engine's own segmentation."""


@dataclass(frozen=True)
class WeightFile:
    """One file of weights: where it comes from, how to know it is whole, what it may be used for."""

    name: str
    """Short name for people and for `find_weights`."""
    file: str
    """File name as people have it on disk."""
    folder: str
    """ComfyUI model folder, such as 'diffusion_models'."""
    repository: str
    """Where it is published on Hugging Face: 'owner/name', or 'owner/name/tree/main/folder' where it lies deeper."""
    num_bytes: int | None
    sha256: str | None
    licence: str
    commercial_use: bool
    also: tuple[str, ...] = ()
    """Other names that people have it under: a file name is looked for anywhere in `folder`, a path with a slash
    under the folder of all models, such as 'onnx/yolox_l.onnx'."""
    beside: tuple[str, ...] = ()
    """Further files of the same place that must lie beside it."""
    by_default: bool = True
    """False: only settings other than the defaults want it, so whoever fetches all of an engine's files is spared it."""


@dataclass(frozen=True)
class Finished:
    """What a broken run had already made, for an engine that goes on from there."""

    num_frames: int
    """Frames 0..num_frames are done."""
    tail: np.ndarray
    """uint8 `[k,H,W,3]`, the last k = min(spec.overlap, num_frames) finished frames, lossless."""
    state: Mapping[str, object] | None
    """The `state` of the last finished chunk."""
    ahead: np.ndarray | None = None
    """The `ahead` of the last finished chunk, to the bit."""


class Host(Protocol):
    """What leaks in from outside: ComfyUI, the command line, or a test."""

    @property
    def device(self) -> str:
        """'cpu', 'cuda:0', 'mps' ..., as torch names it."""
        ...

    def find_weights(self, weights: WeightFile) -> Path:
        """Path of an existing file; MissingWeights says which, where it goes and where to get it."""
        ...

    def lend(self, what: str) -> Any | None:
        """A model that the host has loaded already, such as the one on a ComfyUI wire; None where there is none."""
        ...

    def on_device(self, module: Any) -> AbstractContextManager[Any]:
        """The module on the device for the length of a `with`; offloading afterwards is the host's choice."""
        ...

    def step(self, done: int, total: int, stage: str, preview: np.ndarray | None = None) -> None:
        """`done` of `total` frames of `stage` are ready; `preview` is uint8 `[H,W,3]`. Raises Cancelled."""
        ...

    def note(self, message: str) -> None:
        """Something the user should know and can act on: a fallback taken, sound that was not found."""
        ...


class Engine(Protocol):
    """Made by `EngineSpec.open`; used for one run."""

    def transfer(
        self,
        character: Character,
        motion: Motion,
        *,
        after: Finished | None = None,
        driving: VideoSource | None = None,
    ) -> Iterator[FrameChunk]:
        """The finished frames in order, each once, `spec.window` at a time, all of one even size.

        With `after`, starts at frame `after.num_frames` and gives the very pixels that an unbroken run
        would have given. `driving` is there when the spec needs 'driving_frames' or a setting asks for it.

        Two more are given where the spec asks for them: `driving_mask: VideoSource | None` (white = the driver,
        frame for frame with the motion) for the need 'driving_mask', and `canvas: tuple[int, int]`, the width and
        height to be made, for `spec.canvas` 'driving'.

        An engine may also have `enrichment: str` and `enrich(motion, driving) -> Motion`, which adds to the motion
        what the engine reads from the film itself and any character can use; the run keeps it under that name.
        """
        ...


@dataclass(frozen=True)
class EngineSpec:
    """What a caller may know of an engine without loading anything."""

    name: str
    title: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, Host, int], Engine]
    """`open(settings, host, seed)`: imports and loads what the engine needs."""
    version: str
    """Changed whenever the same inputs give other pixels; part of the journal's key."""
    window: int
    """Frames per chunk."""
    overlap: int = 0
    """Finished frames that the next chunk needs."""
    frame_rule: Literal["any", "4k+1"] = "any"
    size_multiple: int = 2
    order: Literal["forward", "joint"] = "forward"
    """joint: the windows of a section are denoised together; long clips are cut into sections first."""
    needs: Callable[[Any], frozenset[Need]] = lambda settings: frozenset()
    """What the run must prepare under these settings: the character's joints, its cut-out, the driving pixels."""
    tolerates: frozenset[str] = frozenset()
    """Codes of the driving-video check (see `run/findings`) that do not matter to this engine."""
    canvas: Literal["character", "driving"] = "character"
    """Whose picture gives the finished video its size and shape."""
    identity: Callable[[Any, Host], str] = lambda settings, host: ""
    """What stands behind the settings and can change pixels: the weights that the host would give. Asked for before
    any work is done, so that MissingWeights comes first."""
    takes_film: bool = False
    """The character may be a film (`Character.film`), which this engine changes frame by frame."""
    timeline: Callable[[Any, Character, Motion], Timeline] = lambda settings, character, motion: motion.timeline
    """`timeline(settings, character, motion)`: when the finished frames are shown. The last word before the engine is
    opened: InputError where these two cannot go together."""
    refuses: frozenset[str] = frozenset()
    """Codes that make a clip unfit for this engine, where others only ask for care."""
    weights: tuple[WeightFile, ...] = ()
    licence: str = "Apache-2.0"
    paced_by: tuple[str, ...] | None = None
    """Settings that change how long a frame takes, so that measured speeds of other values are not taken for these;
    None: those of `run/estimate` that are known to (steps, dtype, batch, detail) where it has them."""
