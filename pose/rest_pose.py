"""The character as the picture shows it: its bones at rest, completed where the picture shows none.

What is not seen is taken from the other side, else from a standing figure of the same proportions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND, WHOLE_BODY, NoPersonFound, PoseTrack
from .body_lengths import BONES, CORE, NECK, PELVIS, BodyLengths, measure_lengths, sample_lengths
from .body_vectors import bone_vectors, with_middles
from .outliers import SEEN

FEET = (15, 16, 17, 18, 19, 20, 21, 22)
"""Ankles, toes and heels: the lowest of them is where the person stands."""
HEAD_JOINTS = (1, 2, 3, 4)

# A standing adult, facing the viewer, lengths in units of the torso. The person's left is at +x.
STANDING = {
    "torso": (0.0, -1.0), "shoulder": (0.37, 0.02), "hip": (0.19, 0.0), "upper_arm": (0.20, 0.55),
    "forearm": (0.12, 0.49), "thigh": (0.03, 0.86), "shank": (0.02, 0.84), "foot": (0.10, 0.16), "neck": (0.0, -0.40),
}  # fmt: skip
BONE_MIRROR = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 16, 17, 18, 13, 14, 15, 19)
BONE_SIDE = (0, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 1, 1, -1, -1, -1, 0)


@dataclass(frozen=True)
class Character:
    """What the picture itself shows."""

    points: np.ndarray
    """float64 `[135,2]` px."""
    known: np.ndarray
    """bool `[135]`."""
    scores: np.ndarray
    """float32 `[133]`."""
    lengths: BodyLengths
    size: tuple[int, int]


@dataclass(frozen=True)
class RestPose:
    """The character at rest, every bone filled in."""

    points: np.ndarray
    """float64 `[135,2]` px on the character's picture."""
    vectors: np.ndarray
    """float64 `[20,2]` px, in the order of BONES."""
    feet: tuple[int, ...]
    """Joints to stand on: those of FEET that the picture shows on both sides, else the ankles."""
    sole_y: float
    """px: the lowest of `feet`."""
    hands: np.ndarray
    """float64 `[2,21,2]` px from the wrist; left, right."""
    hands_known: tuple[bool, bool]
    head: np.ndarray
    """float64 `[4+68,2]` px from the nose: eyes, ears, face."""
    face_known: bool
    facing: float
    """1: the person's left is at the viewer's right, as with who faces the viewer; -1: the other way."""


def read_character(character: PoseTrack) -> Character:
    """Raises NoPersonFound where not even one bone of the body can be measured."""
    if character.num_frames != 1 or character.skeleton is not WHOLE_BODY:
        raise ValueError(f"a character has one pose of {WHOLE_BODY.num_joints} joints, not {character}")
    scores = character.scores[0]
    points, known = with_middles(character.points.astype(np.float64), character.scores >= SEEN, 1.0)
    # whatever is believed at all counts fully: a drawing never scores as high as a person
    sure = np.where(known[0], 1.0, 0.0)
    lengths = measure_lengths(sample_lengths(points, sure[None], character.size), 1.0, (0, 1), plausible=False)
    if not any(g in lengths.lengths_px for g in (*CORE, "forearm")):
        seen = int((scores[:17] >= SEEN).sum())
        raise NoPersonFound(
            f"The character's pose shows {seen} of 17 body joints and no two that make a bone; "
            "at least both shoulders, or one arm or leg, are needed."
        )
    return Character(points[0], known[0], scores, lengths, character.size)


def complete(character: Character, lengths_px: dict[str, float]) -> RestPose:
    """`lengths_px`: the character's own where known, else what the driver's suggest."""
    vectors, seen = (a[0] for a in bone_vectors(character.points[None], character.known[None]))
    facing = _facing(character)
    unit = lengths_px["torso"]
    for k, (group, _, _) in enumerate(BONES):
        if seen[k]:
            continue
        twin = BONE_MIRROR[k]
        if seen[twin] and twin != k:
            vectors[k] = vectors[twin] * (-1, 1)
        else:
            way = np.array(STANDING[group]) * (facing * BONE_SIDE[k] if BONE_SIDE[k] else 1, 1)
            vectors[k] = way / np.hypot(*way) * lengths_px.get(group, unit * float(np.hypot(*STANDING[group])))
    points = _stand(character, vectors)
    feet = tuple(f for f in FEET if character.known[f] and character.known[WHOLE_BODY.mirror[f]]) or (15, 16)
    hands = np.zeros((2, 21, 2))
    hands_known = []
    for side, hand in enumerate((LEFT_HAND, RIGHT_HAND)):
        whole = bool(character.known[hand].mean() > 0.6 and character.known[hand.start])
        hands_known.append(whole)
        reach = vectors[7 + side] / max(float(np.hypot(*vectors[7 + side])), 1e-6) * lengths_px["hand"]
        along = np.array([0.0, *(np.array([0.4, 0.7, 0.9, 1.0]).tolist() + 4 * [1.0, 1.35, 1.6, 1.8])])
        own = character.points[hand] - character.points[hand.start]
        hands[side] = np.where(whole & character.known[hand, None], own, along[:, None] * reach)
    face_known = bool(character.known[FACE].mean() > 0.6 and character.known[0])
    head = np.concatenate([character.points[list(HEAD_JOINTS)], character.points[FACE]]) - character.points[0]
    head_known = np.concatenate([character.known[list(HEAD_JOINTS)], character.known[FACE]]) & character.known[0]
    head = np.where(head_known[:, None], head, 0.0)
    sole = float(points[list(feet), 1].max())
    return RestPose(points, vectors, feet, sole, hands, (hands_known[0], hands_known[1]), head, face_known, facing)


def _facing(character: Character) -> float:
    votes = 0.0
    for left, right in ((5, 6), (11, 12), (1, 2), (7, 8), (13, 14)):
        if character.known[left] and character.known[right]:
            votes += float(np.sign(character.points[left, 0] - character.points[right, 0]))
    return -1.0 if votes < 0 else 1.0


def _stand(character: Character, vectors: np.ndarray) -> np.ndarray:
    """All joints: where they were seen there, else hung on to the ones that were."""
    points = character.points.copy()
    known = character.known
    if not known[PELVIS]:
        start = NECK if known[NECK] else None
        if start is not None:
            points[PELVIS] = points[NECK] - vectors[0]
        else:  # neither shoulders nor hips: hang the tree on the first joint there is
            points[PELVIS] = _back_to_pelvis(character, vectors)
    for k, (_, parent, child) in enumerate(BONES):
        if not known[child]:
            points[child] = points[parent] + vectors[k]
    return points


def _back_to_pelvis(character: Character, vectors: np.ndarray) -> np.ndarray:
    above = {child: (parent, k) for k, (_, parent, child) in enumerate(BONES)}
    joint = next(child for _, _, child in BONES if character.known[child])
    at = character.points[joint].copy()
    while joint != PELVIS:
        joint, k = above[joint]
        at -= vectors[k]
    return at
