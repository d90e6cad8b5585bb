"""The motion of a driving video: loaded from a `.motion` file, found in the cache, or extracted and kept there.

The cache is keyed by the video's content, the part asked for and the detector, never by its name. An
entry that cannot be read is made again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core import (
    BadMotionFile,
    Host,
    InputError,
    MissingPackage,
    MissingWeights,
    Motion,
    MotionTransferError,
    SourceFile,
    UnreadableVideo,
    UsageError,
    WeightFile,
)
from ..pose.detector import detector_id, has_solutions, open_detector
from ..pose.extract import extract_motion
from ..pose.motion_file import load_motion, save_motion
from ..video import file_sha256, open_video
from .digests import digest_of

EXTRACTION_VERSION = 1
"""Changed whenever the same video gives other joints."""

_TASK_MODEL = WeightFile(
    "MediaPipe pose landmarker", "pose_landmarker.task", "mediapipe", "google/mediapipe", None, None, "Apache-2.0", True
)
_HALF_MILLISECOND = 0.0005  # people give decimal seconds; stamps may be rounded to 1 ms


def detector_models(host: Host) -> Path | None:
    """The folder of the user's own MediaPipe model files, where the installed MediaPipe brings none."""
    if has_solutions():
        return None
    try:
        return host.find_weights(_TASK_MODEL).parent
    except MissingWeights:
        return None


def detector_version(models: Path | None) -> str:
    """Which detector would be opened, without opening it; 'none' where there is none to open."""
    try:
        return detector_id(models=models)
    except (MissingPackage, MissingWeights):
        return "none"


def is_motion_file(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ".motion"


def load_or_extract(
    path: Path, host: Host, cache: Path, *, start_seconds: float = 0.0, stop_seconds: float | None = None
) -> tuple[Motion, bool]:
    """The motion, and whether it had to be extracted now.

    Raises UnreadableVideo, BadMotionFile, NoPersonFound, MissingPackage, Cancelled.
    """
    if is_motion_file(path):
        if not path.is_file():
            raise BadMotionFile(f"There is no motion file {path}.")
        return trim(load_motion(path), start_seconds, stop_seconds), False
    before = _state_of(path)
    video = open_video(path, start_seconds=start_seconds, stop_seconds=stop_seconds)
    source = SourceFile(str(path.absolute()), file_sha256(path), video.info.has_audio, start_seconds, stop_seconds)
    models = detector_models(host)
    entry = _entry(cache, source, detector_version(models))
    known = _read(entry, source)
    if known is not None:
        return known, False
    with open_detector(models=models) as detector:
        motion = extract_motion(video, source, detector, host)
    if _state_of(path) != before:  # else the motion of one film would be kept under the name of another
        raise UnreadableVideo(f"{path} was changed by another program while it was read; start again when it is done.")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        save_motion(motion, entry)
    except (OSError, InputError) as error:
        host.note(f"The motion could not be kept for the next run ({error}).")
    return motion, True


def _state_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def trim(motion: Motion, start_seconds: float, stop_seconds: float | None) -> Motion:
    """The frames shown from `start_seconds` until before `stop_seconds`, counted from the motion's first frame.

    As when a film is opened in part, stamps are counted from the first frame that is kept.
    """
    if start_seconds == 0 and stop_seconds is None:
        return motion
    timeline = motion.timeline
    shown = (timeline.pts - timeline.pts[0]) * float(timeline.time_base)
    first = int(np.searchsorted(shown, start_seconds - _HALF_MILLISECOND))
    last = motion.num_frames if stop_seconds is None else int(np.searchsorted(shown, stop_seconds - _HALF_MILLISECOND))
    if first >= last:
        seconds = float(shown[-1]) + float(1 / timeline.rate)
        raise UsageError(
            f"No frame lies between {start_seconds:g} s and "
            f"{'the end' if stop_seconds is None else f'{stop_seconds:g} s'}; the motion is {seconds:.2f} s long."
        )
    kept, source = timeline.cut(first, last), motion.source
    if first > 0:
        kept = replace(kept, pts=kept.pts - kept.pts[0])
    ends = [s for s in (source.stop_seconds, _after(source.start_seconds, stop_seconds)) if s is not None]
    return replace(
        motion,
        source=replace(
            source, start_seconds=source.start_seconds + start_seconds, stop_seconds=min(ends) if ends else None
        ),
        tracks=tuple(t.cut(first, last) for t in motion.tracks),
        timeline=kept,
        cuts=tuple(c - first for c in motion.cuts if first < c < last),
        face_codes={name: codes[first:last] for name, codes in motion.face_codes.items()},
    )


def _after(start_seconds: float, seconds: float | None) -> float | None:
    return None if seconds is None else start_seconds + seconds


def _entry(cache: Path, source: SourceFile, detector: str) -> Path:
    asked = {
        "video": source.sha256,
        "start": float(source.start_seconds),
        "stop": None if source.stop_seconds is None else float(source.stop_seconds),
        "detector": detector,
        "extraction": EXTRACTION_VERSION,
    }
    return cache / "motions" / f"{digest_of(asked)}.motion"


def _read(entry: Path, source: SourceFile) -> Motion | None:
    try:
        # The same film may lie elsewhere today, so the name is the one of this run.
        return replace(load_motion(entry), source=source) if entry.is_file() else None
    except (OSError, MotionTransferError):
        return None
