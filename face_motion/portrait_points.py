"""What is done to key points once they are placed: stitched, stretched, their lids and lips set.

Arrays are float32 `[T,21,3]`; those of the source may be `[21,3]`. The corrections come out of small networks.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..core import UsageError
from .portrait_motion import POINTS


def stitched(points: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """The points with the correction `[T,65]` of the stitching network, which joins the head to its own shoulders:
    21 x 3 for the points, then x and y for all of them."""
    correction = np.asarray(correction, np.float32)
    if correction.shape != (len(points), 3 * POINTS + 2):
        raise ValueError(f"a stitching correction is [{len(points)},{3 * POINTS + 2}], not {list(correction.shape)}")
    out = points + correction[:, : 3 * POINTS].reshape(-1, POINTS, 3)
    out[..., :2] += correction[:, None, 3 * POINTS :]
    return out


def stretched(points: np.ndarray, source: np.ndarray, multiplier: float) -> np.ndarray:
    """source + multiplier (points - source): the driving multiplier of the authors, which acts after stitching and so
    on the shoulders too; `retargeting_factor` does not."""
    return (source + np.float32(multiplier) * (points - source)).astype(np.float32)


def stitching_input(source: np.ndarray, points: np.ndarray) -> np.ndarray:
    """float32 `[T,126]`: the source's points, then the driven ones."""
    flat = np.asarray(points, np.float32).reshape(len(points), -1)
    return np.concatenate([_repeated(source, len(points)), flat], axis=1)


def ratio_input(source: np.ndarray, own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """float32 `[T,63+n+1]` for the eye (n = 2) and lip (n = 1) networks: the source's points, the ratios `own`
    `[T,n]` or `[n]` of its lids or lips, and the one that is wanted, `target` `[T]` or a number."""
    target = np.atleast_1d(np.asarray(target, np.float32)).reshape(-1, 1)
    own = np.asarray(own, np.float32).reshape(-1, np.shape(own)[-1])
    frames = max(len(target), len(own), len(source) if source.ndim == 3 else 1)
    columns = [_repeated(source, frames), *(np.broadcast_to(a, (frames, a.shape[1])) for a in (own, target))]
    return np.concatenate(columns, axis=1)


def hull_multiplier(source: np.ndarray, first: np.ndarray) -> float:
    """sqrt of the hull's volume of the source's points `[21,3]` over that of the first driven ones."""
    try:
        return float(np.sqrt(ConvexHull(source).volume / ConvexHull(first).volume))
    except QhullError:
        raise UsageError("The key points of this face lie in one plane, so its size cannot be measured; expression-friendly driving needs another face.") from None  # fmt: skip


def expression_friendly(points: np.ndarray, source: np.ndarray) -> np.ndarray:
    """source + k (points - first points), k the hull multiplier: made for absolute motion; with relative motion the
    first points are the source's own and nothing changes."""
    first = points[0]
    return (source + np.float32(hull_multiplier(source.reshape(POINTS, 3), first)) * (points - first)).astype(
        np.float32
    )


def _repeated(source: np.ndarray, frames: int) -> np.ndarray:
    flat = np.asarray(source, np.float32).reshape(-1, 3 * POINTS)
    return np.broadcast_to(flat, (frames, 3 * POINTS))
