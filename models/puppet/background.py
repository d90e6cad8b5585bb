"""What is seen behind the puppet: its own picture with the character taken out, one colour, nothing, the driving clip."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ...core import Character, VideoSource
from .hidden import membrane
from .texture import continue_texture

_SMOOTH_LEVELS = 2.5  # a smooth fill that guesses the known surroundings of the hole this well will do


def empty_stage(character: Character) -> np.ndarray:
    """uint8 `[H,W,3]`: the picture without the character. Pixels away from the cut-out are exactly the picture's.

    Smooth surroundings are continued smoothly, with the grain of the picture; textured ones by matching
    patches of the picture, whose colours are then drawn to those at the rim.
    """
    assert character.alpha is not None
    pixels = character.pixels
    reach = max(3, round(0.006 * max(character.size)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hole = cv2.dilate((character.alpha > 8).astype(np.uint8), kernel) > 0
    if hole.all() or not hole.any():
        return pixels.copy()
    smooth = membrane(pixels.astype(np.float32), ~hole)
    ring = _around(hole, 4 * reach) & ~_around(hole, 1)
    if _film_error(pixels, hole, reach) <= _SMOOTH_LEVELS:
        fine = pixels.astype(np.float32) - cv2.GaussianBlur(pixels, (0, 0), 3.0)
        grain = min(float(np.median(np.abs(fine[ring]))) * 1.48, _SMOOTH_LEVELS) if ring.any() else 0.0
        noise = np.random.default_rng(0).normal(0, 1, (*hole.shape, 1)).astype(np.float32)
        filled = smooth + noise * grain
    else:
        filled = continue_texture(pixels, hole, smooth)
    return np.where(hole[..., None], np.clip(np.rint(filled), 0, 255), pixels).astype(np.uint8)


def _film_error(pixels: np.ndarray, hole: np.ndarray, reach: int) -> float:
    """Mean error in levels of a smooth fill on the surroundings of the hole, where the truth is known."""
    wide = _around(hole, 8 * reach)
    test = wide & ~hole
    if wide.all() or not test.any():
        return float("inf")
    step = max(1, round(np.sqrt(wide.size / 60000)))  # a small copy tells as much
    size = (-(-hole.shape[1] // step), -(-hole.shape[0] // step))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = cv2.resize(wide.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) == 0
    tested = cv2.resize(test.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not known.any() or not tested.any():
        return float("inf")
    return float(np.abs(membrane(small, known) - small)[tested].mean())


def _around(mask: np.ndarray, reach_px: int) -> np.ndarray:
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= reach_px


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
