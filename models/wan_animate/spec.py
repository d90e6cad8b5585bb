"""What may be known of Wan-Animate without loading it: its settings, and two records, one for each thing it does.

'wan-animate' moves a picture; 'wan-animate-replace' puts a character into the driving video in the driver's place.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...core import EngineSpec, Host, MissingPackage, Need, Settings, UsageError, choice, number, switch, text, whole
from .weights import ROLES, find_weights, names_and_sizes
from .windows import LONGEST_WINDOW, OVERLAPS, SHORTEST_WINDOW, TAILS, check_window

if TYPE_CHECKING:
    from .engine import WanAnimateEngine

WINDOW_FRAMES = 77
BACKEND = "wan_animate"
"""What a host lends under this name is a ready `WanBackend`."""

DEFAULT_PROMPT = "视频中的人在做动作"
"""'The person in the video is moving': what the model is given where nobody says more."""
DEFAULT_NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，JPEG压缩残留，丑陋的，残缺的，"  # noqa: RUF001
    "多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"  # noqa: RUF001
)
"""What all Wan models are told to avoid under guidance."""


@dataclass(frozen=True)
class WanAnimateSettings(Settings):
    """For both specs; what only replacing uses says so."""

    steps: int = whole(20, 1, 100, help="Denoising steps a window; 4 to 6 with the step-distilled LoRA.")
    guidance: float = number(
        1.0,
        1.0,
        10.0,
        step=0.1,
        help="1: as trained, one pass a step. Above 1 takes twice the time and forces the face.",
    )
    face_strength: float = number(
        1.0, 0.0, 2.0, help="Scales the driver's expression about a calm face; 0 leaves the face to the model."
    )
    pose_strength: float = number(1.0, 0.0, 2.0, help="How strongly the drawn skeleton leads; 1 as trained.")
    driving_smooth: float = number(
        2.0, 0.0, 10.0, step=0.5, help="How strongly the driving motion is smoothed; 0 leaves the detector's jitter in."
    )
    retarget: str = choice(
        "ours",
        ("ours", "wan", "none"),
        help="Bone lengths: ours measures them over the whole clip, wan as the original from one frame, none keeps the driver's.",
    )
    drift_lock: str = choice(
        "full",
        ("off", "colour", "full"),
        help="Keeps colours from drifting from window to window; full also ties still parts to the first window and smooths seams.",
    )
    prompt: str = text("", help="What is to be seen; empty: the sentence that the model was published with.")
    negative: str = text(
        "", advanced=True, help="What is to be avoided, with guidance above 1; empty: Wan's usual list."
    )
    shift: float = number(5.0, 1.0, 20.0, step=0.5, advanced=True, help="Higher spends more steps on the coarse shape.")
    solver: str = choice(
        "unipc", ("unipc", "dpm++"), advanced=True, help="How the steps are taken; both are the original's."
    )
    window: int = whole(
        WINDOW_FRAMES, SHORTEST_WINDOW, LONGEST_WINDOW, step=4, unit="frames", advanced=True,
        help="Frames made at once, 4k + 1; trained on 77. Fewer need less memory and make more seams.",
    )  # fmt: skip
    overlap: str = choice(
        "1",
        tuple(str(n) for n in OVERLAPS),
        advanced=True,
        help="Finished frames that the next window begins with; 5 also hands over how things move.",
    )
    tail: str = choice(
        "ping-pong",
        TAILS,
        advanced=True,
        help="What fills the last window behind the clip's end; short makes that window shorter and faster.",
    )
    fit: str = choice(
        "letterbox",
        ("letterbox", "crop", "stretch"),
        advanced=True,
        help="How a picture of another shape is laid on the canvas; letterbox as the original.",
    )
    mask_grow: int = whole(
        9, 0, 128, unit="px", advanced=True, help="Replacing: how far the driver's mask is widened; 9 as the original."
    )
    mask_blocks: int = whole(
        1,
        0,
        64,
        advanced=True,
        help="Replacing: the mask's box is cut into so many cells a side and touched ones are filled; 1 = the whole box, as trained; 0 = off.",
    )
    relight_lora: bool = switch(False, help="Replacing: fits the character to the scene's light (a LoRA of 1.4 GB).")
    distill_lora: bool = switch(
        False, help="The step-distilled LoRA: 4 to 6 steps in place of 20, somewhat weaker motion."
    )
    distill_strength: float = number(1.0, 0.0, 2.0, advanced=True, help="Weight of the step-distilled LoRA.")
    dtype: str = choice(
        "bf16", ("bf16", "fp16", "fp32"), advanced=True, help="What the network computes in, outside ComfyUI."
    )
    offload: str = choice(
        "auto",
        ("auto", "none", "group"),
        advanced=True,
        help="Outside ComfyUI: group keeps most of the network in RAM, for small cards; auto decides by free memory.",
    )

    tile_vae: bool = switch(
        False,
        advanced=True,
        help="Outside ComfyUI: pictures and latents are turned into each other in tiles; less memory, slower, faint tile edges.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window(self.window, self.overlap_frames, self.tail)

    @property
    def overlap_frames(self) -> int:
        return int(self.overlap)

    @property
    def full_prompt(self) -> str:
        return self.prompt or DEFAULT_PROMPT

    @property
    def full_negative(self) -> str:
        return self.negative or DEFAULT_NEGATIVE


def _needs_to_move(settings: WanAnimateSettings) -> frozenset[Need]:
    needs: set[Need] = set()
    if settings.retarget != "none":
        needs.add("character_pose")
    if settings.face_strength > 0:
        needs.add("driving_if_there")
    return frozenset(needs)


def _needs_to_replace(settings: WanAnimateSettings) -> frozenset[Need]:
    needs: set[Need] = {"driving_frames", "driving_mask"}
    if settings.retarget == "wan":
        raise UsageError(
            "The original does not retarget when it replaces; retarget=ours does, retarget=none is the original."
        )
    if settings.retarget != "none":
        needs.add("character_pose")
    return frozenset(needs)


def _identity(settings: WanAnimateSettings, host: Host) -> str:
    need_packages("torch")
    backend = host.lend(BACKEND)
    if backend is not None:
        return backend.fingerprint
    need_packages("diffusers", "transformers")
    return names_and_sizes(find_weights(host, relight_lora=settings.relight_lora, distill_lora=settings.distill_lora))


def need_packages(*names: str) -> None:
    """MissingPackage names the first that is not installed; nothing is imported."""
    for name in names:
        if name in sys.modules and sys.modules[name] is not None:
            continue
        if sys.modules.get(name, name) is None or find_spec(name) is None:
            raise MissingPackage(
                f"Wan-Animate needs {name}, which is not installed: pip install {name} (torch as pytorch.org says for "
                f"your GPU)."
            )


def _open_to_move(settings: WanAnimateSettings, host: Host, seed: int) -> WanAnimateEngine:
    from .engine import open_engine

    return open_engine("move", settings, host, seed)


def _open_to_replace(settings: WanAnimateSettings, host: Host, seed: int) -> WanAnimateEngine:
    from .engine import open_engine

    return open_engine("replace", settings, host, seed)


MOVE = EngineSpec(
    name="wan-animate",
    title="Wan 2.2 Animate: Move",
    summary="The picture comes alive: the character, in its own scene, does what the driver does. Needs a large GPU.",
    settings=WanAnimateSettings,
    open=_open_to_move,
    version="2",
    window=WINDOW_FRAMES,
    overlap=max(OVERLAPS),
    frame_rule="4k+1",
    size_multiple=16,
    needs=_needs_to_move,
    identity=_identity,
    weights=tuple(ROLES.values()),
    paced_by=("steps", "guidance", "solver", "window", "overlap", "tail", "dtype", "offload", "tile_vae"),
)

REPLACE = replace(
    MOVE,
    name="wan-animate-replace",
    title="Wan 2.2 Animate: Replace",
    summary="The character takes the driver's place in the driving video, in its scene and light. Needs a large GPU.",
    open=_open_to_replace,
    canvas="driving",
    needs=_needs_to_replace,
)
