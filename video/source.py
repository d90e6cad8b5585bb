"""A video file as a source of frames: upright RGB, one chunk at a time, with the container's own time stamps.

Nothing is kept but the chunk in hand and eight bytes per frame. Sound is not touched here; see `join`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from ..core import FrameChunk, InputError, Timeline, UnreadableVideo, VideoInfo
from .colour import ToRgb, display_turn, turned
from .opening import open_container, origin_seconds, video_stream
from .stamps import PacketScan, duration_tag, is_even, nominal_rate, scan_packets

# Time given by people in decimal seconds means the frame shown then, though its stamp may be rounded to 1 ms.
_HALF_MILLISECOND = Fraction(1, 2000)
# Containers and codecs where every packet is a frame and a packet's time stamp is its frame's, so that the
# packets alone tell which frame has which index.
_COUNTABLE_CONTAINERS = ("mov", "matroska")
_COUNTABLE_CODECS = {"h264", "hevc", "vp9", "av1", "mpeg4", "prores", "ffv1", "mjpeg", "png", "qtrle"}


class VideoFile:
    """Frames of a file (a core.VideoSource); read it any number of times.

    A damaged file gives the frames before the damage; then its iterator raises UnreadableVideo with the number
    of the frame where it broke and the time up to which it can be used.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        start_seconds: float = 0.0,
        stop_seconds: float | None = None,
        deep: bool = False,
        alpha: bool = False,
    ) -> None:
        self.path = Path(path)
        self._deep, self._alpha = deep, alpha
        self._stamps: list[int] = []
        """Time stamps, as in the file, of the frames decoded so far from the first kept one on."""
        with open_container(path) as container:
            stream = video_stream(container, path)
            self._codec = stream.codec_context.name
            self._container = container.format.name
            self._time_base = Fraction(stream.time_base)
            self._origin = origin_seconds(container)
            pixel_ratio = stream.sample_aspect_ratio
            has_audio = bool(container.streams.audio)
            peek = scan_packets(container, stream, limit=300)
            if self._container == "gif" and len(peek.pts) == 1:
                raise UnreadableVideo(f"{path}: a GIF of one frame is a still picture, not a video.")
            self._rate = nominal_rate(stream, peek.pts, self._time_base)
            self._declared = _declared_frames(path, container, stream)
            self._declared_end = duration_tag(stream)
        self._first_bound: int | None = None
        self._stop_bound: int | None = None
        first = self._first_frame()
        self._turn = display_turn(first)
        self._stored_size = _square_pixels(first, pixel_ratio)
        width, height = self._stored_size[::-1] if self._turn[0] else self._stored_size
        self._first_bound = self._bound(start_seconds) if start_seconds > 0 else None
        self._stop_bound = None if stop_seconds is None else self._bound(stop_seconds)
        self._shift = self._find_shift(start_seconds, stop_seconds)
        trimmed = self._first_bound is not None or self._stop_bound is not None
        self._info = VideoInfo(
            width=width,
            height=height,
            rate=self._rate,
            num_frames=None if trimmed else self._declared,
            time_base=self._time_base,
            timestamps="constant" if is_even(peek.pts) else "variable",
            has_audio=has_audio,
        )

    @property
    def info(self) -> VideoInfo:
        return self._info

    @property
    def shift_seconds(self) -> Fraction:
        """What was taken off the file's time stamps: when the first kept frame is shown, 0 if start is 0."""
        return self._shift * self._time_base

    def chunks(self, length: int, start: int = 0) -> Iterator[FrameChunk]:
        """Frames from index `start` to the end, `length` at a time; pts in units of info.time_base.

        Time stamps are the file's own; with `start_seconds` they count from the first frame kept.
        Raises UnreadableVideo where the file breaks, after the frames before it were given.
        """
        if length < 1 or start < 0:
            raise ValueError(f"chunks have at least 1 frame and begin at 0 or later, not {length} and {start}")
        to_rgb = ToRgb(self._codec, *self._stored_size, deep=self._deep, alpha=self._alpha)
        shape = (length, self._info.height, self._info.width)
        index, count = start, 0
        pixels = stamps = alphas = None
        broken: UnreadableVideo | None = None
        frames = self._frames(start)
        while True:
            try:
                pts, frame = next(frames)
            except StopIteration:
                break
            except UnreadableVideo as error:
                broken = error
                break
            if pixels is None:
                pixels = np.empty((*shape, 3), np.float32 if self._deep else np.uint8)
                stamps, alphas, count = np.empty(length, np.int64), None, 0
            picture, alpha = to_rgb(frame)
            pixels[count] = turned(picture, self._turn)
            if alpha is not None:
                if alphas is None:
                    alphas = np.full(shape, 255, np.uint8)
                alphas[count] = turned(alpha, self._turn)
            stamps[count] = pts - self._shift  # type: ignore[index]
            count += 1
            if count == length:
                yield FrameChunk(pixels, index, stamps, alphas)
                index, pixels = index + count, None
        if pixels is not None and count:
            alphas = None if alphas is None else alphas[:count]
            yield FrameChunk(pixels[:count], index, stamps[:count], alphas)  # type: ignore[index]
        if broken is not None:
            raise broken

    def timeline(self) -> Timeline:
        """When every frame is shown, from the packets alone (no decoding; as fast as the disk).

        The time stamps that `chunks` gives, for a sound file; where packets cannot tell (AVI, VP8), all frames
        are decoded.
        """
        scan = self._scan()
        if scan is None or not self._is_countable(scan):
            for _ in self._straight():
                pass
            pts, last = np.array(self._stamps, np.int64), 0
        else:
            pts, last = scan.pts, scan.last_duration
            keep = self._kept(pts)
            if keep.any() and not keep[-1]:
                after = int(np.flatnonzero(keep)[-1]) + 1
                last = int(pts[after] - pts[after - 1])
            pts = pts[keep]
        return Timeline(pts - self._shift, self._time_base, self._rate, last)

    def counted(self) -> int | None:
        """How many frames there are, from the packets alone; None where only decoding can tell."""
        scan = self._scan()
        return int(self._kept(scan.pts).sum()) if scan is not None and self._is_countable(scan) else None

    def __repr__(self) -> str:
        i = self._info
        return f"VideoFile({self.path.name!r}, {i.width}x{i.height}, {i.rate} frames/s, {i.num_frames} frames)"

    # From here on: time stamps as in the file, not shifted.

    def _kept(self, pts: np.ndarray) -> np.ndarray:
        """Which of them lie in the part asked for."""
        keep = np.ones(len(pts), bool)
        if self._first_bound is not None:
            keep &= pts >= self._first_bound
        if self._stop_bound is not None:
            keep &= pts < self._stop_bound
        return keep

    def _frames(self, start: int) -> Iterator[tuple[int, Any]]:
        """(time stamp, frame) of the kept frames from index `start` on."""
        if start > 0 and self._can_seek:
            target = self._stamp_of(start)
            if target is not None:
                found = self._from_stamp(target)
                first = next(found, None)
                if first is not None and first[0] == target:
                    yield first
                    yield from found
                    return
        straight = self._straight()
        for _ in range(start):
            if next(straight, None) is None:
                return
        yield from straight

    def _straight(self) -> Iterator[tuple[int, Any]]:
        """All kept frames, from the first one; remembers their time stamps."""
        frames = self._decode() if self._first_bound is None else self._from_stamp(self._first_bound)
        for index, (pts, frame) in enumerate(frames):
            if index == len(self._stamps):
                self._stamps.append(pts)
            yield pts, frame

    def _from_stamp(self, target: int) -> Iterator[tuple[int, Any]]:
        """Frames shown at `target` or later, decoded from a key frame before it."""
        if not self._can_seek:
            yield from ((p, f) for p, f in self._decode() if p >= target)
            return
        back = 0
        while True:
            seek_to = target - back
            for pts, frame in self._decode(seek_to, must_reach=target):
                if pts is None:  # landed behind the target: the index of the file is rough, look further back
                    break
                if pts >= target:
                    yield pts, frame
            else:
                return
            if seek_to < 0 and back > target + math.ceil(1 / self._time_base):
                yield from ((p, f) for p, f in self._decode() if p >= target)
                return
            back = max(back * 4, math.ceil(1 / self._time_base))

    def _decode(self, seek_to: int | None = None, must_reach: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Frames in the order shown, from the start or a key frame at or before `seek_to`.

        Yields (None, None) and ends if the key frame found lies after `must_reach`.
        """
        count, last = 0, None
        with open_container(self.path) as container:
            stream = video_stream(container, self.path)
            stream.thread_type = "AUTO"
            if seek_to is not None:
                try:
                    container.seek(seek_to, stream=stream, backward=True)
                except FFmpegError:
                    container.seek(0, stream=stream, backward=True, any_frame=True)
            damage = None
            packets = container.demux(stream)
            while True:
                frames: list[Any] = []
                try:
                    packet = next(packets, None)
                    if packet is None:
                        break
                    if must_reach is not None and packet.size:
                        if packet.pts is None or packet.pts > must_reach:
                            yield None, None
                            return
                        must_reach = None
                    if packet.is_corrupt and self._container != "mpegts":
                        damage = "its data breaks off"
                        frames = stream.codec_context.decode(None)
                    else:
                        frames = packet.decode()
                except FFmpegError as error:
                    damage = getattr(error, "strerror", None) or str(error)
                    frames = _flushed(stream)
                for frame in frames:
                    pts = _stamp(frame, last, self._step)
                    if self._stop_bound is not None and pts >= self._stop_bound:
                        return
                    count, last = count + 1, pts
                    yield pts, frame
                if damage is not None:
                    break
        damage = damage or self._missing_end(None if seek_to is not None else count, last)
        asked_for_more = self._stop_bound is None or last is None or last + self._step < self._stop_bound
        if damage is not None and asked_for_more:
            raise self._broken(count, last, damage, seek_to is not None)

    def _missing_end(self, count: int | None, last: int | None) -> str | None:
        """What the container promises beyond the last frame: mp4 a number of frames, Matroska a time."""
        if count is not None and self._declared is not None and count < self._declared:
            return f"it promises {self._declared} frames"
        if self._declared_end is not None and last is not None:
            missing = self._declared_end - (last + self._step) * self._time_base
            if missing > max(Fraction(1, 2), 3 * self._step * self._time_base):
                return f"it promises {float(self._declared_end):.2f} s"
        return None

    @property
    def _step(self) -> int:
        return max(1, round(1 / (self._rate * self._time_base)))

    def _broken(self, count: int, last: int | None, why: str, after_seek: bool) -> UnreadableVideo:
        if last is None:
            return UnreadableVideo(f"{self.path}: not one frame can be decoded ({why}); get the file again.")
        end = float((last + self._step) * self._time_base - self._origin)
        where = "the video is damaged" + ("" if after_seek or not count else f" after frame {count - 1}")
        return UnreadableVideo(
            f"{self.path}: {where} ({end:.2f} s; {why}). "
            f"Get the file again, or use only the part before it (stop at {math.floor(end * 100) / 100:.2f} s)."
        )

    def _first_frame(self) -> Any:
        frame = next(self._decode(), None)
        if frame is None:
            raise UnreadableVideo(f"{self.path}: not one frame can be decoded; get the file again.")
        return frame[1]

    def _bound(self, seconds: float) -> int:
        """First time stamp that counts as at or after `seconds` of the clip as players show it."""
        at = Fraction(str(float(seconds))) - _HALF_MILLISECOND + self._origin
        return math.ceil(at / self._time_base)

    def _find_shift(self, start: float, stop: float | None) -> int:
        if self._first_bound is None and self._stop_bound is None:
            return 0
        first = next(self._straight(), None)
        if first is None:
            asked = f"from {start:g} s" + ("" if stop is None else f" to {stop:g} s")
            scan = self._scan()
            pts = scan.pts if scan is not None else np.zeros(0, np.int64)
            end = f"; the clip ends at {float((int(pts[-1]) + self._step) * self._time_base - self._origin):.2f} s"
            raise InputError(f"{self.path}: there is no frame {asked}{end if len(pts) else ''}.")
        return first[0] if self._first_bound is not None else 0

    def _stamp_of(self, index: int) -> int | None:
        """Time stamp of a frame, where it is known without decoding up to it."""
        if index < len(self._stamps):
            return self._stamps[index]
        scan = self._scan()
        if scan is None or not self._is_countable(scan):
            return None
        kept = scan.pts if self._first_bound is None else scan.pts[scan.pts >= self._first_bound]
        return int(kept[index]) if index < len(kept) else None

    def _scan(self) -> PacketScan | None:
        try:
            with open_container(self.path) as container:
                return scan_packets(container, video_stream(container, self.path))
        except (FFmpegError, UnreadableVideo):
            return None

    def _is_countable(self, scan: PacketScan) -> bool:
        return scan.is_plain and (self._can_seek or self._container == "gif")

    @property
    def _can_seek(self) -> bool:
        return self._container.startswith(_COUNTABLE_CONTAINERS) and self._codec in _COUNTABLE_CODECS


def open_video(
    path: str | Path,
    *,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    deep: bool = False,
    alpha: bool = False,
) -> VideoFile:
    """A video file as core.VideoSource: RGB uint8, upright, square pixels, time stamps as in the file.

    `start_seconds` <= time shown < `stop_seconds` selects frames by their time stamps (to half a millisecond);
    time counts from what players show as 0:00. A kept part that does not begin at 0 has its time stamps counted
    from its first frame.
    deep: float32 0..1, for sources of more than 8 bits.
    alpha: transparency comes as FrameChunk.alpha; without it transparent parts are laid over white (for VP9 in
    WebM the alpha is left out and the colours below it are shown, as decoders do).

    Raises UnreadableVideo (missing, empty, damaged, no video, still picture) and InputError (nothing in the
    part asked for).
    """
    return VideoFile(path, start_seconds=start_seconds, stop_seconds=stop_seconds, deep=deep, alpha=alpha)


def _flushed(stream: Any) -> list[Any]:
    """What the decoder still held when its input broke."""
    try:
        return stream.codec_context.decode(None)
    except FFmpegError:
        return []


def _stamp(frame: Any, last: int | None, step: int) -> int:
    """The frame's time stamp; AVI and raw streams leave it out, damaged ones repeat it."""
    pts = frame.pts if frame.pts is not None else frame.dts
    if pts is None:
        return 0 if last is None else last + step
    return pts if last is None or pts > last else last + 1


def _square_pixels(frame: Any, ratio: Fraction | None) -> tuple[int, int]:
    """Width, height with square pixels, before turning; `ratio` is a stored pixel's width over its height."""
    if not ratio or ratio <= 0 or ratio == 1:
        return frame.width, frame.height
    return max(1, round(frame.width * ratio)), frame.height


def _declared_frames(path: str | Path, container: Any, stream: Any) -> int | None:
    """The count that mp4 and mov keep, less what their edit list hides; None elsewhere and for fragments."""
    if not container.format.name.startswith("mov") or not stream.frames:
        return None
    entries = getattr(stream, "index_entries", None)
    if entries:
        return sum(not entry.is_discard for entry in entries)
    # PyAV before 18 does not show the index. Fewer packets than promised may be hidden ones or missing ones.
    try:
        with open_container(path) as again:
            seen = len(scan_packets(again, video_stream(again, path)).pts)
    except FFmpegError:
        return stream.frames
    return seen if seen == stream.frames else None
