"""The character in the driver's place, for replacing a person in a film: its build, the driver's size and footsteps.

An ankle lies where the driver's lies, in every frame, so nothing slides on the film's own ground; the hips stand as
high above as the character's legs are long. Where its legs are too short for the driver's stride, the steps are as
wide as they can be.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core import NoPersonFound
from .rest_pose import Character

MATCHES = ("height", "torso", "none")
"""What is made as large as the driver's; 'none' keeps the character's pixels."""
HEIGHT = {"thigh": 1.0, "shank": 1.0, "torso": 1.0, "neck": 1.0, "head": 1.0}
"""A standing figure in lengths of its parts; from the nose up it is about as far as from its root to the chin."""
BY_EARS = {"thigh": 1.0, "shank": 1.0, "torso": 1.0, "nape": 1.0, "head": 0.75}
"""The same where the head sits by its ears: a cartoon's crown is a little nearer to them than an adult's (1.0)."""
CALM_SECONDS = 0.15  # to each side; how far a short leg reaches would else tremble with the noise of the joints
SIDES = ((3, 9, 11), (4, 10, 12))
"""Hip, thigh and shank of the left and the right in BONES."""


def matching_scale(character: dict[str, float], driver: dict[str, float], match: str) -> float:
    """px of the driving video per px of the character's picture, from the lengths that both show.

    Raises NoPersonFound where nothing can be compared.
    """
    if match == "none":
        return 1.0
    by_ears = character.get("nape", 0) > 0 and driver.get("nape", 0) > 0
    groups = {"torso": 1.0} if match == "torso" else BY_EARS if by_ears else HEIGHT
    both = [g for g in groups if character.get(g, 0) > 0 and driver.get(g, 0) > 0]
    if not both:
        both = [g for g in character if driver.get(g, 0) > 0]
        groups = dict.fromkeys(both, 1.0)
    if not both:
        raise NoPersonFound(
            "Driver and character show no part in common, so neither can be given the other's size; "
            "match 'none' keeps the picture's size."
        )
    return sum(groups[g] * driver[g] for g in both) / sum(groups[g] * character[g] for g in both)


def enlarged(character: Character, scale: float, at: np.ndarray, joint: int, size: tuple[int, int]) -> Character:
    """The character `scale` times as large on a canvas of `size`, its `joint` (133: neck, 134: pelvis) at `at` px."""
    lengths = {g: scale * v for g, v in character.lengths.lengths_px.items()}
    base = character.points[joint] if character.known[joint] else character.points[character.known].mean(0)
    return replace(
        character,
        points=at + scale * (character.points - base),
        lengths=replace(character.lengths, lengths_px=lengths),
        size=size,
    )


def ankles(vectors: np.ndarray) -> np.ndarray:
    """`[n,2,2]` px from the pelvis to the left and the right ankle, `vectors` `[n,20,2]`."""
    return np.stack([vectors[:, list(leg)].sum(1) for leg in SIDES], 1)


def wider_steps(driver: np.ndarray, vectors: np.ndarray, leg_ratio: float, rate: float) -> np.ndarray:
    """`[n,2,2]` px by which each ankle moves, from the similarity's place, so that steps are the driver's own.

    `driver` `[n,20,2]` without gaps; `vectors` `[n,20,2]` are already of the character's lengths.
    """
    theirs = ankles(driver)
    hips = vectors[:, [leg[0] for leg in SIDES]]
    legs = leg_ratio * np.stack([driver[:, leg[1]] + driver[:, leg[2]] for leg in SIDES], 1)
    ours = hips + legs
    wanted = (theirs - theirs.mean(1, keepdims=True)) - (ours - ours.mean(1, keepdims=True))
    whole = np.stack([np.hypot(*vectors[:, leg[1]].T) + np.hypot(*vectors[:, leg[2]].T) for leg in SIDES], 1)
    reach = np.maximum(whole, np.hypot(legs[..., 0], legs[..., 1]))
    # the largest share of the step, at most all of it, that a stretched leg still covers: |leg + share * step| = reach
    a = np.maximum((wanted**2).sum(-1), 1e-9)
    b = (legs * wanted).sum(-1)
    c = (legs**2).sum(-1) - reach**2
    share = (-b + np.sqrt(np.maximum(b * b - a * c, 0.0))) / a
    return _calm(np.clip(share, 0.0, 1.0), round(CALM_SECONDS * rate))[..., None] * wanted


def _calm(share: np.ndarray, reach: int) -> np.ndarray:
    """`[n,2]` without noise or kinks and nowhere more than it was: the least within `reach` frames, then its mean."""
    if reach < 1:
        return share
    windows = np.lib.stride_tricks.sliding_window_view
    padded = np.pad(share, ((reach, reach), (0, 0)), mode="edge")
    least = np.pad(windows(padded, 2 * reach + 1, axis=0).min(-1), ((reach, reach), (0, 0)), mode="edge")
    weights = np.hanning(2 * reach + 3)[1:-1]
    return windows(least, 2 * reach + 1, axis=0) @ (weights / weights.sum())
