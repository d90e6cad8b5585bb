"""How good a retargeting is, in figures that need no truth: one glance before an hour of rendering is spent."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core import LEFT_HAND, RIGHT_HAND, PoseTrack
from .body_lengths import BONES, CORE, measure_lengths, sample_lengths
from .body_vectors import bone_vectors, with_middles, wrap
from .outliers import SEEN, person_height_px, runs
from .placing import BODY_AND_FEET, SHOWN, inside
from .retargeted import Retargeted

LIMB_GROUPS = ("torso", "upper_arm", "forearm", "thigh", "shank")
"""What keeps its length in the picture when the body turns sideways."""
LIMBS = tuple(k for k, (g, _, _) in enumerate(BONES) if g in (*CORE, "forearm"))
PAIRS = tuple((k, k + 1) for k, (g, _, _) in enumerate(BONES) if g != "foot" and BONES[k - 1][0] != g and g in CORE[1:])
SLOW = 0.02  # of the height in 1/24 s: a foot slower than that stands
NEAR_GROUND = 0.03  # of the height
STANCE_SECONDS = 0.15
ABOVE_ALL = -1e9  # px: where a sole that is not seen cannot be the lowest
SOLES = ((15, 17, 18, 19), (16, 20, 21, 22))


@dataclass(frozen=True)
class PoseReport:
    """Made by `pose_report`; lengths in shares of the figure's height, nan where nothing could be measured."""

    inside: float
    """Share of the shown joints of body and feet that lie on the canvas."""
    proportions: float
    """How far core bones, seen square-on, are from the character's proportions: mean |log| once the overall size is
    taken out."""
    bone_spread: float
    """How much bones change their length, apparent size taken out: standard deviation over mean. Foreshortening
    counts too, so compare it with the driver's."""
    driver_bone_spread: float
    left_right: float
    """How much left and right bones differ, seen square-on."""
    turned_degrees: float
    """By how much limbs point elsewhere than the driver's, on average."""
    stance_slide: float
    """How far a standing foot gets from its place, the worst stance of each foot averaged."""
    driver_stance_slide: float
    ground: float
    """Standard deviation of the standing soles' height in the picture."""
    driver_ground: float
    jerk: float
    """Unrest over the driver's, in proportion to their sizes: 1 where noise was neither added nor taken away."""
    hand_gap: float
    """Largest distance between a wrist and the hand's own root."""
    from_reference: float
    """Mean distance of the first frame from the character's pose; nan in the driver's place."""

    def lines(self) -> list[str]:
        """For people; what deserves a look begins with '!'."""
        told = [
            (self.inside < 0.95, f"in the picture: {_percent(self.inside)} of the joints"),
            (self.proportions > 0.1, f"bones are {_percent(self.proportions)} off the character's proportions"),
            (
                self.bone_spread > 1.5 * self.driver_bone_spread + 0.03,
                f"bones change length by {_percent(self.bone_spread)} (driver {_percent(self.driver_bone_spread)}), "
                f"left and right differ by {_percent(self.left_right)}",
            ),
            (self.turned_degrees > 5, f"limbs point {self.turned_degrees:.1f} degrees away from the driver's"),
            (
                self.stance_slide > self.driver_stance_slide + 0.02,
                f"standing feet slide {_percent(self.stance_slide)} of the height "
                f"(driver {_percent(self.driver_stance_slide)})",
            ),
            (
                self.ground > self.driver_ground + 0.02,
                f"the ground wavers by {_percent(self.ground)} of the height (driver {_percent(self.driver_ground)})",
            ),
            (self.jerk > 1.5, f"unrest is {self.jerk:.1f} times the driver's"),
            (self.hand_gap > 0.03, f"hands are {_percent(self.hand_gap)} of the height off the wrists"),
            (False, f"the first frame is {_percent(self.from_reference)} of the height from the picture's pose"),
        ]
        return [
            ("! " if bad else "  ") + line
            for bad, line in told
            if not any(w in line.split(" (")[0] for w in ("unknown", "nan "))
        ]


def pose_report(plan: Retargeted) -> PoseReport:
    """Measures the whole clip, or six blocks of a long one."""
    moved, driven = [], []
    for start, stop in plan.spans():
        moved.append(plan.track(start, stop))
        driven.append(plan.driver(start, stop))
    sizes = [person_height_px(_joined(tracks)) for tracks in (moved, driven)]
    rate = plan.rate
    ours, theirs = (_bones(_joined(tracks), rate) for tracks in (moved, driven))
    slides, grounds = [[], []], [[], []]
    jerks = [[], []]
    for out, given in zip(moved, driven, strict=True):
        stances = _stances(given, sizes[1], rate)
        for k, (track, height) in enumerate(((out, sizes[0]), (given, sizes[1]))):
            slid, ground = _on_the_ground(track, stances, height)
            slides[k] += slid
            grounds[k] += ground
        seen = (out.scores[:, :17] >= SEEN) & (given.scores[:, :17] >= SEEN)
        steady = seen[3:] & seen[2:-1] & seen[1:-2] & seen[:-3]
        for k, track in enumerate((out, given)):
            third = np.diff(track.points[:, :17].astype(np.float64), 3, axis=0)
            jerks[k].append((third**2).sum(-1)[steady])
    with np.errstate(invalid="ignore", divide="ignore"):
        unrest = [np.sqrt(_mean(np.concatenate(j))) / h for j, h in zip(jerks, sizes, strict=True)]
    within = [inside(t.points[:, BODY_AND_FEET], t.size)[t.scores[:, BODY_AND_FEET] > SHOWN] for t in moved]
    return PoseReport(
        inside=_mean(np.concatenate(within)),
        proportions=_from_proportions(ours[2], plan.character, rate),
        bone_spread=ours[0],
        driver_bone_spread=theirs[0],
        left_right=ours[1],
        turned_degrees=_turned(moved, driven, rate),
        stance_slide=_mean(slides[0]),
        driver_stance_slide=_mean(slides[1]),
        ground=float(np.std(grounds[0])) if grounds[0] else float("nan"),
        driver_ground=float(np.std(grounds[1])) if grounds[1] else float("nan"),
        jerk=unrest[0] / unrest[1] if unrest[1] > 0 else float("nan"),
        hand_gap=max((gap for t in moved for gap in _hand_gaps(t)), default=float("nan")) / sizes[0],
        from_reference=_from_reference(moved, plan.reference, sizes[0]),
    )


def _joined(tracks: list[PoseTrack]) -> PoseTrack:
    points, scores = (np.concatenate([getattr(t, name) for t in tracks]) for name in ("points", "scores"))
    return PoseTrack(points, scores, tracks[0].size)


def _bones(track: PoseTrack, rate: float) -> tuple[float, float, dict[str, float]]:
    """Spread of the core bones' lengths, how much left and right differ, and the lengths themselves in px."""
    points, _ = with_middles(track.points.astype(np.float64), track.scores >= SEEN, rate)
    middles = np.stack([track.scores[:, [5, 6]].min(1), track.scores[:, [11, 12]].min(1)], 1)
    far = 1e6  # a bone outside of the canvas has its length all the same
    samples = sample_lengths(points + far, np.concatenate([track.scores, middles], 1), (int(2 * far), int(2 * far)))
    if not np.isfinite(samples).any():
        return float("nan"), float("nan"), {}
    measured = measure_lengths(samples, rate, (0, len(samples)), plausible=False)
    lengths = samples[:, : len(BONES)] / measured.scale[:, None]
    spreads, differences = [], []
    for k in LIMBS:
        known = lengths[np.isfinite(lengths[:, k]), k]
        if len(known) > 1 and known.mean() > 0:
            spreads.append(known.std() / known.mean())
    for left, right in PAIRS:
        pair = [lengths[np.isfinite(lengths[:, k]), k] for k in (left, right)]
        if all(map(len, pair)):
            a, b = (np.quantile(p, 0.92) for p in pair)
            differences.append(abs(a - b) / max((a + b) / 2, 1e-9))
    return _mean(spreads), _mean(differences), measured.lengths_px


def _from_proportions(lengths: dict[str, float], character: PoseTrack, rate: float) -> float:
    sure = replace(character, scores=(character.scores >= SEEN).astype(np.float32))  # as the plan reads a drawing
    own = _bones(sure, rate)[2]
    logs = [np.log(lengths[g] / own[g]) for g in LIMB_GROUPS if g in lengths and g in own]
    return _mean(np.abs(logs - np.median(logs))) if len(logs) > 1 else float("nan")


def _turned(moved: list[PoseTrack], driven: list[PoseTrack], rate: float) -> float:
    away = []
    for out, given in zip(moved, driven, strict=True):
        angles, seen = [], []
        for track in (out, given):
            vectors, both = bone_vectors(*with_middles(track.points.astype(np.float64), track.scores >= SEEN, rate))
            angles.append(np.arctan2(vectors[..., 1], vectors[..., 0])[:, LIMBS])
            seen.append(both[:, LIMBS])
        away.append(np.abs(wrap(angles[0] - angles[1]))[seen[0] & seen[1]])
    return float(np.degrees(_mean(np.concatenate(away))))


def _stances(driver: PoseTrack, height_px: float, rate: float) -> list[tuple[int, int, int]]:
    """(foot, start, stop) wherever the driver's foot stands: near the lower of both and slow."""
    found = []
    low = np.empty((driver.num_frames, 2))
    known = np.empty((driver.num_frames, 2), bool)
    for foot, joints in enumerate(SOLES):
        seen = driver.scores[:, joints] >= SEEN
        low[:, foot] = np.where(seen, driver.points[:, joints, 1], ABOVE_ALL).max(1)
        known[:, foot] = seen[:, 0]
    lowest = np.where(known, low, ABOVE_ALL).max(1)
    if driver.num_frames < 2:
        return []
    for foot in (0, 1):
        speed = np.linalg.norm(np.gradient(driver.points[:, 15 + foot].astype(np.float64), axis=0), axis=1)
        stands = lowest - low[:, foot] < NEAR_GROUND * height_px
        stands &= known[:, foot] & (speed < SLOW * height_px * 24 / rate)
        found += [(foot, a, b) for a, b in runs(stands) if b - a >= max(3, STANCE_SECONDS * rate)]
    return found


def _on_the_ground(
    track: PoseTrack, stances: list[tuple[int, int, int]], height_px: float
) -> tuple[list[float], list[float]]:
    """Slide of every stance and height of its sole in every frame, in shares of the height."""
    slid, ground = [], []
    for foot, a, b in stances:
        if (track.scores[a:b, 15 + foot] < SEEN).any():
            continue
        x = track.points[a:b, 15 + foot, 0].astype(np.float64)
        slid.append(float(np.abs(x - np.median(x)).max()) / height_px)
        seen = track.scores[a:b, SOLES[foot]] >= SEEN
        ground += (np.where(seen, track.points[a:b, SOLES[foot], 1], ABOVE_ALL).max(1) / height_px).tolist()
    return slid, ground


def _hand_gaps(track: PoseTrack) -> list[float]:
    """px between wrist and hand in every frame that shows both."""
    gaps: list[float] = []
    for wrist, hand in ((9, LEFT_HAND), (10, RIGHT_HAND)):
        seen = (track.scores[:, wrist] >= SEEN) & (track.scores[:, hand.start] >= SEEN)
        gaps += np.linalg.norm(track.points[seen, wrist] - track.points[seen, hand.start], axis=-1).tolist()
    return gaps


def _from_reference(moved: list[PoseTrack], reference: PoseTrack | None, height_px: float) -> float:
    if reference is None:
        return float("nan")
    for track in moved:
        shown = (track.scores[:, BODY_AND_FEET] >= SEEN).any(1)
        if shown.any():
            first = int(np.argmax(shown))
            both = (track.scores[first, BODY_AND_FEET] >= SEEN) & (reference.scores[0, BODY_AND_FEET] >= SEEN)
            away = track.points[first, BODY_AND_FEET] - reference.points[0, BODY_AND_FEET]
            return _mean(np.linalg.norm(away[both], axis=-1)) / height_px
    return float("nan")


def _mean(values: list[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "unknown"
