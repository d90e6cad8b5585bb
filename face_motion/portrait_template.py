"""Recorded motions of a head as files and as face codes.

The authors' programs write them as pickles; those are read without unpickling. Ours are rows of numbers that go into
a `.motion` file beside the joints, under the id of what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import BadMotionFile
from .array_pickle import MOST_BYTES, read_arrays
from .portrait_motion import POINTS, PortraitMotion

ENCODER = "liveportrait-motion-1"
"""Id of the codes: scale 1, rotation 9, expression 63, translation 3, eye ratios 2, lip ratio 1; ratios that were not
measured are -1."""
CODE_LENGTH = 79
USUAL_RATE = 25.0
_PARTS = (("scale", (1,)), ("rotation", (3, 3)), ("expression", (POINTS, 3)), ("translation", (3,)), ("eye_ratio", (2,)), ("lip_ratio", (1,)))  # fmt: skip
_SKEW = 1e-3


@dataclass(frozen=True)
class PortraitTemplate:
    """A recorded motion and how fast it was."""

    motion: PortraitMotion
    rate: float
    """Frames a second."""


def read_template(path: Path | str) -> PortraitTemplate:
    """The motion template (`.pkl`) of LivePortrait's programs; nothing in the file is run, whoever made it.

    BadMotionFile in one line where the file is missing, damaged, holds anything but numbers, or is no such template.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadMotionFile(f"{path} has {path.stat().st_size >> 20} MB; a motion template has at most {MOST_BYTES >> 20} MB.")  # fmt: skip
        data = path.read_bytes()
    except OSError as error:
        raise BadMotionFile(f"{path} cannot be read: {error.strerror}.") from None
    return template_from(data, str(path))


def template_from(data: bytes, what: str = "The motion template") -> PortraitTemplate:
    """The same from the bytes of a file; `what` names it in errors."""
    content = read_arrays(data, what)
    frames = content.get("motion") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(frames, list) or not frames:
        raise BadMotionFile(f"{what} is no motion template: it lacks the list of frames named 'motion'.")
    if content.get("n_frames", len(frames)) != len(frames):
        raise BadMotionFile(f"{what} says it has {content['n_frames']!r} frames and holds {len(frames)}.")
    rate = content.get("output_fps", USUAL_RATE)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1000:
        raise BadMotionFile(f"{what} says it has {str(rate)[:20]} frames a second.")
    motion = PortraitMotion(
        scale=_column(frames, ("scale",), (1,), what),
        rotation=_turns(_column(frames, ("R", "R_d"), (3, 3), what), what),
        expression=_column(frames, ("exp",), (POINTS, 3), what),
        translation=_column(frames, ("t",), (3,), what),
        eye_ratio=_ratios(content, ("c_eyes_lst", "c_d_eyes_lst"), len(frames), 2, what),
        lip_ratio=_ratios(content, ("c_lip_lst", "c_d_lip_lst"), len(frames), 1, what),
    )
    return PortraitTemplate(motion, float(rate))


def pack(motion: PortraitMotion) -> np.ndarray:
    """float32 `[T,79]`: the codes of encoder ENCODER, for `Motion.face_codes`. No bit is lost."""
    columns = []
    for name, shape in _PARTS:
        value = getattr(motion, name)
        width = int(np.prod(shape))
        columns.append(np.full((motion.num_frames, width), -1, np.float32) if value is None else value.reshape(-1, width))  # fmt: skip
    return np.concatenate(columns, axis=1)


def unpack(codes: np.ndarray) -> PortraitMotion:
    """The motion that `pack` made into codes; BadMotionFile if they cannot be such codes."""
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != CODE_LENGTH or codes.dtype != np.float32 or not len(codes):
        raise BadMotionFile(f"Codes of {ENCODER} are float32 [T,{CODE_LENGTH}], not {codes.dtype} {list(codes.shape)}.")
    parts, start = {}, 0
    for name, shape in _PARTS:
        width = int(np.prod(shape))
        value = codes[:, start : start + width].reshape(len(codes), *shape)
        start += width
        unmeasured = name.endswith("_ratio") and (value == -1).all()
        parts[name] = None if unmeasured else np.ascontiguousarray(value)
    _turns(parts["rotation"], "The stored motion")
    try:
        return PortraitMotion(**parts)
    except ValueError as error:
        raise BadMotionFile(f"The stored motion cannot be one of a head: {error}.") from None


def _column(frames: list[Any], names: tuple[str, ...], shape: tuple[int, ...], what: str) -> np.ndarray:
    """float32 `[T,*shape]` of one entry of all frames, under the first of `names` that is there."""
    values = []
    for k, frame in enumerate(frames):
        found = next((frame[n] for n in names if n in frame), None) if isinstance(frame, dict) else None
        values.append(_value(found, shape, f"{what}, frame {k}: {names[0]!r}"))
    column = np.stack(values)
    if names == ("scale",) and not (column > 0).all():
        raise BadMotionFile(f"{what} holds a scale that is not above 0.")
    return column


def _ratios(content: dict, names: tuple[str, ...], frames: int, width: int, what: str) -> np.ndarray | None:
    rows = next((content[n] for n in names if n in content), None)
    if not isinstance(rows, list) or not rows:
        return None  # most of the published templates have none
    if len(rows) != frames:
        raise BadMotionFile(f"{what} has {len(rows)} rows of {names[0]!r} for {frames} frames.")
    return np.stack([_value(row, (width,), f"{what}, frame {k}: {names[0]!r}") for k, row in enumerate(rows)])


def _value(found: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, int | float):
        found = np.array(found)
    if not isinstance(found, np.ndarray) or found.size != int(np.prod(shape)):
        size = "nothing" if found is None else f"{list(found.shape) if isinstance(found, np.ndarray) else type(found).__name__}"  # fmt: skip
        raise BadMotionFile(f"{what} is {list(shape)} numbers, not {size}.")
    with np.errstate(over="ignore"):
        value = found.reshape(shape).astype(np.float32)
    if not np.isfinite(value).all():
        raise BadMotionFile(f"{what} holds numbers that are not finite.")
    return value


def _turns(rotation: np.ndarray, what: str) -> np.ndarray:
    if not np.isfinite(rotation).all() or np.abs(rotation @ np.swapaxes(rotation, 1, 2) - np.eye(3)).max() > _SKEW or (np.linalg.det(rotation) < 0).any():  # fmt: skip
        raise BadMotionFile(f"{what} holds a turn of the head that is no rotation.")
    return rotation
