"""Colours of a clip brought to those of a picture: one calm map for all of it, for each shot, or for a slow drift.

In CIE L*a*b*, the map moves the mean of the clip's colours to the picture's and gives them its spread, in the way that
moves colours least (the optimal transport between two normal distributions). What it is made of is surveyed once, so
nothing wobbles from frame to frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..core import FrameChunk, Host, Settings, UsageError, choice, number
from .finisher import Beside, Clip, Finisher, FinisherSpec, Survey, changed

STAGE = "looking at colours"
_SMALL_PX = 96
_FLOOR = 1.0
"""Variance in L*a*b* that every picture is taken to have: flat colours must not be stretched into noise."""
_MOST_STRETCH = 1.6
_FIRST_SECONDS = 0.2
CHARACTER, FIRST = "character", "first frame"


@dataclass(frozen=True)
class MatchColourSettings(Settings):
    strength: float = number(0.8, 0.0, 1.0, help="How far the colours go towards those of the picture; 1 = all the way.")  # fmt: skip
    to: str = choice(
        FIRST, (FIRST, CHARACTER), help="first frame: how the clip begins, against drift (with over = drift). character: the picture that is given."
    )  # fmt: skip
    over: str = choice(
        "drift", ("clip", "shot", "drift"), help="clip: one map for all frames. shot: one for each shot. drift: follows colours that change slowly, never a single frame."
    )  # fmt: skip
    seconds: float = number(4.0, 1.0, 30.0, step=0.5, unit="s", help="How slowly a drift is followed.", advanced=True)


class MatchColour(Finisher):
    needs_survey = True

    def __init__(self, settings: MatchColourSettings, host: Host) -> None:
        self._settings, self._host = settings, host
        self._colours = np.zeros((0, 12), np.float32)
        self._wanted = np.zeros(12)
        self._maps: dict[int, np.ndarray] = {}

    def survey(self, clip: Clip, frames: Iterator[FrameChunk]) -> Survey:
        rows: list[np.ndarray] = []
        for chunk in frames:
            rows += [colours_of(frame).astype(np.float32) for frame in chunk.pixels]
            self._host.step(len(rows), clip.num_frames, STAGE)
        return {"colours": np.stack(rows)}

    def begin(self, clip: Clip, found: Survey) -> Clip:
        self.clip, self._colours = clip, found["colours"]
        self._maps.clear()
        if self._settings.to == CHARACTER:
            if clip.character is None:
                raise UsageError("Colours are to be matched to a picture, but none is given: name the character's, or take 'first frame'.")  # fmt: skip
            alpha = None if clip.character.has_background else clip.character.alpha
            self._wanted = colours_of(clip.character.pixels, alpha)
        else:
            first = max(1, min(clip.shot_of(0)[1], round(_FIRST_SECONDS * float(clip.timeline.rate))))
            self._wanted = self._colours[:first].mean(axis=0, dtype=np.float64)
        return clip

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        frames = [recoloured(given.pixels[t - given.start], self._map(t)) for t in range(start, stop)]
        return changed(given, start, np.stack(frames))

    def _map(self, t: int) -> np.ndarray:
        s, rate = self._settings, float(self.clip.timeline.rate)
        first, last = self.clip.shot_of(t) if s.over != "clip" else (0, self.clip.num_frames)
        if s.over == "drift":
            reach = max(1, round(1.5 * s.seconds * rate))
            begin, end = max(first, t - reach), min(last, t + reach + 1)
            away = (np.arange(begin, end) - t) / max(s.seconds * rate / 2, 1e-6)
            weight = np.exp(-0.5 * away**2)
            return colour_map(weight @ self._colours[begin:end] / weight.sum(), self._wanted, s.strength)
        if first not in self._maps:
            colours = self._colours[first:last].mean(axis=0, dtype=np.float64)
            self._maps = {first: colour_map(colours, self._wanted, s.strength)}
        return self._maps[first]


def colours_of(picture: np.ndarray, alpha: np.ndarray | None = None) -> np.ndarray:
    """float64 `[12]`: mean and covariance (row by row) of uint8 `[H,W,3]` in L*a*b*, where `alpha` uint8 `[H,W]` is opaque."""
    scale = min(1.0, _SMALL_PX / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    lab = _lab(small).reshape(-1, 3).astype(np.float64)
    if alpha is not None:
        opaque = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).ravel() > 250
        lab = lab[opaque] if opaque.any() else lab
    away = lab - lab.mean(axis=0)
    return np.concatenate([lab.mean(axis=0), (away.T @ away / len(lab)).ravel()])


def colour_map(colours: np.ndarray, wanted: np.ndarray, strength: float) -> np.ndarray:
    """float64 `[3,4]`: L*a*b* -> L*a*b* from `colours` to `wanted`, both as `colours_of` gives them.

    Optimal transport between normal distributions (Pitie and Kokaram 2007, "linear Monge-Kantorovitch"); nothing is
    stretched or pressed by more than 1.6.
    """
    mean, goal = colours[:3], wanted[:3]
    spread, goal_spread = (v[3:].reshape(3, 3) + _FLOOR * np.eye(3) for v in (colours, wanted))
    root = _power(spread, 0.5)
    back = _power(spread, -0.5)
    stretch = back @ _power(root @ goal_spread @ root, 0.5) @ back
    values, axes = np.linalg.eigh((stretch + stretch.T) / 2)
    stretch = axes @ np.diag(np.clip(values, 1 / _MOST_STRETCH, _MOST_STRETCH)) @ axes.T
    stretch = np.eye(3) + strength * (stretch - np.eye(3))
    moved = mean + strength * (goal - mean)
    return np.column_stack([stretch, moved - stretch @ mean])


def recoloured(frame: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """uint8 `[H,W,3]` under a map `[3,4]` of L*a*b*; as it is where the map changes next to nothing."""
    if np.abs(colours[:, :3] - np.eye(3)).max() < 1e-3 and np.abs(colours[:, 3]).max() < 0.05:
        return frame
    lab = cv2.transform(_lab(frame), colours.astype(np.float32))
    rgb = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
    return np.clip(rgb * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)


def _lab(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2Lab)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Of a symmetric positive matrix."""
    values, axes = np.linalg.eigh(matrix)
    return axes @ np.diag(np.maximum(values, 1e-9) ** exponent) @ axes.T


def _needs(settings: MatchColourSettings) -> frozenset[Beside]:
    return frozenset({"character"}) if settings.to == CHARACTER else frozenset()


SPEC = FinisherSpec(
    name="match-colour",
    title="Match Colour",
    summary="Brings a clip's colours to those of the character's picture or of its own beginning.",
    settings=MatchColourSettings,
    open=MatchColour,
    version="1",
    main="strength",
    needs=_needs,
)
