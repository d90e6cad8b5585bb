"""What the looks at the people of a driving clip mean for its user.

The thresholds are calibrated on synthetic clips with known faults: see benchmarks/check_quality.py.
"""

from __future__ import annotations

import numpy as np

from .body_looks import SEEN, BodyLooks
from .findings import Finding, around, longest

PRESENT_JOINTS = 6  # of 17, seen: somebody is there
OTHER_SIZE = 0.35  # of the main person's: a smaller bystander, or a figure in a picture, does not disturb
OTHER_SHARE = 0.2  # of the looks for others
SMALL = 0.25  # of the picture's height
HIDDEN_SHARE, HIDDEN_SECONDS = 0.15, 0.5
OUT_SHARE = 0.1  # of the looks with a hand or a foot out of the picture
BORDER_SHARE = 0.2
_LIMBS = np.array([7, 8, 9, 10, 13, 14, 15, 16])  # elbows, wrists, knees, ankles
_WRISTS, _ANKLES, _TRUNK = np.array([9, 10]), np.array([15, 16]), np.array([5, 6, 11, 12])


def judge_people(
    body: BodyLooks, seconds: np.ndarray, size: tuple[int, int], *, is_chosen: bool = False
) -> list[Finding]:
    """Nobody, several people, a person too small, hidden, or partly out of the picture.

    `is_chosen`: the user has said whom to follow, so others are only told of.
    """
    looks = seconds[np.asarray(body.frames, int)]
    end = float(seconds[-1])
    points, scores = np.stack(body.points), np.stack(body.scores)
    present = (scores > SEEN).sum(axis=1) >= PRESENT_JOINTS
    if not present.any():
        return [
            Finding(
                "nobody", "stop", 0.0, end,
                "No person was found in the clip.",
                "Use a clip that shows one person, at least from head to waist, not too small and well lit.",
            )
        ]  # fmt: skip
    found = []
    absent = longest(~present, looks)
    if absent[1] - absent[0] > 0.5 or (~present).mean() > 0.15:
        found.append(
            Finding(
                "nobody", "warn", *absent,
                f"Nobody is seen for {100 * (~present).mean():.0f} % of the time.",
                "Trim the clip (`start_seconds`, `stop_seconds`) to where the person is in the picture.",
            )
        )  # fmt: skip
    boxes = np.array([np.ptp(p[s > SEEN], axis=0) for p, s in zip(points[present], scores[present], strict=True)])
    found += _others(body, seconds, is_chosen)
    height = float(np.median(boxes[:, 1])) / size[1]
    if height < SMALL:
        found.append(
            Finding(
                "small", "warn", 0.0, end,
                f"The person takes {100 * height:.0f} % of the picture's height; hands and face need {100 * SMALL:.0f} % or more.",
                "Crop closer to the person or use a larger original.",
            )
        )  # fmt: skip
    return found + _limbs(points, scores, present, looks, end, size)


def _others(body: BodyLooks, seconds: np.ndarray, is_chosen: bool) -> list[Finding]:
    large = sorted({frame for frame, size in body.others if size > OTHER_SIZE})
    searched = len(body.others_at)
    if len(large) < min(2, searched) or len(large) <= OTHER_SHARE * searched:
        return []
    return [
        Finding(
            "several_people", "tell" if is_chosen else "warn", float(seconds[large[0]]), float(seconds[large[-1]]),
            f"Somebody else is in the picture in {len(large)} of {searched} looks.",
            "The person asked for is followed; where others pass in front, joints are guessed."
            if is_chosen
            else "Crop the clip to one person, or choose whom to follow (`person`).",
        )
    ]  # fmt: skip


def _limbs(
    points: np.ndarray, scores: np.ndarray, present: np.ndarray, looks: np.ndarray, end: float, size: tuple[int, int]
) -> list[Finding]:
    """Hidden joints, hands or feet out of the picture, a trunk at the border."""
    last = np.array(size) - 1
    margin = 0.005 * max(size)
    outside = ((points < margin) | (points > last - margin)).any(axis=2) & present[:, None]
    found = []
    # Which limbs count: those the clip ever shows. A waist-up clip has no legs to be hidden.
    has = ((scores > 0.5) & ~outside)[present].mean(axis=0) > 0.1
    limbs = _LIMBS[has[_LIMBS]]
    hidden = (scores[:, limbs] < SEEN) & ~outside[:, limbs] & present[:, None]
    if len(limbs):
        share = float(hidden[present].mean())
        gaps = [longest(hidden[:, k], looks) for k in range(len(limbs))]
        gap = max(gaps, key=lambda s: s[1] - s[0])
        if share > HIDDEN_SHARE or gap[1] - gap[0] > HIDDEN_SECONDS:
            found.append(
                Finding(
                    "hidden", "warn", *around(np.asarray(hidden.any(axis=1)), looks),
                    f"Arms or legs are hidden: {100 * share:.0f} % of their joints, one of them for {gap[1] - gap[0]:.1f} s at a stretch.",
                    "Gaps of half a second are filled; in longer ones the limb holds still. Choose a clearer part of the clip.",
                )
            )  # fmt: skip

    def share_out(joints: np.ndarray) -> tuple[np.ndarray, float]:
        flags = np.asarray(outside[:, joints].any(axis=1))
        return flags, float(flags.sum() / present.sum())

    hands, share = share_out(_WRISTS)
    if has[_WRISTS].any() and share > OUT_SHARE:
        found.append(
            Finding(
                "hands_out", "warn", *around(hands, looks),
                f"A hand is out of the picture for {100 * share:.0f} % of the time.",
                "Use a wider shot, or expect that arm to be guessed.",
            )
        )  # fmt: skip
    feet, share = share_out(_ANKLES)
    if not has[_ANKLES].any():
        found.append(
            Finding(
                "feet_out", "tell", 0.0, end,
                "The feet are not in the picture.",
                "Fine for a waist-up character; a full-body one will stand still below the waist.",
            )
        )  # fmt: skip
    elif share > OUT_SHARE:
        found.append(
            Finding(
                "feet_out", "warn", *around(feet, looks),
                f"A foot is out of the picture for {100 * share:.0f} % of the time.",
                "Use a shot from head to toe, or expect floating feet.",
            )
        )  # fmt: skip
    trunk, share = share_out(_TRUNK[has[_TRUNK]])
    if share > BORDER_SHARE:
        found.append(
            Finding(
                "border", "warn", *around(trunk, looks),
                f"Shoulders or hips are cut off by the picture's border for {100 * share:.0f} % of the time.",
                "Use a wider shot.",
            )
        )  # fmt: skip
    return found
