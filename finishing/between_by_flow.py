"""Frames between two frames without weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class BetweenByFlow:
    """A `Between` (see `interpolator`) of arithmetic alone."""

    fingerprint = "blend-1"

    def between(self, before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        return blended(before, after, shares)


def blended(before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Plain cross-fade, uint8 `[n,H,W,3]`; what motion compensation is measured against."""
    a, b = before.astype(np.float32), after.astype(np.float32)
    return np.stack([np.rint(a + np.float32(s) * (b - a)).astype(np.uint8) for s in shares])
