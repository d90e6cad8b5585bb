"""Which sections of a finished video deserve a look, by which measure, and what to try there.

Beside each threshold stands what sections of a second show where nothing was damaged: the bundled heroine, mascot and
robot and a photo-like dancer, moved by the puppet to the bundled dance; more in docs/report.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .evidence_figures import SectionFigures
from .evidence_sections import Section
from .judge_picture import FLICKER_PERCENT

Measure = Literal["pose", "look", "flicker", "seam", "frames", "sound"]

POSE_SHARE = 0.80  # untouched seconds have 0.98 and more
HEAD_DELTA_E, TRUNK_DELTA_E = 7.0, 5.0  # 3.5 and 0.9: a head that turns away shows more hair than face
FLICKER_LOCAL_PERCENT = 3.0  # 0.16; for the whole picture as in the check of a driving video: 1.0, where 0.06 is usual
BACKGROUND_LEVELS = 2.0  # 0.01 as the puppet leaves it; grain and the coder stay below one
SEAM_TO_USUAL = 2.0  # 1.27 is the largest at any frame: motion swells and ebbs over several frames
SEAM_LEVELS = 1.5  # a step smaller than this is not seen, however calm it is around it


@dataclass(frozen=True)
class Mark:
    """One thing that deserves a look."""

    measure: Measure
    section: int | None
    """Index; None: the whole file."""
    severity: float
    """How far beyond its threshold: 1 = at it."""
    words: str


def judge_sections(
    sections: Sequence[Section], figures: Sequence[SectionFigures], *, still_background: bool
) -> list[Mark]:
    """`still_background`: what lies outside of the figure should not change from frame to frame."""
    marks = []
    for section, f in zip(sections, figures, strict=True):
        share = f.pose_share_within_10_percent_of_torso
        if share < POSE_SHARE:
            words = f"pose: {100 * share:.0f} % of the joints are where they were asked for"
            marks.append(Mark("pose", section.index, (1 - share) / (1 - POSE_SHARE), words))
        parts = [
            (f.look_drift_head_delta_e / HEAD_DELTA_E, "head", f.look_drift_head_delta_e),
            (f.look_drift_trunk_delta_e / TRUNK_DELTA_E, "trunk", f.look_drift_trunk_delta_e),
        ]
        severity, part, away = max((p for p in parts if p[0] == p[0]), default=(0.0, "", 0.0))
        if severity > 1:
            words = f"look: the colour of the {part} is {away:.1f} dE from the first second's"
            marks.append(Mark("look", section.index, severity, words))
        flicker = [
            (f.flicker_percent / FLICKER_PERCENT, f"the light jumps by {f.flicker_percent:.1f} % from frame to frame"),
            (
                f.flicker_local_percent / FLICKER_LOCAL_PERCENT,
                f"in places the light jumps by {f.flicker_local_percent:.1f} % from frame to frame",
            ),
        ]
        if still_background:
            levels = f.background_change_levels
            flicker.append((levels / BACKGROUND_LEVELS, f"the background changes by {levels:.1f} levels every frame"))
        severity, words = max((k for k in flicker if k[0] == k[0]), default=(0.0, ""))
        if severity > 1:
            marks.append(Mark("flicker", section.index, severity, f"flicker: {words}"))
        ratio = f.seam_to_usual_change
        if ratio > SEAM_TO_USUAL and f.seam_jump_levels > SEAM_LEVELS:
            words = f"seam: the picture jumps {ratio:.1f} times as far as around it"
            marks.append(Mark("seam", section.index, ratio / SEAM_TO_USUAL, words))
    return marks


def what_to_try(mark: Mark, engine: str, name: str) -> str:
    """A sentence for who made `name` with `engine`."""
    if mark.measure in ("frames", "sound"):
        return f"make it again: 'motion-transfer rerun {name}.json -o again.mp4'."
    if mark.measure == "flicker":
        return f"'motion-transfer finish {name} -o calm.mp4 --settle-flicker 1'."
    return _ADVICE.get((mark.measure, engine)) or _ADVICE.get((mark.measure, "")) or "another --seed."


_ADVICE = {
    ("pose", "puppet"): "look at the joints with 'motion-transfer retarget ... --preview look.png', or give them with --character-pose.",
    ("pose", "wan-animate"): "another --seed, or --set pose_strength=1.3.",
    ("pose", "wan-animate-replace"): "another --seed, or --set pose_strength=1.3.",
    ("pose", "mimic-motion"): "another --seed, or --set pose_strength=1.0.",
    ("pose", ""): "another --seed, or a stretch of the driving video in which the person is seen better.",
    ("look", "wan-animate"): "--set drift_lock=full, or --finish match-colour.",
    ("look", "wan-animate-replace"): "--set drift_lock=full, or --finish match-colour.",
    ("look", ""): "--finish match-colour, which holds the colours to the character's picture.",
    ("seam", "wan-animate"): "--set overlap=5 with --set drift_lock=full.",
    ("seam", "wan-animate-replace"): "--set overlap=5 with --set drift_lock=full.",
    ("seam", "mimic-motion"): "--set overlap=10, so that tiles and sections share more frames.",
    ("seam", "animate-diff"): "a longer --set section=..., so that there are fewer seams.",
    ("seam", "puppet"): "the puppet has no seams of its own: look at the driving video there ('motion-transfer check').",
}  # fmt: skip
