"""Where the driver is in the driving video: a mask film or a picture that the job names, as a source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core import FrameChunk, InputError, Motion, UnreadableImage, UnreadableVideo, VideoInfo, VideoSource
from ..video import open_video, read_character

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def open_driving_mask(path: Path, motion: Motion) -> VideoSource:
    """White is the driver. A picture holds for every frame; a film has one mask for each frame of the motion.

    Of a part of the driving video the same part of the mask film is taken, unless that is as short as the part.
    Raises InputError: cannot be read, of another length.
    """
    wanted = motion.num_frames
    if path.suffix.lower() in _PICTURES:
        try:
            return StillMask(read_character(path).pixels, motion)
        except UnreadableImage as error:
            raise InputError(f"The driver's mask cannot be read: {error}") from None
    try:
        whole = open_video(path)
        found = whole.timeline().num_frames
        if found == wanted:
            return whole
        source = motion.source
        if source.start_seconds > 0 or source.stop_seconds is not None:
            part = open_video(path, start_seconds=source.start_seconds, stop_seconds=source.stop_seconds)
            if part.timeline().num_frames == wanted:
                return part
    except UnreadableVideo as error:
        raise InputError(f"The driver's mask cannot be read: {error}") from None
    raise InputError(
        f"The driver's mask has {found} frames and the motion {wanted}; one mask for each frame is needed, "
        f"or one picture for all of them."
    )


class StillMask:
    """One picture, as often as the motion has frames."""

    def __init__(self, pixels: np.ndarray, motion: Motion) -> None:
        self._pixels, self._num_frames = pixels, motion.num_frames
        height, width = pixels.shape[:2]
        timeline = motion.timeline
        self._info = VideoInfo(width, height, timeline.rate, motion.num_frames, timeline.time_base)

    @property
    def info(self) -> VideoInfo:
        return self._info

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        for first in range(start, self._num_frames, length):
            count = min(length, self._num_frames - first)
            yield FrameChunk(np.broadcast_to(self._pixels, (count, *self._pixels.shape)), first)
