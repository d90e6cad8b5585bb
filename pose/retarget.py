"""The one door to retargeting: how a character will move after a driving clip, by any of four ways.

'ours' gives the character's bone lengths, measured over the whole clip, and the driver's joint angles. 'wan' and
'mimicmotion' are what those models' own tools do, to compare with; 'none' leaves the driver's skeleton as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, overload

import numpy as np

from ..core import PoseTrack, UsageError
from .clean import Cleaner
from .driver_place import MATCHES
from .placing import on_canvas
from .retarget_mimicmotion import MimicMotionRetarget
from .retarget_plan import RetargetPlan
from .retarget_wan import WanRetarget
from .retargeted import Retargeted

MODES = {
    "ours": "the character's bone lengths from the whole clip, the driver's joint angles, feet on the ground",
    "wan": "Wan-Animate as published: ratios from one frame",
    "mimicmotion": "MimicMotion as published: one line fitted per axis",
    "none": "the driver's skeleton, laid onto the canvas",
}
PLACES = ("character", "driver")


def modes_at(place: str) -> tuple[str, ...]:
    """The modes that can play there."""
    return tuple(MODES) if place == "character" else ("ours", "none")


@overload
def plan_retarget(
    driving: PoseTrack,
    character: PoseTrack,
    *,
    rate: float | Fraction,
    cuts: Sequence[int] = (),
    smooth: float = 2.0,
    factor: float = 1.0,
    mode: Literal["ours"] = "ours",
    place: str = "character",
    match: str = "height",
    canvas: tuple[int, int] | None = None,
    ratios: Mapping[str, float] | None = None,
    fit: bool = False,
) -> RetargetPlan: ...


@overload
def plan_retarget(
    driving: PoseTrack,
    character: PoseTrack,
    *,
    rate: float | Fraction,
    cuts: Sequence[int] = (),
    smooth: float = 2.0,
    factor: float = 1.0,
    mode: str,
    place: str = "character",
    match: str = "height",
    canvas: tuple[int, int] | None = None,
    ratios: Mapping[str, float] | None = None,
    fit: bool = False,
) -> Retargeted: ...


def plan_retarget(
    driving: PoseTrack,
    character: PoseTrack,
    *,
    rate: float | Fraction,
    cuts: Sequence[int] = (),
    smooth: float = 2.0,
    factor: float = 1.0,
    mode: str = "ours",
    place: str = "character",
    match: str = "height",
    canvas: tuple[int, int] | None = None,
    ratios: Mapping[str, float] | None = None,
    fit: bool = False,
) -> Retargeted:
    """How `character` (one frame, on its own picture) will move after `driving`.

    `rate` frames/s and `cuts` of the driving clip; `smooth` 0..10 as `clean`'s strength (0: the published modes are
    exactly as published); `factor` 0..2 scales the movement about the rest pose: 1 as driven, 0 stands still.

    `place`: 'character' stands on the character's picture; 'driver' plays on the driving video where the driver is,
    as large as the driver by `match` ('height', 'torso'; 'none' keeps px). `canvas` (width, height in px): the
    picture, or the driving video, is letter-boxed onto it first. `ratios`: bone group -> ratio in place of the one
    found (see `RetargetPlan.ratios`). `fit` shrinks until 98 % of the joints stay inside.

    Raises NoPersonFound where driver or character shows no bone to measure, UsageError for an unknown word, a value
    out of range, or a setting that the mode does not have.
    """
    _check(mode, place, match, factor, ratios)
    if canvas is not None:
        if place == "driver" or mode == "none":
            driving = on_canvas(driving, canvas)
        if place == "character":
            character = on_canvas(character, canvas)
    if mode == "ours":
        plan: Retargeted = RetargetPlan(
            driving, character, rate=rate, cuts=cuts, smooth=smooth, factor=factor, ratios=ratios, place=place, match=match
        )  # fmt: skip
    elif mode == "none":
        size = character.size if place == "character" else driving.size
        plan = AsDriven(on_canvas(driving, size), rate=float(rate), cuts=tuple(cuts), smooth=smooth)
    else:
        kind = WanRetarget if mode == "wan" else MimicMotionRetarget
        plan = kind(driving, character, rate=float(rate), cuts=tuple(cuts), smooth=smooth)
    plan.character, plan.reference = character, character if place == "character" else None
    if fit:
        plan.fit()
    return plan


def _check(mode: str, place: str, match: str, factor: float, ratios: Mapping[str, float] | None) -> None:
    for name, value, known in (("mode", mode, MODES), ("place", place, PLACES), ("match", match, MATCHES)):
        if value not in known:
            raise UsageError(f"There is no retargeting {name} {value!r}; there are {', '.join(known)}.")
    if not 0 <= factor <= 2:
        raise UsageError(f"retargeting factor is {factor:g}, but takes 0 to 2; 1 moves as driven.")
    if mode == "ours":
        return
    if factor != 1:
        raise UsageError(f"Retargeting mode {mode!r} has no factor (asked: {factor:g}); mode 'ours' has one.")
    if ratios:
        raise UsageError(f"Retargeting mode {mode!r} takes no ratios of bones ({', '.join(ratios)}); mode 'ours' does.")
    if mode not in modes_at(place):
        raise UsageError(
            f"Retargeting mode {mode!r} knows no place but the character's picture; "
            "modes 'ours' and 'none' play in the driver's place."
        )


class AsDriven(Retargeted):
    """The driver's own skeleton on the canvas."""

    mode = "none"

    def __init__(self, driving: PoseTrack, *, rate: float, cuts: tuple[int, ...] = (), smooth: float = 0.0) -> None:
        self.rate, self.num_frames, self.size, self.ratios = rate, driving.num_frames, driving.size, {}
        self._cleaner = Cleaner(driving, rate, strength=smooth, cuts=cuts)
        self.edges = self._cleaner.edges

    def _frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        track = self.driver(start, stop)
        return track.points, track.scores


__all__ = ["MODES", "PLACES", "AsDriven", "RetargetPlan", "Retargeted", "modes_at", "plan_retarget"]
