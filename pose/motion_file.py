"""The `.motion` file: a motion saved, and loaded back bit for bit, or refused.

**Format, version 1.** A safetensors file (8 bytes header length, JSON header, raw little-endian arrays)
with these arrays and nothing else:

    points_0, points_1 ...   float32 [T,133,2]   px of a picture of `size`; one pair for each person
    scores_0, scores_1 ...   float32 [T,133]     0..1, 0 = not seen
    pts                      int64 [T]           time stamps, rising
    cuts                     int64 [C]           first frame after each cut, rising
    face:<encoder id>        float32 [T,N]       optional

Its `__metadata__` holds `format` = "motion-transfer.motion", `version` = "1", and `motion`, a JSON text:

    skeleton "coco-wholebody-133", size [width, height], time_base [num, den], rate [num, den],
    last_duration, people, detector, source {path, sha256, has_audio, start_seconds, stop_seconds}

A reader trusts nothing: the header is checked against the file's size before anything of the size it
claims is allocated, then every array against the type that it becomes. Whatever is wrong, BadMotionFile
says it. A later version that only adds metadata keeps the number; one that changes meaning raises it, and is
refused by older programs by name.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..core import WHOLE_BODY, BadMotionFile, CannotWrite, Motion, PoseTrack, SourceFile, Timeline
from .tensor_file import Distrust, are_whole, is_whole, parse_tensors, read_json, read_tensors, tensor_bytes

FORMAT = "motion-transfer.motion"
VERSION = 1
MOST_FRAMES = 1 << 22  # two days at 24 frames a second
MOST_PEOPLE = 64
MOST_FACE_CODES = 64
MOST_FACE_NUMBERS = 4096
LARGEST_SIDE = 1 << 16
FARTHEST = float(1 << 20)
"""Px; no joint lies further from the picture's corner."""
_NAME = re.compile(r"[\w.:/+@-]{1,200}")


def save_motion(motion: Motion, path: str | Path) -> None:
    """Write `motion` to `path`: beside it first, then renamed, so that a half file never bears the name.

    CannotWrite when the folder does not exist, is read-only, or the disk is full; ValueError for a motion
    that `load_motion` would refuse.
    """
    path = Path(path)
    arrays: dict[str, np.ndarray] = {"pts": motion.timeline.pts, "cuts": np.array(motion.cuts, np.int64)}
    for i, track in enumerate(motion.tracks):
        if track.skeleton != WHOLE_BODY:
            raise ValueError(f"a .motion file holds {WHOLE_BODY.name}, not {track.skeleton.name}")
        arrays[f"points_{i}"], arrays[f"scores_{i}"] = track.points, track.scores
    for name, codes in motion.face_codes.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the id of an encoder; letters, digits and ._:/+@- can")
        arrays[f"face:{name}"] = codes
    source = motion.source
    about = {
        "skeleton": WHOLE_BODY.name,
        "size": list(motion.size),
        "time_base": [motion.timeline.time_base.numerator, motion.timeline.time_base.denominator],
        "rate": [motion.timeline.rate.numerator, motion.timeline.rate.denominator],
        "last_duration": motion.timeline.last_duration,
        "people": len(motion.tracks),
        "detector": motion.detector,
        "source": {
            "path": source.path,
            "sha256": source.sha256,
            "has_audio": source.has_audio,
            "start_seconds": source.start_seconds,
            "stop_seconds": source.stop_seconds,
        },
    }
    metadata = {"format": FORMAT, "version": str(VERSION), "motion": json.dumps(about, sort_keys=True)}
    whole = tensor_bytes(metadata, arrays)
    _motion(*parse_tensors(whole))  # what could not be read again is not written
    _write_beside(path, whole)


def load_motion(path: str | Path) -> Motion:
    """The motion in a `.motion` file, exactly as it was saved; BadMotionFile for anything else."""
    path = Path(path)
    try:
        return _motion(*read_tensors(path))
    except FileNotFoundError:
        raise BadMotionFile(f"There is no motion file {path}.") from None
    except (OSError, MemoryError) as error:
        raise BadMotionFile(f"{path} cannot be read: {error}.") from None
    except _Newer as error:
        raise BadMotionFile(f"{path} {error}.") from None
    except (ValueError, OverflowError) as error:  # Distrust, or what the types of core refuse
        why = str(error).replace("\n", " ")
        raise BadMotionFile(f"{path} cannot be used as a motion: {why}. Extract it again from its video.") from None


class _Newer(Distrust):
    """A format that is not known yet; extracting again would not be the remedy."""


def _about(metadata: dict[str, Any]) -> dict[str, Any]:
    """What the motion says of itself, once the format and its version are known."""
    if metadata.get("format") != FORMAT:
        raise Distrust("it is a safetensors file, but holds no motion")
    version = metadata.get("version")
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,6}", version):
        raise Distrust(f"its version is {str(version)[:20]!r}")
    if int(version) > VERSION:
        raise _Newer(
            f"was made by a newer version of this program (format {version}; this one reads {VERSION}); update it"
        )
    if int(version) < VERSION:
        raise Distrust(f"there never was a format {version}")
    text = metadata.get("motion")
    return read_json(text if isinstance(text, str) else "", "what it says of itself")


def _motion(metadata: dict[str, Any], arrays: dict[str, np.ndarray]) -> Motion:
    about = _about(metadata)
    skeleton = about.get("skeleton")
    if skeleton != WHOLE_BODY.name:
        raise Distrust(f"its skeleton is {str(skeleton)[:40]!r}; known is {WHOLE_BODY.name}")
    people = about.get("people")
    if not is_whole(people) or not 1 <= people <= MOST_PEOPLE:
        raise Distrust(f"it claims {str(people)[:20]} people; 1 to {MOST_PEOPLE} are possible")
    size = about.get("size")
    if not are_whole(size) or len(size) != 2 or not all(1 <= n <= LARGEST_SIDE for n in size):
        raise Distrust(f"its picture size is {str(size)[:40]}")
    expected = {"pts", "cuts", *(f"{kind}_{i}" for kind in ("points", "scores") for i in range(people))}
    missing = sorted(expected - set(arrays))
    faces = [key for key in arrays if key.startswith("face:")]
    unknown = sorted(set(arrays) - expected - set(faces))
    if missing or unknown:
        raise Distrust(f"it lacks {', '.join(missing)[:60]}" if missing else f"it holds {unknown[0][:40]!r}")
    pts, cuts = arrays["pts"], arrays["cuts"]
    frames = len(pts) if pts.ndim == 1 else 0
    if pts.dtype != np.int64 or not 1 <= frames <= MOST_FRAMES:
        raise Distrust(f"its time stamps are {pts.dtype} {list(pts.shape)}; int64 [T] with T from 1 is needed")
    if cuts.dtype != np.int64 or cuts.ndim != 1 or bool((np.diff(cuts) <= 0).any()):
        raise Distrust("its list of cuts is damaged")
    tracks = []
    for i in range(people):
        points, scores = arrays[f"points_{i}"], arrays[f"scores_{i}"]
        if points.shape[:1] != (frames,) or scores.shape[:1] != (frames,):
            raise Distrust(
                f"person {i} has {list(points.shape)} points and {list(scores.shape)} scores for {frames} frames"
            )
        track = PoseTrack(points, scores, (size[0], size[1]))  # checks types, joints, finite, range
        if float(np.abs(points).max()) > FARTHEST:
            raise Distrust(f"joints of person {i} lie absurdly far outside the picture")
        tracks.append(track)
    if len(faces) > MOST_FACE_CODES:
        raise Distrust(f"it holds {len(faces)} kinds of face codes; {MOST_FACE_CODES} are allowed")
    codes = {}
    for key in sorted(faces):
        code, encoder = arrays[key], key[len("face:") :]
        if not _NAME.fullmatch(encoder) or code.ndim != 2 or code.shape[1] > MOST_FACE_NUMBERS:
            raise Distrust(f"the face codes {encoder[:40]!r} are damaged")
        if code.dtype != np.float32 or not np.isfinite(code).all():
            raise Distrust(f"the face codes {encoder[:40]!r} are not finite float32")
        codes[encoder] = code
    last = about.get("last_duration")
    if not is_whole(last) or not 0 <= last < 2**62:
        raise Distrust("the duration of its last frame is damaged")
    if int(pts.min()) < -(2**61) or int(pts.max()) > 2**61:
        raise Distrust("its time stamps are absurd")
    timeline = Timeline(pts, _fraction(about, "time_base"), _fraction(about, "rate"), last)
    detector = about.get("detector")
    if not isinstance(detector, str) or len(detector) > 1000:
        raise Distrust("the name of its detector is damaged")
    return Motion(tuple(tracks), timeline, _source(about), detector, tuple(int(c) for c in cuts), codes)


def _source(about: dict[str, Any]) -> SourceFile:
    source = about.get("source")
    if not isinstance(source, dict):
        raise Distrust("it does not say where it comes from")
    path, sha256, has_audio = source.get("path"), source.get("sha256"), source.get("has_audio")
    start, stop = source.get("start_seconds", 0.0), source.get("stop_seconds")
    if not isinstance(path, str) or not isinstance(sha256, str) or not isinstance(has_audio, bool):
        raise Distrust("what it says of its source is damaged")
    if not _is_number(start) or not (stop is None or _is_number(stop)):
        raise Distrust("the part of the source that it covers is damaged")
    return SourceFile(path, sha256, has_audio, start, stop)


def _fraction(about: dict[str, Any], key: str) -> Fraction:
    pair = about.get(key)
    if not are_whole(pair) or len(pair) != 2 or not all(0 < n < 2**63 for n in pair):
        raise Distrust(f"its {key.replace('_', ' ')} is {str(pair)[:40]}")
    return Fraction(pair[0], pair[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _write_beside(path: Path, whole: bytes) -> None:
    beside = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            beside = Path(file.name)
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":
            mask = os.umask(0)
            os.umask(mask)
            beside.chmod(0o666 & ~mask)  # a temporary file is for its owner alone
        beside.replace(path)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from None
