"""The retargeting factor: less or more movement about the character's rest pose, on joint angles.

A limb's angle moves by `factor` times what the driver's moved away from the rest pose. Angles are followed
through time, so an arm waving overhead does not jump where +180 degrees becomes -180; an arm that goes
all the way round is set back by whole turns once it is well past, blended over a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .body_lengths import BONES
from .body_vectors import wrap

LIMBS = tuple(
    k for k, (g, _, _) in enumerate(BONES) if g in ("torso", "upper_arm", "forearm", "thigh", "shank", "foot")
)
"""Bones that turn. Widths (shoulder, hip) and the neck do not: a turning body would flip them over."""
WIND_BACK = 1.5 * np.pi  # past three quarters of a turn from rest, the other way round is the nearer one
WIND_BACK_SECONDS = 0.4
FORESHORTENED = (0.2, 0.5)  # of the full length: below, a limb points at the viewer and its angle means little
SHORTEST = 0.1


def follow_angles(
    angles: np.ndarray, rest: np.ndarray, factor: float, rate: float, edges: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Angle away from rest, followed through time, and what winding back adds to the result; float32 `[T,20]`.

    `angles` float32 `[T,20]`, nan where hidden; `rest` `[20]`.
    """
    lifted = np.zeros_like(angles)
    added = np.zeros_like(angles)
    blend = max(1, round(WIND_BACK_SECONDS * rate))
    turn = 2 * np.pi
    for start, stop in pairwise(edges):
        for k in LIMBS:
            seen = np.nonzero(np.isfinite(angles[start:stop, k]))[0] + start
            if not len(seen):
                continue
            path = np.unwrap(wrap(angles[seen, k].astype(np.float64) - rest[k]))
            at = 0
            while True:
                past = np.nonzero(np.abs(path[at:]) > WIND_BACK)[0]
                if not len(past):
                    break
                at += int(past[0])
                whole = np.sign(path[at]) * turn
                path[at:] -= whole
                # the result steps by factor * whole; of all whole turns the blend takes the shortest way
                step = float(wrap(np.array(factor * whole)))
                frames = np.arange(seen[at], min(seen[at] + blend, stop))
                u = (frames - seen[at] + 1) / (blend + 1)
                added[frames, k] += step * (1 - u * u * (3 - 2 * u))
            lifted[seen, k] = path
    return lifted, added


def scale_movement(
    vectors: np.ndarray,
    rest: np.ndarray,
    full_px: np.ndarray,
    lifted: np.ndarray,
    added: np.ndarray,
    factor: float,
) -> np.ndarray:
    """Bone vectors `[n,20,2]` moved about `rest` `[n,20,2]`; `full_px` `[n,20]` are the unforeshortened lengths."""
    straight = rest + factor * (vectors - rest)
    length, rest_length = np.hypot(vectors[..., 0], vectors[..., 1]), np.hypot(rest[..., 0], rest[..., 1])
    rest_angle = np.arctan2(rest[..., 1], rest[..., 0])
    away = wrap(np.arctan2(vectors[..., 1], vectors[..., 0]) - rest_angle)
    away = lifted + wrap(away - lifted)
    angle = rest_angle + factor * away + added
    long = rest_length + factor * (length - rest_length)
    longest = np.maximum(np.maximum(length, rest_length), full_px)
    long = np.clip(long, SHORTEST * np.minimum(length, rest_length), longest)
    turned = np.stack([long * np.cos(angle), long * np.sin(angle)], -1)
    u = np.clip((length / np.maximum(full_px, 1e-9) - FORESHORTENED[0]) / (FORESHORTENED[1] - FORESHORTENED[0]), 0, 1)
    share = (u * u * (3 - 2 * u))[..., None]
    out = straight
    limbs = list(LIMBS)
    out[:, limbs] = share[:, limbs] * turned[:, limbs] + (1 - share[:, limbs]) * straight[:, limbs]
    return out
