"""The contract of what comes after the engine: finished frames in, better frames, or more of them, out.

A finisher is a pure function of a bounded neighbourhood. It never sees more than some frames of a clip, keeps
nothing between calls that changes a pixel, opens no file and does not know where its frames come from or go. So
any clip is finished at flat memory, and a broken run goes on at its last piece with the very pixels of an unbroken
one. Whoever adds a finisher reads this file, writes a module with a `SPEC` and adds a line to `registry.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from ..core import Character, FrameChunk, Host, Settings, Timeline, VideoSource, WeightFile

Survey = Mapping[str, np.ndarray]
"""What one look at a whole clip found: small arrays by name, kept on disk so that it is done once."""

Beside = Literal["character", "original", "mask"]
"""What a finisher may want to look at beside the frames themselves."""


@dataclass(frozen=True)
class Clip:
    """What is known of all frames that a finisher will be given, before it sees any."""

    size: tuple[int, int]
    """Width, height in pixels."""
    timeline: Timeline
    """When each frame is shown."""
    cuts: tuple[int, ...] = ()
    """Index of the first frame after each cut, rising. Nothing may be mixed across one."""
    character: Character | None = None
    """The character's picture, with its alpha where it has one, where a picture was named."""
    original: VideoSource | None = None
    """What the frames were made from or are to be pasted into, frame for frame with them, where it was named."""
    mask: VideoSource | None = None
    """White = the region that the frames are about, frame for frame with `original`, where it was named."""

    @property
    def num_frames(self) -> int:
        return self.timeline.num_frames

    def shot_of(self, index: int) -> tuple[int, int]:
        """First frame and frame after the last of the shot that frame `index` belongs to."""
        place = bisect_right(self.cuts, index)
        first = self.cuts[place - 1] if place else 0
        return first, self.cuts[place] if place < len(self.cuts) else self.num_frames


class Finisher:
    """Base of every finisher; made by `FinisherSpec.open`, used for one run, always in this order:

    survey (where `needs_survey`, and unless it is on disk already), begin, then finish, over and over.
    """

    before: int = 0
    """Frames before a frame that its result depends on."""
    after: int = 0
    """Frames after a frame that its result depends on."""
    group: int = 8
    """Results asked for at once. Groups begin at multiples of this, whatever was broken off in between, so that even
    a network whose last bit depends on its batch gives the same pixels again. The last group may be shorter."""
    needs_survey: ClassVar[bool] = False
    reshapes: ClassVar[bool] = False
    """Gives frames of another size or number. Surveys of later finishers then look at what it gives; otherwise they
    look at the frames as they came in, so that no finisher has to run twice."""

    clip: Clip
    """As given to `begin`."""

    def survey(self, clip: Clip, frames: Iterator[FrameChunk]) -> Survey:
        """Look at the clip once, from its beginning; it need not be looked at to the end. Memory must not grow with
        its pixels. Called in a run only where `needs_survey`; tell progress with `host.step(done, total, stage)`.
        """
        return {}

    def begin(self, clip: Clip, found: Survey) -> Clip:
        """Get ready for the frames of `clip`; returns the clip that will come out. UsageError or InputError where
        settings and clip do not fit."""
        self.clip = clip
        return clip

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Frames needed (half open; what lies outside the clip is left out) to give results start..stop."""
        return start - self.before, stop + self.after

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        """Results start..stop (half open) out of `given`, which holds the frames of `span(start, stop)` that exist.

        `given.pixels` are uint8 `[n,H,W,3]`, `given.start` says which the first is; they are not to be written to.
        The result begins at `start` and is uint8. A frame's pixels depend on nothing but `span` of its group, the
        settings, the survey and the clip; `changed` below keeps the alpha of frames that stay where they are.
        """
        raise NotImplementedError


def changed(given: FrameChunk, start: int, pixels: np.ndarray) -> FrameChunk:
    """New pixels uint8 `[n,H,W,3]` for the frames from `start` on, with the alpha that those have in `given`."""
    first = start - given.start
    alpha = None if given.alpha is None else given.alpha[first : first + len(pixels)]
    return FrameChunk(pixels, start, alpha=alpha)


def _no_identity(settings: Any, host: Host) -> str:
    return ""


def _no_check(settings: Any, clip: Clip) -> None:
    pass


def _nothing_beside(settings: Any) -> frozenset[Beside]:
    return frozenset()


@dataclass(frozen=True)
class FinisherSpec:
    """What a caller may know of a finisher without loading anything."""

    name: str
    """Such as 'restore-faces'; the command line's flag too, unless `flag` says otherwise."""
    title: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, Host], Finisher]
    """`open(settings, host)`: imports and loads what the finisher needs."""
    version: str
    """Changed whenever the same inputs give other pixels or another survey; part of the journal's key."""
    main: str = ""
    """The setting that a value after the flag is for: `--restore-faces 0.7`."""
    flag: str = ""
    """The flag, where it is another word than the name: 'fps'."""
    identity: Callable[[Any, Host], str] = _no_identity
    """What stands behind the settings and can change pixels: fingerprint of the weights that the host would give.
    Asked for before any work is done, so that MissingWeights comes first."""
    needs: Callable[[Any], frozenset[Beside]] = _nothing_beside
    """What must lie beside the frames under these settings; the run says in one line what is missing."""
    check: Callable[[Any, Clip], None] = _no_check
    """Raises UsageError or InputError where settings and clip do not fit; asked before any frame is made, when only the
    timeline, the size and the cuts of the clip are known."""
    weights: tuple[WeightFile, ...] = ()
    licence: str = "Apache-2.0"
