"""Keyframes of an expression, written as a few lines of text, and the frames between them.

    0: rest
    0.5: smile=1, yaw=10
    1.2: sliders, blink=1
    2: rest

Each line is a moment in seconds and the whole face at it: what is not named is at rest. `sliders` stands for the face
that was set beside the text, changed by what follows. From one to the next everything goes slowly, fast, slowly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core import UsageError
from .expression import Expression

REST, SLIDERS = "rest", "sliders"
TO_AND_FRO = f"0: {REST}\n0.5: {SLIDERS}\n1: {SLIDERS}\n1.5: {REST}"
LONGEST_SECONDS = 3600.0
MOST_KEYS = 2000
LOWEST_RATE, HIGHEST_RATE = 1.0, 240.0


@dataclass(frozen=True)
class Key:
    """The face at one moment."""

    seconds: float
    face: Expression


def read_keys(text: str, sliders: Expression | None = None) -> tuple[Key, ...]:
    """The keyframes of a text, in their order in time. UsageError names the line that cannot be read."""
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        moment, colon, words = line.partition(":")
        where = f"Keyframe line {number} ({line[:40]!r})"
        if not colon:
            raise UsageError(f"{where} has no colon; 0.5: smile=1, yaw=10 would work.")
        keys.append(Key(_seconds(moment, where), _face(words, sliders or Expression(), where)))
    if not keys:
        raise UsageError("There is no keyframe; one line such as 0.5: smile=1, yaw=10 would work.")
    if len(keys) > MOST_KEYS:
        raise UsageError(f"There are {len(keys)} keyframes; up to {MOST_KEYS} would work.")
    keys.sort(key=lambda key: key.seconds)
    for one, other in itertools.pairwise(keys):
        if one.seconds == other.seconds:
            raise UsageError(f"Two keyframes are at {one.seconds:g} s; each needs a moment of its own.")
    return tuple(keys)


def frames_between(keys: Sequence[Key], rate: float) -> tuple[Expression, ...]:
    """The face in every frame from 0 s to the last keyframe, at `rate` frames a second; at least one."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UsageError(f"The frame rate of keyframes goes from {LOWEST_RATE:g} to {HIGHEST_RATE:g}, not {rate:g}.")
    names = [option.name for option in Expression.options()]
    moments = np.array([key.seconds for key in keys])
    values = np.array([[getattr(key.face, name) for name in names] for key in keys])
    times = np.arange(max(1, round(moments[-1] * rate) + 1)) / rate
    after = np.clip(np.searchsorted(moments, times, side="right"), 1, max(len(keys) - 1, 1))
    before, after = after - 1, np.minimum(after, len(keys) - 1)
    gap = np.maximum(moments[after] - moments[before], 1e-9)
    share = np.clip((times - moments[before]) / gap, 0, 1)[:, None]
    eased = share * share * (3 - 2 * share)
    rows = values[before] + eased * (values[after] - values[before])
    # sums of rounded products may leave a range by the last bit
    limits = {o.name: (o.minimum, o.maximum) for o in Expression.options()}
    low, high = np.array([limits[n] for n in names], float).T
    return tuple(Expression(**dict(zip(names, row, strict=True))) for row in np.clip(rows, low, high).tolist())


def _seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            f"{where} begins with {text.strip()[:20]!r}; seconds from 0 to {LONGEST_SECONDS:g} would work."
        )
    return seconds


def _face(words: str, sliders: Expression, where: str) -> Expression:
    face, named = Expression(), {option.name: option for option in Expression.options()}
    for place, word in enumerate(part.strip() for part in words.split(",")):
        if word in (REST, SLIDERS) and place == 0:
            face = sliders if word == SLIDERS else face
            continue
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals or name not in named:
            known = f"{REST}, {SLIDERS}, or a slider with its value: {', '.join(named)}"
            raise UsageError(f"{where} has {word[:30]!r}; there are {known}.")
        try:
            face = replace(face, **{name: named[name].read(value)})
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    return face
