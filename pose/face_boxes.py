"""Where to cut the face out of every frame: boxes around the 68 face points, followed through gaps.

Wan-Animate takes the face as 512x512 pictures beside the pose. Its own box (`wan_face_boxes`) has no
smoothing and is stretched to a square; ours is a square of the same area, moves without jitter, and exists
in every frame, so the face clip is never shorter than the pose clip.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np

from ..core import FACE, PoseTrack
from .clean import clean, shot_edges
from .smooth import parabola

SEEN = 0.3
AREA_SCALE = 1.3  # Wan-Animate's face crops: area of the points' box times 1.3
# Share of the growth that goes above and below (Wan: three quarters above, one below; x evenly).
_UP, _DOWN = 0.75, 0.25
STEADY_SECONDS = 0.6
"""Window of `steady_face_boxes` at strength 2, for what is slow: the face's size, and where its middle lies in the box."""


def face_boxes(track: PoseTrack, scale: float = AREA_SCALE) -> tuple[np.ndarray, np.ndarray]:
    """Square boxes float32 `[T,4]` (x0, y0, x1, y1 in px) and bool `[T]`: the face was really seen.

    Frames without a face take the line between their neighbours, before the first and after the last the
    nearest. A clip without any face gets a box at the picture's upper middle and no frame seen.
    """
    points, scores = track.points[:, FACE], track.scores[:, FACE]
    seen = (scores > SEEN).mean(axis=1) > 0.5
    width, height = track.size
    if not seen.any():
        side = 0.3 * min(width, height)
        box = np.array([width / 2 - side / 2, 0.05 * height, width / 2 + side / 2, 0.05 * height + side], np.float32)
        return np.repeat(box[None], track.num_frames, axis=0), seen
    low, high = points.min(axis=1), points.max(axis=1)
    size = np.maximum(high - low, 4.0)
    grow = np.sqrt(scale) - 1
    side = np.sqrt((size[:, 0] * (1 + grow)) * (size[:, 1] * (1 + grow)))
    centre = (low + high) / 2
    centre[:, 1] -= (_UP - _DOWN) / 2 * grow * size[:, 1]
    frames = np.arange(track.num_frames)
    line = np.stack([np.interp(frames, frames[seen], v[seen]) for v in (centre[:, 0], centre[:, 1], side)], axis=1)
    half = line[:, 2:] / 2
    return np.concatenate([line[:, :2] - half, line[:, :2] + half], axis=1).astype(np.float32), seen


def steady_face_boxes(
    track: PoseTrack,
    rate: float | Fraction,
    *,
    scale: float = AREA_SCALE,
    strength: float = 2.0,
    cuts: Sequence[int] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """As `face_boxes` of a raw track, without its jumps and jitter, and never lagging behind the head.

    A box between the outermost points trembles with each of them and nods with the mouth. So it hangs on the mean of
    all 68, which is calm and follows every movement of the head; where that mean lies in the box, and the box's side,
    are smoothed along sliding parabolas, never across a cut. `rate` in frames/s, `strength` 0..10; 0: raw.
    """
    # Jumps out and gaps known; more than that would flatten the head's own bobbing
    track = clean(track, rate, strength=min(strength, 1.0), cuts=cuts)
    boxes, seen = face_boxes(track, scale)
    window = int(STEADY_SECONDS * float(rate) * strength / 2) // 2 * 2 + 1
    if strength == 0 or window < 5 or not seen.any():
        return boxes, seen
    frames = np.arange(track.num_frames)
    middles = track.points[:, FACE].mean(1, dtype=np.float64)
    middle = np.stack([np.interp(frames, frames[seen], middles[seen, k]) for k in (0, 1)], 1)
    offset = np.stack([boxes[:, [0, 2]].mean(1), boxes[:, [1, 3]].mean(1)], 1) - middle
    slow = np.concatenate([offset, boxes[:, 2:3] - boxes[:, 0:1]], 1)
    edges = shot_edges(track.num_frames, cuts)
    for start, stop in itertools.pairwise(edges):
        slow[start:stop] = parabola(slow[start:stop], window)
    centre, half = middle + slow[:, :2], np.maximum(slow[:, 2:], 4.0) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32), seen


def wan_face_boxes(track: PoseTrack, scale: float = AREA_SCALE) -> tuple[np.ndarray, np.ndarray]:
    """Wan-Animate's own boxes int64 `[T,4]` (x0, y0, x1, y1 in px) and bool `[T]`: there is something to cut out.

    All 68 points whatever their score, each frame by itself, clipped to the picture, truncated; the crop is then
    stretched to a square (`stretch_face`). Where all scores are 0 or the box is empty, on which the original fails,
    the box is (0, 0, 0, 0). From Wan-Video/Wan2.2 `preprocess/utils.py` get_face_bboxes.
    """
    size = np.array(track.size)
    # the original keeps points as shares of the picture in float32
    points = (track.points[:, FACE] / size).astype(np.float32) * size
    low, high = points.min(axis=1), points.max(axis=1)
    extent = high - low
    area = extent[:, 0] * extent[:, 1]
    some = (extent > 0).all(axis=1) & (track.scores[:, FACE] > 0).any(axis=1)
    safe = np.where(some[:, None], extent, 1.0)
    wide = np.sqrt(area * scale * (safe[:, 0] / safe[:, 1]))
    high_side = np.sqrt(area * scale * (safe[:, 1] / safe[:, 0]))
    sideways, downwards = (wide - extent[:, 0]) / 2, (high_side - extent[:, 1]) / 4
    x0, x1 = np.maximum(low[:, 0] - sideways, 0), np.minimum(high[:, 0] + sideways, size[0])
    y0, y1 = np.maximum(low[:, 1] - 3 * downwards, 0), np.minimum(high[:, 1] + downwards, size[1])
    boxes = np.stack([x0, y0, x1, y1], 1).astype(np.int64)
    some &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    boxes[~some] = 0
    return boxes, some


def shown_frames(seen: np.ndarray) -> np.ndarray:
    """int64 `[T]`: the frame whose face stands for each frame when the last one is held; before the first, the first.

    Without any face every frame stands for itself.
    """
    frames = np.arange(len(seen))
    if not seen.any():
        return frames
    last = np.maximum.accumulate(np.where(seen, frames, -1))
    return np.where(last < 0, int(np.flatnonzero(seen)[0]), last)


def stretch_face(frame: np.ndarray, box: np.ndarray, side_px: int = 512) -> np.ndarray:
    """uint8 `[side_px,side_px,3]` of a box of whole px, stretched bilinearly as Wan-Animate does; black if empty."""
    x0, y0, x1, y1 = (int(v) for v in box)
    if x1 <= x0 or y1 <= y0:
        return np.zeros((side_px, side_px, 3), np.uint8)
    return cv2.resize(frame[y0:y1, x0:x1], (side_px, side_px))


def cut_face(frame: np.ndarray, box: np.ndarray, side_px: int = 512) -> np.ndarray:
    """uint8 `[side_px,side_px,3]` of the box; what lies outside the frame repeats its border."""
    scale = (box[2] - box[0]) / side_px
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    x0, y0, x1, y1 = np.floor(box[0]), np.floor(box[1]), np.ceil(box[2]), np.ceil(box[3])
    if scale > 2 and x0 >= 0 and y0 >= 0 and x1 < frame.shape[1] and y1 < frame.shape[0]:
        # Much larger than the crop: average whole areas, or fine lines flicker.
        return cv2.resize(frame[int(y0) : int(y1), int(x0) : int(x1)], (side_px, side_px), interpolation=interpolation)
    # Pixel centres at integers: output pixel k samples box + (k + 0.5) * scale - 0.5.
    matrix = np.array([[scale, 0, box[0] + 0.5 * scale - 0.5], [0, scale, box[1] + 0.5 * scale - 0.5]], np.float32)
    return cv2.warpAffine(
        frame,
        matrix,
        (side_px, side_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
