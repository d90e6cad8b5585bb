"""Rotations as vectors: a direction to turn about, as long as the angle in radians. On these, factors and means make
sense; element-wise means of matrices are no rotations.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def turn_vectors(matrices: np.ndarray) -> np.ndarray:
    """float64 `[T,3]`, at most pi long, of rotations `[T,3,3]`."""
    return Rotation.from_matrix(np.asarray(matrices, np.float64)).as_rotvec()


def turn_matrices(vectors: np.ndarray) -> np.ndarray:
    """float64 `[T,3,3]` of vectors `[T,3]`; the inverse of `turn_vectors`."""
    return Rotation.from_rotvec(np.asarray(vectors, np.float64)).as_matrix()


def turned_by_share(start: np.ndarray, turn: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Exp(share Log(turn)) start, float64 `[T,3,3]`: `turn` `[T,3,3]` done by `share` (a number or `[T]`), on top of
    `start`. 0 gives back `start` and 1 the plain product, both to the last bit."""
    start, turn = np.asarray(start, np.float64), np.asarray(turn, np.float64)
    share = np.broadcast_to(np.asarray(share, np.float64), turn.shape[:1])
    out = turn_matrices(turn_vectors(turn) * share[:, None]) @ start
    whole, none = share == 1, share == 0
    out[whole] = (turn @ start)[whole]
    out[none] = np.broadcast_to(start, out.shape)[none]
    return out


def angle_between_degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 `[T]`: by how much one has to turn to come from `a` `[T,3,3]` to `b` `[T,3,3]` or `[3,3]`."""
    return np.degrees(np.linalg.norm(turn_vectors(a @ np.swapaxes(b, -1, -2)), axis=-1))
