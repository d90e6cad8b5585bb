"""All the faces in a still picture, by their 68 points: for who wants to move several of them, or to choose one.

The detector's first stage sees a small square and misses faces that are small in it, so the picture is shown to it
whole and in overlapping parts; what is found twice is one face.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core import FACE
from .mediapipe_import import quiet, solutions
from .mediapipe_order import fill_face
from .still_person import Framing, frame_box

MOST_FACES = 16
_PARTS, _SMALL_PARTS = 3, 6
"""The picture is cut into so many overlapping parts along its longer side, and fewer along the other."""
_OVERLAP = 0.4
_SAME = 0.5  # of the larger face's size: two faces whose middles are nearer than this are one
_LEAST_SHARE = 0.12  # of the largest face: what is smaller is a picture on the wall, or nothing


def find_faces(pixels: np.ndarray, *, thorough: bool = True) -> list[np.ndarray]:
    """float32 `[68,2]` px of each face of uint8 `[H,W,3]`, from left to right; MissingPackage without MediaPipe.

    Finds faces of a thirtieth of the picture's longer side and more; of a sixteenth where not `thorough`, in a quarter
    of the time.
    """
    found: list[np.ndarray] = []
    mesh = solutions().face_mesh  # asked for outside: it is quiet by itself, and two cannot be at once
    with quiet():
        network = mesh.FaceMesh(
            static_image_mode=True, refine_landmarks=True, max_num_faces=MOST_FACES, min_detection_confidence=0.4
        )
    try:
        for framing in _framings(pixels.shape[1], pixels.shape[0], thorough):
            for face in _seen(network, pixels, framing):
                if not any(_is_same(face, known) for known in found):
                    found.append(face)
    finally:
        with quiet():
            network.close()
    largest = max((_size(face) for face in found), default=0.0)
    kept = [face for face in found if _size(face) >= _LEAST_SHARE * largest]
    return sorted(kept, key=lambda face: float(face[:, 0].mean()))


def _framings(width: int, height: int, thorough: bool) -> Iterator[Framing]:
    yield frame_box("whole picture", (0.0, 0.0, float(width), float(height)), 1.0)
    yield frame_box("padded", (0.0, 0.0, float(width), float(height)), 0.6)
    for parts in (_PARTS, _SMALL_PARTS) if thorough else (_PARTS,):
        across = parts if width >= height else max(2, round(parts * width / height))
        down = parts if height > width else max(2, round(parts * height / width))
        for y0, y1 in _spans(height, down):
            for x0, x1 in _spans(width, across):
                yield frame_box("part", (x0, y0, x1, y1), 1.0)


def _spans(length: int, parts: int) -> Iterator[tuple[float, float]]:
    size = length / (parts - (parts - 1) * _OVERLAP)
    for k in range(parts):
        start = k * size * (1 - _OVERLAP)
        yield start, min(start + size, float(length))


def _seen(network: object, pixels: np.ndarray, framing: Framing) -> Iterator[np.ndarray]:
    with quiet():
        seen = network.process(framing.view(pixels))  # type: ignore[attr-defined]
    width, height = framing.size
    for landmarks in seen.multi_face_landmarks or ():
        raw = np.array([[p.x * width, p.y * height] for p in landmarks.landmark], np.float64) - 0.5
        points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
        fill_face(points, scores, framing.back(raw), 1.0)
        face = points[FACE]
        middle = face.mean(axis=0)
        if 0 <= middle[0] < pixels.shape[1] and 0 <= middle[1] < pixels.shape[0] and _size(face) > 8:
            yield face


def _size(face: np.ndarray) -> float:
    return float((face.max(axis=0) - face.min(axis=0)).max())


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    return float(np.linalg.norm(a.mean(axis=0) - b.mean(axis=0))) < _SAME * max(_size(a), _size(b))
