"""The many forms in which ComfyUI says where somebody is, as one choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core import PersonChoice, UsageError
from .pictures import LOAD_IMAGE_OPAQUE, first_mask

if TYPE_CHECKING:
    import torch


def choice_of(
    person: int,
    frame: int,
    *,
    point: str = "",
    bounding_box: Any = None,
    mask: torch.Tensor | None = None,
    num_frames: int = 0,
) -> PersonChoice:
    """A mask goes before a box, a box before a point, a point before the number; what is empty says nothing."""
    if mask is not None:
        here = mask[frame : frame + 1] if mask.ndim == 3 and len(mask) == num_frames and frame < num_frames else mask
        white = first_mask(here) > 127
        if white.any():
            return PersonChoice("mask", mask_file="MASK", frame=frame, mask=white)
        if white.shape != LOAD_IMAGE_OPAQUE:
            raise UsageError(f"The mask is black in frame {frame}; white must be the person.")
    box = _box(bounding_box, frame)
    if box is not None:
        return PersonChoice("box", numbers=box, frame=frame)
    if point.strip():
        return PersonChoice("point", numbers=_point(point), frame=frame)
    return PersonChoice() if person == 0 else PersonChoice("index", index=person)


def _box(given: Any, frame: int) -> tuple[float, float, float, float] | None:
    """BOUNDING_BOX is a dict, a list of them, or a list per frame of lists."""
    if isinstance(given, Sequence) and given and all(isinstance(g, Sequence) for g in given):
        given = given[min(frame, len(given) - 1)]
    if isinstance(given, Sequence):
        given = given[0] if given else None
    if given is None:
        return None
    try:
        x, y, width, height = (float(given[name]) for name in ("x", "y", "width", "height"))
    except (TypeError, KeyError, ValueError):
        raise UsageError(f"A bounding box has x, y, width and height; this one is {str(given)[:80]}.") from None
    return x, y, x + width, y + height


def _point(text: str) -> tuple[float, float]:
    try:
        if text.lstrip().startswith(("[", "{")):  # what points editors give out
            given = json.loads(text)
            while isinstance(given, list) and isinstance(given[0], list | dict):  # of several points the first
                given = given[0]
            x, y = (given["x"], given["y"]) if isinstance(given, dict) else given
        else:
            x, y = text.split(",")
        return float(x), float(y)
    except (ValueError, TypeError, KeyError, IndexError):
        raise UsageError(f"{text[:60]!r} is no point; x,y in px such as 640,200 would do.") from None
