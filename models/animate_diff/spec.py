"""What may be known of AnimateDiff without loading it: its settings and its record.

The network runs in ComfyUI alone, on the checkpoint, LoRAs, ControlNet and picture adapter that people have there. A
second implementation outside it would give other numbers and is left out; the one line that says so is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core import (
    EngineSpec,
    Host,
    MissingPackage,
    Need,
    Settings,
    UsageError,
    choice,
    number,
    switch,
    text,
    whole,
)
from .weights import ALL, MODULES
from .windows import FUSES, WindowRule

if TYPE_CHECKING:
    from .engine import AnimateDiffEngine

BACKEND = "animate_diff"
"""What a host lends under this name is a ready `AnimateBackend`."""
ONLY_IN_COMFYUI = (
    "AnimateDiff runs in ComfyUI only, on the checkpoint, ControlNet and adapter that you have there: choose "
    "AnimateDiff in Motion Transfer's Model list, or take the node AnimateDiff (Long Video)."
)
SECTION_FRAMES = 96
CHOSEN_SCHEDULES = ("uniform", "static", "looped")
IDENTITIES = ("ip-adapter", "ip-adapter face", "faceid")
SAMPLERS = ("euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "ddim", "lcm")
SCHEDULERS = ("normal", "karras", "sgm_uniform", "simple", "ddim_uniform", "beta")
DEFAULT_PROMPT = "a person dancing, best quality, highly detailed"
DEFAULT_NEGATIVE = "worst quality, low quality, blurry, deformed, extra limbs, watermark, text"


@dataclass(frozen=True)
class AnimateDiffSettings(Settings):
    """The guides' settings under the guides' names; prompts and files only where no wires bring them."""

    prompt: str = text("", help="The character, the clothes and the scene in words; the picture alone tells little to this model.")  # fmt: skip
    negative: str = text("", advanced=True, help="What is to be avoided; empty: the usual list.")
    motion_module: str = choice(
        "mm_sd_v15_v2",
        tuple(MODULES),
        help="mm_sd_v15_v2: steady, the usual choice. v3_sd15_mm: finer. temporaldiff-v1: 24 frames at once at most, terms on its page. mm_sdxl_v10_beta: for SDXL.",
    )
    checkpoint: str = text(
        "",
        advanced=True,
        help="File name of the SD1.5 (SDXL for mm_sdxl) checkpoint in models/checkpoints; empty: SD 1.5 itself, else the first fitting one by name.",
    )
    motion_scale: float = number(1.0, 0.5, 1.5, help="How much moves: below 1 calmer, above 1 livelier and less steady; 1 as trained.")  # fmt: skip
    pose_strength: float = number(0.9, 0.0, 2.0, help="How strongly the drawn skeleton leads (ControlNet); 0.7 to 0.9 leaves room for cloth and hair.")  # fmt: skip
    reference_strength: float = number(
        0.4,
        0.0,
        1.5,
        help="How strongly the character's picture is followed, through the installed IPAdapter pack; 0.3 to 0.5. 0 goes without the pack.",
    )
    identity: str = choice(
        "ip-adapter",
        IDENTITIES,
        help="What looks at the picture: ip-adapter (all of it), ip-adapter face, or faceid, whose InsightFace models are not for commercial use.",
    )
    temporal_consistency: bool = switch(
        True,
        help="On: overlapping windows, faded, from related noise (FreeNoise). Off: windows one behind the other, as fast as can be.",
    )
    context_length: int = whole(16, 8, 32, unit="frames", help="Frames seen at once; 16 as trained. v1 modules know 24, the others 32: more is cut to that.")  # fmt: skip
    context_overlap: int = whole(4, 2, 8, unit="frames", help="Frames that neighbouring windows share; more is smoother and slower.")  # fmt: skip
    steps: int = whole(20, 1, 100, help="Denoising steps; 4 to 8 with an LCM LoRA and sampler lcm.")
    guidance: float = number(7.5, 1.0, 20.0, step=0.5, help="How strictly the prompt is followed; 1 to 2 with an LCM LoRA.")  # fmt: skip
    denoise: float = number(
        1.0,
        0.1,
        1.0,
        help="1: from noise alone. Below, every frame begins as the character's picture: closer to it, and with less movement.",
    )
    driving_smooth: float = number(
        2.0, 0.0, 10.0, step=0.5, help="How strongly the driving motion is smoothed; 0 leaves the detector's jitter in."
    )
    retarget: str = choice(
        "ours", ("ours", "none"), help="Bone lengths: ours gives the character's, none keeps the driver's."
    )
    schedule: str = choice(
        "uniform",
        CHOSEN_SCHEDULES,
        advanced=True,
        help="uniform: windows move from step to step, which hides their seams. static: they stay. looped: the clip's end runs into its start.",
    )
    fuse: str = choice(
        "pyramid",
        FUSES,
        advanced=True,
        help="What counts where windows overlap: pyramid their middles, flat all alike, overlap-linear fades in the overlap alone, relative by nearness to the middle.",
    )
    freenoise: bool = switch(True, advanced=True, help="Noise of the first window, shuffled along the clip: long clips stay of one kind.")  # fmt: skip
    sampler: str = choice("euler", SAMPLERS, advanced=True, help="How the steps are taken.")
    scheduler: str = choice("normal", SCHEDULERS, advanced=True, help="How the steps are spaced.")
    pose_style: str = choice(
        "openpose",
        ("openpose", "openpose-xinsir"),
        advanced=True,
        help="As the ControlNet learned it: openpose for nearly all, openpose-xinsir (thick limbs) for xinsir's SDXL one.",
    )
    section: int = whole(
        SECTION_FRAMES, 32, 512, step=8, unit="frames", advanced=True,
        help="Frames denoised together; longer clips are cut into such sections, each begun from the last frames of the one before. More costs memory.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.context_overlap >= self.context_length:
            raise UsageError(
                f"context_overlap is {self.context_overlap} and context_length {self.context_length}; an overlap of "
                f"{self.context_length // 2} would do."
            )
        if self.fuse == "relative" and self.schedule == "looped":
            raise UsageError(
                "fuse=relative has no middle where windows loop; fuse=pyramid, or schedule=static, would do."
            )

    @property
    def full_prompt(self) -> str:
        return self.prompt or DEFAULT_PROMPT

    @property
    def full_negative(self) -> str:
        return self.negative or DEFAULT_NEGATIVE

    @property
    def shuffles_noise(self) -> bool:
        return self.temporal_consistency and self.freenoise

    def rule(self, places: int | None) -> WindowRule:
        """The windows for a motion module that knows so many frames; None: as asked."""
        length = self.context_length if places is None else min(self.context_length, places)
        overlap = min(self.context_overlap, length - 1)
        if not self.temporal_consistency:
            return WindowRule(length, overlap, "batched", "flat")
        return WindowRule(length, overlap, self.schedule, self.fuse)


def _needs(settings: AnimateDiffSettings) -> frozenset[Need]:
    return frozenset({"character_pose"}) if settings.retarget != "none" else frozenset()


def _identity(settings: AnimateDiffSettings, host: Host) -> str:
    return _lent(host).fingerprint


def _lent(host: Host):  # noqa: ANN202  an AnimateBackend, whose module wants torch
    backend = host.lend(BACKEND)
    if backend is None:
        raise MissingPackage(ONLY_IN_COMFYUI)
    return backend


def _open(settings: AnimateDiffSettings, host: Host, seed: int) -> AnimateDiffEngine:
    from .engine import AnimateDiffEngine

    return AnimateDiffEngine(settings, host, seed, _lent(host))


SPEC = EngineSpec(
    name="animate-diff",
    title="AnimateDiff",
    summary="Your SD1.5 checkpoint with a motion module, led by drawn poses: stylised looks on small cards. In ComfyUI only.",
    settings=AnimateDiffSettings,
    open=_open,
    version="1",
    window=SECTION_FRAMES,
    size_multiple=8,
    order="joint",
    needs=_needs,
    identity=_identity,
    weights=ALL,
    paced_by=(
        "motion_module",
        "steps",
        "guidance",
        "denoise",
        "sampler",
        "context_length",
        "context_overlap",
        "schedule",
        "temporal_consistency",
        "reference_strength",
        "identity",
    ),
)
