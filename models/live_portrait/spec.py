"""What may be known of LivePortrait without loading it: its settings, its files and what it asks of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...core import (
    Character,
    EngineSpec,
    Host,
    MissingPackage,
    Motion,
    Need,
    Settings,
    Timeline,
    UsageError,
    choice,
    number,
    switch,
    text,
    whole,
)
from .weights import ANIMALS, PEOPLE, find_weights, names_and_marks

if TYPE_CHECKING:
    from .engine import LivePortraitEngine

WINDOW_FRAMES = 16
NETWORKS = "live_portrait"
"""What a host lends under this name stands for `PortraitNetworks`: its verbs, and `fingerprint` and `codes_name`."""

LENGTHS = ("shorter", "hold", "ping-pong")
MAIN_FACE, ALL_FACES = "main", "all"
AUTO, FIRST = "auto", "first"


@dataclass(frozen=True)
class LivePortraitSettings(Settings):
    """Names and ranges are a promise: node inputs, flags and jobs are made of them."""

    retargeting_factor: float = number(
        1.0,
        0.0,
        2.0,
        help="How much of the driver's motion is taken: 0 leaves the portrait still, 1 as driven, above 1 exaggerates. "
        "Turns by a share of their angle, size by a power, the rest by a multiple.",
    )
    paste_back: bool = switch(
        True, help="Put the face back into the whole picture; off gives the square crop of 512 px."
    )
    crop_factor: float = number(
        1.7,
        0.5,
        2.0,
        help="Side of the square that moves, in heights of the face from forehead to chin. 2 shows shoulders, smaller "
        "spends more pixels on the face; below 1.3 the head is cut.",
    )
    driving_smooth: float = number(
        2.0,
        0.0,
        10.0,
        step=0.5,
        help="Takes jitter out of the driver: 20 ms a step for the head, half of it for the expression, a quarter for "
        "eyes and lips. 0 leaves every frame as it was read.",
    )
    motion: str = choice(
        "relative",
        ("relative", "absolute"),
        advanced=True,
        help="Relative: the portrait does what the driver does away from rest. Absolute: it takes over the driver's "
        "pose and expression themselves.",
    )
    pose_factor: float = number(
        1.0, 0.0, 2.0, advanced=True, help="Of turn, place and size of the head; times retargeting_factor."
    )
    expression_factor: float = number(
        1.0, 0.0, 2.0, advanced=True, help="Of brows, cheeks and jaw; times retargeting_factor."
    )
    eyes_factor: float = number(1.0, 0.0, 2.0, advanced=True, help="Of lids and gaze; times retargeting_factor.")
    lips_factor: float = number(1.0, 0.0, 2.0, advanced=True, help="Of the mouth; times retargeting_factor.")
    stitching: bool = switch(
        True, advanced=True, help="Joins the moved head to shoulders that stay. Off shifts the whole crop."
    )
    lip_normalise: bool = switch(
        False, advanced=True, help="Shuts the portrait's own open mouth before it is moved; for relative motion."
    )
    reference_frame: str = text(
        AUTO,
        advanced=True,
        help="The driver's frame that counts as rest: auto (mouth shut, turned like the portrait), first, or its "
        "number counted from 0.",
    )
    scale_lock: bool = switch(False, advanced=True, help="The head keeps its size; for drivers whose head swells.")
    feather: int = whole(
        16, 0, 128, unit="px", advanced=True, help="Soft edge of the pasted square, in pixels of the 512 px crop."
    )
    colour_match: float = number(
        0.0, 0.0, 1.0, advanced=True, help="How far colours at the square's edge are moved to those around it."
    )
    eye_retargeting: bool = switch(
        False,
        advanced=True,
        help="Lids by how far the driver's are open, measured in the picture: large eyes close wholly. All other "
        "motion is kept.",
    )
    lip_retargeting: bool = switch(
        False,
        advanced=True,
        help="Lips by how far the driver's mouth is open, measured in the picture. All other motion is kept.",
    )
    faces: str = text(
        MAIN_FACE,
        advanced=True,
        help="Who moves: main, all, or numbers counted from the left such as 1 or 2,3. Where the driving video shows "
        "as many people, each face has a driver of its own.",
    )
    length: str = choice(
        "shorter",
        LENGTHS,
        advanced=True,
        help="A portrait that is a video, and a shorter driver: end with the driver, hold the last expression, or run "
        "the motion to and fro.",
    )
    weights: str = choice(
        "people", ("people", "animals"), advanced=True, help="Animals have networks of their own and need face_box."
    )
    face_box: str = text(
        "",
        advanced=True,
        help="Where the face is in the picture, for animals and drawings in which none is found: x,y,width,height in "
        "px, from the brows to the chin.",
    )
    dtype: str = choice(
        "auto",
        ("auto", "fp16", "bf16", "fp32"),
        advanced=True,
        help="What the large networks compute in; auto is fp16 on a graphics card and fp32, which is exact, elsewhere.",
    )
    batch: int = whole(
        0, 0, 64, unit="frames", advanced=True, help="Frames that go through the networks together; 0 = by the device."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reference_frame not in (AUTO, FIRST) and not self.reference_frame.isdecimal():
            raise UsageError(f"reference_frame is {self.reference_frame!r}, but takes auto, first or a frame's number.")
        if self.faces not in (MAIN_FACE, ALL_FACES):
            _ = self.face_numbers
        if self.face_box:
            _ = self.box
        if self.weights == "animals" and not self.face_box:
            raise UsageError("No detector here finds the faces of animals: weights=animals needs face_box=x,y,width,height.")  # fmt: skip
        if self.face_box and self.faces != MAIN_FACE:
            raise UsageError(f"face_box shows one face, faces={self.faces} asks for others; take one of the two.")

    @property
    def face_numbers(self) -> tuple[int, ...]:
        """Faces counted from the left, from 1; empty for main and all."""
        if self.faces in (MAIN_FACE, ALL_FACES):
            return ()
        parts = [part.strip() for part in self.faces.split(",")]
        if not all(part.isdecimal() and 1 <= int(part) <= 99 for part in parts) or len(set(parts)) != len(parts):
            raise UsageError(f"faces is {self.faces!r}, but takes main, all, or different numbers from 1 such as 1,3.")
        return tuple(int(part) for part in parts)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """x, y, width, height in px of the picture."""
        if not self.face_box:
            return None
        try:
            x, y, width, height = (float(part) for part in self.face_box.split(","))
        except ValueError:
            x = y = width = height = 0.0
        if not (width > 0 and height > 0 and max(abs(x), abs(y), width, height) < 1e6):
            raise UsageError(
                f"face_box is {self.face_box!r}, but takes x,y,width,height in px, such as 320,180,200,240."
            )
        return x, y, width, height


def _needs(settings: LivePortraitSettings) -> frozenset[Need]:
    needs: set[Need] = {"driving_if_there"}
    if not settings.face_box:
        needs.add("character_pose")
    return frozenset(needs)


def _identity(settings: LivePortraitSettings, host: Host) -> str:
    networks = host.lend(NETWORKS)
    if networks is not None:
        return networks.fingerprint
    need_packages("torch", "safetensors")
    marks = names_and_marks(find_weights(host, animals=settings.weights == "animals"))
    # auto computes in what the device does best: pieces of a GPU and of a processor do not go into one film
    return f"{marks} on {host.device.partition(':')[0]}" if settings.dtype == "auto" else marks


def _timeline(settings: LivePortraitSettings, character: Character, motion: Motion) -> Timeline:
    from .shown import shown_timeline

    film = None if character.film is None else character.film.motion.timeline
    return shown_timeline(film, motion.timeline, settings.length)


def need_packages(*names: str) -> None:
    """MissingPackage names the first that is not installed; nothing is imported."""
    for name in names:
        if name in sys.modules and sys.modules[name] is not None:
            continue
        if sys.modules.get(name, name) is None or find_spec(name) is None:
            raise MissingPackage(
                f"LivePortrait needs {name}, which is not installed: pip install {name} (torch as pytorch.org says for "
                f"your GPU)."
            )


def _open(settings: LivePortraitSettings, host: Host, seed: int) -> LivePortraitEngine:
    from .engine import open_engine

    return open_engine(settings, host)


SPEC = EngineSpec(
    name="live-portrait",
    title="LivePortrait",
    summary="A portrait, photo, drawing or video, follows the face in the driving video. Runs on a CPU, fast on a GPU.",
    settings=LivePortraitSettings,
    open=_open,
    version="1",
    window=WINDOW_FRAMES,
    needs=_needs,
    tolerates=frozenset({"hands_out", "feet_out", "border"}),
    takes_film=True,
    timeline=_timeline,
    identity=_identity,
    weights=tuple(dict.fromkeys((*PEOPLE.values(), *ANIMALS.values()))),
    licence="Apache-2.0",
)
