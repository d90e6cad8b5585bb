"""What is known of a face's features: how far each can be trusted, and how far each may move.

Turns raw driven points into displacements that are plausible for this face: noise, missing features,
crossed lips and shouts wider than a mouth end here, so that the drawing code meets only sane numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from .face_mouth import Mouth

_GROUPS = {
    "jaw": range(17),
    "right brow": range(17, 22),
    "left brow": range(22, 27),
    "nose": range(27, 36),
    "right eye": range(36, 42),
    "left eye": range(42, 48),
    "mouth": range(48, 68),
}
_REACH = {
    "jaw": 0.55,
    "right brow": 0.28,
    "left brow": 0.28,
    "nose": 0.10,
    "right eye": 0.6,
    "left eye": 0.6,
    "mouth": 0.75,
}
"""Furthest believable move, in distances between the eyes."""
_LIP_PAIRS = ((61, 67), (62, 66), (63, 65), (50, 58), (51, 57), (52, 56), (49, 59), (53, 55))
_INNER_OF = (0, 1, 2, 0, 1, 2, None, None)
"""Which inner pair says how far an outer pair may close."""
_BROW_WALK = 0.06
"""How far a brow moves sideways, in distances between the eyes: a frown is 0.05."""
_MOUTH_WALK = 0.25
"""Share of a mouth's sideways way that is its own."""
LARGEST_GAP = 0.75
"""Widest opening in mouth widths, a wide yawn."""


class FaceFeatures:
    """Sizes, axes and trust of one face in one picture."""

    def __init__(self, points: np.ndarray, scores: np.ndarray | None, alpha: np.ndarray) -> None:
        p = np.nan_to_num(points.astype(np.float64), nan=-1e6, posinf=-1e6, neginf=-1e6)
        s = np.ones(68) if scores is None else np.nan_to_num(np.asarray(scores, np.float64).reshape(68))
        s = np.where((p <= -1e5).any(1), 0.0, s)
        self._points = p
        eyes = p[42:48].mean(0) - p[36:42].mean(0)
        jaw = p[16] - p[0]
        good_eyes = min(s[36:48].mean(), 1.0) >= 0.2 and 4 < np.linalg.norm(eyes) < 1e4
        across = eyes if good_eyes else jaw
        length = float(np.linalg.norm(across))
        self.unit = (length if good_eyes else 0.45 * length) if 0 < length < 1e5 else 0.0
        self.across = across / length if length > 0 else np.array([1.0, 0.0])
        self.down = np.array([-self.across[1], self.across[0]])
        self._weights = {name: self._trust(name, list(ids), s, alpha) for name, ids in _GROUPS.items()}
        self.is_still = self.unit < 6 or max(self._weights.values()) <= 0
        jaw_half = abs(float((p[16] - p[0]) @ self.across)) / 2
        self.head_px = float(np.clip(jaw_half, 0.9 * self.unit, 1.8 * self.unit))
        self.below_chin_px = 0.0
        """From the chin down to the edge of the box; known once the box is."""
        self.reach_px = np.zeros((68, 1))
        """Furthest believable move of each point."""
        self.trust = np.zeros((68, 1))
        """Share of its move that each point makes; lids get theirs where they are drawn."""
        for name, ids in _GROUPS.items():
            weight = self._weights[name]
            self.reach_px[list(ids)] = _REACH[name] * self.unit
            self.trust[list(ids)] = float(weight > 0) if name.endswith("eye") else weight
        self.moving = [
            *(k for name in ("right brow", "left brow") if self.weight(name) > 0 for k in _GROUPS[name]),
            *([31, 32, 33, 34, 35] if self.weight("nose") > 0 else []),
            *([4, 5, 6, 7, 8, 9, 10, 11, 12] if self.weight("jaw") > 0 else []),
            *(_GROUPS["mouth"] if self.weight("mouth") > 0 else []),
        ]

    def weight(self, name: str) -> float:
        """How far a feature may be moved: 0 = leave it still, 1 = trusted."""
        return self._weights[name]

    def _trust(self, name: str, ids: list[int], scores: np.ndarray, alpha: np.ndarray) -> float:
        p = self._points[ids]
        if self.unit < 6 or not np.isfinite(p).all() or (p <= -1e5).any():
            return 0.0
        xy = np.rint(p).astype(int)
        height, width = alpha.shape
        inside = (xy[:, 0] >= 0) & (xy[:, 1] >= 0) & (xy[:, 0] < width) & (xy[:, 1] < height)
        seen = inside.copy()
        seen[inside] = alpha[xy[inside, 1], xy[inside, 0]] > 64
        u, v = (p @ self.across) / self.unit, (p @ self.down) / self.unit
        wide, high = float(np.ptp(u)), float(np.ptp(v))
        sane = True
        if name.endswith("eye"):
            opened = float((v[[4, 5]] - v[[1, 2]]).mean())
            sane = 0.12 < wide < 1.1 and 0.02 < opened < 1.1 and u[3] - u[0] > 0.7 * wide
        elif name == "mouth":
            sane = 0.12 < wide < 2.5 and high < 2.0 and u[6] - u[0] > 0.6 * wide
        elif name.endswith("brow"):
            sane = 0.15 < wide < 1.5 and high < 0.8
        needed = 0.85 if name in ("mouth", "right eye", "left eye") else 0.5
        if not sane or seen.mean() < needed:
            return 0.0
        return float(np.clip((scores[ids].mean() - 0.2) / 0.25, 0, 1))

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The face with room for the jaw below, the forehead above and the cheeks, inside the picture."""
        good = [k for name, ids in _GROUPS.items() if self.weight(name) > 0 for k in ids]
        if self.is_still or not good:
            return (0, 0, min(1, width), min(1, height))
        p = self._points[good]
        d = self.unit
        around = [
            corner + sx * self.across * d + sy * self.down * d
            for corner in (p.min(0), p.max(0))
            for sx, sy in ((-0.35, 0), (0.35, 0), (0, -0.75), (0, 0.95))
        ]
        low, high = np.min(around, axis=0), np.max(around, axis=0)
        x0, y0 = np.clip(np.floor(low), 0, [width - 1, height - 1]).astype(int)
        x1, y1 = np.clip(np.ceil(high) + 1, 1, [width, height]).astype(int)
        reach = [(x1 - self._points[8, 0]) / self.down[0] if self.down[0] > 0.05 else np.inf]
        reach += [(x0 - self._points[8, 0]) / self.down[0] if self.down[0] < -0.05 else np.inf]
        reach += [(y1 - self._points[8, 1]) / self.down[1] if self.down[1] > 0.05 else np.inf]
        self.below_chin_px = float(min(*reach, 4 * d))
        return int(x0), int(y0), int(x1), int(y1)

    def anchors(self, local: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """Points that stay put, `[n,2]` px of the box: its edge, the bridge of the nose, eyes, temples, and the
        character's outline down to the nose (a head does not change its shape when brows rise)."""
        height, width = cover.shape
        t = np.linspace(0, 1, 9)
        sx, sy = t * (width - 1), t * (height - 1)
        edge = [np.stack([sx, 0 * sx], 1), np.stack([sx, 0 * sx + height - 1], 1)]
        edge += [np.stack([0 * sy, sy], 1)[1:-1], np.stack([0 * sy + width - 1, sy], 1)[1:-1]]
        still = [0, 1, 15, 16] if self.weight("jaw") > 0 else []
        still += [27, 28, 29] if self.weight("nose") > 0 else []
        for name in ("right eye", "left eye"):
            if self.weight(name) > 0:
                still += _GROUPS[name]
        outlines, _ = cv2.findContours((cover > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        low = float(local[33] @ self.down) if self.weight("nose") > 0 else np.inf
        for outline in outlines:
            ring = outline[:: max(1, int(0.25 * self.unit)), 0].astype(np.float64)
            on_edge = (ring <= 1).any(1) | (ring >= (width - 2, height - 2)).any(1)
            edge.append(ring[~on_edge & (ring @ self.down < low)])
        knots = np.concatenate([*edge, local[still]]) if still else np.concatenate(edge)
        return knots[np.unique(np.rint(knots / 3), axis=0, return_index=True)[1]]

    def dome(self, at: np.ndarray, local: np.ndarray, nose_depth: float, cover: np.ndarray) -> np.ndarray:
        """Depth 0..1.3 of points `[n,2]` px of the box: an ellipsoid for the head, a bump for the nose, 0 at the
        character's outline."""
        top, chin = local[17:27].mean(0), local[8]
        if self.weight("jaw") <= 0:
            chin = local[27:36].mean(0) + 1.3 * self.unit * self.down
        tall = max(float((chin - top) @ self.down), self.unit)
        middle = (top + chin) / 2 - 0.12 * tall * self.down
        u = ((at - middle) @ self.across) / (1.12 * self.head_px)
        v = ((at - middle) @ self.down) / (0.85 * tall)
        depth = np.clip(1 - u * u - v * v, 0, 1) ** 1.5
        if self.weight("nose") > 0:
            r2 = ((at - local[30]) ** 2).sum(1) / (0.38 * self.unit) ** 2
            depth = depth * (1 + nose_depth * np.exp(-r2))
        if (cover <= 127).any():
            inside = cv2.distanceTransform((cover > 127).astype(np.uint8), cv2.DIST_L2, 5)
            x, y = at.astype(np.float32).T
            far = cv2.remap(inside, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
            t = np.clip((far - 0.06 * self.unit) / (0.4 * self.unit), 0, 1)
            depth = depth * t * t * (3 - 2 * t)
        return depth


def settle(features: FaceFeatures, mouth: Mouth | None, driven: np.ndarray, strength: float) -> np.ndarray:
    """Plausible displacements float64 `[68,2]` px; all exactly 0 where the driven face is the face at rest."""
    strength = float(np.clip(np.nan_to_num(strength), 0.0, 2.0))
    raw = np.asarray(driven, np.float64).reshape(68, 2) - features._points
    moves = strength * np.where(np.isfinite(raw) & (np.abs(features._points) < 1e5), raw, 0.0)
    if not moves.any():
        return moves
    moves = _limited(moves, features.reach_px) * features.trust
    moves[27:36] *= 0.6  # a nose hardly moves by itself; what is left of head motion shows there first
    _settle_turned(features, moves)
    _settle_jaw(features, moves)
    if mouth is not None:
        _settle_lips(features, mouth, moves)
    _settle_brows(features, moves)
    return moves


def _limited(moves: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Unchanged to 70 % of `most`, then ever more slowly towards it."""
    length = np.linalg.norm(moves, axis=-1, keepdims=True)
    knee = 0.7 * most
    rest = np.maximum(most - knee, 1e-6)
    soft = knee + rest * (1 - np.exp(-np.maximum(length - knee, 0) / rest))
    return moves * np.where(length > knee, soft / np.maximum(length, 1e-9), 1.0)


def _settle_turned(features: FaceFeatures, moves: np.ndarray) -> None:
    """What a turned head leaves in its features: brows are stiff along their length, a mouth walks little sideways.

    Seen from the side a brow is a third as long; drawn so on a face seen from the front it is a caret.
    """
    across = moves @ features.across
    for name in ("right brow", "left brow"):
        k = list(_GROUPS[name])
        walk = np.clip(across[k].mean(), -_BROW_WALK * features.unit, _BROW_WALK * features.unit)
        moves[k] += (walk - across[k])[:, None] * features.across
    k = list(_GROUPS["mouth"])
    moves[k] -= (1 - _MOUTH_WALK) * across[k].mean() * features.across


def _settle_jaw(features: FaceFeatures, moves: np.ndarray) -> None:
    """The chin follows at most the lower lip; the outline by the ears is bone and stays."""
    moves[[0, 1, 2, 3, 13, 14, 15, 16]] = 0.0
    moves[[4, 12]] *= 0.35
    moves[[5, 11]] *= 0.7
    if features.weight("mouth") > 0:
        lip = float((moves[[65, 66, 67]] @ features.down).mean())
        chin = moves[4:13] @ features.down
        low, high = min(0.0, lip) - 0.03 * features.unit, max(0.0, lip) + 0.03 * features.unit
        # below the chin there must be something left to squeeze, or the whole face would have to hold back
        high = min(high, 0.5 * max(features.below_chin_px, 0.0))
        moves[4:13] += (np.clip(chin, low, max(high, low)) - chin)[:, None] * features.down


def _settle_lips(features: FaceFeatures, mouth: Mouth, moves: np.ndarray) -> None:
    """Lips that cross meet in the middle; a gap wider than a yawn is held."""
    for (up, low), least, most in zip(_LIP_PAIRS, *mouth.gap_limits, strict=True):
        gap = float((moves[low] - moves[up]) @ mouth.down)
        change = (min(max(gap, least), most) - gap) / 2
        if change:
            moves[low] += change * mouth.down
            moves[up] -= change * mouth.down


def gap_limits(points: np.ndarray, down: np.ndarray, width: float, is_closed: bool) -> tuple[list[float], list[float]]:
    """For each pair of lip points, by how many px their distance may change at least (below 0: shut) and at most."""
    inner = [0.0 if is_closed else max(float((points[low] - points[up]) @ down), 0.0) for up, low in _LIP_PAIRS[:3]]
    least = [-(min(inner) if k is None else inner[k]) for k in _INNER_OF]
    return least, [LARGEST_GAP * width * (0.8 if k is None else 1.0) for k in _INNER_OF]


def _settle_brows(features: FaceFeatures, moves: np.ndarray) -> None:
    """Brows stop above the lid: lowering uses at most half of the skin between."""
    for name, brow, lids in (("right brow", range(17, 22), [37, 38]), ("left brow", range(22, 27), [43, 44])):
        if features.weight(name) <= 0:
            continue
        k = list(brow)
        room = float((features._points[lids].mean(0) - features._points[k].mean(0)) @ features.down)
        v = moves[k] @ features.down
        moves[k] += (np.clip(v, -0.28 * features.unit, 0.45 * max(room, 0.0)) - v)[:, None] * features.down
