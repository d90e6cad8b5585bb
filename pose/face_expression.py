"""The driver's expression on the character's own face, the head held still.

The driver's head motion is taken out by fitting each frame's firm points (eye corners, bridge and base of
the nose) to a neutral face, the median over the clip. What is left moves the character's points, feature by
feature and in units of the feature: an eye that shuts on the driver shuts on the character, however large
its eyes are. Points are iBUG 68.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict

import numpy as np

from ..core import FACE
from .body_vectors import ease_hidden, reach_frames
from .clean import Cleaner, shots_between
from .outliers import runs
from .smooth import PART_SECONDS, parabola

FIRM = (27, 28, 31, 33, 35, 36, 39, 42, 45)
EYES = ((36, 39, ((37, 41), (38, 40))), (45, 42, ((44, 46), (43, 47))))
"""Outer corner, inner corner, pairs of upper and lower lid."""
LIPS = ((61, 67), (62, 66), (63, 65))
MOUTH = tuple(range(48, 68))
CHIN = 8
JAW_MOVES = np.array([0, 0, 0, 0.25, 0.6, 1, 1, 1, 1, 1, 1, 1, 0.6, 0.25, 0, 0, 0])
"""Share of the jaw line's movement that is taken: its ends belong to the head's outline, which turning shifts."""

NEUTRAL_BLOCKS, NEUTRAL_BLOCK_FRAMES = 8, 256
BLOCK_FRAMES = 256
MOUTH_SHUT_SHARE = 0.3  # a clip of speech has its mouth shut in about so many frames
SHUT_EYE = 0.2  # of the neutral opening: what detectors still see between shut lids
TURNED = (1.4, 2.0)  # stretch of the fit, long over short: from here on a face seen from the side loses its say
SURE_EYES_PX, FARTHEST = 60.0, 3.0  # a face this wide across the eyes needs no more smoothing; at most so many times
FEATURE_RANGE = 3.0  # a feature is at most so many times larger, measured by the face, than the driver's


class FaceExpression:
    """Gives the character's face points for any stretch of frames."""

    def __init__(self, cleaner: Cleaner, least_score: float, rest: np.ndarray, known: bool) -> None:
        """`rest` float64 `[68,2]`: the character's face as the picture shows it; `known`: it is really seen there."""
        self._cleaner, self._least, self._rest = cleaner, least_score, rest
        self._neutral = self._find_neutral() if known else None
        self._blocks: OrderedDict[tuple[int, float], np.ndarray] = OrderedDict()
        if self._neutral is None:
            return
        self._upright, self._roll = _stand_up(rest)
        self._ratio = _face_height(self._upright) / max(_face_height(self._neutral), 1e-6)
        eyes = [_across(f, 36, 45) for f in (self._upright, self._neutral)]
        mouth = [_across(f, 48, 54) for f in (self._upright, self._neutral)]
        self._ratio_x = self._limit(eyes[0] / max(eyes[1], 1e-6))
        self._mouth_x = self._limit(mouth[0] / max(mouth[1], 1e-6))
        self._mouth_y = float(np.sqrt(self._ratio * self._mouth_x))

    def points(self, start: int, stop: int, factor: float = 1.0) -> np.ndarray:
        """float32 `[n,68,2]` px of the character's picture; `factor` scales the expression."""
        out = np.empty((stop - start, 68, 2), np.float32)
        if self._neutral is None or factor == 0:
            out[:] = self._rest
            return out
        at = start
        while at < stop:
            block = at // BLOCK_FRAMES
            first, until = block * BLOCK_FRAMES, min((block + 1) * BLOCK_FRAMES, stop)
            out[at - start : until - start] = self._block(block, factor)[at - first : until - first]
            at = until
        return out

    def _limit(self, ratio: float) -> float:
        return float(np.clip(ratio, self._ratio / FEATURE_RANGE, self._ratio * FEATURE_RANGE))

    # the neutral face -------------------------------------------------------------------------------

    def _find_neutral(self) -> np.ndarray | None:
        """float64 `[68,2]`, upright, in px of the driving clip; None if no frame shows a whole face."""
        frames = self._cleaner.track.num_frames
        blocks = -(-frames // NEUTRAL_BLOCK_FRAMES)
        faces = []
        for block in sorted({int(b) for b in np.linspace(0, blocks - 1, min(blocks, NEUTRAL_BLOCKS))}):
            start = block * NEUTRAL_BLOCK_FRAMES
            points, scores = self._cleaner.frames(start, min(start + NEUTRAL_BLOCK_FRAMES, frames))
            faces.append(points[_seen(scores, self._least)][:, FACE])
        face = np.concatenate(faces)
        if not len(face):
            return None
        upright = np.stack([_stand_up(f)[0] / max(_across(f, 36, 45), 1e-6) for f in face])
        neutral = np.median(upright, 0)
        for _ in range(2):
            fitted, stretch = _fit(face, neutral)
            frontal = stretch <= max(TURNED[0], float(np.quantile(stretch, 0.25)))
            neutral = np.median(fitted[frontal], 0)
        # a speaking mouth is open in the median: take the frames in which it is shut
        fitted, _ = _fit(face, neutral)
        gap = _gaps(fitted, LIPS).mean(1)
        shut = np.median(fitted[gap <= np.quantile(gap, MOUTH_SHUT_SHARE)], 0)
        moving = [*MOUTH, *range(17)]
        neutral[moving] = shut[moving]
        return neutral * float(np.median([_across(f, 36, 45) for f in face]))

    # one block --------------------------------------------------------------------------------------

    def _block(self, block: int, factor: float) -> np.ndarray:
        key = (block, factor)
        if key not in self._blocks:
            start, stop = block * BLOCK_FRAMES, min((block + 1) * BLOCK_FRAMES, self._cleaner.track.num_frames)
            made = [self._shot(a, b, factor) for a, b in shots_between(self._cleaner.edges, start, stop)]
            self._blocks[key] = np.concatenate(made)
            while len(self._blocks) > 4:
                self._blocks.popitem(last=False)
        return self._blocks[key]

    def _shot(self, start: int, stop: int, factor: float) -> np.ndarray:
        assert self._neutral is not None
        edges = self._cleaner.edges
        shot = bisect.bisect_right(edges, start) - 1
        reach = reach_frames(self._cleaner.rate)
        first, last = max(edges[shot], start - reach), min(edges[shot + 1], stop + reach)
        points, scores = self._cleaner.frames(first, last)
        seen = _seen(scores, self._least)
        moved = np.zeros((last - first, 68, 2))
        if seen.any():
            fitted, stretch = _fit(points[seen][:, FACE], self._neutral)
            say = 1 - np.clip((stretch - TURNED[0]) / (TURNED[1] - TURNED[0]), 0, 1)
            moved[seen] = say[:, None, None] * (self._on_character(fitted) - self._upright)
            self._calm(moved, seen)
        ease_hidden(moved, np.repeat(seen[:, None], 68, 1), np.zeros_like(moved), self._cleaner.rate, turn=False)
        upright = self._upright + factor * moved[start - first : stop - first]
        _uncross(upright, (*LIPS, *EYES[0][2], *EYES[1][2]), self._upright)
        return _turn(upright - self._upright, self._roll) + self._rest

    def _calm(self, moved: np.ndarray, seen: np.ndarray) -> None:
        """A far-off face is a few pixels of noise, which a larger character would show enlarged: smoothed longer."""
        assert self._neutral is not None
        far = SURE_EYES_PX / max(_across(self._neutral, 36, 45), 1e-6)
        if far <= 1 or self._cleaner.strength == 0:
            return
        window = round(PART_SECONDS[1][1] * min(far, FARTHEST) * self._cleaner.rate) // 2 * 2 + 1
        for start, stop in runs(seen):
            moved[start:stop] = parabola(moved[start:stop], window)

    def _on_character(self, fitted: np.ndarray) -> np.ndarray:
        """Upright driver faces `[n,68,2]` -> upright character faces with the same expression."""
        assert self._neutral is not None
        away = fitted - self._neutral
        out = self._upright + away * (self._ratio_x, self._ratio)
        out[:, :17] = self._upright[:17] + away[:, :17] * JAW_MOVES[:, None] * (0.0, self._ratio)
        mouth = list(MOUTH)
        out[:, mouth] = self._upright[mouth] + away[:, mouth] * (self._mouth_x, self._mouth_y)
        for outer, inner, lids in EYES:
            width = self._limit(_across(self._upright, outer, inner) / max(_across(self._neutral, outer, inner), 1e-6))
            driver = max(float(_gaps(self._neutral[None], lids).mean()), 1e-6)
            now = _gaps(fitted, lids).mean(1)
            open_ = np.clip((now / driver - SHUT_EYE) / (1 - SHUT_EYE), 0, 1)
            for upper, lower in lids:
                own = max(float(self._upright[lower, 1] - self._upright[upper, 1]), 0.0)
                gap = own * open_ + np.maximum(now - driver, 0) * width
                middle = (out[:, upper, 1] + out[:, lower, 1]) / 2
                out[:, upper, 1], out[:, lower, 1] = middle - gap / 2, middle + gap / 2
        return out


def _seen(scores: np.ndarray, least: float) -> np.ndarray:
    face = scores[:, FACE]
    return (face >= least).mean(1) > 0.9


def _across(face: np.ndarray, a: int, b: int) -> float:
    return float(np.hypot(*(face[a] - face[b])))


def _face_height(face: np.ndarray) -> float:
    return float(np.hypot(*(face[[36, 39, 42, 45]].mean(0) - face[CHIN])))


def _stand_up(face: np.ndarray) -> tuple[np.ndarray, float]:
    """The face turned about the middle of its eyes until they are level, and the angle that it was turned by."""
    eyes = face[[42, 45]].mean(0) - face[[36, 39]].mean(0)
    roll = float(np.arctan2(eyes[1], eyes[0]))
    if abs(roll) > np.pi / 2:  # seen mirrored, the person's left eye is at the viewer's left: level, not upside down
        roll -= float(np.copysign(np.pi, roll))
    return _turn(face - face[[36, 39, 42, 45]].mean(0), -roll), roll


def _turn(points: np.ndarray, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * points[..., 0] - s * points[..., 1], s * points[..., 0] + c * points[..., 1]], -1)


def _fit(faces: np.ndarray, neutral: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces `[n,68,2]` brought on to the neutral one by the best affine map of their firm points; its stretch `[n]`."""
    firm = list(FIRM)
    target = neutral[firm] - neutral[firm].mean(0)
    centre = faces[:, firm].mean(1)
    own = faces[:, firm] - centre[:, None]
    cross = np.einsum("nka,kb->nab", own, target)
    square = np.einsum("nka,nkb->nab", own, own)
    square += 1e-6 * (np.trace(square, axis1=1, axis2=2)[:, None, None] + 1e-9) * np.eye(2)
    linear = np.linalg.solve(square, cross)
    sizes = np.linalg.svd(linear, compute_uv=False)
    fitted = np.einsum("nka,nab->nkb", faces - centre[:, None], linear) + neutral[firm].mean(0)
    return fitted, sizes[:, 0] / np.maximum(sizes[:, 1], 1e-9)


def _gaps(faces: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    return np.stack([faces[:, lower, 1] - faces[:, upper, 1] for upper, lower in pairs], 1)


def _uncross(faces: np.ndarray, pairs: tuple[tuple[int, int], ...], rest: np.ndarray) -> None:
    """Lips and lids meet, they do not pass through each other, in place; what crosses at rest may stay so."""
    for upper, lower in pairs:
        least = min(float(rest[lower, 1] - rest[upper, 1]), 0.0)
        gap = faces[:, lower, 1] - faces[:, upper, 1]
        missing = np.maximum(least - gap, 0.0) / 2
        faces[:, upper, 1] -= missing
        faces[:, lower, 1] += missing
