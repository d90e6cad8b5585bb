"""Motions that come from no film: published templates, and faces that were set by hand.

Both are codes with a person whose joints are unseen, so that they go wherever a motion goes, into a `.motion` file too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...core import WHOLE_BODY, Motion, PoseTrack, SourceFile, Timeline, UsageError
from ...face_motion.portrait_motion import PortraitMotion
from ...face_motion.portrait_template import read_template
from .expression import Expression, expression_frames
from .expression_keys import HIGHEST_RATE, LOWEST_RATE
from .motion_codes import TEMPLATE, made_by_hand, pack

SIDE_PX = 512
"""Of the picture on which the unseen joints lie, that of the networks."""


def motion_of_template(path: Path | str, rate: float | None = None) -> Motion:
    """The motion template (`.pkl`) of LivePortrait's programs as a motion for any portrait; nothing in the file is run.

    `rate` in frames a second in place of the one in the file. BadMotionFile in one line where it is no template.
    """
    path = Path(path)
    template = read_template(path)
    return _motion(pack(template.motion), rate or template.rate, f"template {path.stem}", "live-portrait/template")


def motion_of_faces(faces: Sequence[Expression], rate: float) -> Motion:
    """Faces that were set by sliders, one a frame, as a motion that drives any portrait. They say what they do away
    from rest, so none of them has to be at rest."""
    told = hashlib.sha256(repr([tuple(face.plain().values()) for face in faces]).encode()).hexdigest()[:8]
    return _motion(made_by_hand(expression_frames(faces)), rate, f"sliders {told}", "live-portrait/sliders")


def heads_of(motion: PortraitMotion, rate: float, name: str) -> Motion:
    """Any head's motion, as a template is."""
    return _motion(pack(motion), rate, name, "live-portrait/template")


def _motion(codes: np.ndarray, rate: float, name: str, maker: str) -> Motion:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise UsageError(f"The frame rate of a motion goes from {LOWEST_RATE:g} to {HIGHEST_RATE:g}, not {rate:g}.")
    frames, joints = len(codes), WHOLE_BODY.num_joints
    unseen = PoseTrack(
        np.zeros((frames, joints, 2), np.float32), np.zeros((frames, joints), np.float32), (SIDE_PX, SIDE_PX)
    )
    exact = Fraction(rate).limit_denominator(1001)
    # a name without a suffix, so that nobody looks for a film of it
    source = SourceFile(name.replace(".", " "), "")
    return Motion((unseen,), Timeline.constant(frames, exact), source, maker, face_codes={TEMPLATE: codes})
