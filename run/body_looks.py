"""What the detector sees of a driving clip when it only looks a few times a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class BodyLooks:
    """What the detector saw, a few times a second."""

    frames: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    """float32 `[133,2]` px each."""
    scores: list[np.ndarray] = field(default_factory=list)

    def box(self) -> tuple[float, float, float, float] | None:
        """Around the joints of the last look, None when nobody was seen."""
        if not self.points:
            return None
        seen = self.scores[-1][:17] > 0.3
        if seen.sum() < 4:
            return None
        p = self.points[-1][:17][seen]
        low, high = p.min(axis=0), p.max(axis=0)
        grow = (high - low) * 0.25 + 4  # a look is up to a quarter of a second old
        return (*(low - grow).tolist(), *(high + grow).tolist())  # type: ignore[return-value]

    def summary(self) -> dict[str, float]:
        if not self.scores:
            return {}
        return {
            "mean_body_score": float(np.mean([s[:17].mean() for s in self.scores])),
            "looks": float(len(self.frames)),
        }
