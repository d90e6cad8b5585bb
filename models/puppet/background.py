"""What is seen behind the puppet: its own picture with the character taken out, one colour, nothing, the driving clip."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ...core import Character, VideoSource
from .hidden import membrane


def empty_stage(character: Character) -> np.ndarray:
    """uint8 `[H,W,3]`: the picture without the character. Pixels away from the cut-out are exactly the picture's."""
    assert character.alpha is not None
    reach = max(3, round(0.006 * max(character.size)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hole = cv2.dilate((character.alpha > 8).astype(np.uint8), kernel) > 0
    if hole.all() or not hole.any():
        return character.pixels.copy()
    filled = membrane(character.pixels.astype(np.float32), ~hole)
    return np.where(hole[..., None], np.clip(np.rint(filled), 0, 255), character.pixels).astype(np.uint8)


def driving_stages(driving: VideoSource, size: tuple[int, int], start: int, length: int) -> Iterator[np.ndarray]:
    """uint8 `[n,H,W,3]`, `length` frames at a time from frame `start`: the driving clip, its person still in it.

    Scaled to cover the whole canvas, its middle kept.
    """
    for chunk in driving.chunks(length, start):
        frames = chunk.pixels
        if frames.dtype != np.uint8:
            frames = np.clip(np.rint(frames * 255), 0, 255).astype(np.uint8)
        yield np.stack([_cover(f, size) for f in frames])


def _cover(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    h, w = frame.shape[:2]
    if (w, h) == size:
        return frame
    scale = max(width / w, height / h)
    grown = (max(width, round(w * scale)), max(height, round(h * scale)))
    frame = cv2.resize(frame, grown, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (grown[0] - width) // 2, (grown[1] - height) // 2
    return frame[y : y + height, x : x + width]
