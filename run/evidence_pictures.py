"""What one pass over a finished video tells of its pictures: light, change, colours of head and trunk, stamps.

Frames come one at a time and only numbers are kept. Where the figure is comes from joints that are known before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from ..core import Host, VideoSource
from ..finishing.light_changes import LightChanges
from ..video import glances
from .picture_measures import WIDTH_PX

STAGE = "evidence"
SEEN = 0.3
_HEAD, _TRUNK = np.arange(5), [5, 6, 12, 11]
_HEAD_RADIUS = 0.25  # of the torso, about the mean of the head's joints: face and the hair around it
_TRUNK_SHARE = 0.7  # of the trunk's own size: its outline is where arms and background come in
_LEAST_PX = 24  # of the small picture: fewer have no mean colour worth naming
_LEAST_OUTSIDE = 0.1  # of the picture

Joints = tuple[np.ndarray, np.ndarray]
"""Points float32 `[T,17,2]` px and scores `[T,17]`, or of one frame `[17,2]` and `[17]`."""


@dataclass
class PictureEvidence:
    """One entry a frame."""

    pts: list[int] = field(default_factory=list)
    bend: list[float] = field(default_factory=list)
    """Half the second difference of the logarithm of the light, motion taken out: of the whole picture, the channel
    where it is largest; 0 for the first two frames."""
    bend_in_places: list[float] = field(default_factory=list)
    """The same where it is larger than in nine of ten places."""
    jump: list[float] = field(default_factory=list)
    """Mean difference to the frame before, levels of 255; 0 for the first."""
    still_jump: list[float] = field(default_factory=list)
    """The same outside of the figure in both frames; NaN where there is no such place."""
    head: list[np.ndarray] = field(default_factory=list)
    """float64 `[3]`: mean sRGB 0..1 of the head; NaN where it is not seen."""
    trunk: list[np.ndarray] = field(default_factory=list)


def look_at_pictures(
    source: VideoSource, where: Callable[[int, float], list[Joints]], host: Host, room: float
) -> PictureEvidence:
    """`where(frame, seconds)`: every set of joints (of one frame) that tells where the figure may be then, in px of the
    full picture; colours are read at the first one. `room`: how far hair and clothes reach beyond the joints, in torsos."""
    found = PictureEvidence()
    size = np.array([source.info.width, source.info.height], np.float64)
    meter: LightChanges | None = None
    light = np.zeros((1, 1, 3), np.float32)
    before: tuple[np.ndarray, np.ndarray] | None = None
    total = source.info.num_frames or 0
    for glance in glances(source, WIDTH_PX):
        small = glance.small
        scale = np.array([small.shape[1], small.shape[0]]) / size
        seconds = glance.pts * float(source.info.time_base)
        at = [((p + 0.5) * scale - 0.5, s) for p, s in where(glance.index, seconds)]
        meter = meter or LightChanges((small.shape[1], small.shape[0]))
        outside = _outside(at, small.shape[:2], room)
        found.pts.append(glance.pts)
        light_before, light = light, meter.feed(small)
        bend = (light - light_before) / 2 if glance.index > 1 else np.zeros_like(light)
        found.bend.append(float(np.abs(bend.mean(axis=(0, 1))).max()))
        found.bend_in_places.append(float(np.quantile(np.abs(bend).max(axis=2), 0.9)))
        found.jump.append(0.0 if before is None else float(cv2.absdiff(small, before[0]).mean()))
        found.still_jump.append(float("nan") if before is None else _still(small, outside, *before))
        head, trunk = (np.full(3, np.nan), np.full(3, np.nan)) if not at else region_colours(small, *at[0])
        found.head.append(head)
        found.trunk.append(trunk)
        before = small, outside
        if glance.index % 8 == 0:
            host.step(glance.index, max(total, glance.index + 1), STAGE)
    return found


def region_colours(picture: np.ndarray, points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean sRGB 0..1 of head and of trunk, float64 `[3]` each, in `picture` uint8; NaN where they are not seen."""
    torso = _torso_px(points, scores)
    head = trunk = np.full(3, np.nan)
    seen = scores[_HEAD] > SEEN
    if torso > 0 and seen.sum() >= 2:
        mask = np.zeros(picture.shape[:2], np.uint8)
        middle = points[_HEAD][seen].mean(0)
        cv2.circle(mask, _whole(middle), max(2, round(_HEAD_RADIUS * torso)), 255, -1)
        head = _mean(picture, mask)
    if torso > 0 and (scores[_TRUNK] > SEEN).all():
        corners = points[_TRUNK]
        corners = corners.mean(0) + _TRUNK_SHARE * (corners - corners.mean(0))
        mask = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(corners).astype(np.int32)), 255)
        trunk = _mean(picture, mask)
    return head, trunk


def _mean(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if cv2.countNonZero(mask) < _LEAST_PX:
        return np.full(3, np.nan)
    return np.array(cv2.mean(picture, mask)[:3]) / 255


def _torso_px(points: np.ndarray, scores: np.ndarray) -> float:
    if (scores[_TRUNK] > SEEN).all():
        return float(np.linalg.norm(points[[5, 6]].mean(0) - points[[11, 12]].mean(0)))
    if (scores[[5, 6]] > SEEN).all():
        return 1.3 * float(np.linalg.norm(points[5] - points[6]))
    return 0.0


def _outside(at: list[tuple[np.ndarray, np.ndarray]], shape: tuple[int, ...], room: float) -> np.ndarray:
    """uint8 `[h,w]`: 255 where no figure is."""
    mask = np.full(shape, 255, np.uint8)
    for points, scores in at:
        seen = points[scores > SEEN]
        if len(seen) < 4:
            continue
        px = room * max(_torso_px(points, scores), 0.2 * float(np.ptp(seen[:, 1])))
        low, high = _whole(seen.min(0) - px), _whole(seen.max(0) + px)
        cv2.rectangle(mask, low, high, 0, -1)
    return mask


def _still(now: np.ndarray, outside: np.ndarray, then: np.ndarray, outside_then: np.ndarray) -> float:
    mask = cv2.bitwise_and(outside, outside_then)
    if cv2.countNonZero(mask) < _LEAST_OUTSIDE * mask.size:
        return float("nan")
    return float(np.mean(cv2.mean(cv2.absdiff(now, then), mask)[:3]))


def _whole(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(np.rint(point), -30000, 30000)  # OpenCV draws within 16 bits
    return int(x), int(y)
