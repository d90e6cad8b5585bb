"""Faces that another program found: ComfyUI's FACE_LANDMARKS, the mesh of MediaPipe in every frame, as our tracks.

Only the face is seen in them. They serve where a portrait's face is wanted, and as the motion of a clip that shows
nothing but heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core import FACE, NoPersonFound, PoseTrack, UsageError
from ..pose.mediapipe_order import fill_face
from ..pose.openpose_people import link_people

MESH_POINTS = (468, 478)
MOST_FRAMES = 1 << 20
_FARTHEST_PX = float(1 << 20)
_LEAST_SEEN = 0.5  # a mesh that lies there was found; its own score says how surely


def tracks_of_landmarks(landmarks: Any) -> tuple[PoseTrack, ...]:
    """The people of a FACE_LANDMARKS payload, the largest face first, followed through its frames.

    It is a mapping with `frames`, a list for each frame of faces with `landmarks_xy` `[478,2]` px, and `image_size`
    (height, width). UsageError says what it is instead; NoPersonFound where no frame has a face.
    """
    size, frames = _payload(landmarks)
    if not frames or len(frames) > MOST_FRAMES:
        raise UsageError(f"Face landmarks are of 1 to {MOST_FRAMES} frames, not {len(frames)}.")
    people = [[_person(face, k) for face in faces] for k, faces in enumerate(frames)]
    points, scores = link_people(people)
    if not len(points):
        raise NoPersonFound(f"None of the {len(frames)} frames on the wire of face landmarks has a face; a lower min_confidence or another detector_variant may find one.")  # fmt: skip
    return tuple(
        PoseTrack(p.astype(np.float32), s.astype(np.float32), size) for p, s in zip(points, scores, strict=True)
    )


def _payload(landmarks: Any) -> tuple[tuple[int, int], list[list[Any]]]:
    frames = landmarks.get("frames") if isinstance(landmarks, Mapping) else None
    size = landmarks.get("image_size") if isinstance(landmarks, Mapping) else None
    if not isinstance(frames, list) or not all(isinstance(faces, list) for faces in frames):
        raise UsageError("Face landmarks are frames with lists of faces, as Detect Face Landmarks (MediaPipe) gives them.")  # fmt: skip
    try:
        height, width = (int(n) for n in size)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise UsageError(f"Face landmarks say the size of their picture as (height, width), not {str(size)[:40]}.")
    return (width, height), frames


def _person(face: Any, frame: int) -> tuple[np.ndarray, np.ndarray]:
    found = face.get("landmarks_xy") if isinstance(face, Mapping) else None
    mesh = np.asarray(found, np.float64) if found is not None else np.zeros(0)
    if mesh.shape not in [(n, 2) for n in MESH_POINTS] or not np.isfinite(mesh).all() or np.abs(mesh).max() > _FARTHEST_PX:  # fmt: skip
        raise UsageError(f"Face landmarks of frame {frame} are {list(mesh.shape)} numbers; [478,2] finite px would work.")  # fmt: skip
    points, scores = np.zeros((133, 2)), np.zeros(133)
    fill_face(points, scores, mesh, 1.0)
    scores[FACE] = np.clip(_number(face.get("score")), _LEAST_SEEN, 1.0)
    return points, scores


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 1.0
    return number if np.isfinite(number) else 1.0
