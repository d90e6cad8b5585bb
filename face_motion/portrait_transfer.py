"""The motion of a driver, given to another face.

Relative: what the driver does away from one reference frame is done by the source away from its own pose.
Absolute: the source takes the driver's pose and, where the mask allows it, the driver's expression.

How much of it is a factor on the group of motions: the turn by a share of its angle, the size by a power, the rest by
a multiple. 0 is the source, 1 is what the authors of the networks compute, and between the two nothing turns back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import UsageError
from .portrait_motion import EYE_POINTS, LIP_POINTS, POINTS, PortraitMotion
from .portrait_rotation import turned_by_share

REGIONS = ("all", "pose", "exp", "eyes", "lip")
STRONGEST = 2.0

_REST_OF_THE_MOUTH = """
-0.000094524 0.00024222 -0.000040097 0.000208596 0.000468054 0.000012746 -0.000124602 0.000324972 0.000004425
0.000119652 -0.000456624 0.000054085 -0.000265254 -0.000074598 -0.000015528 -0.000033488 -0.000183036 -0.000003494
-0.000000475 -0.000000452 0.000001595 -0.000541296 0.0026328 0.000007249 -0.000011694 0.000005005 0.000009989
0.000000803 0.000005191 -0.000409344 0.000166878 -0.000019815 -0.000088548 -0.000015154 0.000082506 0.00000594
-0.000000261 0.000002759 0.00000221 -0.000066282 -0.000068286 -0.000003453 -0.00083262 -0.00179592 -0.000002592
0.000006971 0.000036551 -0.000001898 -0.000004809 0.000007115 -0.000010324 -0.00063684 -0.0011661 0.000056231
0.00028329 -0.000014566 0.000010975 -0.00000416 -0.0150906 -0.0025494 0.000222474 0.00562788 0.00272646
"""
NEUTRAL_EXPRESSION = np.array(_REST_OF_THE_MOUTH.split(), np.float32).reshape(POINTS, 3)
"""float32 `[21,3]`: the expression of a face at rest with its mouth shut, in place of a reference frame where the
driver is one picture. Measured values published with LivePortrait (MIT License, Copyright (c) 2024 Kuaishou Visual
Generation and Interaction Center)."""


@dataclass(frozen=True)
class TransferSettings:
    """What of the driver is taken, and how much; every number is 0..2."""

    relative: bool = True
    region: str = "all"
    """'all', 'pose', 'exp' (the whole expression), 'eyes' or 'lip'."""
    retargeting_factor: float = 1.0
    pose: float = 1.0
    """Of turn, place and size; multiplies the factor, as do the next three."""
    expression: float = 1.0
    """Of all points but those of eyes and lips."""
    eyes: float = 1.0
    lips: float = 1.0
    scale_lock: bool = False
    """The head keeps the size it has in the source."""
    own_eyes: bool = False
    """The eye points keep the source's expression: for lids that are set by a measured ratio instead."""
    own_lips: bool = False
    """The same for the lip points."""

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise UsageError(f"There is no region {self.region!r}; {', '.join(REGIONS)} would work.")
        for name in ("retargeting_factor", "pose", "expression", "eyes", "lips"):
            if not 0 <= getattr(self, name) <= STRONGEST:
                raise UsageError(f"{name} goes from 0 to {STRONGEST:g}, not {getattr(self, name):g}.")


def expression_mask(region: str = "all") -> np.ndarray:
    """bool `[21,3]`: the values of an expression that a region takes over; those left out carry shape and pose."""
    mask = np.zeros((POINTS, 3), bool)
    if region in ("all", "exp"):
        mask[[1, 2, *EYE_POINTS, *LIP_POINTS]] = True
        mask[3:5, 1] = mask[5, 2] = mask[8, 2] = mask[9, 1:] = True
    elif region == "eyes":
        mask[list(EYE_POINTS)] = True
    elif region == "lip":
        mask[list(LIP_POINTS)] = True
    return mask


def transfer(
    source: PortraitMotion,
    driving: PortraitMotion,
    settings: TransferSettings | None = None,
    reference: int = 0,
) -> PortraitMotion:
    """The motion of the source's head when the driver moves it.

    A source of one frame is a picture, a longer one a video that goes along with the driver frame by frame; a driver
    of one frame is one expression, measured against a neutral face. `reference` is the driver's frame that counts as
    rest (relative only). UsageError where the lengths do not go together or there is no such frame.
    """
    settings = settings or TransferSettings()
    frames = _frames(source, driving)
    if not 0 <= reference < driving.num_frames:
        raise UsageError(f"The reference is frame {reference}, but the driver has {driving.num_frames} frames: 0 to {driving.num_frames - 1} would work.")  # fmt: skip
    whole, share = _expression_share(source, driving, settings), settings.retargeting_factor * settings.pose
    own, theirs = source.expression.astype(np.float64), driving.expression.astype(np.float64)
    picture, posed = source.num_frames == 1, settings.region in ("all", "pose")
    if settings.relative:
        rest = theirs[reference] if driving.num_frames > 1 else _neutral(settings, picture)
        expression = own + whole * (theirs - rest)
        turn = driving.rotation.astype(np.float64) @ driving.rotation[reference].T.astype(np.float64)
        move = driving.translation.astype(np.float64) - driving.translation[reference]
        growth = driving.scale.astype(np.float64) / driving.scale[reference]
    else:
        expression = own + whole * (theirs - own)
        turn = driving.rotation.astype(np.float64) @ np.swapaxes(source.rotation, 1, 2).astype(np.float64)
        move = driving.translation.astype(np.float64) - source.translation
        growth = np.ones((1, 1))
    turning = posed and not (settings.relative and driving.num_frames == 1)  # one picture is its own rest
    rotation = turned_by_share(source.rotation, _of_length(turn, frames), share if turning else 0.0)
    moving = posed and (picture or not settings.relative)
    translation = source.translation + (share if moving else 0.0) * move
    sized = picture and settings.region == "all" and not settings.scale_lock
    scale = source.scale * growth ** (share if sized else 0.0)
    return PortraitMotion(
        scale=_of_length(scale, frames).astype(np.float32),
        rotation=rotation.astype(np.float32),
        expression=_of_length(expression, frames).astype(np.float32),
        translation=_of_length(translation, frames).astype(np.float32),
    )


def _frames(source: PortraitMotion, driving: PortraitMotion) -> int:
    a, b = source.num_frames, driving.num_frames
    if a != b and 1 not in (a, b):
        raise UsageError(f"The source video has {a} frames and the driver {b}: the same number, or one of the two a picture, would work.")  # fmt: skip
    return max(a, b)


def _expression_share(source: PortraitMotion, driving: PortraitMotion, settings: TransferSettings) -> np.ndarray:
    """float64 `[21,3]`: how much of the driver's expression goes to each value."""
    unmasked = settings.relative and source.num_frames == 1 and settings.region in ("all", "exp")
    mask = np.ones((POINTS, 3)) if unmasked else expression_mask(settings.region).astype(np.float64)
    parts = np.full((POINTS, 1), settings.expression)
    parts[list(EYE_POINTS)] = 0.0 if settings.own_eyes else settings.eyes
    parts[list(LIP_POINTS)] = 0.0 if settings.own_lips else settings.lips
    return mask * parts * settings.retargeting_factor


def _neutral(settings: TransferSettings, picture: bool) -> np.ndarray:
    # eyes alone of one picture are taken as they are: the resting mouth says nothing about them
    return np.zeros((POINTS, 3)) if settings.region == "eyes" and picture else NEUTRAL_EXPRESSION.astype(np.float64)


def _of_length(values: np.ndarray, frames: int) -> np.ndarray:
    return np.broadcast_to(values, (frames, *values.shape[1:]))
