"""Retargeting as Wan-Animate publishes it: bone ratios from one driving frame and one picture, limbs hung on the neck.

For comparison, and for who wants the skeletons that the model's own tools make; its known weaknesses are kept, down
to hands whose points are cut to whole pixels. Facts from Wan2.2, `wan/modules/animate/preprocess/retarget_pose.py`.
One thing is ours: a joint of score 0 counts as missing, which the published code foresees but never meets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import LEFT_HAND, RIGHT_HAND, NoPersonFound, PoseTrack
from .clean import Cleaner
from .retargeted import Retargeted
from .wan_limbs import (
    LIMBS,
    NECK,
    SIDES_TAKE_LARGER,
    SIDES_TAKE_MEAN,
    breadth,
    complete,
    full_body,
    headless_scale,
    limb_lengths,
    standing_scale,
    wan_joints,
)

LEAST = 0.4
GROUPS = {
    "shoulder": (0, 1), "upper_arm": (2, 4), "forearm": (3, 5), "torso": (6, 9), "thigh": (7, 10), "shank": (8, 11),
    "neck": (12,), "nose_to_eye": (13, 15), "eye_to_ear": (14, 16), "foot": (17, 18),
}  # fmt: skip
WAN_TO_BODY = {0: 0, 2: 6, 3: 8, 4: 10, 5: 5, 6: 7, 7: 9, 8: 12, 9: 14, 10: 16, 11: 11, 12: 13, 13: 15, 14: 2, 15: 1,
               16: 4, 17: 3}  # fmt: skip
TOES = {18: (17, 18), 19: (20, 21)}


@dataclass(frozen=True)
class WanFit:
    """What the two first poses say; the rest is the same for every frame."""

    ratios: np.ndarray
    """float64 `[19]` per limb, of the picture enlarged to the driver's height."""
    offset: np.ndarray
    """float64 `[2]`, taken off before `scale` is divided by."""
    scale: float
    """px of the driving video per px of the picture."""
    present: np.ndarray
    """bool `[20]`: joints that both first poses have or that could be completed."""


def wan_fit(first: PoseTrack, reference: PoseTrack, edited: tuple[PoseTrack, PoseTrack] | None = None) -> WanFit:
    """From the driving clip's first frame and the picture's pose (one frame each).

    `edited`: the same two persons redrawn in a standard pose (driver, picture), which then give the ratios.
    Raises NoPersonFound where a neck, the root of everything, is missing.
    """
    (source, source_known), (target, target_known) = wan_joints(first), wan_joints(reference)
    source, target, source_known, target_known = source[0], target[0], source_known[0], target_known[0]
    if not source_known[NECK] or not target_known[NECK]:
        whose = "driving video's first frame" if not source_known[NECK] else "character"
        raise NoPersonFound(f"Wan's retargeting hangs everything on the neck, and the {whose} shows no shoulders.")
    scale = standing_scale(source, source_known, first.size, target, target_known, reference.size)
    if scale is None:
        scale = headless_scale(first.size, reference.size)
    size = (int(reference.size[0] * scale), int(reference.size[1] * scale))
    whole = all(full_body(p, k, LEAST) for p, k in ((source, source_known), (target, target_known)))
    if edited is None:
        pair, pair_size, grown = ((source, source_known), (target, target_known)), size, 1.0
        pair_from = first.size
    else:
        pair, pair_from, pair_size, grown = _edited(edited, (source, target), (first.size, reference.size))
    (a, a_known), (b, b_known) = (complete(p, k, s) for (p, k), s in zip(pair, (pair_from, pair_size), strict=True))
    ratios = _ratios(a, a_known, pair_from, b, b_known, pair_size, grown)
    rebuilt = hang(source[None] * [*first.size, 1.0], source_known[None], ratios, feet=False)[0]
    target_px = target * [*size, 1.0]
    if whole:
        ground = max(target_px[[10, 13], 1])
        if target_known[18] and target_known[19]:
            ground = max((target_px[10, 1] + target_px[19, 1]) / 2, (target_px[13, 1] + target_px[18, 1]) / 2)
        hips_px = (target[8, 0] + target[11, 0]) * size[0] / 2
        offset = np.array([(rebuilt[8, 0] + rebuilt[11, 0]) / 2 - hips_px, max(rebuilt[[10, 13], 1]) - ground])
    else:
        offset = rebuilt[NECK, :2] - target_px[NECK, :2]
    present = (a_known & b_known) if edited is None else (source_known & target_known)
    return WanFit(ratios, offset, float(scale), present)


def _edited(
    edited: tuple[PoseTrack, PoseTrack], shown: tuple[np.ndarray, np.ndarray], sizes: tuple[tuple[int, int], ...]
) -> tuple[tuple[tuple[np.ndarray, np.ndarray], ...], tuple[int, int], tuple[int, int], float]:
    """The redrawn poses, their sizes in px (the picture's at the driver's height), and what to multiply ratios by."""
    (a, a_known), (b, b_known) = ((p[0], k[0]) for p, k in (wan_joints(track) for track in edited))
    scale = standing_scale(a, a_known, edited[0].size, b, b_known, edited[1].size)
    grown = 1.0
    if scale is None:  # the redrawing may have changed how large a person is: head or shoulders tell
        scale = headless_scale(edited[0].size, edited[1].size)
        before = [breadth(p, s) for p, s in zip(shown, sizes, strict=True)]
        after = [breadth(p, t.size) for p, t in zip((a, b), edited, strict=True)]
        source, target = (
            max(was / now if now > 0 else 0.0 for was, now in zip(x, y, strict=True))
            for x, y in zip(before, after, strict=True)
        )
        grown = target / source if source > 0 and target > 0 else 1.0
    size = (int(edited[1].size[0] * scale), int(edited[1].size[1] * scale))
    return ((a, a_known), (b, b_known)), edited[0].size, size, grown


def _ratios(
    a: np.ndarray,
    a_known: np.ndarray,
    a_size: tuple[int, int],
    b: np.ndarray,
    b_known: np.ndarray,
    b_size: tuple[int, int],
    grown: float,
) -> np.ndarray:
    lengths, known = limb_lengths(a, a_known, a_size)
    theirs, theirs_known = limb_lengths(b, b_known, b_size)
    known = known & theirs_known & (lengths > 0)
    ratios = np.where(known, theirs * grown / np.where(known, lengths, 1.0), np.nan)
    stand_in = (ratios[0] + ratios[1]) / 2
    ratios = np.where(np.isfinite(ratios), ratios, stand_in if np.isfinite(stand_in) else 1.0)
    for one, other in SIDES_TAKE_LARGER:
        ratios[[one, other]] = max(ratios[one], ratios[other])
    for one, other in SIDES_TAKE_MEAN:
        ratios[[one, other]] = (ratios[one] + ratios[other]) / 2
    return ratios


def hang(points: np.ndarray, known: np.ndarray, ratios: np.ndarray, *, feet: bool = True) -> np.ndarray:
    """`[n,20,3]` px: every limb `ratios` times as long, at its own angle, from the neck outwards.

    `feet`: none is longer than half its shank.
    """
    lengths = np.stack([np.hypot(*(points[:, b, :2] - points[:, a, :2]).T) for a, b in LIMBS], 1) * ratios
    there = np.stack([known[:, a] & known[:, b] for a, b in LIMBS], 1)
    if feet:
        for foot, shank in ((18, 8), (17, 11)):
            both = there[:, foot] & there[:, shank]
            lengths[:, foot] = np.where(both, np.minimum(lengths[:, foot], 0.5 * lengths[:, shank]), lengths[:, foot])
    out = points.copy()
    for k, (a, b) in enumerate(LIMBS):
        angle = np.arctan2(points[:, b, 1] - points[:, a, 1], points[:, b, 0] - points[:, a, 0])
        end = out[:, a, :2] + lengths[:, k, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
        out[:, b, :2] = np.where(there[:, k, None], end, out[:, b, :2])
    return out


def wan_hands(
    right: np.ndarray, left: np.ndarray, old: np.ndarray, new: np.ndarray, known: np.ndarray, fit: WanFit,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """`[n,21,3]` px, whole pixels, for the right and the left wrist; score 0 where a point was dropped.

    `right`, `left` `[n,21,3]` px of the driving video; `old`, `new` `[n,20,3]` the body before and after. Which hand
    belongs to the right wrist is decided as published: by which wrist the hand called right is nearer to.
    """
    factor = float(max(fit.ratios[0], fit.ratios[1])) / fit.scale
    unit = np.array(size, np.float64)
    grown, kept = [], []
    for hand in (right, left):
        # through 0..1 and back, or points would now and then be cut to another pixel than the published ones
        at = hand[..., :2].astype(np.float64) / unit
        root = at[:, :1]
        keep = hand[..., 2] >= LEAST
        grown.append(np.where(keep[..., None], at * factor - root * (factor - 1), -1.0) * unit)
        kept.append(keep)
    wrists = (4, 7)
    there = known[:, 4] & known[:, 7]
    moves = []
    for hand, keep, wrist in zip(grown, kept, wrists, strict=True):
        move = new[:, wrist, :2] - old[:, wrist, :2]
        move = move + np.where((keep[:, 0] & there)[:, None], old[:, wrist, :2] - hand[:, 0], 0.0)
        moves.append(move)
    away = [np.hypot(*(old[:, w, :2] - grown[0][:, 0]).T) for w in wrists]
    swap = (there & (away[0] > away[1]))[:, None]
    out = []
    for own, other in ((0, 1), (1, 0)):
        points = np.where(swap[..., None], grown[other], grown[own]) + moves[own][:, None]
        keep = np.where(swap, kept[other], kept[own])
        scores = np.where(swap, (right, left)[other][..., 2], (right, left)[own][..., 2])
        keep = keep & known[:, wrists[own], None]
        out.append(np.concatenate([np.trunc(points), np.where(keep, scores, 0.0)[..., None]], -1))
    return out[0], out[1]


class WanRetarget(Retargeted):
    """Wan's retargeting of a clip onto a picture."""

    mode = "wan"

    def __init__(
        self,
        driving: PoseTrack,
        character: PoseTrack,
        *,
        rate: float,
        cuts: tuple[int, ...] = (),
        smooth: float = 0.0,
        edited: tuple[PoseTrack, PoseTrack] | None = None,
    ) -> None:
        self.rate, self.num_frames, self.size = rate, driving.num_frames, character.size
        self._cleaner = Cleaner(driving, rate, strength=smooth, cuts=cuts)
        self.edges = self._cleaner.edges
        self._first = _first_with_shoulders(driving)
        self._fit = wan_fit(self.driver(self._first, self._first + 1), character, edited)
        self.ratios = {g: float(self._fit.ratios[list(k)].max()) / self._fit.scale for g, k in GROUPS.items()}
        self.ratios["body"] = 1.0 / self._fit.scale

    def _frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return wan_frames(self.driver(start, stop), self._fit)

    def _notes(self) -> dict[str, float | str]:
        return {"ratios_from_frame": float(self._first), "scale": float(1.0 / self._fit.scale)}


def wan_frames(track: PoseTrack, fit: WanFit) -> tuple[np.ndarray, np.ndarray]:
    """float32 points `[n,133,2]` in px of the picture and scores `[n,133]`; face and heels are not given, score 0."""
    body, known = wan_joints(track)
    known = known & fit.present
    old = body * [*track.size, 1.0]
    new = hang(old, known, fit.ratios)
    new[..., :2] = (new[..., :2] - fit.offset) / fit.scale
    given = np.concatenate([track.points, track.scores[..., None]], -1)
    hands = wan_hands(given[:, RIGHT_HAND], given[:, LEFT_HAND], old, new, known, fit, track.size)
    points = np.zeros((track.num_frames, 133, 2), np.float32)
    scores = np.zeros((track.num_frames, 133), np.float32)
    for wan, joint in WAN_TO_BODY.items():
        points[:, joint], scores[:, joint] = new[:, wan, :2], np.where(known[:, wan], new[:, wan, 2], 0.0)
    for wan, toes in TOES.items():
        for toe in toes:
            points[:, toe], scores[:, toe] = new[:, wan, :2], np.where(known[:, wan], new[:, wan, 2], 0.0)
    for hand, span in zip(hands, (RIGHT_HAND, LEFT_HAND), strict=True):
        points[:, span], scores[:, span] = hand[..., :2], hand[..., 2]
    points[scores == 0] = 0.0
    return points, scores


def _first_with_shoulders(track: PoseTrack) -> int:
    seen = (track.scores[:, [5, 6]] > 0).all(1)
    if not seen.any():
        raise NoPersonFound(
            f"None of the {track.num_frames} frames of the driving clip shows both shoulders, which Wan's retargeting needs."
        )
    return int(np.argmax(seen))
