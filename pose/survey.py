"""One pass over a driving clip: what the plan of a retargeting needs to know of every frame, a few numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .body_lengths import BONES, MEASURES, NECK, PELVIS, BodyLengths, measure_lengths, sample_lengths
from .body_vectors import bone_vectors, ease_hidden, reach_frames, with_middles
from .clean import BLOCK_FRAMES, Cleaner, shots_between


@dataclass(frozen=True)
class Survey:
    """Made by `survey`."""

    lengths: BodyLengths
    middles: np.ndarray
    """float64 `[T,2,2]` px: neck, pelvis."""
    middles_known: np.ndarray
    """bool `[T,2]`."""
    feet_known: np.ndarray
    """bool `[T]`: both ankles are seen."""
    angles: np.ndarray
    """float32 `[T,20]`, radians of every bone; nan where hidden."""
    ever_seen: np.ndarray
    """bool `[133]`."""

    def first_middle(self, neck: bool) -> np.ndarray:
        """float64 `[2]` px: neck, or else pelvis, where it is seen first; zeros where it never is."""
        which = 0 if neck else 1
        known = self.middles_known[:, which]
        return self.middles[int(np.argmax(known)), which] if known.any() else np.zeros(2)


def survey(cleaner: Cleaner, least_score: float) -> Survey:
    """`least_score`: from which on a cleaned joint counts as seen."""
    num_frames, size = cleaner.track.num_frames, cleaner.track.size
    samples = np.empty((num_frames, len(BONES) + len(MEASURES)), np.float32)
    middles, known = np.empty((num_frames, 2, 2)), np.empty((num_frames, 2), bool)
    angles, feet = np.empty((num_frames, len(BONES)), np.float32), np.empty(num_frames, bool)
    ever = np.zeros(133, bool)
    reach = reach_frames(cleaner.rate)
    for block in range(0, num_frames, BLOCK_FRAMES):
        for start, stop in shots_between(cleaner.edges, block, min(block + BLOCK_FRAMES, num_frames)):
            shot = next(e for e in pairwise(cleaner.edges) if e[0] <= start < e[1])
            first, last = max(shot[0], start - reach), min(shot[1], stop + reach)
            cleaned, scores = cleaner.frames(first, last)
            points, seen = with_middles(cleaned, scores >= least_score, cleaner.rate)
            keep = slice(start - first, stop - first)
            points, seen, scores = points[keep], seen[keep], scores[keep]
            middle_scores = np.stack([scores[:, [5, 6]].min(1), scores[:, [11, 12]].min(1)], 1)
            here = slice(start, stop)
            samples[here] = sample_lengths(points, np.concatenate([scores, middle_scores], 1), size)
            middles[here], known[here] = points[:, [NECK, PELVIS]], seen[:, [NECK, PELVIS]]
            vectors, bones_seen = bone_vectors(points, seen)
            angles[here] = np.where(bones_seen, np.arctan2(vectors[..., 1], vectors[..., 0]), np.nan)
            feet[here] = seen[:, 15] & seen[:, 16]
            ever |= seen[:, :133].any(0)
    return Survey(measure_lengths(samples, cleaner.rate, cleaner.edges), middles, known, feet, angles, ever)


def root_path(survey: Survey, root: int, torso_px: float, rate: float, edges: Sequence[int]) -> np.ndarray:
    """float64 `[T,2]` px: pelvis or neck through the clip, from the other one where it is hidden, else eased across."""
    path = np.empty((len(survey.middles), 2))
    for start, stop in pairwise(edges):
        neck, pelvis = survey.middles[start:stop, 0], survey.middles[start:stop, 1]
        neck_known, pelvis_known = survey.middles_known[start:stop].T
        torso = (neck - pelvis)[:, None]
        upright = torso_px * survey.lengths.scale[start:stop, None, None] * np.array([0.0, -1.0])
        ease_hidden(torso, (neck_known & pelvis_known)[:, None], upright, rate)
        here, there, here_known, there_known, sign = (
            (pelvis, neck, pelvis_known, neck_known, -1)
            if root == PELVIS
            else (neck, pelvis, neck_known, pelvis_known, 1)
        )
        shot = np.where(here_known[:, None], here, there + sign * torso[:, 0])
        path[start:stop] = _bridge(shot, here_known | there_known)
    return path


def _bridge(path: np.ndarray, known: np.ndarray) -> np.ndarray:
    at = np.nonzero(known)[0]
    if not len(at):
        return np.zeros_like(path)
    out = path.copy()
    frames = np.arange(len(path))
    after = np.searchsorted(at, frames).clip(0, len(at) - 1)
    before = (np.searchsorted(at, frames, side="right") - 1).clip(0, len(at) - 1)
    a, b = at[before], at[after]
    u = ((frames - a) / np.maximum(b - a, 1)).clip(0, 1)[:, None]
    u = u * u * (3 - 2 * u)
    hidden = ~known
    out[hidden] = (path[a] * (1 - u) + path[b] * u)[hidden]
    return out
