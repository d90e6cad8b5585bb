"""Stretches of somebody followed without a break become people of a whole clip.

A tracker loses who is hidden for long or leaves, and forgets everybody at a cut. Here the pieces of one person
are joined: by the colours of the trunk where pictures are there, else by place and size. Two pieces that
overlap in time are never the same person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .people import SEEN, box_of
from .trunk_colours import alike_colours

ALIKE = 0.45  # of trunk colours, under which it is somebody else
_REMEMBERED_FRAMES = 96  # without colours, a lost person may come back for this long,
_FARTHEST = 1.0  # and no further away than this part of the body's height or width
_LARGEST_RATIO = 2.0  # of heights within one shot; nobody comes back twice as large
_SUBSTANTIAL = 0.5  # of a shot's frames: whoever is alone in that much of two neighbouring shots is one person


@dataclass(eq=False)
class Stretch:
    """One person from the first to the last frame in which a tracker knew them."""

    start: int
    points: np.ndarray
    """float32 `[n,133,2]` px; zero where missed in between."""
    scores: np.ndarray
    """float32 `[n,133]`."""
    colours: np.ndarray | None = None
    """float64 `[64]`, mean of what `trunk_colours` gives."""

    @property
    def stop(self) -> int:
        """Half open."""
        return self.start + len(self.points)

    @property
    def num_seen(self) -> int:
        """Frames in which the person was seen."""
        return int(self.scores.any(axis=1).sum())

    def end(self, first: bool) -> tuple[np.ndarray, np.ndarray, float]:
        """Middle `[2]` px, box `[4]` px and its longer side, in the first or the last frame."""
        k = 0 if first else -1
        box = box_of(self.points[k].astype(np.float64), self.scores[k] > SEEN)
        return (box[:2] + box[2:]) / 2, box, float(max(box[2:] - box[:2]))


def reunite(stretches: Sequence[Stretch], num_frames: int, cuts: Sequence[int] = ()) -> list[list[Stretch]]:
    """People, each as stretches in the order of time; every stretch belongs to exactly one."""
    edges = np.array([0, *cuts, num_frames])
    people: list[list[Stretch]] = []
    waiting = sorted(stretches, key=lambda s: (s.start, -len(s.points)))
    while waiting:
        together = [s for s in waiting if s.start == waiting[0].start]  # after a cut all begin at once
        waiting = waiting[len(together) :]
        free = [p for p in people if p[-1].stop <= together[0].start]
        taken: set[int] = set()
        if free:
            like = np.array([[_likeness(p[-1], s, edges) for s in together] for p in free])
            for row, column in zip(*linear_sum_assignment(-like), strict=True):
                if like[row, column] > 0:
                    free[row].append(together[column])
                    taken.add(int(column))
        people += [[s] for k, s in enumerate(together) if k not in taken]
    return _join_soloists(people, edges)


def _likeness(before: Stretch, after: Stretch, edges: np.ndarray) -> float:
    """0 = not the same person."""
    middle, _, size = before.end(first=False)
    new_middle, _, new_size = after.end(first=True)
    away = float(np.hypot(*(new_middle - middle))) / max(size, 1e-9)
    ratio = abs(np.log(max(size, 1e-9) / max(new_size, 1e-9)))
    same_shot = _shot(before.stop - 1, edges) == _shot(after.start, edges)
    colours = before.colours is not None and after.colours is not None
    if colours:
        alike = alike_colours(before.colours, after.colours)  # type: ignore[arg-type]
        if alike < ALIKE or (same_shot and ratio > np.log(_LARGEST_RATIO)):
            return 0.0
        # Among people dressed alike, the one who left near by and was as large.
        return alike * float(np.exp(-0.25 * away - 0.25 * ratio))
    if not same_shot or after.start - before.stop >= _REMEMBERED_FRAMES or away > _FARTHEST:
        return 0.0
    return float(np.exp(-away - ratio))


def _join_soloists(people: list[list[Stretch]], edges: np.ndarray) -> list[list[Stretch]]:
    """Whoever is alone in a shot goes on as whoever is alone in the next: other light makes other colours."""
    for shot in range(1, len(edges) - 1):
        before = _soloist(people, edges[shot - 1], edges[shot])
        after = _soloist(people, edges[shot], edges[shot + 1])
        if before is None or after is None or before is after:
            continue
        if any(a.start < b.stop and b.start < a.stop for a in before for b in after):
            continue
        people = [p for p in people if p is not before and p is not after]
        people.append(sorted([*before, *after], key=lambda s: s.start))
    return people


def _soloist(people: list[list[Stretch]], start: int, stop: int) -> list[Stretch] | None:
    def share(person: list[Stretch]) -> float:
        return sum(max(0, min(s.stop, stop) - max(s.start, start)) for s in person) / (stop - start)

    here = [p for p in people if share(p) > 0.1]
    return here[0] if len(here) == 1 and share(here[0]) > _SUBSTANTIAL else None


def _shot(frame: int, edges: np.ndarray) -> int:
    return int(np.searchsorted(edges, frame, side="right"))
