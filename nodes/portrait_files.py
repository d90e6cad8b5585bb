"""Portraits and faces from wires as the files that a run takes: a trimmed film, a face that another node found."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..core import InputError, Motion, PoseTrack, SourceFile, Timeline, UsageError
from ..face_motion.landmark_faces import tracks_of_landmarks
from ..pose.motion_file import save_motion
from ..run.digests import motion_digest
from ..video import encode_chunk, file_sha256, join_chunks, open_video, output_format
from .places import spool_folder, video_file

_FRAMES = 16
_FINDER = "face-landmarks"
_OTHER_SHAPE = 0.02


def film_file(video: Any) -> Path:
    """A VIDEO as a file of its own; one that is trimmed is cut out without loss, once."""
    path, start, stop = video_file(video)
    if start == 0 and stop is None:
        return path
    told = hashlib.sha256(f"{path} {path.stat().st_mtime_ns} {start} {stop}".encode()).hexdigest()[:32]
    out = spool_folder() / f"portrait_{told}.mkv"
    if out.is_file():
        return out
    source, fmt = open_video(path, start_seconds=start, stop_seconds=stop), output_format(out, "lossless")
    with tempfile.TemporaryDirectory(dir=spool_folder()) as scratch:
        pieces = []
        for chunk in source.chunks(_FRAMES):
            pieces.append(Path(scratch) / f"{chunk.start:08}.mkv")
            encode_chunk(replace(chunk, pixels=_bytes(chunk.pixels), alpha=None), pieces[-1], fmt, source.info.rate)
        if not pieces:
            raise InputError(f"The portrait video {path.name} has no frames after {start:g} s, where it is trimmed to.")
        join_chunks(pieces, out, timeline=source.timeline(), fmt=fmt, audio=None, audio_trim=None, metadata=None)
    return out


def face_file(tracks: tuple[PoseTrack, ...]) -> Path:
    """The first frame of faces from a wire as the file that tells a run where a character's face is."""
    first = tuple(track.cut(0, 1) for track in tracks)
    return _motion_file(Motion(first, Timeline.constant(1, Fraction(25)), SourceFile("face landmarks", ""), _FINDER))


def motion_of_faces_seen(driving: Any, landmarks: Any) -> Motion:
    """The driving VIDEO's motion where another node has found its faces, one entry a frame; on pictures of the
    video's size or of its shape."""
    if not hasattr(driving, "get_stream_source"):
        raise UsageError("driving_faces belongs to a driving VIDEO; a motion knows its faces already.")
    tracks = tracks_of_landmarks(landmarks)
    path, start, stop = video_file(driving)
    film = open_video(path, start_seconds=start, stop_seconds=stop)
    timeline = film.timeline()
    if timeline.num_frames != tracks[0].num_frames:
        raise UsageError(f"driving_faces has {tracks[0].num_frames} frames and the driving video {timeline.num_frames}; both must come from the same frames, by Get Video Components.")  # fmt: skip
    size = (film.info.width, film.info.height)
    scaled = tuple(_on_picture(track, size) for track in tracks)
    source = SourceFile(str(path.absolute()), file_sha256(path), film.info.has_audio, start, stop)
    return Motion(scaled, timeline, source, _FINDER)


def _on_picture(track: PoseTrack, size: tuple[int, int]) -> PoseTrack:
    if abs(track.size[0] * size[1] - track.size[1] * size[0]) > _OTHER_SHAPE * size[0] * track.size[1]:
        raise UsageError(f"driving_faces was found on pictures of {track.size[0]}x{track.size[1]}, but the driving video is {size[0]}x{size[1]}; the same shape is needed.")  # fmt: skip
    factor = np.array(size, np.float32) / np.array(track.size, np.float32)
    return replace(track, points=((track.points + 0.5) * factor - 0.5).astype(np.float32), size=size)


def _motion_file(motion: Motion) -> Path:
    path = spool_folder() / f"faces_{motion_digest(motion)[:32]}.motion"
    if not path.is_file():
        save_motion(motion, path)
    return path


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.dtype == np.uint8 else (pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8)
