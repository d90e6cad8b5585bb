"""What the check of a driving clip sees of people when it only looks a few times a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..pose.people_glance import SeenBody

Box = tuple[float, float, float, float]
SEEN = 0.3


@dataclass
class BodyLooks:
    """One entry per look; nobody there: all scores 0."""

    frames: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    """float32 `[17,2]` px each; also of joints outside the picture."""
    scores: list[np.ndarray] = field(default_factory=list)
    """float32 `[17]` each."""
    others_at: list[int] = field(default_factory=list)
    """Frames that were searched for somebody else."""
    others: list[tuple[int, float]] = field(default_factory=list)
    """Frame, and how large each other person is beside the main one: of the whole body, seen or not."""

    misses: int = 0
    """Looks in a row, up to the last, that saw nobody."""
    since_search: int = 1 << 30
    """Looks since others were searched for."""
    searches_in_vain: int = 0
    """Searches for others in a row, up to the last, that found none."""

    def add(self, frame: int, body: SeenBody | None) -> None:
        self.frames.append(frame)
        self.misses = self.misses + 1 if body is None else 0
        self.since_search += 1
        self.points.append(np.zeros((17, 2), np.float32) if body is None else body.points)
        self.scores.append(np.zeros(17, np.float32) if body is None else body.scores)

    def add_others(self, frame: int, main: SeenBody, others: list[SeenBody]) -> None:
        self.others_at.append(frame)
        self.since_search, self.searches_in_vain = 0, 0 if others else self.searches_in_vain + 1
        self.others += [(frame, other.region.side / main.region.side) for other in others]

    def box(self) -> Box | None:
        """Around the joints of the last look, with some room; None when nobody was seen."""
        if not self.points:
            return None
        seen = self.scores[-1] > SEEN
        if seen.sum() < 4:
            return None
        p = self.points[-1][seen]
        low, high = p.min(axis=0), p.max(axis=0)
        grow = (high - low) * 0.25 + 4  # a look is up to half a second old
        return (*(low - grow).tolist(), *(high + grow).tolist())  # type: ignore[return-value]

    def summary(self) -> dict[str, float]:
        if not self.scores:
            return {}
        return {"mean_body_score": float(np.mean([s.mean() for s in self.scores])), "looks": float(len(self.frames))}
