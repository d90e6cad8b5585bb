"""The joints of whoever a still picture shows, by a person finder and a pose network, where there is no MediaPipe."""

from __future__ import annotations

import numpy as np

from ..core import BODY
from .networks import PersonFinder, PoseNetwork

_MOST_PEOPLE = 4
_FIND_SCORE = 0.3


def look_at_still(picture: np.ndarray, finder: PersonFinder, network: PoseNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Points float32 `[133,2]` px and scores `[133]` 0..1 of the main person of uint8 `[H,W,3]` RGB.

    Whom the finder overlooks, as it does with drawings, is looked for in the whole picture; whoever is large and
    surely seen is the main person. Whether the answer can be a body is for the caller to judge.
    """
    height, width = picture.shape[:2]
    frames = np.ascontiguousarray(picture[None])
    found, sure = finder.find(frames)[0]
    found = np.asarray(found, np.float32).reshape(-1, 4)[np.asarray(sure) > _FIND_SCORE][:_MOST_PEOPLE]
    whole = np.array([[0, 0, width - 1, height - 1]], np.float32)
    boxes = np.concatenate([found, whole])
    points, scores = network.estimate(frames, boxes, np.zeros(len(boxes), int))
    fine = np.isfinite(points).all(axis=2) & np.isfinite(scores)
    scores = np.where(fine, np.clip(scores, 0, 1), 0).astype(np.float32)
    points = np.where(fine[..., None], points, 0).astype(np.float32)
    sides = np.minimum(boxes[:, 2:] - boxes[:, :2], (width, height)).max(axis=1)
    worth = scores[:, BODY].mean(axis=1) * np.sqrt(sides / max(width, height))
    worth[-1] *= 0.9 if len(found) else 1.0  # a box of its own is the better crop
    best = int(worth.argmax())
    return points[best], scores[best]
