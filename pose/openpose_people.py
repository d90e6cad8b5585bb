"""Who is who in OpenPose frames: people linked through time, and hands given to the wrist they grow from."""

from __future__ import annotations

import numpy as np

from ..core import LEFT_HAND, RIGHT_HAND
from .people import PeopleTracker
from .reunite import Stretch, reunite

_MOST_TRACKS = 16
_LEFT_WRIST, _RIGHT_WRIST = 9, 10
Person = tuple[np.ndarray, np.ndarray]
"""Points `[133,2]` and scores `[133]`."""


def link_people(frames: list[list[Person]]) -> tuple[np.ndarray, np.ndarray]:
    """Points `[P,T,133,2]` and scores `[P,T,133]` of P people from unordered people in T frames, in any unit.

    People are followed as those found in pictures are, through crossings and drop-outs; whoever matches nobody
    is new. First comes who is largest for longest, then the others in this order, 16 at most. Nobody: P = 0.
    """
    tracker = PeopleTracker()
    seen: dict[int, dict[int, Person]] = {}  # number -> frame -> person
    for t, everybody in enumerate(frames):
        here = [person for person in everybody if person[1].any()]
        points = np.array([p for p, _ in here]).reshape(-1, 133, 2)
        scores = np.array([s for _, s in here]).reshape(-1, 133)
        for number, person in zip(tracker.step(points, _listed(scores)), here, strict=True):
            seen.setdefault(number, {})[t] = person
    stretches = [_stretch(frames_of_one) for frames_of_one in seen.values()]
    whose = dict(zip(map(id, stretches), seen.values(), strict=True))
    tracks = [
        {t: person for stretch in one for t, person in whose[id(stretch)].items()}
        for one in reunite(stretches, len(frames))
    ]
    tracks = sorted(tracks, key=lambda track: -sum(_span(person) for person in track.values()))[:_MOST_TRACKS]
    points = np.zeros((len(tracks), len(frames), 133, 2))
    scores = np.zeros((len(tracks), len(frames), 133))
    for i, track in enumerate(tracks):
        for t, (p, s) in track.items():
            points[i, t], scores[i, t] = p, s
    return points, scores


def _listed(scores: np.ndarray) -> np.ndarray:
    """Binary or real, low or high: what a file lists at all, it has seen."""
    return (scores > 0).astype(np.float32)


def _stretch(frames_of_one: dict[int, Person]) -> Stretch:
    start, stop = min(frames_of_one), max(frames_of_one) + 1
    points, scores = np.zeros((stop - start, 133, 2)), np.zeros((stop - start, 133), np.float32)
    for t, (p, s) in frames_of_one.items():
        points[t - start], scores[t - start] = p, _listed(s)
    return Stretch(start, points, scores)


def _span(person: Person) -> float:
    """Larger side of the box around everything that was seen of a person."""
    return float(np.ptp(person[0][person[1] > 0], axis=0).max())


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
