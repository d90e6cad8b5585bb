"""Joining pieces into the finished file: no frame is encoded again, every time stamp comes from the timeline.

Sound is copied packet for packet from the driving video. The joined file is read back before it gets its name:
a file that lost a frame never appears.

How exact: mp4 and mov hold every time stamp exactly. Matroska and WebM count in milliseconds, so stamps are up to
half a millisecond off there (exact where the source counted in milliseconds too).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from ..core import CannotWrite, InputError, Timeline, UsageError
from .audio import AudioCopy, open_audio
from .beside import written_beside
from .formats import CONTAINERS, OutputFormat, cannot_write

_MUXER_BIT_EXACT = 0x0400  # AVFMT_FLAG_BITEXACT
_LARGEST_TIMESCALE = 10_000_000
"""Units per second that an mp4's edit list counts in; a limit that every player has been seen to take."""


def join_chunks(
    pieces: Sequence[str | Path],
    output: str | Path,
    *,
    timeline: Timeline,
    fmt: OutputFormat,
    audio: str | Path | None = None,
    audio_trim: tuple[float, float | None] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `output` from pieces in order; frame i is shown at timeline.pts[i] * timeline.time_base.

    audio: a file whose every sound track is copied, unchanged and as early or late against the picture as there.
    audio_trim: (start, stop) seconds as given to `open_video`, when the picture was cut so; packets outside are
    left out and the rest moves with the picture.
    metadata: tags of the file, such as {'comment': ...}.

    Raises CannotWrite (place, full disk), UsageError (a sound codec that the container cannot hold), InputError
    (pieces that do not fit each other or the timeline). Nothing is left behind then.
    """
    output = Path(output)
    if not pieces:
        raise ValueError("there are no pieces to join")
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(written_beside(output))
        sound = stack.enter_context(open_audio(audio, audio_trim)) if audio is not None else None
        if sound is not None:
            sound.check_fits(output, fmt.container)
        try:
            _mux(pieces, temporary, timeline, fmt, sound, dict(metadata or {}))
            _read_back(temporary, output, timeline, fmt, sound)
        except FFmpegError as error:
            if isinstance(error, OSError):
                raise cannot_write(output, error) from None
            raise CannotWrite(f"{output}: the container refused what it was given ({error}).") from None


def check_audio_fits(audio: str | Path, output: str | Path) -> None:
    """UsageError if a sound track of `audio` cannot be copied into a file named `output`; names what can hold it."""
    container = CONTAINERS.get(Path(output).suffix.lower())
    if container is None:
        raise UsageError(f"{Path(output).name}: not a video file's name; use one of {', '.join(CONTAINERS)}.")
    with open_audio(audio, None) as sound:
        sound.check_fits(Path(output), container)


def _mux(
    pieces: Sequence[str | Path],
    path: Path,
    timeline: Timeline,
    fmt: OutputFormat,
    sound: AudioCopy | None,
    metadata: dict[str, str],
) -> None:
    unit = _video_unit(timeline, fmt)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(_piece(pieces[0]))
        out = stack.enter_context(av.open(str(path), "w", format=fmt.container, options=_options(timeline, fmt, sound)))
        out.flags |= _MUXER_BIT_EXACT
        out.metadata.update(metadata)
        video = out.add_stream_from_template(first.streams.video[0], opaque=True)
        video.time_base = unit
        if fmt.codec_tag is not None:
            video.codec_context.codec_tag = fmt.codec_tag
        if fmt.has_alpha and fmt.container == "webm":
            video.metadata["alpha_mode"] = "1"
        copies = sound.add_to(out) if sound is not None else {}
        out.start_encoding()
        picture = _stamped(pieces, timeline, unit, first.streams.video[0].codec_context.extradata)
        for packet in _by_time(picture, sound.packets(copies) if sound is not None else iter(())):
            if packet.stream is None or packet.stream.container is not out:
                packet.stream = video
            out.mux(packet)


def _stamped(
    pieces: Sequence[str | Path], timeline: Timeline, unit: Fraction, extradata: bytes | None
) -> Iterator[Any]:
    """The pieces' packets with their true time stamps and durations in `unit`."""
    shown = [_rounded(int(p) * timeline.time_base / unit) for p in timeline.pts]
    nominal = max(1, _rounded(1 / (timeline.rate * unit)))
    last = _rounded(timeline.last_duration * timeline.time_base / unit) or nominal
    ends = [*shown[1:], shown[-1] + last]
    index = 0
    for path in pieces:
        with _piece(path) as container:
            stream = container.streams.video[0]
            if stream.codec_context.extradata != extradata:
                raise InputError(f"{path}: this piece was encoded differently from the first one; make it again.")
            before = None
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if index >= len(shown):
                    raise InputError(
                        f"{path}: the pieces hold more than the {len(shown)} frames of the timeline; make them again."
                    )
                if (before is None and not packet.is_keyframe) or (before is not None and packet.pts <= before):
                    raise InputError(f"{path}: frames of this piece are out of order; make it again.")
                before = packet.pts
                packet.time_base = unit
                # The encoders here never reorder frames: they are decoded when they are shown, so that uneven
                # frame times need no invented decoding times, and durations are true in every container.
                packet.pts = packet.dts = shown[index]
                packet.duration = ends[index] - shown[index]
                index += 1
                yield packet
    if index != len(shown):
        raise InputError(f"the pieces hold {index} frames, the timeline {len(shown)}; make them again.")


def _by_time(picture: Iterator[Any], sound: Iterator[Any]) -> Iterator[Any]:
    """Both in order of decoding time: the muxer would hold everything back that comes out of turn."""
    a, b = next(picture, None), next(sound, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a.dts * a.time_base <= _when(b)):
            yield a
            a = next(picture, None)
        else:
            yield b
            b = next(sound, None)


def _when(packet: Any) -> Fraction:
    stamp = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if stamp is None else stamp * packet.time_base


def _video_unit(timeline: Timeline, fmt: OutputFormat) -> Fraction:
    """Time base in which every stamp is a whole number; milliseconds where the container knows no other."""
    if fmt.container in ("matroska", "webm"):
        return Fraction(1, 1000)
    unit = Fraction(1, timeline.time_base.denominator)
    # Below about 1 kHz some players round the frame times of an mp4 visibly; FFmpeg's own muxer refines too.
    while unit.denominator < 10_000:
        unit /= 2
    return unit


def _options(timeline: Timeline, fmt: OutputFormat, sound: AudioCopy | None) -> dict[str, str]:
    if fmt.container in ("matroska", "webm"):
        # Negative stamps (a codec's lead-in) are legal there; shifting everything would move the picture.
        return {"avoid_negative_ts": "disabled", "cues_to_front": "0"}
    video = _video_unit(timeline, fmt).denominator
    scale = math.lcm(video, *(sound.sample_rates() if sound is not None else ()))
    movie = scale if scale <= _LARGEST_TIMESCALE else video
    return {
        "movflags": "+faststart",
        "video_track_timescale": str(video),
        # The edit list counts in this: in thousandths, as by default, a late start would be rounded.
        "movie_timescale": str(movie),
        "avoid_negative_ts": "disabled",
    }


def _read_back(path: Path, output: Path, timeline: Timeline, fmt: OutputFormat, sound: AudioCopy | None) -> None:
    """CannotWrite unless the file on disk holds every frame at its time and every packet of sound."""
    unit = _video_unit(timeline, fmt)
    with av.open(str(path), "r") as container:
        picture = container.streams.video[0].index
        counts = dict.fromkeys((s.index for s in container.streams), 0)
        found = []
        for packet in container.demux():
            if not packet.size:
                continue
            counts[packet.stream.index] += 1
            if packet.stream.index == picture:
                found.append(Fraction(packet.pts or 0) * packet.time_base)
    if len(found) != timeline.num_frames:
        raise CannotWrite(
            f"{output}: {len(found)} of {timeline.num_frames} frames arrived in the file (disk full?); nothing was kept."
        )
    wanted = [_rounded(int(p) * timeline.time_base / unit) * unit for p in timeline.pts]
    late = [i for i, (a, b) in enumerate(zip(sorted(found), wanted, strict=True)) if a != b]
    if late:
        i = late[0]
        raise CannotWrite(
            f"{output}: frame {i} would be shown at {float(sorted(found)[i]):.6f} s instead of "
            f"{float(wanted[i]):.6f} s in this container; try .mp4 or .mkv."
        )
    if sound is not None and sound.num_packets and sum(counts.values()) == counts[picture]:
        raise CannotWrite(f"{output}: the sound did not arrive in the file (disk full?); nothing was kept.")


@contextlib.contextmanager
def _piece(path: str | Path) -> Iterator[Any]:
    try:
        container = av.open(str(path), "r", format="matroska")
    except FFmpegError as error:
        raise InputError(f"{path}: this piece is missing or damaged ({error.strerror}); make it again.") from None
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: this piece holds no video; make it again.")
        yield container


def _rounded(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))
