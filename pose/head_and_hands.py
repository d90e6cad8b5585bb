"""Head and hands of a retargeted figure: each rigid, as the driver holds it, on the character's neck and wrists.

Hidden ones ease to how the picture shows them. All arrays are of one shot, `[n,...]`, in px.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND
from .body_lengths import NECK
from .body_vectors import ease_hidden, middle_of_ears
from .rest_pose import HEAD_JOINTS, RestPose

HEAD = (*HEAD_JOINTS, *range(133)[FACE])


@dataclass(frozen=True)
class Driver:
    """What the driver does in these frames."""

    points: np.ndarray
    """float64 `[n,135,2]`."""
    known: np.ndarray
    """bool `[n,135]`."""
    unit: float
    """The driver's apparent size that counts as 1 in this shot."""


def nose_from_neck(
    driver: Driver, rest: RestPose, grown: np.ndarray, neck: float, head: float, rate: float
) -> np.ndarray:
    """`[n,2]` px: the neck's ratio as far as the middle of the ears, the head's from there on.

    A head turned aside thus stays above the neck, whatever head and neck measure. Ears that are hidden for long ease
    to where the picture shows them from the nose.
    """
    nose = driver.points[:, 0]
    ears, known = middle_of_ears(driver.points, driver.known, rate)
    ahead = ((nose - ears) / driver.unit)[:, None]
    own = np.broadcast_to(grown * ((rest.points[0] - rest.points[[3, 4]].mean(0)) / head), ahead.shape)
    ease_hidden(ahead, (known & driver.known[:, 0])[:, None], own, rate, turn=False)
    up = (nose - driver.points[:, NECK]) / driver.unit - ahead[:, 0]
    return neck * up + head * ahead[:, 0]


def add_head(
    posed: np.ndarray, driver: Driver, rest: RestPose, grown: np.ndarray, ratio: float, factor: float, rate: float
) -> None:
    """Eyes, ears and face about the nose, in place; `factor` as the plan's."""
    head = (driver.points[:, HEAD] - driver.points[:, :1]) * (ratio / driver.unit)
    seen = driver.known[:, HEAD] & driver.known[:, :1]
    own = np.broadcast_to(grown * rest.head, head.shape)
    if factor != 1.0 and rest.face_known:
        head = own + _of_shape(factor) * (head - own)
    ease_hidden(head, seen, own, rate, turn=False)
    posed[:, HEAD] = posed[:, :1] + head


def add_hands(
    posed: np.ndarray,
    as_driven: np.ndarray,
    driver: Driver,
    rest: RestPose,
    grown: np.ndarray,
    ratio: float,
    factor: float,
    rate: float,
) -> None:
    """Fingers about the wrists, in place; `as_driven` `[n,20,2]` are the bones before the factor turned them."""
    for side, span in enumerate((LEFT_HAND, RIGHT_HAND)):
        hand = (driver.points[:, span] - driver.points[:, span.start, None]) * (ratio / driver.unit)
        seen = driver.known[:, span] & driver.known[:, span.start, None]
        elbow, wrist, forearm = 7 + side, 9 + side, 7 + side
        rest_arm = rest.vectors[forearm]
        driven_arm = as_driven[:, forearm]
        own = grown * rest.hands[side]
        hanging = _turned(own, rest_arm, driven_arm)  # a hidden hand goes on from the forearm as in the picture
        if factor != 1.0:
            posed_arm = posed[:, wrist] - posed[:, elbow]
            if rest.hands_known[side]:
                hand = hanging + _of_shape(factor) * (hand - hanging)
            hand = _turned(hand, driven_arm, posed_arm)
            hanging = _turned(own, rest_arm, posed_arm)
        ease_hidden(hand, seen, hanging, rate, turn=False)
        posed[:, span] = posed[:, wrist, None] + hand


def _of_shape(factor: float) -> float:
    # more than the driver's would exaggerate how driver and character differ in build, not how they move
    return min(factor, 1.0)


def _turned(vectors: np.ndarray, from_arm: np.ndarray, to_arm: np.ndarray) -> np.ndarray:
    """`[n,21,2]` turned as the forearm turned, `to_arm` `[n,2]`."""
    angle = np.arctan2(to_arm[..., 1], to_arm[..., 0]) - np.arctan2(from_arm[..., 1], from_arm[..., 0])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], -1)
