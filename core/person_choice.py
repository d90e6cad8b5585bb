"""Who of several people in a clip is meant, in words that fit a job, a command line and a node alike.

    auto                       who is large, long there and in the middle
    2                          the second of the list of people (the first is the main one)
    point:640,200@48           who is at x 640, y 200 px in frame 48 (frames count from 0)
    box:500,80,780,700@2.5s    who fills this box x0, y0, x1, y1 at 2.5 seconds
    mask:who.png@48            who is white in this picture of frame 48

Without @ the first frame is meant. Who that is in a given motion is for `pose.cast` to say.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from .errors import UsageError
from .media import Timeline

_FORMS = "auto, a number such as 2, point:640,200@48, box:500,80,780,700@2.5s or mask:who.png@0"
_MOMENT = re.compile(r"(?P<text>.*)@(?P<moment>[0-9]+(?:\.[0-9]+)?)(?P<seconds>s?)", re.DOTALL)
_COUNTS = {"point": 2, "box": 4}
_HIGHEST = 64


@dataclass(frozen=True)
class PersonChoice:
    """Made by `parse`, or by a node from its inputs."""

    kind: Literal["auto", "index", "point", "box", "mask"] = "auto"
    index: int = 1
    """For 'index': 1 = the first of the motion's people."""
    numbers: tuple[float, ...] = ()
    """For 'point' x, y; for 'box' x0, y0, x1, y1; px of the driving video."""
    mask_file: str = ""
    frame: int = 0
    """For a place: in which frame of the motion, from 0."""
    seconds: float | None = None
    """The same as a time from the motion's first frame; goes before `frame`."""
    mask: np.ndarray | None = field(default=None, compare=False)
    """bool `[H,W]` for 'mask', once somebody has read the file; any size, stretched over the picture."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(n) for n in self.numbers) or len(self.numbers) != _COUNTS.get(self.kind, 0):
            raise UsageError(f"{self.kind} with {list(self.numbers)} chooses nobody; {_FORMS} would.")
        if self.kind == "box" and not (self.numbers[0] < self.numbers[2] and self.numbers[1] < self.numbers[3]):
            raise UsageError(f"The box {list(self.numbers)} is empty; left, top, right, bottom in px are needed.")
        if not 1 <= self.index <= _HIGHEST:
            raise UsageError(f"There is no person {self.index}; people are counted from 1 to {_HIGHEST}.")
        if self.frame < 0:
            raise UsageError(f"There is no frame {self.frame}; frames are counted from 0.")

    @classmethod
    def parse(cls, text: str) -> PersonChoice:
        """UsageError, with the forms that there are, for anything else."""
        said = text.strip()
        if said == "auto":
            return cls()
        if re.fullmatch(r"[0-9]{1,9}", said):
            return cls("index", index=int(said))
        kind, colon, rest = said.partition(":")
        if not colon or kind not in ("point", "box", "mask"):
            raise UsageError(f"{text!r} chooses nobody; {_FORMS} would.")
        found = _MOMENT.fullmatch(rest)
        if found is None and kind != "mask" and "@" in rest:
            raise UsageError(f"{text!r} names no moment after @; a frame (@48) or seconds (@2.5s) would do.")
        moment: dict[str, float] = {}
        if found is not None:
            rest, number, is_seconds = found["text"], found["moment"], bool(found["seconds"])
            if not is_seconds and "." in number:
                raise UsageError(f"{text!r}: there is no frame {number}; @{number}s would be seconds.")
            moment = {"seconds": float(number)} if is_seconds else {"frame": int(number)}
        if kind == "mask":
            if not rest:
                raise UsageError(f"{text!r} names no picture; mask:who.png@0 would.")
            return cls("mask", mask_file=rest, **moment)  # type: ignore[arg-type]
        try:
            numbers = tuple(float(n) for n in rest.split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != _COUNTS[kind]:
            raise UsageError(f"{text!r} is not {kind}:{'x,y' if kind == 'point' else 'x0,y0,x1,y1'}@FRAME in px.")
        return cls(kind, numbers=numbers, **moment)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The form that `parse` reads."""
        if self.kind == "auto":
            return "auto"
        if self.kind == "index":
            return str(self.index)
        what = self.mask_file if self.kind == "mask" else ",".join(f"{n:.9g}" for n in self.numbers)
        moment = f"{self.frame}" if self.seconds is None else f"{self.seconds:.9g}s"
        return f"{self.kind}:{what}@{moment}"

    @property
    def is_place(self) -> bool:
        """Whether somebody is pointed at in the picture, rather than counted."""
        return self.kind in ("point", "box", "mask")

    def check_within(self, size: tuple[int, int]) -> None:
        """UsageError, with the picture's `size` in px, for a point or a box that is nowhere in it."""
        width, height = size
        if self.kind == "point":
            x0, y0 = x1, y1 = self.numbers
        elif self.kind == "box":
            x0, y0, x1, y1 = self.numbers
        else:
            return
        if x0 > width - 0.5 or y0 > height - 0.5 or x1 < -0.5 or y1 < -0.5:  # pixel centres are whole numbers
            raise UsageError(
                f"{self} is outside the picture, which has {width}x{height} px: x goes from 0 to {width - 1}, y from 0 "
                f"to {height - 1}."
            )

    def at(self, timeline: Timeline) -> int:
        """Index of the frame that is meant. UsageError if the clip is shorter."""
        last = timeline.num_frames - 1
        if self.seconds is None:
            if self.frame > last:
                raise UsageError(f"The person is chosen in frame {self.frame}, but the clip ends with frame {last}.")
            return self.frame
        shown = (timeline.pts - timeline.pts[0]) * float(timeline.time_base)
        end = float(shown[-1]) + 1 / float(timeline.rate)
        if self.seconds > end:
            raise UsageError(f"The person is chosen at {self.seconds:g} s, but the clip is {end:.2f} s long.")
        return max(0, int(np.searchsorted(shown, self.seconds + 0.0005, side="right")) - 1)

    def with_mask(self, mask: np.ndarray) -> PersonChoice:
        """The same choice, its picture read: bool `[H,W]`, true where the person is."""
        return replace(self, mask=mask)
