"""What may be known of the puppet engine without loading it: its settings and its record in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core import EngineSpec, Host, Need, Settings, choice, number

if TYPE_CHECKING:
    from .engine import PuppetEngine

WINDOW_FRAMES = 32

PLAIN_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128), "green": (0, 177, 64)}
"""RGB; the green is the one that keying tools expect."""


@dataclass(frozen=True)
class PuppetSettings(Settings):
    """The puppet's strings."""

    driving_smooth: float = number(
        2.0, 0.0, 10.0, step=0.5, help="How strongly the driving motion is smoothed; 0 leaves the detector's jitter in."
    )
    retargeting_factor: float = number(
        1.0,
        0.0,
        2.0,
        help="Scales the motion about the character's own pose: 1 as driven, 0.7 subtle, 1.3 exaggerated.",
    )
    background: str = choice(
        "keep",
        ("keep", "plain", "transparent", "driving"),
        help="Behind the character: its own picture filled in (a transparent one gets the plain colour), one colour, nothing, "
        "or the driving video, in which the driver stays to be seen.",
    )
    plain_colour: str = choice("white", tuple(PLAIN_COLOURS), help="The colour of a plain background.")
    face_strength: float = number(
        1.0, 0.0, 2.0, help="How strongly mouth, eyes and brows move; 0 keeps the face still."
    )
    travel: float = number(1.0, 0.0, 1.0, help="How far the character moves through the frame; 0 stays on the spot.")
    detail: float = number(
        1.0, 0.5, 2.0, step=0.1, advanced=True, help="Fineness of the mesh; higher is smoother and slower."
    )


def _needs(settings: PuppetSettings) -> frozenset[Need]:
    needs: set[Need] = {"character_pose", "character_alpha"}
    if settings.background == "driving":
        needs.add("driving_frames")
    return frozenset(needs)


def _open(settings: PuppetSettings, host: Host, seed: int) -> PuppetEngine:
    from .engine import PuppetEngine

    return PuppetEngine(settings, host, seed)


SPEC = EngineSpec(
    name="puppet",
    title="Puppet (cut-out animation)",
    summary="Moves the picture itself, on the CPU, without any weights: for drawings, mascots and photos.",
    settings=PuppetSettings,
    open=_open,
    version="3",
    window=WINDOW_FRAMES,
    needs=_needs,
)
