"""Is anybody else in the picture? Only asked by the check of a driving video, about once a second.

MediaPipe follows one person; so the followed one is painted over and the detector looks again.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

SEEN = 0.5  # visibility above which a joint of a bystander counts
_TRUNK = (11, 12, 23, 24)  # shoulders and hips in MediaPipe's order of 33
_GROW = 1.35  # hands and hair stick out of a box around joints


class OtherPeople:
    """Finds one more person beside a known one. Open it with `with`."""

    def __init__(self) -> None:
        from .mediapipe_import import quiet, solutions

        pose = solutions().pose
        with quiet():
            self._pose: Any = pose.Pose(static_image_mode=True, model_complexity=1, smooth_landmarks=False)
            # Graphs talk once more at their first picture.
            self._pose.process(np.zeros((64, 64, 3), np.uint8))

    def find(
        self, frame: np.ndarray, person: tuple[float, float, float, float] | None
    ) -> tuple[float, float, float, float] | None:
        """Box x0, y0, x1, y1 in px of somebody outside `person`, or None. `frame` uint8 `[H,W,3]` RGB."""
        height, width = frame.shape[:2]
        scale = min(1.0, 960 / max(height, width))
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame.copy()
        if person is not None:
            _paint_over(small, np.asarray(person) * scale)
        landmarks = self._pose.process(small).pose_landmarks
        if landmarks is None:
            return None
        joints = landmarks.landmark
        if sum(joints[j].visibility > SEEN for j in _TRUNK) < 3:
            return None
        points = np.array([(p.x * width, p.y * height) for p in joints if p.visibility > SEEN])
        box = (*points.min(axis=0), *points.max(axis=0))
        if person is not None and _share_inside(box, person) > 0.5:
            return None
        return tuple(float(v) for v in box)  # type: ignore[return-value]

    def close(self) -> None:
        self._pose.close()

    def __enter__(self) -> OtherPeople:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _paint_over(picture: np.ndarray, box: np.ndarray) -> None:
    height, width = picture.shape[:2]
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _GROW
    x0, y0 = np.maximum(0, (centre - half).astype(int))
    x1, y1 = np.minimum((width, height), (centre + half).astype(int) + 1)
    if x1 > x0 and y1 > y0:
        picture[y0:y1, x0:x1] = np.median(picture.reshape(-1, 3)[::97], axis=0)


def _share_inside(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    return width * height / max(1e-6, (box[2] - box[0]) * (box[3] - box[1]))
