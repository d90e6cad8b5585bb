"""What is done with the codes of a face, 20 numbers a frame: bridged, smoothed, scaled, moved.

Codes are float32 `[T,20]` and mean something only beside the id of their encoder. They are linear in the motion
vector, so a mean of two codes is a face in between, and the distance from a neutral face can be stretched. Nothing
here looks across a cut.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..core import UsageError
from ..pose.clean import shot_edges
from ..pose.smooth import parabola, window_frames

SMOOTH_SECONDS = 0.15  # as the face points of pose/smooth: a face speaks
STRONGEST = 2.0


def bridge(codes: np.ndarray, seen: np.ndarray, cuts: Sequence[int] = ()) -> np.ndarray:
    """Codes for frames without a face: the line between their neighbours of the same shot, at its ends the nearest.

    `seen` bool `[T]`. A shot without any face gets the neutral face of the clip; a clip without any raises
    UsageError, there being nothing to start from.
    """
    codes, seen = _checked(codes), np.asarray(seen, bool)
    if seen.shape != codes.shape[:1]:
        raise UsageError(f"There are {len(codes)} face codes, but {seen.size} marks of where a face was seen.")
    if not seen.any():
        raise UsageError("No frame of this clip shows a face, so its face codes cannot be bridged.")
    out = codes.copy()
    edges = shot_edges(len(codes), cuts)
    for start, stop in itertools.pairwise(edges):
        here = seen[start:stop]
        if not here.any():
            out[start:stop] = neutral_code(codes, seen)
            continue
        frames, known = np.arange(stop - start), np.flatnonzero(here)
        for k in range(codes.shape[1]):
            line = np.interp(frames, known, codes[start:stop][known, k])
            out[start:stop, k] = np.where(here, codes[start:stop, k], line)
    return out


def smooth(codes: np.ndarray, rate: float | Fraction, strength: float = 2.0, cuts: Sequence[int] = ()) -> np.ndarray:
    """Without jitter and without lag: a sliding parabola over 0.15 s at strength 2; 0 gives back what came in."""
    codes = _checked(codes)
    if not 0 <= strength <= 10:
        raise UsageError(f"Smoothing of face codes goes from 0 to 10, not {strength:g}.")
    if strength == 0:
        return codes.copy()
    window = window_frames(SMOOTH_SECONDS, float(rate), strength)
    odd = max(1, int((window - 1) // 2) * 2 + 1)
    share = min(max((window - odd) / 2, 0.0), 1.0)  # between two odd windows, so that the strength has no steps
    out = np.empty_like(codes)
    edges = shot_edges(len(codes), cuts)
    for start, stop in itertools.pairwise(edges):
        shot = codes[start:stop].astype(np.float64)
        out[start:stop] = (1 - share) * parabola(shot, odd) + share * parabola(shot, odd + 2)
    return out


def neutral_code(codes: np.ndarray, seen: np.ndarray | None = None, frame: int | None = None) -> np.ndarray:
    """The face at rest, float32 `[20]`: of `frame`, or the median of every number over the frames that were seen."""
    codes = _checked(codes)
    if frame is not None:
        if not 0 <= frame < len(codes):
            raise UsageError(f"The neutral face is frame {frame}, but the motion has {len(codes)} frames: 0 to {len(codes) - 1} would work.")  # fmt: skip
        return codes[frame].copy()
    rows = codes if seen is None or not seen.any() else codes[seen]
    return np.median(rows, axis=0).astype(np.float32)


def scale_about(codes: np.ndarray, neutral: np.ndarray, strength: float) -> np.ndarray:
    """The performance made weaker (0 = the neutral face throughout) or stronger (up to 2); 1 changes no bit."""
    codes = _checked(codes)
    if not 0 <= strength <= STRONGEST:
        raise UsageError(f"face_strength goes from 0 to {STRONGEST:g}, not {strength:g}.")
    if strength == 1:
        return codes.copy()
    return (neutral + np.float32(strength) * (codes - neutral)).astype(np.float32)


def moved(codes: np.ndarray, by: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Codes of frames start..stop (half open) with `by` `[20]` or `[stop-start,20]` added: the edit of a look."""
    out = _checked(codes).copy()
    out[start:stop] += np.asarray(by, np.float32)
    return out


def _checked(codes: np.ndarray) -> np.ndarray:
    if codes.ndim != 2 or codes.dtype != np.float32 or not len(codes):
        raise UsageError(f"Face codes are float32 [T,N] of at least one frame, not {codes.dtype} {list(codes.shape)}.")
    if not np.isfinite(codes).all():
        raise UsageError("Face codes must be finite numbers.")
    return codes
