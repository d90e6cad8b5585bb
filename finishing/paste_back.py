"""Any made region put back into the whole film: a face, a hand, a part of the picture, or all of it under a mask.

The frames that come in are the region; the film that they belong to lies beside. What comes out is the film, at its
own size, with its own pixels wherever nothing was put.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..core import (
    DETECTORS,
    FrameChunk,
    Host,
    InputError,
    NoPersonFound,
    Settings,
    UsageError,
    VideoSource,
    choice,
    number,
    whole,
)
from ..pose.face_boxes import AREA_SCALE, steady_face_boxes
from .face_survey import follow_people
from .finisher import Beside, Clip, Finisher, FinisherSpec, Survey
from .region_paste import Box, box_of_pixels, box_of_white, box_weight, mask_weight, paste_region

FACE, BOX, MASK, WHOLE = "face", "box", "mask", "whole"
_READ_FRAMES = 8


@dataclass(frozen=True)
class PasteBackSettings(Settings):
    place: str = choice(
        FACE, (FACE, BOX, MASK, WHOLE), help="Where the frames belong in the original. face: where Face Crops cut them out. box: x, y, width, height. mask: over the box around the mask's white. whole: all of it, seen through the mask."
    )  # fmt: skip
    feather: float = number(0.1, 0.0, 0.5, step=0.01, help="Width of the soft edge, as a share of the region's shorter side; 0 = hard.")  # fmt: skip
    match: float = number(0.5, 0.0, 1.0, help="Moves the region's colours to those that the original has along the seam.")  # fmt: skip
    strength: float = number(1.0, 0.0, 1.0, help="How much of the region is put in.", advanced=True)
    x: int = whole(0, 0, 16384, unit="px", help="box: its left edge in the original.", advanced=True)
    y: int = whole(0, 0, 16384, unit="px", help="box: its upper edge.", advanced=True)
    width: int = whole(512, 2, 16384, unit="px", help="box: its width.", advanced=True)
    height: int = whole(512, 2, 16384, unit="px", help="box: its height.", advanced=True)
    scale: float = number(AREA_SCALE, 1.0, 3.0, help="face: as Face Crops was set.", advanced=True)
    driving_smooth: float = number(2.0, 0.0, 10.0, step=0.1, help="face: as Face Crops was set.", advanced=True)
    detector: str = choice("auto", DETECTORS, help="face: who finds it; auto is MediaPipe.", advanced=True)


class PasteBack(Finisher):
    reshapes = True

    def __init__(self, settings: PasteBackSettings, host: Host) -> None:
        self._settings, self._host = settings, host
        self.needs_survey = settings.place == FACE  # type: ignore[misc]
        self._boxes, self._seen = np.zeros((0, 4), np.float32), np.zeros(0, bool)
        self._original: _InOrder | None = None
        self._masks: _InOrder | None = None

    def survey(self, clip: Clip, frames: Iterator[FrameChunk]) -> Survey:
        film = _beside(clip.original, "original")
        try:
            motion = follow_people(film, self._settings.detector, self._host)
        except NoPersonFound:
            raise NoPersonFound("No face was found in the original, so a region cannot be put back by face: give its box or a mask.") from None  # fmt: skip
        boxes, seen = steady_face_boxes(
            motion.main, motion.timeline.rate, scale=self._settings.scale, strength=self._settings.driving_smooth, cuts=motion.cuts
        )  # fmt: skip
        return {"boxes": boxes, "seen": seen}

    def begin(self, clip: Clip, found: Survey) -> Clip:
        s, film = self._settings, _beside(clip.original, "original")
        info, here = film.info, clip.num_frames
        if info.num_frames is not None and info.num_frames < here:
            raise InputError(f"There are {here} frames to paste, but the original has only {info.num_frames}: they do not belong together.")  # fmt: skip
        size = (info.width, info.height)
        if s.place == BOX and (s.x + s.width > size[0] or s.y + s.height > size[1]):
            raise UsageError(f"The box {s.width}x{s.height} at {s.x}, {s.y} lies outside of the original, which is {size[0]}x{size[1]}.")  # fmt: skip
        if s.place in (MASK, WHOLE):
            mask = _beside(clip.mask, "mask")
            if (mask.info.width, mask.info.height) != size:
                raise InputError(f"The mask is {mask.info.width}x{mask.info.height}, but the original {size[0]}x{size[1]}; they must be of one size.")  # fmt: skip
            self._masks = _InOrder(mask, "mask")
        if s.place == FACE:
            self._boxes, self._seen = found["boxes"], found["seen"]
            if len(self._boxes) < here:
                raise InputError(f"There are {here} frames to paste, but the original has only {len(self._boxes)}: they do not belong together.")  # fmt: skip
        self._original, self.clip = _InOrder(film, "original"), clip
        return replace(clip, size=size)

    def finish(self, given: FrameChunk, start: int, stop: int) -> FrameChunk:
        assert self._original is not None
        film = self._original.frames(start, stop)
        masks = None if self._masks is None else self._masks.frames(start, stop)
        out = [
            self._pasted(film[t - start], given.pixels[t - given.start], None if masks is None else masks[t - start], t)
            for t in range(start, stop)
        ]
        return FrameChunk(np.stack(out), start)

    def _pasted(self, frame: np.ndarray, made: np.ndarray, mask: np.ndarray | None, t: int) -> np.ndarray:
        s, size = self._settings, (frame.shape[1], frame.shape[0])
        white = None if mask is None else cv2.cvtColor(mask, cv2.COLOR_RGB2GRAY)
        box = self._box(white, size, t)
        if box is None or s.strength == 0:
            return frame
        inner = box if white is None else (box_of_white(white) or box)
        feather_px = s.feather * min(inner[2] - inner[0], inner[3] - inner[1])
        weight = box_weight(box, size, feather_px) if white is None else mask_weight(white, feather_px)
        return paste_region(frame, made, box, weight * np.float32(s.strength), match=s.match)

    def _box(self, white: np.ndarray | None, size: tuple[int, int], t: int) -> Box | None:
        s = self._settings
        if s.place == BOX:
            return box_of_pixels(s.x, s.y, s.width, s.height)
        if s.place == FACE:
            # Face Crops samples its boxes between pixel corners, half a pixel further
            x0, y0, x1, y1 = (float(v) - 0.5 for v in self._boxes[t])
            return (x0, y0, x1, y1) if self._seen[t] else None
        assert white is not None
        found = box_of_white(white)
        return found if s.place == MASK or found is None else box_of_pixels(0, 0, *size)


class _InOrder:
    """Frames of a source by index; going on from where one left off does not open it again. A still stands for all."""

    def __init__(self, source: VideoSource, what: str) -> None:
        self._source, self._what = source, what
        self._chunks: Iterator[FrameChunk] | None = None
        self._held: FrameChunk | None = None
        self._still: np.ndarray | None = None

    def frames(self, start: int, stop: int) -> list[np.ndarray]:
        """uint8 `[H,W,3]` of frames start..stop (half open). InputError where it ends before."""
        if self._source.info.num_frames == 1:
            still = self._still
            if still is None:
                still = self._still = next(iter(self._source.chunks(1))).pixels[0]
            return [still] * (stop - start)
        out: list[np.ndarray] = []
        if self._chunks is None or self._held is None or not self._held.start <= start <= self._held.stop:
            self._chunks, self._held = iter(self._source.chunks(_READ_FRAMES, start)), None
        while len(out) < stop - start:
            t = start + len(out)
            if self._held is None or t >= self._held.stop:
                self._held = next(self._chunks, None)
                if self._held is None:
                    raise InputError(f"The {self._what} has only {t} frames: it does not belong to the frames that are to be pasted.")  # fmt: skip
            out.append(self._held.pixels[t - self._held.start])
        return out


def _beside(source: VideoSource | None, what: str) -> VideoSource:
    if source is None:
        raise UsageError(f"Pasting back needs the {what}: the film that the region belongs to, or its mask.")
    return source


def _needs(settings: PasteBackSettings) -> frozenset[Beside]:
    return frozenset({"original", "mask"} if settings.place in (MASK, WHOLE) else {"original"})


SPEC = FinisherSpec(
    name="paste-back",
    title="Paste Back",
    summary="Puts a made face or region back into the whole film, with a soft seam.",
    settings=PasteBackSettings,
    open=PasteBack,
    version="1",
    main="place",
    needs=_needs,
)
