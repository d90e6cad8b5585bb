"""A head's motion as face codes: rows of numbers that a `.motion` file keeps beside the joints, for any portrait.

    [0] scale  [1:10] rotation, row by row  [10:73] expression, point by point  [73:76] translation
    [76:78] eye ratios  [78] lip ratio, -1 where they were not measured  [79] 1 where a face was seen, 2 where it was made by
    hand, else 0

Frames without a face are bridged before they are packed, so that every row is a head that can be shown. What the
numbers mean depends on the network that read them, whose mark is in the name of the codes; published templates come
from the authors' own network and name none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import BadMotionFile, Motion
from ...face_motion import portrait_template
from ...face_motion.portrait_motion import PortraitMotion
from ...face_motion.portrait_transfer import NEUTRAL_EXPRESSION

FAMILY = "live-portrait"
TEMPLATE = f"{FAMILY}/template"
"""Name of codes out of a published template."""
CODE_LENGTH = portrait_template.CODE_LENGTH + 1
_MADE = 2.0


@dataclass(frozen=True)
class CodedMotion:
    """A head through a clip, and in which frames it was really seen."""

    motion: PortraitMotion
    seen: np.ndarray
    """bool `[T]`; elsewhere the motion is bridged."""
    rest: PortraitMotion | None = None
    """The one frame against which a motion made by hand is meant; None = one of its own frames has to be taken."""


def pack(motion: PortraitMotion, seen: np.ndarray | None = None) -> np.ndarray:
    """float32 `[T,80]` for `Motion.face_codes`; `seen` bool `[T]`, None = everywhere. No bit is lost."""
    mark = np.ones(motion.num_frames) if seen is None else np.asarray(seen, bool)
    if mark.shape != (motion.num_frames,):
        raise ValueError(f"{motion.num_frames} frames need as many marks of a face, not {list(mark.shape)}")
    return np.concatenate([portrait_template.pack(motion), mark[:, None].astype(np.float32)], axis=1)


def made_by_hand(motion: PortraitMotion) -> np.ndarray:
    """The same for a motion that nobody was filmed for: it is meant against `at_rest`, whether a frame shows that or
    not."""
    codes = pack(motion)
    codes[:, -1] = _MADE
    return codes


def at_rest() -> PortraitMotion:
    """One frame: straight ahead, of size 1, with a shut mouth."""
    turn, place = np.eye(3, dtype=np.float32)[None], np.zeros((1, 3), np.float32)
    return PortraitMotion(np.ones((1, 1), np.float32), turn, NEUTRAL_EXPRESSION[None], place)


def unpack(codes: np.ndarray) -> CodedMotion:
    """What `pack` made into codes; BadMotionFile where they cannot be such codes."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != CODE_LENGTH:
        raise BadMotionFile(
            f"The motion of a head is float32 [T,{CODE_LENGTH}], not {codes.dtype} {list(codes.shape)}."
        )
    made = bool((codes[:, -1] == _MADE).all())
    return CodedMotion(portrait_template.unpack(codes[:, :-1]), codes[:, -1] > 0.5, at_rest() if made else None)


def codes_name(tensors: Mapping[str, Any], person: int = 0) -> str:
    """'live-portrait/<mark>' for codes that the motion network of these tensors reads, people or animals; the mark is
    of its numbers, whatever file they came from. `person` counts the tracks of a motion from 0."""
    known = hashlib.sha256(b"1")  # the version of what is read: crop and order of numbers
    for name in sorted(tensors):
        values = np.ascontiguousarray(np.asarray(tensors[name], np.float32))
        known.update(f"{name}{list(values.shape)}".encode())
        known.update(values.data)
    return of_person(f"{FAMILY}/{known.hexdigest()[:12]}", person)


def of_person(name: str, person: int) -> str:
    """The name under which the codes of another track lie: the main person's without a number, then from 2 on."""
    return name if person == 0 else f"{name}/{person + 1}"


def find_codes(motion: Motion, name: str, person: int = 0, *, templates: bool = True) -> np.ndarray | None:
    """The codes of that network, else those of a template where those fit it; None where there are neither."""
    for known in (name, TEMPLATE) if templates else (name,):
        codes = motion.face_codes.get(of_person(known, person))
        if codes is not None:
            return codes
    return None


def other_networks(motion: Motion) -> tuple[str, ...]:
    """Names of this family's codes in a motion, whichever network they belong to."""
    return tuple(name for name in motion.face_codes if name.startswith(f"{FAMILY}/"))
