"""Every frame of a clip, looked at cheaply: a small picture at once, the large one only where it is asked for.

Turning a decoded frame into exact RGB costs more than decoding it. Who only wants to know what is in a clip, not
to keep its pixels, takes a small picture made straight from the decoded planes. Colours are those of `colour`
to a few levels (swscale's fast ways): good for measures, not for results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from ..core import VideoSource
from .colour import FULL, ToRgb, has_alpha, matrix_of, range_of, turned
from .source import VideoFile

_FAST_BILINEAR, _AREA = 1, 0x20  # swscale's flags
_OTHER_MATRIX = {1: 5}  # RGB has no matrix; an equal one makes older PyAV skip the set-up, as in `colour`
_LUMA_FIRST = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray")
_PLANAR_420 = ("yuv420p", "yuvj420p")
_CHUNK = 16


@dataclass(frozen=True)
class Glance:
    """One frame. `picture` and `luma` are to be called before the next glance is taken, or not at all."""

    index: int
    pts: int
    """In units of the source's info.time_base."""
    small: np.ndarray
    """uint8 `[h,w,3]` RGB, averaged down to the width that was asked for."""
    picture: Callable[[], np.ndarray]
    """uint8 `[H,W,3]` RGB of the full size."""
    luma: Callable[[], np.ndarray]
    """uint8 `[H,W]` of the full size, in the file's own range; often without any copy."""


def glances(source: VideoSource, width: int) -> Iterator[Glance]:
    """One `Glance` for each frame, in order, with small pictures `width` px wide.

    Raises UnreadableVideo where a file breaks, after the frames before it were given.
    """
    if isinstance(source, VideoFile):
        return _of_file(source, width)
    return _of_pixels(source, width)


def _of_pixels(source: VideoSource, width: int) -> Iterator[Glance]:
    for chunk in source.chunks(_CHUNK):
        for k in range(chunk.num_frames):
            pixels = chunk.pixels[k]
            if pixels.dtype != np.uint8:
                pixels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
            size = _small_size(pixels.shape[1], pixels.shape[0], width)
            yield Glance(
                chunk.start + k,
                int(chunk.pts[k]) if chunk.pts is not None else chunk.start + k,
                cv2.resize(pixels, size, interpolation=cv2.INTER_AREA),
                lambda pixels=pixels: pixels,
                lambda pixels=pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY),
            )


def _of_file(source: VideoFile, width: int) -> Iterator[Glance]:
    small = _Fast(source, _small_size(source.info.width, source.info.height, width), _AREA)
    large = _Fast(source, (source.info.width, source.info.height), _FAST_BILINEAR)
    for index, (pts, frame) in enumerate(source._straight()):
        yield Glance(
            index,
            pts - source._shift,
            small.small_rgb(frame),
            lambda frame=frame: large.rgb(frame),
            lambda frame=frame: large.luma(frame),
        )


class _Fast:
    """Decoded frames as upright pictures of one size, without the care that results deserve."""

    def __init__(self, source: VideoFile, size: tuple[int, int], flags: int) -> None:
        self._codec, self._turn, self._flags = source._codec, source._turn, flags
        self._size = size[::-1] if self._turn[0] else size  # before turning
        self._scaler = VideoReformatter()
        self._careful: ToRgb | None = None

    def rgb(self, frame: av.VideoFrame) -> np.ndarray:
        if has_alpha(frame):
            self._careful = self._careful or ToRgb(self._codec, *self._size)
            return turned(self._careful(frame)[0], self._turn)
        matrix = matrix_of(frame)
        made = self._scaler.reformat(
            frame,
            width=self._size[0],
            height=self._size[1],
            format="rgb24",
            src_colorspace=matrix,
            dst_colorspace=_OTHER_MATRIX.get(matrix, 1),
            interpolation=self._flags,
            src_color_range=range_of(frame, self._codec),
            dst_color_range=FULL,
        )
        return np.ascontiguousarray(turned(made.to_ndarray(), self._turn))

    def small_rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """The same as `rgb`; for pictures much smaller than the frame, planes are averaged before they are mixed."""
        width, height = self._size
        if frame.format.name not in _PLANAR_420 or frame.width < width or width % 2 or height % 2:
            return self.rgb(frame)
        planes = np.empty((height * 3 // 2, width), np.uint8)
        half = (width // 2, height // 2)
        cv2.resize(_plane(frame, 0), self._size, dst=planes[:height], interpolation=cv2.INTER_AREA)
        for k in (1, 2):  # each chroma plane fills a quarter of the luma's bytes
            chroma = cv2.resize(_plane(frame, k), half, interpolation=cv2.INTER_AREA)
            start = height * width + (k - 1) * chroma.size
            planes.reshape(-1)[start : start + chroma.size] = chroma.ravel()
        matrix = matrix_of(frame)
        made = self._scaler.reformat(
            av.VideoFrame.from_ndarray(planes, format="yuv420p"),
            format="rgb24",
            src_colorspace=matrix,
            dst_colorspace=_OTHER_MATRIX.get(matrix, 1),
            interpolation=_FAST_BILINEAR,
            src_color_range=range_of(frame, self._codec),
            dst_color_range=FULL,
        )
        return np.ascontiguousarray(turned(made.to_ndarray(), self._turn))

    def luma(self, frame: av.VideoFrame) -> np.ndarray:
        if frame.format.name in _LUMA_FIRST and (frame.width, frame.height) == self._size:
            return turned(_plane(frame, 0), self._turn)
        return cv2.cvtColor(self.rgb(frame), cv2.COLOR_RGB2GRAY)


def _plane(frame: av.VideoFrame, k: int) -> np.ndarray:
    """uint8 `[h,w]`: a plane of 8 bits, without a copy; good as long as the frame."""
    plane: Any = frame.planes[k]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _small_size(width: int, height: int, small: int) -> tuple[int, int]:
    return small, max(16, 2 * round(height * small / width / 2))
