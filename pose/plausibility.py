"""Whether a set of joints can be the body that a silhouette shows.

Networks answer with a whole body wherever they are asked, also on a toy's belly. Three things give a
wrong answer away: proportions that no body has, bones that lie outside the silhouette, and a
silhouette that the body does not fill.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..core import BODY

LOOK_SIDE = 160
"""Long side of the small picture on which areas are compared, in px."""
SEEN = 0.3
"""A joint with a lower score is not held against, nor in favour of, an answer."""
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12), (5, 11), (6, 12))


@dataclass(frozen=True)
class Verdict:
    """How far a body is to be believed, 0..1, and what speaks against it most."""

    value: float
    against: str
    inside: float = 1.0
    """Share of the seen skeleton's area that lies in the silhouette."""
    filled: float = 1.0
    """Share of the silhouette that the body explains."""


def judge(points: np.ndarray, scores: np.ndarray, size: tuple[int, int], silhouette: np.ndarray | None) -> Verdict:
    """Verdict on joints `[133,2]`, `[133]` in px of a picture of `size`; `silhouette` float or bool `[h,w]` of it."""
    body, seen = points[BODY].astype(np.float64), scores[BODY]
    shape = wrong_shape(body, seen)
    if shape:
        return Verdict(0.0, shape)
    w, h = size
    within = (body[:, 0] > -0.5) & (body[:, 1] > -0.5) & (body[:, 0] < w - 0.5) & (body[:, 1] < h - 0.5)
    if not (within & (seen >= SEEN)).any():
        return Verdict(0.0, "no joint lies in the picture")
    trust = float(seen[within].mean())
    if silhouette is None:
        return Verdict(trust, "low confidence")
    inside, filled = _agreement(body, seen, size, silhouette)
    value = np.sqrt(trust) * inside * min(1.0, filled / 0.65) ** 1.5
    against = min((inside, "the joints lie outside the silhouette"), (filled, "the joints fill only a part of it"))[1]
    return Verdict(float(value), against if min(inside, filled) < trust else "low confidence", inside, filled)


def wrong_shape(body: np.ndarray, seen: np.ndarray) -> str:
    """What no upright body looks like, in words, or '' for joints `[17,2]` that pass."""
    shoulders, hips = body[5:7].mean(0), body[11:13].mean(0)
    width = float(np.linalg.norm(body[5] - body[6]))
    torso = float(np.linalg.norm(hips - shoulders))
    unit = max(width, 0.7 * torso, 1e-6)
    if seen[:5].max() >= SEEN and min(seen[5], seen[6]) >= SEEN and body[:5, 1].mean() > shoulders[1] + 0.2 * unit:
        return "it stands on its head"
    if min(seen[5], seen[6], seen[11], seen[12]) >= SEEN:
        if hips[1] < shoulders[1]:
            return "it stands on its head"
        if torso < 0.35 * width:
            return "the torso is too short"
    for a, b in LIMBS[:8]:
        length = float(np.linalg.norm(body[a] - body[b]))
        if min(seen[a], seen[b]) >= SEEN and length > 2.2 * unit:
            return "a limb is too long"
    return ""


def _agreement(
    body: np.ndarray, seen: np.ndarray, size: tuple[int, int], silhouette: np.ndarray
) -> tuple[float, float]:
    scale = LOOK_SIDE / max(size)
    w, h = max(8, round(size[0] * scale)), max(8, round(size[1] * scale))
    mask = cv2.resize(silhouette.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    mask = mask / max(float(mask.max()), 1e-6) > 0.4
    if mask.sum() < 12:
        return 0.0, 0.0
    joints = (body + 0.5) * scale - 0.5
    shoulders, hips = joints[5:7].mean(0), joints[11:13].mean(0)
    width = float(np.linalg.norm(joints[5] - joints[6]))
    torso = float(np.linalg.norm(hips - shoulders))
    unit = max(width, 0.6 * torso)
    head = joints[:5].mean(0)
    head_radius = max(
        0.85 * float(np.linalg.norm(joints[3] - joints[4])), 0.75 * float(np.linalg.norm(head - shoulders))
    )

    thin, thick = np.zeros((h, w), np.uint8), np.zeros((h, w), np.uint8)
    for a, b in LIMBS:
        ends = [tuple(np.round(np.clip(joints[k], -4000, 4000)).astype(int).tolist()) for k in (a, b)]
        if min(seen[a], seen[b]) >= SEEN:
            cv2.line(thin, ends[0], ends[1], 1, 1)
        # Clothes, fur and the parts below the picture count as explained.
        cv2.line(thick, ends[0], ends[1], 1, max(3, round(unit * (0.75 if b in (7, 8, 9, 10) else 1.0))))
    middle = tuple(np.round(head).astype(int).tolist())
    cv2.circle(thick, middle, max(2, round(1.35 * head_radius)), 1, -1)
    if seen[:5].max() >= SEEN:
        cv2.circle(thin, middle, max(1, round(0.4 * head_radius)), 1, -1)
    corners = np.round(np.clip(joints[[5, 6, 12, 11]], -4000, 4000)).astype(np.int32)
    cv2.fillConvexPoly(thick, cv2.convexHull(corners), 1)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    drawn = thin > 0
    inside = float((drawn & near).sum() / max(drawn.sum(), 1))
    filled = float(((thick > 0) & mask).sum() / mask.sum())
    return inside, filled
