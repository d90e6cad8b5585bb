"""The character's bones at rest: a torso, a head, and as many limbs as the picture shows.

A limb is a chain of bones; how wide each bone is in the picture is measured on the cut-out. Left and
right are the character's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...core import LEFT_HAND, RIGHT_HAND, InputError

SEEN = 0.05
"""A joint of the character's picture counts from this score on; the finder gives 0 to what is not there."""

ARMS = {"left_arm": (5, 7, 9, LEFT_HAND.start), "right_arm": (6, 8, 10, RIGHT_HAND.start)}
LEGS = {"left_leg": (11, 13, 15, 17), "right_leg": (12, 14, 16, 20)}
HEAD_JOINTS = np.array([0, 1, 2, 3, 4])


@dataclass(frozen=True)
class Chain:
    """Bones from the body outwards."""

    name: str
    joints: np.ndarray
    """float64 `[n+1,2]` px at rest; the last is the tip."""
    radius: np.ndarray
    """float64 `[n]` px: half the width of each bone."""

    @property
    def vectors(self) -> np.ndarray:
        return np.diff(self.joints, axis=0)

    @property
    def lengths(self) -> np.ndarray:
        return np.maximum(np.hypot(*self.vectors.T), 1e-3)

    @property
    def angles(self) -> np.ndarray:
        return np.arctan2(self.vectors[:, 1], self.vectors[:, 0])


@dataclass(frozen=True)
class Rig:
    """Everything at rest, in pixels of the picture that was given."""

    neck: np.ndarray
    """Middle of the shoulders."""
    pelvis: np.ndarray
    """Middle of the hips, or where it should be when the picture ends above it."""
    shoulders: np.ndarray
    """`[2,2]`: left, right."""
    hips: np.ndarray
    """`[2,2]`: left, right."""
    has_hips: bool
    chains: tuple[Chain, ...]
    """Head first, then arms, then legs, those that are there."""
    head_points: np.ndarray
    """int: which of the joints 0..4 the picture shows."""
    hidden_hands: frozenset[str]
    """Arms whose hand the picture does not show: in a pocket, behind the back."""
    points: np.ndarray
    """float64 `[133,2]`."""
    scores: np.ndarray

    def chain(self, name: str) -> Chain | None:
        return next((c for c in self.chains if c.name == name), None)

    @property
    def spine(self) -> np.ndarray:
        return self.pelvis - self.neck

    @property
    def spine_length(self) -> float:
        return float(max(np.hypot(*self.spine), 1.0))


def find_rig(points: np.ndarray, scores: np.ndarray, alpha: np.ndarray) -> Rig:
    """The rig of one pose (`[133,2]` px, `[133]`) on its cut-out. InputError when shoulders are missing."""
    p = points.astype(np.float64)
    seen = scores >= SEEN
    if not (seen[5] and seen[6]):
        raise InputError(
            "The character's shoulders were not found in its picture; give its joints (character_pose) "
            "or a picture that shows at least head and shoulders."
        )
    neck, width = (p[5] + p[6]) / 2, float(max(np.hypot(*(p[5] - p[6])), 4.0))
    down = np.array([-(p[5] - p[6])[1], (p[5] - p[6])[0]]) / width
    if down[1] < 0:
        down = -down
    has_hips = bool(seen[11] and seen[12])
    hips = np.stack([p[11], p[12]]) if has_hips else np.stack([p[5], p[6]]) * 0.7 + neck * 0.3 + down * 1.35 * width
    pelvis = hips.mean(0)
    chains = [_head(p, seen, neck, width, down, alpha)]
    hidden = _hidden_hands(p, seen, neck, hips, width)
    for name, ids in (ARMS | LEGS if has_hips else ARMS).items():
        limb = _limb(name, ids, p, seen, alpha, width, name in hidden)
        if limb is not None:
            chains.append(limb)
    return Rig(
        neck=neck,
        pelvis=pelvis,
        shoulders=np.stack([p[5], p[6]]),
        hips=hips,
        has_hips=has_hips,
        chains=tuple(_same_width(chains)),
        head_points=HEAD_JOINTS[seen[HEAD_JOINTS]],
        hidden_hands=hidden,
        points=p,
        scores=scores.astype(np.float64),
    )


def _hidden_hands(p: np.ndarray, seen: np.ndarray, neck: np.ndarray, hips: np.ndarray, width: float) -> frozenset[str]:
    """Arms that end on the body without a hand having been found there."""
    out = set()
    for name, (_, _, wrist, hand) in ARMS.items():
        if not seen[wrist] or seen[hand + 9]:
            continue
        lines = [
            (neck, hips.mean(0)),
            (hips[0], p[13] if seen[13] else hips[0]),
            (hips[1], p[14] if seen[14] else hips[1]),
        ]
        for a, b in lines:
            t = np.clip((p[wrist] - a) @ (b - a) / max((b - a) @ (b - a), 1e-6), 0, 1)
            if np.hypot(*(p[wrist] - a - t * (b - a))) < 0.42 * width:
                out.add(name)
    return frozenset(out)


def _head(
    p: np.ndarray, seen: np.ndarray, neck: np.ndarray, width: float, down: np.ndarray, alpha: np.ndarray
) -> Chain:
    """Neck and head: pivots are the middle of the shoulders and the chin."""
    ids = HEAD_JOINTS[seen[HEAD_JOINTS]]
    centre = p[ids].mean(0) if len(ids) else neck - down * 0.6 * width
    chin = p[23 + 8] if seen[23 + 8] else neck * 0.45 + centre * 0.55
    # The pivot lies on the line from neck to head, at the height of the chin.
    axis = centre - neck
    share = float(np.clip((chin - neck) @ axis / max(axis @ axis, 1e-6), 0.2, 0.8))
    pivot = neck + axis * share
    up = axis / max(np.hypot(*axis), 1e-6)
    top = centre + up * np.hypot(*(centre - pivot))
    while _inside(alpha, top + up * 4):
        top = top + up * 4
    half = [_half_width(alpha, a, b, 3.0 * width) for a, b in ((neck, pivot), (pivot, top))]
    return Chain(
        "head", np.stack([neck, pivot, top]), np.array([half[0] or 0.25 * width, max(half[1] or 0, 0.3 * width)])
    )


def _limb(
    name: str,
    ids: tuple[int, int, int, int],
    p: np.ndarray,
    seen: np.ndarray,
    alpha: np.ndarray,
    width: float,
    hidden: bool,
) -> Chain | None:
    """Two long bones and a hand or foot. None when not even the first bone is seen."""
    root, middle, end, last = ids
    if not (seen[root] and seen[middle]):
        return None
    joints = [p[root], p[middle]]
    upper = p[middle] - p[root]
    if not seen[end]:
        joints.append(p[middle] + upper)  # the picture ends here; what hangs on follows
    else:
        joints.append(p[end])
        lower = p[end] - p[middle]
        if "arm" in name:
            knuckle = last + 9
            hand = (p[knuckle] - p[end]) * 2 if seen[knuckle] else lower * 0.3
            if np.hypot(*hand) < 0.15 * np.hypot(*lower):
                hand = lower * 0.3
            if not seen[knuckle] and not hidden:  # a paw or a mitten: as far as the picture goes
                step = lower / max(np.hypot(*lower), 1e-6)
                while np.hypot(*hand) < 0.8 * np.hypot(*lower) and _inside(alpha, p[end] + hand + step):
                    hand = hand + step
            joints.append(p[end] + hand)
        else:
            foot = p[last] - p[end] if seen[last] else np.array([0.0, 0.25 * np.hypot(*lower)])
            if np.hypot(*foot) < 0.1 * np.hypot(*lower):
                foot = np.array([0.0, 0.25 * np.hypot(*lower)])
            joints.append(p[end] + foot)
    points = np.stack(joints)
    radius = []
    for a, b in pairwise(points):
        length = float(max(np.hypot(*(b - a)), 1.0))
        low, high = 0.08 * width, (0.38 if "arm" in name else 0.5) * width
        measured = _half_width(alpha, a, b, max(high, length))
        radius.append(float(np.clip(measured or 0.16 * width, low, max(high, 0.12 * length))))
    return Chain(name, points, np.array(radius))


def _same_width(chains: list[Chain]) -> list[Chain]:
    """Left and right limbs are about equally wide; the narrower reading is the less disturbed one."""
    out = []
    for chain in chains:
        other = chain.name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")
        twin = next((c for c in chains if c.name == other), None)
        if twin is None or twin is chain or len(twin.radius) != len(chain.radius):
            out.append(chain)
        else:
            out.append(Chain(chain.name, chain.joints, np.minimum(chain.radius, 1.2 * twin.radius)))
    return out


def _inside(alpha: np.ndarray, point: np.ndarray) -> bool:
    x, y = round(float(point[0])), round(float(point[1]))
    return 0 <= y < alpha.shape[0] and 0 <= x < alpha.shape[1] and alpha[y, x] >= 128


def _half_width(alpha: np.ndarray, a: np.ndarray, b: np.ndarray, limit: float) -> float | None:
    """Median over the bone of the nearer side's distance to the rim; None where the rim is never met."""
    axis = (b - a) / max(np.hypot(*(b - a)), 1e-6)
    normal = np.array([-axis[1], axis[0]])
    steps = np.arange(1.0, limit + 1.0, 1.0)
    found = []
    for t in np.linspace(0.25, 0.85, 9):
        start = a + (b - a) * t
        if not _inside(alpha, start):
            continue
        for side in (normal, -normal):
            ray = start + steps[:, None] * side
            x = np.clip(np.rint(ray[:, 0]).astype(int), 0, alpha.shape[1] - 1)
            y = np.clip(np.rint(ray[:, 1]).astype(int), 0, alpha.shape[0] - 1)
            out = np.nonzero(alpha[y, x] < 128)[0]
            if len(out):
                found.append((t, steps[out[0]]))
    if not found:
        return None
    nearest: dict[float, float] = {}
    for t, distance in found:
        nearest[t] = min(distance, nearest.get(t, np.inf))
    return float(np.median(list(nearest.values())))
