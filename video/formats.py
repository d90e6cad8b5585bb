"""Which container and codec an output file gets: decided once, by its suffix and the wanted quality.

Knows names and numbers of codecs, never a frame. Every choice that changes the bytes of a piece stands here,
so that `OutputFormat.key` can name it in a journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core import QUALITIES, CannotWrite, UsageError

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

# x264's CRF: 16 cannot be told from the source beside it, 20 looks the same in motion, 26 is for sending around.
# `veryfast` is where two cores pass 60 frames/s at 720p; slower presets save bytes, not errors, at a given CRF.
# No B-frames: a frame is decoded when it is shown, so joining at uneven frame times needs no invented decoding
# times. They would save 3 to 6 % of the bytes (measured at 720p).
_X264_CRF = {"high": 16, "medium": 20, "low": 26}
_VP9_CRF = {"high": 18, "medium": 26, "low": 34, "alpha": 18}

# More threads than this change x264's bytes; a fixed number keeps a piece the same on every machine.
ENCODER_THREADS = 4


@dataclass(frozen=True)
class OutputFormat:
    """How the frames of one output file are encoded, and what may hold them."""

    quality: str
    """One of core.QUALITIES."""
    container: str
    """FFmpeg's name of the container: mp4, mov, matroska, webm."""
    codec: str
    """Encoder, such as 'libx264'."""
    pixel_format: str
    """What the encoder is given."""
    options: tuple[tuple[str, str], ...] = ()
    """Encoder options, in a fixed order."""
    has_alpha: bool = False
    """Whether transparency is kept."""
    needs_even_size: bool = False
    """Chroma is stored at half size, so width and height must be even."""
    is_exact: bool = False
    """Whether reading the file back gives the very pixels."""

    codec_tag: str | None = None
    """Four letters by which the container names the codec, where its own choice would be wrong."""

    @property
    def key(self) -> str:
        """One line that changes whenever the bytes of a piece would."""
        options = ",".join(f"{k}={v}" for k, v in self.options)
        return f"{self.codec}:{self.pixel_format}:{options}:threads={ENCODER_THREADS}:pieces=1"

    @property
    def piece_suffix(self) -> str:
        """Pieces are Matroska whatever the output is: it holds every codec used here."""
        return ".mkv"

    def check_size(self, width: int, height: int) -> None:
        """UsageError if frames of this size cannot be encoded."""
        if width < 1 or height < 1:
            raise UsageError(f"A video is at least 1x1 px, not {width}x{height}.")
        if self.needs_even_size and (width % 2 or height % 2):
            even = f"{max(2, width - width % 2)}x{max(2, height - height % 2)}"
            raise UsageError(
                f"Quality {self.quality!r} stores colour at half size and needs an even width and height; got "
                f"{width}x{height}. {even} would do, or quality 'lossless'."
            )


def output_format(path: str | Path, quality: str) -> OutputFormat:
    """The format for a file of this name at this quality (one of core.QUALITIES).

    high, medium, low: H.264 in mp4, m4v, mov and mkv; VP9 in webm.
    lossless: H.264 RGB with CRF 0 in mp4, m4v and mov (exact, but few players other than VLC, mpv and editing
    programs show it); FFV1 in mkv (exact).
    alpha: ProRes 4444 in mov (10 bit, what editing programs want), VP9 in webm (8 bit, for the web), FFV1 in
    mkv (exact).

    Raises UsageError naming the suffixes or qualities that work.
    """
    if quality not in QUALITIES:
        raise UsageError(f"quality is {quality!r}; there are {', '.join(QUALITIES)}.")
    suffix = Path(path).suffix.lower()
    container = CONTAINERS.get(suffix)
    if container is None:
        known = ", ".join(s for s in CONTAINERS if _choice(quality, CONTAINERS[s]) is not None)
        what = f"{suffix!r} files are not written" if suffix else "the output has no suffix"
        hint = "; a GIF holds 256 colours and no sound" if suffix == ".gif" else ""
        raise UsageError(f"{Path(path).name}: {what}{hint}. Quality {quality!r} works with {known}.")
    chosen = _choice(quality, container)
    if chosen is None:
        known = ", ".join(s for s in CONTAINERS if _choice(quality, CONTAINERS[s]) is not None)
        raise UsageError(f"{Path(path).name}: {suffix} cannot hold quality {quality!r}; {known} can.")
    return chosen


def check_place(output: str | Path) -> None:
    """CannotWrite if no file of this name can be written, found out before any time is spent.

    Tries it with a file beside the output, because permissions alone do not tell (network shares, full disks).
    """
    output = Path(output)
    if output.is_dir():
        raise CannotWrite(f"{output} is a folder; name a file in it, such as {output / 'out.mp4'}.")
    if not output.parent.is_dir():
        raise CannotWrite(f"{output}: the folder {output.parent} does not exist; make it first.")
    probe = output.with_name(f".{output.name}.probe")
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise cannot_write(output, error) from None


def cannot_write(output: str | Path, error: OSError) -> CannotWrite:
    """The system's reason as one line with what helps."""
    import errno

    name = Path(output)
    if error.errno == errno.ENOSPC or error.errno == getattr(errno, "EDQUOT", -1):
        return CannotWrite(f"{name}: the disk is full; make room or write somewhere else.")
    if error.errno == errno.EFBIG:
        return CannotWrite(f"{name}: the file grew past what this file system allows; write somewhere else.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CannotWrite(f"{name}: no permission to write in {name.parent}; choose another folder.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return CannotWrite(f"{name}: the folder {name.parent} does not exist; make it first.")
    return CannotWrite(f"{name}: cannot be written ({error.strerror or error}).")


def _choice(quality: str, container: str) -> OutputFormat | None:
    if quality in _X264_CRF:
        if container == "webm":
            return OutputFormat(
                quality, container, "libvpx-vp9", "yuv420p", _vp9(_VP9_CRF[quality]), needs_even_size=True
            )
        options = (("preset", "veryfast"), ("crf", str(_X264_CRF[quality])), ("bf", "0"), ("g", "250"))
        return OutputFormat(quality, container, "libx264", "yuv420p", options, needs_even_size=True)
    if quality == "lossless":
        if container == "matroska":
            return OutputFormat(quality, container, "ffv1", "bgr0", _FFV1, is_exact=True)
        if container in ("mp4", "mov"):
            options = (("preset", "ultrafast"), ("qp", "0"), ("bf", "0"), ("g", "250"))
            return OutputFormat(quality, container, "libx264rgb", "rgb24", options, is_exact=True)
        return None
    if container == "mov":
        # Three times as fast as prores_ks at the same error (5 against 15 frames/s, 720p, two busy cores).
        options = (("profile", "4"), ("vendor", "apl0"))  # 4 = 4444
        return OutputFormat(quality, container, "prores", "yuva444p10le", options, has_alpha=True, codec_tag="ap4h")
    if container == "matroska":
        return OutputFormat(quality, container, "ffv1", "bgra", _FFV1, has_alpha=True, is_exact=True)
    if container == "webm":
        options = _vp9(_VP9_CRF["alpha"])
        return OutputFormat(quality, container, "libvpx-vp9", "yuva420p", options, has_alpha=True, needs_even_size=True)
    return None


def _vp9(crf: int) -> tuple[tuple[str, str], ...]:
    # auto-alt-ref off: libvpx cannot combine hidden frames with alpha, and without them every packet is a frame.
    return (
        ("crf", str(crf)), ("b", "0"), ("deadline", "realtime"), ("cpu-used", "6"), ("row-mt", "1"),
        ("auto-alt-ref", "0"), ("lag-in-frames", "0"), ("g", "250"),
    )  # fmt: skip


# Golomb-Rice codes: half the time of the range coder for 3 % more bytes.
_FFV1 = (("level", "3"), ("coder", "0"), ("context", "0"), ("g", "1"), ("slices", "4"), ("slicecrc", "1"))
