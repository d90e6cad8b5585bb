"""Where to cut the face out of every frame: boxes around the 68 face points, followed through gaps.

Wan-Animate takes the face as 512x512 pictures beside the pose. Its own box has no smoothing and stretches
to a square; ours is a square of the same area, moves without jitter, and exists in every frame, so the
face clip is never shorter than the pose clip.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..core import FACE, PoseTrack

SEEN = 0.3
AREA_SCALE = 1.3  # Wan-Animate's face crops: area of the points' box times 1.3
# Share of the growth that goes above and below (Wan: three quarters above, one below; x evenly).
_UP, _DOWN = 0.75, 0.25


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
