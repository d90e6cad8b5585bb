"""Where a skeleton lies on a canvas: letter-boxed onto it, and shrunk until it stays inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core import PoseTrack

INSIDE = 0.98  # of the shown joints of the body; the last few hundredths are single frames of a fling
SMALLEST = 0.25  # below this a figure is too small to be worth drawing
SHOWN = 0.4
BODY_AND_FEET = slice(0, 23)


def letterbox(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[float, float, float]:
    """Scale, left and top in px that lay a picture of `size` whole and centred on `canvas`; both width, height."""
    scale = min(canvas[0] / size[0], canvas[1] / size[1])
    return scale, (canvas[0] - scale * size[0]) / 2, (canvas[1] - scale * size[1]) / 2


def on_canvas(track: PoseTrack, canvas: tuple[int, int]) -> PoseTrack:
    """The track with its picture letter-boxed onto `canvas` (width, height in px); the same track where they agree."""
    if track.size == canvas:
        return track
    scale, left, top = letterbox(track.size, canvas)
    points = (track.points.astype(np.float64) + 0.5) * scale - 0.5 + (left, top)
    return replace(track, points=points.astype(np.float32), size=canvas)


def inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """bool `[...]`: which points `[...,2]` lie on a picture of `size`."""
    return np.asarray(((points >= 0) & (points < np.asarray(size))).all(-1))


def ground_of(points: np.ndarray, shown: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float64 `[2]` px: between the feet of one frame `[133,2]`, else its lowest shown joint; within the picture."""
    feet = [j for j in (15, 16, 17, 18, 19, 20, 21, 22) if shown[j]]
    body = [j for j in range(23) if shown[j]]
    if not body:
        return np.asarray(size) / 2
    low = points[feet or body, 1].max()
    middle = points[feet or body, 0].mean()
    return np.clip(np.array([middle, low], np.float64), 0, np.asarray(size) - 1.0)


def largest_that_fits(points: np.ndarray, centre: np.ndarray, size: tuple[int, int]) -> float:
    """By how much, at most 1, points `[n,2]` shrink about `centre` until `INSIDE` of them lie on the picture."""
    if not len(points):
        return 1.0
    away = points - centre
    room = np.where(away > 0, np.asarray(size) - 1.0 - centre, centre)
    with np.errstate(divide="ignore"):
        most = (np.maximum(room, 0.0) / np.maximum(np.abs(away), 1e-9)).min(-1)
    return float(np.clip(np.quantile(most, 1 - INSIDE, method="lower"), SMALLEST, 1.0))
