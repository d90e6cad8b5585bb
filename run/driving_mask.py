"""Where the driver is in the driving video, as a source of masks: named by the job, or found once and kept for a cast."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..core import (
    FrameChunk,
    Host,
    InputError,
    Motion,
    UnreadableImage,
    UnreadableVideo,
    VideoInfo,
    VideoSource,
)
from ..pose.clean import clean
from ..pose.driver_mask import MaskRules, driver_masks
from ..video import encode_chunk, join_chunks, open_video, output_format, read_character
from .digests import digest_of, motion_digest
from .manifest import versions
from .places import writing

MASK_VERSION = 1
"""Changed whenever the same film and motion give other masks."""
STAGE = "mask"
_PIECE_FRAMES = 32
_CLEANED = 2.0  # of the joints that the driver is looked for around
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


def find_driving_mask(motion: Motion, driving: VideoSource, cache: Path, host: Host) -> VideoSource:
    """The driver as segmented around the joints of the main person, not grown; a lossless film in the cache.

    Raises InputError where film and motion do not belong together, CannotWrite, Cancelled.
    """
    asked = {"motion": motion_digest(motion), "mask": MASK_VERSION, "mediapipe": versions()["mediapipe"]}
    folder = cache / "masks"
    output = folder / f"{digest_of(asked)}.mkv"
    if not output.is_file():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _write_masks(motion, driving, Path(scratch), output, host)
    return open_video(output)


def _write_masks(motion: Motion, driving: VideoSource, scratch: Path, output: Path, host: Host) -> None:
    fmt = output_format(output, "lossless")
    width, height = driving.info.width // 2 * 2, driving.info.height // 2 * 2
    track = clean(motion.main, motion.timeline.rate, strength=_CLEANED, cuts=motion.cuts)
    as_found = MaskRules(iterations=0, blocks_wide=0)
    pieces: list[Path] = []
    done = 0
    for masks in driver_masks(driving, track, rules=as_found, cuts=motion.cuts, chunk_frames=_PIECE_FRAMES):
        frames = np.repeat(masks[:, :height, :width, None], 3, axis=3)
        pieces.append(scratch / f"{done:08}.mkv")
        encode_chunk(FrameChunk(frames, done), pieces[-1], fmt, motion.timeline.rate)
        done += len(frames)
        host.step(done, motion.num_frames, STAGE, frames[-1])
    join_chunks(pieces, output, timeline=motion.timeline, fmt=fmt, audio=None, audio_trim=None, metadata=None)


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
