"""Motions as OpenPose JSON: ComfyUI's POSE_KEYPOINT list, and OpenPose's own one file per frame.

Packs disagree on units (px or 0..1), on missing parts (null or zeros), on confidence (0 and 1 or true
scores), on the number of body points (18 or 25) and even on which hand is the left one; what is read here
is put right by looking at the data. Feet travel only where the other side knows them (25 points, or
`foot_keypoints_2d`). Facts: comfyui_controlnet_aux, ComfyUI's SDPose nodes, CMU OpenPose's output format.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..core import (
    BODY,
    FACE,
    FEET,
    LEFT_HAND,
    RIGHT_HAND,
    WHOLE_BODY,
    BadMotionFile,
    CannotWrite,
    Motion,
    PoseTrack,
    SourceFile,
    Timeline,
    UsageError,
)
from .openpose_people import link_people, unswap_hands
from .tensor_file import is_whole

Confidence = Literal["binary", "score"]
SEEN = 0.3
"""Readers of binary confidences draw a point or do not; this is where DWPose draws the line."""
MOST_BYTES = 1 << 30
MOST_FRAMES = 1 << 20
MOST_PEOPLE = 64
LARGEST_SIDE = 1 << 16
_FARTHEST = float(1 << 20)

# COCO's 17 as OpenPose numbers them; its neck (1) is no COCO joint and its 25 have the hips' middle at 8.
_COCO_IN_18 = [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]
_COCO_IN_25 = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]
_FEET_IN_25 = [19, 20, 21, 22, 23, 24]
_LEFT_SHOULDER, _RIGHT_SHOULDER = 5, 6
_PARTS = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")


def read_openpose_json(path: str | Path, *, size: tuple[int, int] | None = None) -> PoseTrack:
    """The main person (largest for longest) of a POSE_KEYPOINT list, of a single frame, or of a folder with one file per frame.

    `size` (width, height px) is needed only where the file names no canvas and counts in 0..1. BadMotionFile
    says what is wrong with a file.
    """
    path = Path(path)
    frames = _frames_in(path)
    return _tracks(frames, size, str(path))[0]


def motion_from_openpose_json(path: str | Path, rate: Fraction) -> Motion:
    """Everybody in a file or folder as `read_openpose_json` reads it; `rate` in frames/s, which no such file tells."""
    return motion_from_pose_keypoint(_frames_in(Path(path)), rate, name=str(path))


def motion_from_pose_keypoint(
    keypoints: Sequence[Mapping[str, Any]], rate: Fraction, *, name: str = "POSE_KEYPOINT"
) -> Motion:
    """All people of a POSE_KEYPOINT list, linked from frame to frame; the main one is largest for longest."""
    tracks = _tracks(list(keypoints), None, name)
    return Motion(tracks, Timeline.constant(tracks[0].num_frames, rate), SourceFile(name, ""), "openpose-json")


def write_openpose_json(track: PoseTrack, path: str | Path, *, confidence: Confidence = "binary") -> None:
    """Write a POSE_KEYPOINT list to a file, or, where `path` is a folder, one file per frame into it.

    With 'binary' (what most readers expect; many drop every point below 1) a point is there from a score of
    0.3 on; with 'score' the true confidences are written. CannotWrite says why it cannot be written.
    """
    path = Path(path)
    frames = _frames_of((track,), confidence)
    if path.is_dir():
        for i, frame in enumerate(frames):
            _write_beside(path / f"{i:012d}_keypoints.json", {"version": 1.3, **frame})
    else:
        _write_beside(path, frames)


def pose_keypoint_from_motion(motion: Motion, *, confidence: Confidence = "binary") -> list[dict[str, Any]]:
    """A POSE_KEYPOINT list with everybody in `motion`, in px."""
    return _frames_of(motion.tracks, confidence)


def _frames_of(tracks: Iterable[PoseTrack], confidence: Confidence) -> list[dict[str, Any]]:
    if confidence not in ("binary", "score"):
        raise UsageError(f"confidence is {confidence!r}; there are binary, score.")
    people = [_rows(track, confidence) for track in tracks]
    width, height = next(iter(tracks)).size
    return [
        {
            "people": [_person(rows[i]) for rows in people if rows[i, :, 2].any()],
            "canvas_width": width,
            "canvas_height": height,
        }
        for i in range(len(people[0]))
    ]


def _rows(track: PoseTrack, confidence: Confidence) -> np.ndarray:
    """float64 `[T,134,3]`: the 133 joints and the neck, x y c; all zero where not seen."""
    points = track.points.astype(np.float64)
    scores = track.scores.astype(np.float64)
    shoulders = scores[:, [_LEFT_SHOULDER, _RIGHT_SHOULDER]]
    neck = points[:, [_LEFT_SHOULDER, _RIGHT_SHOULDER]].mean(axis=1)
    neck_score = np.where((shoulders > SEEN).all(axis=1), shoulders.min(axis=1), 0.0)
    scores = np.concatenate([scores, neck_score[:, None]], axis=1)
    if confidence == "binary":
        scores = (scores >= SEEN).astype(np.float64)
    rows = np.concatenate([np.concatenate([points, neck[:, None]], axis=1), scores[..., None]], axis=2)
    rows[scores == 0] = 0
    return rows


def _person(rows: np.ndarray) -> dict[str, Any]:
    body = np.empty((18, 3))
    body[_COCO_IN_18] = rows[BODY]
    body[1] = rows[133]
    # Face readers expect 70 points; the last two are the pupils, for which the body's eyes stand in.
    face = np.concatenate([rows[FACE], body[[14, 15]]]) if rows[FACE, 2].any() else rows[:0]
    named = {
        "pose_keypoints_2d": body,
        "face_keypoints_2d": face,
        "hand_left_keypoints_2d": rows[LEFT_HAND],
        "hand_right_keypoints_2d": rows[RIGHT_HAND],
        "foot_keypoints_2d": rows[FEET],
    }
    keep = "pose_keypoints_2d"
    return {key: part.ravel().tolist() if key == keep or part[:, 2:].any() else None for key, part in named.items()}


def _frames_in(path: Path) -> list[Any]:
    if path.is_dir():
        files = sorted(path.glob("*.json"), key=_natural)
        if not files:
            raise BadMotionFile(f"The folder {path} holds no .json files.")
        if len(files) > MOST_FRAMES:
            raise BadMotionFile(f"The folder {path} holds {len(files)} files; {MOST_FRAMES} frames are the most.")
        frames = [_parsed(file) for file in files]
        return [frame[0] if isinstance(frame, list) and len(frame) == 1 else frame for frame in frames]
    whole = _parsed(path)
    return whole if isinstance(whole, list) else [whole]


def _natural(path: Path) -> list[Any]:
    """Frame 10 after frame 9, whether or not numbers have leading zeros."""
    return [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in re.split(r"([0-9]+)", path.name)]


def _parsed(path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadMotionFile(f"{path} has more than {MOST_BYTES >> 30} GiB; that is no OpenPose JSON.")
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadMotionFile(f"There is no file {path}.") from None
    except (OSError, MemoryError) as error:
        raise BadMotionFile(f"{path} cannot be read: {error}.") from None
    except (ValueError, RecursionError):
        raise BadMotionFile(f"{path} is not JSON; expected a POSE_KEYPOINT list or an OpenPose frame.") from None


def _tracks(frames: Any, size: tuple[int, int] | None, name: str) -> tuple[PoseTrack, ...]:
    if not isinstance(frames, list) or not frames:
        raise BadMotionFile(f"{name} holds no frames; expected a POSE_KEYPOINT list or an OpenPose frame.")
    if len(frames) > MOST_FRAMES:
        raise BadMotionFile(f"{name} holds {len(frames)} frames; {MOST_FRAMES} are the most.")
    canvas = size
    read: list[list[tuple[np.ndarray, np.ndarray]]] = []
    for i, frame in enumerate(frames):
        if not isinstance(frame, Mapping) or not isinstance(frame.get("people"), (list, tuple)):
            kind = "animals" if isinstance(frame, Mapping) and "animals" in frame else "no 'people'"
            raise BadMotionFile(f"{name}, frame {i}: {kind} found where OpenPose lists 'people'.")
        if len(frame["people"]) > MOST_PEOPLE:
            raise BadMotionFile(f"{name}, frame {i}: {len(frame['people'])} people; {MOST_PEOPLE} are the most.")
        canvas = _same_canvas(frame, canvas, f"{name}, frame {i}")
        read.append(
            [_read_person(person, f"{name}, frame {i}, person {k}") for k, person in enumerate(frame["people"])]
        )
    points, scores = link_people(read)
    if not len(points):
        raise BadMotionFile(f"{name} holds {len(frames)} frames, but nobody in them.")
    canvas = _scale(points, scores, canvas, name)
    unswap_hands(points, scores)
    return tuple(
        PoseTrack(np.ascontiguousarray(p, np.float32), np.ascontiguousarray(s, np.float32), canvas)
        for p, s in zip(points, scores, strict=True)
    )


def _same_canvas(frame: Mapping[str, Any], canvas: tuple[int, int] | None, where: str) -> tuple[int, int] | None:
    width, height = frame.get("canvas_width"), frame.get("canvas_height")
    if width is None or height is None:
        return canvas
    try:
        own = (int(width), int(height))
    except (TypeError, ValueError, OverflowError):
        raise BadMotionFile(f"{where}: the canvas is {width!r} x {height!r}.") from None
    if not all(1 <= n <= LARGEST_SIDE for n in own):
        raise BadMotionFile(f"{where}: the canvas is {own[0]}x{own[1]}; 1 to {LARGEST_SIDE} px are possible.")
    if canvas is not None and own != canvas:
        raise BadMotionFile(f"{where}: the canvas is {own[0]}x{own[1]}, but was {canvas[0]}x{canvas[1]} before.")
    return own


def _read_person(person: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 `[133,2]` in the file's unit, scores `[133]`."""
    if not isinstance(person, Mapping):
        raise BadMotionFile(f"{where}: a person is a JSON object with {', '.join(_PARTS)}.")
    points, scores = np.zeros((WHOLE_BODY.num_joints, 2)), np.zeros(WHOLE_BODY.num_joints)

    def take(key: str, counts: tuple[int, ...]) -> np.ndarray | None:
        rows = _triples(person.get(key), counts, f"{where}, {key}")
        return rows if len(rows) else None

    def put(where_to: slice, rows: np.ndarray) -> None:
        points[where_to], scores[where_to] = rows[:, :2], rows[:, 2]

    body = take("pose_keypoints_2d", (18, 25))
    if body is not None:
        put(BODY, body[_COCO_IN_18 if len(body) == 18 else _COCO_IN_25])
        if len(body) == 25:
            put(FEET, body[_FEET_IN_25])
    for key, part, counts in (
        ("foot_keypoints_2d", FEET, (6,)),
        ("face_keypoints_2d", FACE, (68, 70)),
        ("hand_left_keypoints_2d", LEFT_HAND, (21,)),
        ("hand_right_keypoints_2d", RIGHT_HAND, (21,)),
    ):
        rows = take(key, counts)
        if rows is not None:
            put(part, rows[: part.stop - part.start])
    points[scores == 0] = 0
    return points, scores


def _triples(values: Any, counts: tuple[int, ...], where: str) -> np.ndarray:
    """float64 `[n,3]` x y confidence; `[0,3]` where the part is missing."""
    if values is None or (isinstance(values, (list, tuple)) and not values):
        return np.zeros((0, 3))
    if not isinstance(values, (list, tuple)) or len(values) not in [3 * n for n in counts]:
        found = f"{len(values)} numbers" if isinstance(values, (list, tuple)) else type(values).__name__
        wanted = " or ".join(f"{3 * n} ({n} points)" for n in counts)
        raise BadMotionFile(f"{where}: {found}, but {wanted} make sense.")
    if not all(v is None or is_whole(v) or isinstance(v, float) for v in values):
        raise BadMotionFile(f"{where}: something in the list is not a number.")
    try:
        rows = np.array([0.0 if v is None else float(v) for v in values]).reshape(-1, 3)
    except OverflowError:
        raise BadMotionFile(f"{where}: a number is beyond all measure.") from None
    rows[:, 2] = np.clip(rows[:, 2], 0, 1)  # nan stays and is refused below; negative means missing
    seen = rows[:, 2] != 0
    if not np.isfinite(rows[seen]).all() or (np.abs(rows[seen]) > _FARTHEST).any():
        raise BadMotionFile(f"{where}: a point is not finite or absurdly far away.")
    rows[~seen] = 0
    return rows


def _scale(points: np.ndarray, scores: np.ndarray, canvas: tuple[int, int] | None, name: str) -> tuple[int, int]:
    """Bring points that count in 0..1 to px, in place; the canvas, guessed from the points where nobody names it."""
    seen = points[scores > 0]
    largest = float(np.abs(seen).max()) if len(seen) else 0.0
    relative = 0 < largest <= 1 or (largest <= 2 and canvas is not None and min(canvas) > 16)
    if relative and canvas is None:
        raise BadMotionFile(f"{name} counts in 0..1 and names no canvas_width and canvas_height; give its size.")
    if canvas is None:
        canvas = (
            (max(1, int(np.ceil(seen[:, 0].max())) + 1), max(1, int(np.ceil(seen[:, 1].max())) + 1))
            if len(seen)
            else (1, 1)
        )
        if max(canvas) > LARGEST_SIDE:
            raise BadMotionFile(f"{name} names no canvas and has points at {canvas[0]}, {canvas[1]} px.")
    if relative:
        points *= canvas
    return canvas


def _write_beside(path: Path, content: Any) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from None
