"""How much longer the character's bones are than the driver's, with something sensible where one is unseen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ..core import UsageError
from .body_lengths import BONES, CORE

FALLBACK = {
    "torso": (), "shoulder": ("torso",), "hip": ("shoulder",), "upper_arm": ("torso",),
    "forearm": ("upper_arm",), "thigh": ("shank", "torso"), "shank": ("thigh",), "foot": ("shank",),
    "neck": ("head",), "head": ("ears", "eyes", "neck"), "hand": ("forearm",),
}  # fmt: skip
"""Group -> groups whose ratio stands in for it; after them, the median ratio of the body."""
LEAST_DEPTH = 0.5  # a mascot's head would all but nail it to its place
FARTHEST_FROM_BODY = 1.7  # a ratio further from the body's than this is a wrong detection; head and neck are free


def group_ratios(character: dict[str, float], driver: dict[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """Ratio of every group, 'body' for the whole, 'depth' of the way to the camera; and which stood in for which."""
    own = {g: character[g] / driver[g] for g in character if driver.get(g, 0.0) > 0}
    if "nape" in own:
        own["neck"] = own["nape"]
    core = [own[g] for g in CORE if g in own] or [own[g] for g in ("forearm", "head", "neck") if g in own]
    body = float(np.exp(np.median(np.log(core)))) if core else 1.0
    ratios: dict[str, float] = {}
    stand_in: dict[str, str] = {}
    for group, others in FALLBACK.items():
        source = next((g for g in (group, *others) if g in own), None)
        if source is None:  # two steps down the chain: an unseen hand follows the upper arm where no forearm is seen
            source = next((g for other in others for g in FALLBACK.get(other, ()) if g in own), "body")
        if source != group:
            stand_in[group] = source
        ratio = own.get(source, body)
        if group not in ("head", "neck"):
            ratio = float(np.clip(ratio, body / FARTHEST_FROM_BODY, body * FARTHEST_FROM_BODY))
        ratios[group] = float(ratio)
    ratios["body"] = body
    legs = [g for g in ("thigh", "shank") if g in character and g in driver]
    ratios["leg"] = (
        sum(character[g] for g in legs) / sum(driver[g] for g in legs) if len(legs) == 2 else ratios["thigh"]
    )
    ratios["leg"] = float(np.clip(ratios["leg"], body / FARTHEST_FROM_BODY, body * FARTHEST_FROM_BODY))
    # Heads differ least among people: who has short legs for the head is small and goes a shorter way, in depth too.
    short = ratios["leg"] / own["head"] if len(legs) == 2 and "head" in own else 1.0
    ratios["depth"] = float(np.clip(short, LEAST_DEPTH, 1.0))
    return ratios, stand_in


def read_ratios(text: str) -> dict[str, float]:
    """'upper arm = 1.1, foot = 0.9' as ratios by group; lines, commas or semicolons between them, nothing = none.

    Raises UsageError for what is no 'name = number', an unknown group, or one named twice.
    """
    given: dict[str, float] = {}
    names = (*FALLBACK, "body", "leg", "depth")
    for part in re.split(r"[,;\n]", text):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        group = "_".join(name.replace("_", " ").lower().split())
        number = _number(value)
        if not equals or number is None:
            raise UsageError(f"{part.strip()!r} is no ratio; 'upper arm = 1.1, foot = 0.9' would do.")
        if group not in names:
            raise UsageError(f"There is no bone group {name.strip()!r}; there are {_listed(names)}.")
        if group in given:
            raise UsageError(f"The ratio of {name.strip()!r} is given twice, {given[group]:g} and {number:g}.")
        given[group] = number
    check_ratios(given, names)
    return given


def write_ratios(ratios: Mapping[str, float]) -> str:
    """A line per group, as `read_ratios` reads it."""
    return "\n".join(f"{group.replace('_', ' ')} = {ratio:.3f}" for group, ratio in ratios.items())


def check_ratios(given: Mapping[str, float], names: Iterable[str]) -> None:
    """Raises UsageError for a group that does not exist or a ratio out of range."""
    for group, ratio in given.items():
        if group not in names:
            raise UsageError(f"There is no bone group {group!r}; there are {_listed(names)}.")
        if not RATIO_RANGE[0] <= ratio <= RATIO_RANGE[1]:
            raise UsageError(
                f"The ratio {ratio:g} of {group.replace('_', ' ')!r} is outside {RATIO_RANGE[0]:g} to {RATIO_RANGE[1]:g}."
            )


def _number(text: str) -> float | None:
    try:
        return float(text.strip())
    except ValueError:
        return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


RATIO_RANGE = (0.05, 20.0)


def overridden(found: Mapping[str, float], given: Mapping[str, float], driver: Mapping[str, float]) -> dict[str, float]:
    """The table with the ratios `given` in place of those found; `driver` are the driver's lengths in px.

    'body' scales every bone's ratio that is not named itself, 'leg' thigh and shank together; where only thigh or shank is
    given, 'leg' follows from both. Raises UsageError for a group that does not exist or a ratio out of range.
    """
    check_ratios(given, found)
    table = dict(found)
    if "body" in given:
        table = {g: r if g == "depth" else r * given["body"] / found["body"] for g, r in table.items()}
    if "leg" in given:
        for group in ("thigh", "shank"):
            table[group] *= given["leg"] / table["leg"]
    table |= given
    if "leg" not in given and ("thigh" in given or "shank" in given):
        weights = [driver.get(g, 1.0) if {"thigh", "shank"} <= set(driver) else 1.0 for g in ("thigh", "shank")]
        table["leg"] = (weights[0] * table["thigh"] + weights[1] * table["shank"]) / sum(weights)
    return table


def shorter_way(scale: np.ndarray, depth: float) -> np.ndarray:
    """By how much a figure grows less than its driver, whose apparent size is `scale` of the shot's first frame, when
    it goes `depth` times as far towards the camera or away from it. One that goes farther grows twice as much at most."""
    return 1.0 / np.maximum(scale + depth * (1.0 - scale), 0.5)


def per_bone(ratios: dict[str, float], standing: bool) -> np.ndarray:
    """float64 `[20]`; `standing`: feet belong to the legs' similarity, or their soles would slide."""
    return np.array([ratios["leg" if standing and group == "foot" else group] for group, _, _ in BONES])
