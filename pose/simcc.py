"""SimCC, the two one-dimensional answers of RTMPose and DWPose: one row of bins across, one down, per joint.

Source: SimCC (arXiv 2107.03332) as decoded by mmpose: the best bin of each axis, the lesser of the two as score.
"""

from __future__ import annotations

import numpy as np

from .crops import to_frame

BINS_PER_PX = 2


def decode_simcc(
    across: np.ndarray, down: np.ndarray, centres: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 `[m,K,2]` px and scores `[m,K]`, as the network gives them (they may pass 1).

    `across` is `[m,K,2w]`, `down` `[m,K,2h]` for an input of w x h over the regions `centres`, `sizes`. A joint with
    score <= 0 stands at bin -1, as elsewhere.
    """
    columns, rows = across.argmax(axis=2), down.argmax(axis=2)
    scores = np.minimum(
        np.take_along_axis(across, columns[..., None], 2)[..., 0], np.take_along_axis(down, rows[..., None], 2)[..., 0]
    )
    bins = np.stack([columns, rows], axis=2).astype(np.float64)
    bins[scores <= 0] = -1
    grid = (across.shape[2] / BINS_PER_PX, down.shape[2] / BINS_PER_PX)
    return to_frame(bins / BINS_PER_PX, grid, centres, sizes), scores
