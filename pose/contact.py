"""Legs of the character's own proportions whose feet stand where the driver's stand.

If thigh, shank and the way of the pelvis all scale by one number, legs and root are one similarity of the
driver's and a foot that stood still stands still. A character's thigh and shank have each a ratio of
their own, though. So the ankle stays where the similarity puts it, and only the knee gives way.
"""

from __future__ import annotations

import numpy as np

BENT = 0.9  # sine of the bend from which the triangle alone decides; a straight leg has no side to bend to.
# At 0.35 the knees of a character with short thighs trembled twice as much as the driver's, at 0.9 1.3 times.
FOLDED = (0.25, 0.5)  # hip to ankle, in leg lengths: below, a knee cannot be solved for without turning wildly
LEGS = ((9, 11), (10, 12))
"""Thigh and shank of each side in BONES."""


def plant_feet(vectors: np.ndarray, driver: np.ndarray, leg_ratio: float, steps: np.ndarray | None = None) -> None:
    """Moves the knees, in place, so that every ankle is `leg_ratio` times as far from its hip as the driver's.

    `vectors` `[n,20,2]` are already of the character's lengths, `driver` `[n,20,2]` as they were. `steps`
    `[n,2,2]` px moves the left and the right ankle further.
    """
    for side, (thigh, shank) in enumerate(LEGS):
        a, b = driver[:, thigh] * leg_ratio, driver[:, shank] * leg_ratio
        ankle = a + b
        if steps is not None:
            ankle = ankle + steps[:, side]
        reach = np.hypot(ankle[:, 0], ankle[:, 1])
        safe = np.maximum(reach, 1e-9)
        along = ankle / safe[:, None]
        across = np.stack([-along[:, 1], along[:, 0]], -1)
        upper, lower = (np.hypot(vectors[:, k, 0], vectors[:, k, 1]) for k in (thigh, shank))
        whole = np.maximum(upper + lower, 1e-9)
        cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        offset = (a * across).sum(-1)  # how far the driver's knee stands off the line, signed
        # two circles about hip and ankle, on the driver's side of the line
        x = (upper**2 - lower**2 + reach**2) / (2 * safe)
        stretched = reach >= whole
        x = np.where(stretched, reach * upper / whole, x)
        y = np.where(stretched, 0.0, np.sqrt(np.maximum(upper**2 - x**2, 0.0))) * np.sign(offset)
        circles = x[:, None] * along + y[:, None] * across
        line = ankle * (upper / whole)[:, None] + offset[:, None] * across
        bent = _step(np.abs(cross) / np.maximum(_lengths(a) * _lengths(b), 1e-9) / BENT)[:, None]
        knee = bent * circles + (1 - bent) * line
        open_ = _step((reach / whole - FOLDED[0]) / (FOLDED[1] - FOLDED[0]))[:, None]
        knee = open_ * knee + (1 - open_) * a
        vectors[:, thigh], vectors[:, shank] = knee, ankle - knee


def _lengths(v: np.ndarray) -> np.ndarray:
    return np.hypot(v[:, 0], v[:, 1])


def _step(u: np.ndarray) -> np.ndarray:
    u = np.clip(u, 0.0, 1.0)
    return u * u * (3 - 2 * u)
