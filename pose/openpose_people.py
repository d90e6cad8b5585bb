"""Who is who in OpenPose frames: people linked through time, and hands given to the wrist they grow from."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..core import BODY, LEFT_HAND, RIGHT_HAND

_FARTHEST_STEP = 1.0  # of a person's own height or width: further nobody gets until they are seen again
_REMEMBERED = 96  # frames that a lost person may return after
_MOST_TRACKS = 16
_LEFT_WRIST, _RIGHT_WRIST = 9, 10


def link_people(
    frames: list[list[tuple[np.ndarray, np.ndarray]]],
) -> tuple[np.ndarray, np.ndarray]:
    """Points `[P,T,133,2]` and scores `[P,T,133]` of P people from unordered people in T frames.

    People are matched to those last seen by the distance of their body joints; whoever matches nobody is new.
    First comes who is largest for longest, then the others in this order, 16 at most. Nobody at all: P = 0.
    """
    tracks: list[dict[int, tuple[np.ndarray, np.ndarray]]] = []
    for t, people in enumerate(frames):
        people = [person for person in people if person[1].any()]
        known = [track for track in tracks if t - next(reversed(track)) <= _REMEMBERED]
        taken: set[int] = set()
        if known and people:
            cost = np.array([[_distance(track[next(reversed(track))], person) for person in people] for track in known])
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] < _FARTHEST_STEP:
                    known[row][t] = people[column]
                    taken.add(int(column))
        tracks += [{t: person} for k, person in enumerate(people) if k not in taken]
    tracks = sorted(tracks, key=lambda track: -sum(_span(person) for person in track.values()))[:_MOST_TRACKS]
    points = np.zeros((len(tracks), len(frames), 133, 2))
    scores = np.zeros((len(tracks), len(frames), 133))
    for i, track in enumerate(tracks):
        for t, (p, s) in track.items():
            points[i, t], scores[i, t] = p, s
    return points, scores


def _span(person: tuple[np.ndarray, np.ndarray]) -> float:
    """Larger side of the box around everything that was seen of a person."""
    return float(np.ptp(person[0][person[1] > 0], axis=0).max())


def _distance(known: tuple[np.ndarray, np.ndarray], person: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean distance of joints that both have, in units of the larger side of the known person."""
    both = (known[1] > 0) & (person[1] > 0)
    joints = both.copy()
    joints[BODY.stop :] = False
    if joints.sum() < 2:
        joints = both
    if joints.sum() == 0:
        return 10.0
    span = max(_span(known), 1e-6)
    return min(10.0, float(np.hypot(*(known[0][joints] - person[0][joints]).T).mean()) / span)


def unswap_hands(points: np.ndarray, scores: np.ndarray) -> None:
    """Give hands to the nearer wrist of the body, in place, where a file names left and right the wrong way.

    A file has one convention, so all people and frames (`[...,133,2]`, `[...,133]`) decide together.
    """
    as_named = swapped = 0.0
    for hand, own, other in ((LEFT_HAND, _LEFT_WRIST, _RIGHT_WRIST), (RIGHT_HAND, _RIGHT_WRIST, _LEFT_WRIST)):
        seen = (scores[..., hand.start] > 0) & (scores[..., own] > 0) & (scores[..., other] > 0)
        root = points[..., hand.start, :][seen]
        as_named += float(np.hypot(*(root - points[..., own, :][seen]).T).sum())
        swapped += float(np.hypot(*(root - points[..., other, :][seen]).T).sum())
    if swapped < as_named:
        order = np.arange(points.shape[-2])
        order[LEFT_HAND], order[RIGHT_HAND] = np.arange(112, 133), np.arange(91, 112)
        points[...] = points[..., order, :]
        scores[...] = scores[..., order]
