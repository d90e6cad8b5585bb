"""What the measures of a driving clip mean for its user: each finding with time, reason and what to do.

Codes: cut, several_people, nobody, hidden, hands_out, feet_out, camera, blur, flicker, rate, variable_rate,
repeats, small, border, fast. `stop`: no engine can use the clip; `warn`: the result will suffer;
`tell`: worth knowing. Thresholds are set on synthetic faults; see tests/run/test_check.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .body_looks import BodyLooks
from .picture_measures import REPEAT_LEVELS, PictureMeasures

Level = Literal["stop", "warn", "tell"]

SEEN = 0.3
SOFT_THROUGHOUT = 0.005  # one drawn and three filmed people: 0.05 and more as they are, 0.002-0.007 under 2 px of blur
FLICKER_LEVELS = 2.0  # median jump of the mean level outside the person; a still studio has 0.1
_LIMBS = np.array([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
_WRISTS, _ANKLES = np.array([9, 10]), np.array([15, 16])


@dataclass(frozen=True)
class Finding:
    code: str
    level: Level
    start_seconds: float
    stop_seconds: float
    reason: str
    """What was found, with the number, as a sentence."""
    advice: str
    """What to do about it, as a sentence."""

    @property
    def when(self) -> str:
        if self.stop_seconds - self.start_seconds < 0.05:
            return f" at {self.start_seconds:.2f} s"
        return f" {self.start_seconds:.2f}-{self.stop_seconds:.2f} s"


def spans(flags: np.ndarray, seconds: np.ndarray) -> list[tuple[float, float]]:
    """Where `flags` bool `[T]` holds, as (start, stop) seconds; `stop` is the last such moment."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(float(seconds[a]), float(seconds[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _longest(flags: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    return max(spans(flags, seconds), key=lambda s: s[1] - s[0], default=(0.0, 0.0))


def judge_timing(seconds: np.ndarray, rate: float, cuts: list[int], picture: PictureMeasures) -> list[Finding]:
    """Frame rate, variable time stamps, repeated frames, cuts."""
    found = []
    end = float(seconds[-1])
    if not 23.5 <= rate <= 30.5:
        found.append(
            Finding(
                "rate",
                "warn",
                0.0,
                end,
                f"The clip has {rate:.4g} frames/s; the models learned from 24 to 30.",
                "Convert it to 24-30 frames/s, or expect motion that is too slow or too fine for video models.",
            )
        )
    steps = np.diff(seconds)
    if len(steps) > 2 and float(steps.max() - steps.min()) > 0.25 * float(np.median(steps)):
        found.append(
            Finding(
                "variable_rate",
                "tell",
                0.0,
                end,
                f"Frames last from {steps.min() * 1000:.0f} to {steps.max() * 1000:.0f} ms: a variable rate.",
                "Nothing to do: the result keeps these very time stamps.",
            )
        )
    change = np.asarray(picture.change)
    repeats = change < REPEAT_LEVELS
    if len(change) > 8 and repeats.mean() > 0.05:
        found.append(
            Finding(
                "repeats",
                "warn",
                *_longest(repeats, seconds),
                f"{100 * repeats.mean():.0f} % of the frames repeat the one before.",
                "Was the clip converted from a lower rate? Use the original, or drop the repeats.",
            )
        )
    found += [
        Finding(
            "cut",
            "warn",
            float(seconds[c]),
            float(seconds[c]),
            f"The picture cuts to another at frame {c}.",
            "Choose one shot with --start and --stop; motion is never smoothed across a cut.",
        )
        for c in cuts
    ]
    return found


def judge_people(
    body: BodyLooks,
    others: list[tuple[int, tuple[float, float, float, float]]],
    seconds: np.ndarray,
    size: tuple[int, int],
) -> list[Finding]:
    """Nobody, or more than one."""
    found = []
    looks = seconds[np.asarray(body.frames, int)]
    seen = np.array([(s[:17] > SEEN).sum() >= 6 for s in body.scores], bool)
    if not seen.any():
        return [
            Finding(
                "nobody",
                "stop",
                0.0,
                float(seconds[-1]),
                "No person was found in the clip.",
                "Use a clip that shows one person, at least from head to waist, not too small and well lit.",
            )
        ]
    absent = _longest(~seen, looks)
    if (~seen).any() and (absent[1] - absent[0] > 0.5 or (~seen).mean() > 0.15):
        found.append(
            Finding(
                "nobody",
                "warn",
                *absent,
                f"Nobody is seen in {100 * (~seen).mean():.0f} % of the looks.",
                "Trim the clip with --start and --stop to where the person is in the picture.",
            )
        )
    boxes = [
        np.ptp(p[:17][s[:17] > SEEN], axis=0) for p, s, ok in zip(body.points, body.scores, seen, strict=True) if ok
    ]
    main_area = float(np.median([b[0] * b[1] for b in boxes]))
    big = [(k, b) for k, b in others if (b[2] - b[0]) * (b[3] - b[1]) > 0.1 * main_area]
    if len(big) >= 2 or (big and seconds[-1] < 2):
        found.append(
            Finding(
                "several_people",
                "warn",
                float(seconds[big[0][0]]),
                float(seconds[big[-1][0]]),
                "Somebody else is in the picture besides the main person.",
                "Crop the clip to one person, or make sure the one to follow is the largest throughout.",
            )
        )
    heights = np.array([b[1] for b in boxes]) / size[1]
    if float(np.median(heights)) < 0.25:
        found.append(
            Finding(
                "small",
                "warn",
                0.0,
                float(seconds[-1]),
                f"The person is {100 * float(np.median(heights)):.0f} % of the picture's height; hands and face need 25 % or more.",
                "Crop closer to the person or use a larger original.",
            )
        )
    return found


def judge_body(body: BodyLooks, seconds: np.ndarray, size: tuple[int, int]) -> list[Finding]:
    """Hidden joints, hands or feet out of the picture, a person at the border, very fast motion."""
    if not body.scores:
        return []
    looks = seconds[np.asarray(body.frames, int)]
    points, scores = np.stack(body.points), np.stack(body.scores)
    present = (scores[:, :17] > SEEN).sum(axis=1) >= 6
    if not present.any():
        return []
    width, height = size
    margin = 0.005 * max(size)
    outside = (
        (points[..., 0] < margin)
        | (points[..., 0] > width - 1 - margin)
        | (points[..., 1] < margin)
        | (points[..., 1] > height - 1 - margin)
    )
    found = []

    def tell(code: str, flags: Any, share: float, reason: str, advice: str) -> None:
        flags = flags & present
        part = float(flags.sum() / present.sum())
        if part > share:
            found.append(Finding(code, "warn", *_longest(flags, looks), reason.format(100 * part), advice))

    # Which limbs count: those the clip ever shows. A waist-up clip has no legs to be hidden.
    has = np.array([(scores[present][:, j] > 0.5).mean() > 0.1 for j in range(17)])
    limbs = _LIMBS[has[_LIMBS]]
    hidden = (scores[:, limbs] < SEEN) & ~outside[:, limbs]
    if len(limbs):
        part = float(hidden[present].mean())
        longest = max((_longest(hidden[:, k] & present, looks) for k in range(len(limbs))), key=lambda s: s[1] - s[0])
        if part > 0.15 or longest[1] - longest[0] > 0.5:
            found.append(
                Finding(
                    "hidden",
                    "warn",
                    *longest,
                    f"{100 * part:.0f} % of the limbs' joints are hidden or unclear.",
                    "Gaps of half a second are filled; longer ones hold still. Choose a clearer part of the clip.",
                )
            )
    hands_gone = (outside[:, _WRISTS] | (scores[:, _WRISTS] < SEEN)).any(axis=1)
    if has[_WRISTS].any():
        tell(
            "hands_out",
            hands_gone & outside[:, _WRISTS].any(axis=1),
            0.1,
            "A hand is out of the picture in {:.0f} % of the looks.",
            "Use a wider shot, or expect that arm to be guessed.",
        )
    if has[_ANKLES].any():
        tell(
            "feet_out",
            outside[:, _ANKLES].any(axis=1),
            0.1,
            "A foot is out of the picture in {:.0f} % of the looks.",
            "Use a shot from head to toe, or expect floating feet.",
        )
    else:
        found.append(
            Finding(
                "feet_out",
                "tell",
                0.0,
                float(seconds[-1]),
                "The legs are not in the picture.",
                "Fine for a waist-up character; a full-body one will stand still below the waist.",
            )
        )
    trunk = np.array([5, 6, 11, 12])
    tell(
        "border",
        (outside[:, trunk] & (scores[:, trunk] > SEEN)).any(axis=1),
        0.2,
        "The person touches the picture's border in {:.0f} % of the looks.",
        "Use a wider shot.",
    )
    return found


def judge_picture(
    picture: PictureMeasures, seconds: np.ndarray, cuts: list[int], body: BodyLooks, size: tuple[int, int]
) -> list[Finding]:
    """Camera motion, blur, flicker."""
    found = []
    end = float(seconds[-1])
    shift, zoom = np.asarray(picture.shift), np.asarray(picture.zoom)
    busy = float(np.quantile(shift, 0.95)) if len(shift) else 0.0
    strayed = float(np.abs(np.cumsum(np.log(zoom))).max()) if len(zoom) else 0.0
    if busy > 0.5 or strayed > np.log(1.15):
        what = (
            f"moves by up to {busy:.2f} % of the picture per frame"
            if busy > 0.5
            else f"zooms by {100 * (np.exp(strayed) - 1):.0f} %"
        )
        found.append(
            Finding(
                "camera",
                "warn",
                *(_longest(shift > 0.5, seconds) if busy > 0.5 else (0.0, end)),
                f"The camera {what}.",
                "The character would slide with it: stabilise the clip, or use one from a tripod.",
            )
        )
    sharp = np.asarray(picture.sharpness)
    if len(sharp):
        level = float(np.median(sharp))
        soft = sharp < 0.35 * level
        if level < SOFT_THROUGHOUT:
            found.append(
                Finding(
                    "blur",
                    "warn",
                    0.0,
                    end,
                    "The person is blurred throughout the clip.",
                    "Use a sharper original; hands and face cannot be followed in this one.",
                )
            )
        elif soft.mean() > 0.05:
            found.append(
                Finding(
                    "blur",
                    "warn",
                    *_longest(soft, seconds),
                    f"The person is blurred in {100 * soft.mean():.0f} % of the frames.",
                    "Fast hands blur at low shutter speeds; choose a calmer or sharper part.",
                )
            )
    flicker = _flicker(np.asarray(picture.luma), cuts)
    if flicker > FLICKER_LEVELS:
        found.append(
            Finding(
                "flicker",
                "warn",
                0.0,
                end,
                f"The light flickers by {flicker:.1f} levels from frame to frame.",
                "Use a clip with steady light, or deflicker it first.",
            )
        )
    return found


def _flicker(luma: np.ndarray, cuts: list[int]) -> float:
    """Second difference of the mean level: a fade or a slow cloud has none, a flicker has."""
    if len(luma) < 3:
        return 0.0
    jump = np.abs(np.diff(luma, 2)) / 2
    near = np.ones(len(jump), bool)
    for c in cuts:
        near[max(0, c - 2) : c + 1] = False
    return float(np.quantile(jump[near], 0.75)) if near.any() else 0.0
