"""What the measures of a driving clip's pictures and time stamps mean for its user.

The thresholds are calibrated on synthetic clips with known faults: see benchmarks/check_quality.py.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .findings import Finding, longest
from .picture_measures import PictureMeasures

LOWEST_RATE, HIGHEST_RATE = 23.5, 30.5
UNEVEN = 0.25  # of the middle step between time stamps
SAME_LEVELS = 0.03  # mean grey difference of two frames below which nothing else can explain it
MOVING_LEVELS = 0.1  # usual difference of neighbours, below which nothing moves
REPEAT_OF_USUAL = 0.3  # of the change that is usual around: a frame that stands out so far repeats the one before
REPEAT_SHARE = 0.1
SHIFT_PERCENT = 0.5  # of the diagonal per frame, in the fastest twentieth of the frames
DRIFT_PERCENT, DRIFT_ZOOM, DRIFT_DEGREES = 4.0, 1.10, 4.0  # over a whole shot
SOFT_THROUGHOUT = 0.33  # steepness of edges: drawn clips have 0.5 and more, under a blur of 1 % of the person 0.25
KNOWN_SHARE = 0.2  # of the frames with a sharpness at all
SOFT_OF_USUAL, SOFT_SHARE = 0.5, 0.05
FLICKER_PERCENT = 1.0  # typical jump of the light from frame to frame


def judge_timing(seconds: np.ndarray, rate: float, cuts: list[int], picture: PictureMeasures) -> list[Finding]:
    """Frame rate, variable time stamps, repeated frames, cuts."""
    found = []
    end = float(seconds[-1])
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        found.append(
            Finding(
                "rate", "warn", 0.0, end,
                f"The clip has {rate:.4g} frames/s; video models learned from 24 to 30.",
                "Convert it to 24-30 frames/s, or expect motion that is too fast or too slow for a video model.",
            )
        )  # fmt: skip
    steps = np.diff(seconds)
    if len(steps) > 2 and float(steps.max() - steps.min()) > UNEVEN * float(np.median(steps)):
        found.append(
            Finding(
                "variable_rate", "tell", 0.0, end,
                f"Frames last from {steps.min() * 1000:.0f} to {steps.max() * 1000:.0f} ms: a variable rate.",
                "Nothing to do: the result keeps these very time stamps.",
            )
        )  # fmt: skip
    repeats = repeated_frames(np.asarray(picture.change))
    if flicker_percent(np.asarray(picture.luma), cuts) > FLICKER_PERCENT:
        repeats &= np.asarray(picture.change) < SAME_LEVELS  # frames of equal light look like repeats
    if len(repeats) > 8 and repeats.mean() > REPEAT_SHARE:
        at = np.flatnonzero(repeats)
        found.append(
            Finding(
                "repeats", "warn", float(seconds[at[0]]), float(seconds[at[-1]]),
                f"{100 * repeats.mean():.0f} % of the frames repeat the one before.",
                "A converted or hand-drawn clip moves in jerks, and so will the character: use the original rate, or drop the repeats.",
            )
        )  # fmt: skip
    found += [
        Finding(
            "cut", "warn", float(seconds[c]), float(seconds[c]),
            f"The picture cuts to another shot at frame {c}.",
            "Choose one shot (`start_seconds`, `stop_seconds`); motion is never smoothed across a cut.",
        )
        for c in cuts
    ]  # fmt: skip
    return found


def judge_picture(picture: PictureMeasures, seconds: np.ndarray, cuts: list[int]) -> list[Finding]:
    """Camera motion, blur, flicker."""
    return [
        *_camera(picture, seconds, cuts),
        *_blur(np.asarray(picture.sharpness), np.asarray(picture.sharpness_of_all), seconds),
        *_light(picture, seconds, cuts),
    ]


def repeated_frames(change: np.ndarray) -> np.ndarray:
    """Which frames `[T]` show the same as the one before, while frames around them move.

    Far less change than around rather than none, because a coder never repeats a frame exactly; and a person
    who stands still for a moment, or an empty room, is no repeat.
    """
    change = np.where(np.isfinite(change), change, 0.0)
    reach = 6
    usual = np.zeros((2, len(change)))
    for k in range(len(change)):
        for side, part in enumerate((change[max(0, k - reach) : k], change[k + 1 : k + 1 + reach])):
            usual[side, k] = np.sort(part)[(3 * len(part) - 1) // 4] if len(part) else 0.0
    least = usual.min(axis=0)
    return (change < REPEAT_OF_USUAL * least) & (least > MOVING_LEVELS)


def flicker_percent(luma: np.ndarray, cuts: list[int]) -> float:
    """Second difference of the light, in % of it: a fade or a slow cloud has none, a flicker has."""
    if len(luma) < 3:
        return 0.0
    jump = 100 * np.abs(np.diff(luma, 2)) / 2 / np.maximum(luma[1:-1], 4.0)
    near = np.ones(len(jump), bool)
    for c in cuts:
        near[max(0, c - 2) : c + 1] = False
    return float(np.quantile(jump[near], 0.75)) if near.any() else 0.0


def drift(picture: PictureMeasures, cuts: list[int]) -> tuple[float, float, float]:
    """How far the camera gets within a shot: % of the diagonal, zoom factor >= 1, degrees."""
    far = [(0.0, 0.0, 0.0)]
    edges = [0, *cuts, len(picture.luma)]
    for start, stop in pairwise(edges):
        way = np.array(
            [(s.shift_x, s.shift_y, np.log(s.zoom), s.roll_degrees) for s in picture.strides if start <= s.start and s.stop < stop]
        ).reshape(-1, 4)  # fmt: skip
        reach = np.ptp(np.vstack([np.zeros(4), np.cumsum(way, axis=0)]), axis=0)
        far.append((float(np.hypot(*reach[:2])), float(reach[2]), float(reach[3])))
    shift, zoom, roll = np.max(far, axis=0)
    return float(shift), float(np.exp(zoom)), float(roll)


def _camera(picture: PictureMeasures, seconds: np.ndarray, cuts: list[int]) -> list[Finding]:
    shift = picture.shift
    fast = float(np.quantile(shift, 0.95)) if len(shift) else 0.0
    way, zoom, roll = drift(picture, cuts)
    words = []
    if fast > SHIFT_PERCENT:
        words.append(f"moves by up to {fast:.1f} % of the picture's diagonal per frame")
    if way > DRIFT_PERCENT:
        words.append(f"wanders by {way:.0f} % of the picture's diagonal")
    if zoom > DRIFT_ZOOM:
        words.append(f"zooms by {100 * (zoom - 1):.0f} %")
    if roll > DRIFT_DEGREES:
        words.append(f"tilts by {roll:.0f} degrees")
    if not words:
        return []
    moving = np.flatnonzero(shift > min(SHIFT_PERCENT, 0.5 * fast))
    span = (float(seconds[moving[0]]), float(seconds[moving[-1]])) if len(moving) else (0.0, float(seconds[-1]))
    return [
        Finding(
            "camera", "warn", *span,
            f"The camera {' and '.join(words)}.",
            "The character would slide with it: stabilise the clip, or use one from a tripod.",
        )
    ]  # fmt: skip


def _blur(person: np.ndarray, whole: np.ndarray, seconds: np.ndarray) -> list[Finding]:
    """Of the person; of the whole picture, measured by its own usual sharpness, while nobody is seen."""
    known = np.isfinite(person)
    if known.mean() < KNOWN_SHARE:
        person, known = whole, np.isfinite(whole)
    if known.mean() < KNOWN_SHARE:  # nothing in the picture has an edge
        return []
    level = float(np.median(person[known]))
    usual = float(np.nanmedian(whole)) if np.isfinite(whole).any() else 0.0
    soft = np.where(known, person < SOFT_OF_USUAL * level, whole < SOFT_OF_USUAL * usual)
    if level < SOFT_THROUGHOUT:
        return [
            Finding(
                "blur", "warn", 0.0, float(seconds[-1]),
                "The person is blurred throughout the clip.",
                "Use a sharper original; hands and face cannot be followed in this one.",
            )
        ]  # fmt: skip
    if soft.mean() <= SOFT_SHARE:
        return []
    return [
        Finding(
            "blur", "warn", *longest(soft, seconds),
            f"The person is blurred in {100 * soft.mean():.0f} % of the frames.",
            "Focus or a slow shutter: choose a sharper part, or film with more light.",
        )
    ]  # fmt: skip


def _light(picture: PictureMeasures, seconds: np.ndarray, cuts: list[int]) -> list[Finding]:
    flicker = flicker_percent(np.asarray(picture.luma), cuts)
    if flicker <= FLICKER_PERCENT:
        return []
    return [
        Finding(
            "flicker", "warn", 0.0, float(seconds[-1]),
            f"The light flickers by {flicker:.1f} % from frame to frame.",
            "Use a clip with steady light, or deflicker it first.",
        )
    ]  # fmt: skip
