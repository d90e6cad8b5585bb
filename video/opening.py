"""Opening somebody's file and telling in one line why it cannot be used. Knows containers, not frames."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError

from ..core import UnreadableVideo

# Demuxers of real video files. Playlists (HLS, concat) are left out on purpose: they make a reader open other
# files and addresses; so are text terminals and picture sequences.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,avi,mpegts,mpeg,flv,asf,ogg,nut,mxf,ivf,dv,apng,"
    "mp3,aac,wav,flac,w64,aiff,caf,ac3,h264,hevc"
)
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"BM", "BMP"), (b"II*\0", "TIFF"),
             (b"MM\0*", "TIFF"), (b"8BPS", "PSD"))  # fmt: skip
_HEAD_BYTES = 1024
_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC


def open_container(path: str | Path) -> InputContainer:
    """The file opened for demuxing. Raises UnreadableVideo if it is missing, empty, no media file or a picture."""
    path = Path(path)
    head = _head(path)
    kind = _picture_kind(head)
    if kind is not None:
        raise UnreadableVideo(
            f"{path}: this is a still picture ({kind}), not a video; give a clip (mp4, mov, mkv, webm, gif)."
        )
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    try:
        return av.open(str(path), "r", options=options, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        raise UnreadableVideo(f"{path}: {_why_not(head, error)}") from None


def video_stream(container: InputContainer, path: str | Path) -> Any:
    """The stream of moving pictures. Raises UnreadableVideo if there is none, or no decoder for it."""
    moving = [s for s in container.streams.video if not is_cover(s)]
    if not moving:
        if container.streams.audio:
            raise UnreadableVideo(f"{path}: has sound but no picture; a driving video must show a person.")
        raise UnreadableVideo(f"{path}: holds no video stream.")
    usable = [s for s in moving if s.codec_context is not None]
    if not usable:
        raise UnreadableVideo(f"{path}: its video codec is not known here; convert it to H.264 in mp4 first.")
    return usable[0]


def origin_seconds(container: InputContainer) -> Fraction:
    """The time stamp that players show as 0:00. A codec's lead-in before zero does not count."""
    return max(Fraction(0), Fraction(container.start_time or 0, av.time_base))


def is_cover(stream: Any) -> bool:
    """A cover picture travelling as a video stream of one frame."""
    return bool(disposition(stream) & _ATTACHED_PICTURE)


def disposition(stream: Any) -> int:
    """FFmpeg's AV_DISPOSITION bits; a plain flag before PyAV 18 and a number since."""
    return int(getattr(stream.disposition, "value", stream.disposition))


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in pieces. Raises OSError."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UnreadableVideo(f"{path}: this is a folder; name the video in it.")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableVideo(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UnreadableVideo(f"{path}: cannot be read ({error.strerror or error}).") from None
    if not head:
        raise UnreadableVideo(f"{path}: the file is empty (0 bytes); copy or download it again.")
    return head


def _picture_kind(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "HEIF"
    if b"acTL" in head:  # an animated PNG moves
        return None
    return next((kind for magic, kind in _PICTURES if head.startswith(magic)), None)


def _why_not(head: bytes, error: Exception) -> str:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return (
            "an mp4/mov file whose index is missing or damaged, as when a recording or download broke off; "
            "get it again, or repair it with a recovery tool."
        )
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "a Matroska/WebM file whose header is damaged; get it again."
    if all(byte in b"\t\n\r\f\x1b" or 32 <= byte < 127 for byte in head):
        return "this is text, not a video, whatever its name says."
    reason = getattr(error, "strerror", None) or str(error)
    return f"not a video that can be read here ({reason}); mp4, mov, mkv, webm, gif and avi work."
