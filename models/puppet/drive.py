"""From target joints to the strings of the puppet: how far every joint of the rig turns, every bone stretches.

A pure function of the frames it is given; what needs the whole clip (apparent size) comes in from `order`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rig import ARMS, LEGS, Chain, Rig

# The angle of a first bone is read on a branch whose cut lies where that limb hardly ever points, so that
# an arm raised past the vertical does not swing round the other way. Radians, y down.
_BRANCH_START = {
    "left_arm": -0.75 * np.pi,  # cut between up and inwards; the left arm is on the viewer's right
    "right_arm": -0.25 * np.pi,
    "left_leg": -0.5 * np.pi,
    "right_leg": -0.5 * np.pi,
    "head": -1.5 * np.pi,
}
_BEND_LIMIT = {"arm": (9.0, 2.9, 1.1), "leg": (9.0, 2.9, 0.7), "head": (0.9, 0.8)}
_STRETCH_LIMIT = {
    "arm": ((0.12, 1.5), (0.12, 1.5), (0.65, 1.1)),
    "leg": ((0.12, 1.5), (0.12, 1.5), (0.55, 1.1)),
    "head": ((0.55, 1.4), (1.0, 1.0)),
}


@dataclass(frozen=True)
class ChainStrings:
    """One chain over n frames."""

    base: np.ndarray
    """`[n,2]` px: where its first joint is."""
    base_angle: np.ndarray
    """`[n]`: how far the body it hangs on has turned, radians, clockwise on screen."""
    bend: np.ndarray
    """`[n,k]`: each joint's turn relative to the bone before."""
    stretch: np.ndarray
    """`[n,k]`: each bone's length over its length at rest, apparent size taken out."""


@dataclass(frozen=True)
class Strings:
    """The whole puppet over n frames."""

    size: np.ndarray
    """`[n]`: apparent size over that of the picture."""
    neck: np.ndarray
    spine_turn: np.ndarray
    spine_stretch: np.ndarray
    """Apparent size included."""
    shoulder_turn: np.ndarray
    """Relative to the spine."""
    hip_turn: np.ndarray
    shoulder_width: np.ndarray
    """Over the width at rest, apparent size included."""
    hip_width: np.ndarray
    chains: dict[str, ChainStrings]
    yaw: np.ndarray
    """`[n]`: sideways shift of the nose against the ears, in ear distances, relative to the picture."""


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Into -pi..pi."""
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi


def _angle(vector: np.ndarray) -> np.ndarray:
    return np.arctan2(vector[..., 1], vector[..., 0])


def _length(vector: np.ndarray) -> np.ndarray:
    return np.hypot(vector[..., 0], vector[..., 1])


def rotate(vector: np.ndarray, angle: np.ndarray) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * vector[..., 0] - s * vector[..., 1], s * vector[..., 0] + c * vector[..., 1]], -1)


def _sure(scores: np.ndarray) -> np.ndarray:
    """0..1: how far a joint of the target is to be believed, given the scores of all it depends on."""
    return np.clip((scores.min(-1) - 0.1) / 0.2, 0, 1)


def pull(rig: Rig, points: np.ndarray, scores: np.ndarray, size: np.ndarray) -> Strings:
    """`points` float `[n,133,2]` on the character's picture, `scores` `[n,133]`, `size` `[n]` apparent size."""
    p, n = points.astype(np.float64), len(points)
    spine0, length0 = rig.spine, rig.spine_length
    across0 = rig.shoulders[0] - rig.shoulders[1]
    shoulders = p[:, [5, 6]]
    neck = shoulders.mean(1)
    across = shoulders[:, 0] - shoulders[:, 1]
    shoulder_ratio = _length(across) / max(_length(across0), 1e-6)
    # A body seen from behind has its shoulders swapped; its line is the same line.
    shoulder_line = _half_wrapped(_angle(across) - _angle(across0))
    if rig.has_hips:
        sure = _sure(scores[:, [11, 12]])
        hips = p[:, [11, 12]]
        pelvis = hips.mean(1)
        spine_turn = wrapped(_angle(pelvis - neck) - _angle(spine0)) * sure
        spine_stretch = np.clip(_length(pelvis - neck) / length0, 0.55 * size, 1.35 * size) * sure + size * (1 - sure)
        hip_across, hip_across0 = hips[:, 0] - hips[:, 1], rig.hips[0] - rig.hips[1]
        hip_ratio = _length(hip_across) / max(_length(hip_across0), 1e-6)
        hip_line = _half_wrapped(_angle(hip_across) - _angle(hip_across0))
    else:
        spine_turn = 0.5 * np.clip(shoulder_line, -0.6, 0.6)
        spine_stretch = size.copy()
        hip_ratio, hip_line = shoulder_ratio, spine_turn

    def tilt(line: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        firm = np.clip((ratio / size - 0.25) / 0.35, 0, 1)  # a short line has no sure direction
        return np.clip(_half_wrapped(line - spine_turn), -0.5, 0.5) * firm

    shoulder_turn, hip_turn = tilt(shoulder_line, shoulder_ratio), tilt(hip_line, hip_ratio)
    chains: dict[str, ChainStrings] = {}
    for chain in rig.chains:
        if chain.name == "head":
            continue
        ids = (ARMS | LEGS)[chain.name]
        upper = chain.name in ARMS
        base_angle = spine_turn + (shoulder_turn if upper else hip_turn)
        chains[chain.name] = _limb(chain, ids, p, scores, size, base_angle)
    chains["head"], yaw = _head(rig, p, scores, size, neck, spine_turn + 0.5 * shoulder_turn)
    return Strings(
        size=size,
        neck=neck,
        spine_turn=spine_turn,
        spine_stretch=spine_stretch,
        shoulder_turn=shoulder_turn,
        hip_turn=hip_turn,
        shoulder_width=np.clip(shoulder_ratio, 0.45 * size, 1.25 * size),
        hip_width=np.clip(hip_ratio, 0.45 * size, 1.25 * size),
        chains=chains,
        yaw=yaw if n else np.zeros(0),
    )


def _half_wrapped(angle: np.ndarray) -> np.ndarray:
    """Into -pi/2..pi/2: the turn of an undirected line."""
    return (angle + np.pi / 2) % np.pi - np.pi / 2


def _limb(
    chain: Chain,
    ids: tuple[int, int, int, int],
    p: np.ndarray,
    scores: np.ndarray,
    size: np.ndarray,
    base_angle: np.ndarray,
) -> ChainStrings:
    kind = chain.name[-3:]
    count = len(chain.radius)
    tip = ids[3] + 9 if kind == "arm" else ids[3]
    joints = [*ids[:3], tip][: count + 1]
    rest_angle, rest_length = chain.angles, chain.lengths.copy()
    if count == 3 and kind == "arm":
        rest_length[2] *= 0.5  # the bone runs to the finger tips, the reading to the middle knuckle
    turn = np.zeros((len(p), count))
    stretch = np.ones((len(p), count))
    before = base_angle
    start = _BRANCH_START[chain.name]
    for k in range(count):
        vector = p[:, joints[k + 1]] - p[:, joints[k]]
        sure = _sure(scores[:, [joints[k], joints[k + 1]]])
        if k == 0:
            now = (_angle(vector) - start) % (2 * np.pi) + start
            rest = (rest_angle[0] - start) % (2 * np.pi) + start
            bend = now - rest - before
        else:
            bend = wrapped(_angle(vector) - rest_angle[k] - before)
        limit = _BEND_LIMIT[kind][k]
        turn[:, k] = np.clip(bend, -limit, limit) * sure
        low, high = _STRETCH_LIMIT[kind][k]
        stretch[:, k] = np.clip(_length(vector) / (rest_length[k] * size), low, high) * sure + (1 - sure)
        before = before + turn[:, k]
    return ChainStrings(p[:, joints[0]], base_angle, turn, stretch)


def _head(
    rig: Rig, p: np.ndarray, scores: np.ndarray, size: np.ndarray, neck: np.ndarray, base_angle: np.ndarray
) -> tuple[ChainStrings, np.ndarray]:
    chain = rig.chain("head")
    assert chain is not None
    n, ids = len(p), rig.head_points
    still = ChainStrings(neck, base_angle, np.zeros((n, 2)), np.ones((n, 2)))
    if len(ids) < 2:
        return still, np.zeros(n)
    sure = _sure(scores[:, ids])
    # Roll: all left-to-right lines of the face together, each weighing by its length at rest.
    pairs = [(a, b) for a, b in ((1, 2), (3, 4)) if a in ids and b in ids]
    roll = base_angle
    if pairs:
        turned = np.zeros(n, complex)
        for a, b in pairs:
            now, rest = p[:, a] - p[:, b], rig.points[a] - rig.points[b]
            turned += (now[:, 0] + 1j * now[:, 1]) * np.conj(rest[0] + 1j * rest[1])
        roll = base_angle + np.clip(wrapped(np.angle(turned) - base_angle), -1.0, 1.0)
    centre0, centre = rig.points[ids].mean(0), p[:, ids].mean(1)
    pivot = centre + size[:, None] * rotate((chain.joints[1] - centre0)[None], roll)
    vector = pivot - neck
    limit = _BEND_LIMIT["head"]
    bend0 = np.clip(wrapped(_angle(vector) - chain.angles[0] - base_angle), -limit[0], limit[0]) * sure
    bend1 = np.clip(wrapped(roll - base_angle - bend0), -limit[1], limit[1]) * sure
    low, high = _STRETCH_LIMIT["head"][0]
    stretch0 = np.clip(_length(vector) / (chain.lengths[0] * size), low, high) * sure + (1 - sure)
    yaw = np.zeros(n)
    if {0, 3, 4} <= set(ids.tolist()):
        ears0 = rig.points[[3, 4]]
        width0 = max(float(_length(ears0[0] - ears0[1])), 1e-6)
        along = (ears0[0] - ears0[1]) / width0
        rest = (rig.points[0] - ears0.mean(0)) @ along / width0
        now = (rotate(p[:, 0] - p[:, [3, 4]].mean(1), -roll) @ along) / (width0 * size)
        yaw = np.clip(now - rest, -0.35, 0.35) * sure
    stretch = np.stack([stretch0, np.ones(n)], 1)
    return ChainStrings(neck, base_angle, np.stack([bend0, bend1], 1), stretch), yaw
