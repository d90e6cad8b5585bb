"""What one can tell of a driving clip from its small grey pictures alone: cuts aside, camera, sharpness, light.

Frames come one at a time and only numbers are kept, so a clip of any length costs no memory. What the
numbers mean for a user is decided in `check`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

WIDTH_PX = 320  # corners and blur are measured on a picture this wide; 1-2 ms per frame
REPEAT_LEVELS = 0.15  # mean grey difference below which a frame repeats the one before
_WINDOW = (15, 15)


@dataclass
class PictureMeasures:
    """Feed every frame; read the lists afterwards. All have one entry per frame."""

    shift: list[float] = field(default_factory=list)
    """Camera shift since the frame before, in % of the picture's diagonal."""
    zoom: list[float] = field(default_factory=list)
    """Camera scale since the frame before, 1 = none."""
    roll_degrees: list[float] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    """Laplacian variance over the variance of the person's part: falls with blur, not with dim light."""
    luma: list[float] = field(default_factory=list)
    """Mean grey level 0..255 of what lies outside the person."""
    change: list[float] = field(default_factory=list)
    """Mean absolute grey difference to the frame before, levels."""
    _before: np.ndarray | None = None

    def feed(self, frame: np.ndarray, person: tuple[float, float, float, float] | None) -> None:
        """`frame` uint8 `[H,W,3]`; `person` x0, y0, x1, y1 in px of it, or None when nobody is known yet."""
        scale = WIDTH_PX / frame.shape[1]
        size = (WIDTH_PX, max(16, round(frame.shape[0] * scale)))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        box = None if person is None else _box_inside(np.asarray(person) * scale, grey.shape)
        self.sharpness.append(_sharpness(frame, person))
        self.luma.append(_mean_outside(grey, box))
        if self._before is None or self._before.shape != grey.shape:
            shift, zoom, roll, change = 0.0, 1.0, 0.0, float("inf")
        else:
            shift, zoom, roll = _camera_step(self._before, grey, box)
            change = float(cv2.absdiff(self._before, grey).mean())
        self.shift.append(shift)
        self.zoom.append(zoom)
        self.roll_degrees.append(roll)
        self.change.append(change)
        self._before = grey

    def forget_the_frame_before(self) -> None:
        """At a cut: the next frame is compared with nothing."""
        self._before = None

    def summary(self) -> dict[str, float]:
        """A few numbers of the whole clip, for the report."""
        if not self.shift:
            return {}
        return {
            "camera_shift_p95_percent": float(np.quantile(self.shift, 0.95)),
            "camera_zoom": float(np.prod(self.zoom)),
            "sharpness_median": float(np.median(self.sharpness)),
            "luma_std": float(np.std(self.luma)),
        }


def _box_inside(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    height, width = shape[:2]
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    return (x0, y0, x1, y1) if x1 - x0 >= 4 and y1 - y0 >= 4 else None


def _sharpness(frame: np.ndarray, person: tuple[float, float, float, float] | None) -> float:
    # At the frame's own resolution: a picture made small looks sharp again.
    box = _box_inside(np.asarray(person), frame.shape) if person is not None else None
    x0, y0, x1, y1 = box or (0, 0, frame.shape[1], frame.shape[0])
    grey = cv2.cvtColor(frame[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    if max(grey.shape) > 640:
        # The middle is enough, and bounds the time on 4K.
        y, x = grey.shape[0] // 2, grey.shape[1] // 2
        grey = grey[max(0, y - 320) : y + 320, max(0, x - 320) : x + 320]
    variance = float(grey.var())
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / (variance + 1.0)


def _mean_outside(grey: np.ndarray, box: tuple[int, int, int, int] | None) -> float:
    if box is None:
        return float(grey.mean())
    x0, y0, x1, y1 = box
    outside = grey.size - (x1 - x0) * (y1 - y0)
    if outside < grey.size // 20:
        return float(grey.mean())
    return (float(grey.sum(dtype=np.int64)) - float(grey[y0:y1, x0:x1].sum(dtype=np.int64))) / outside


def _is_spread(corners: np.ndarray, width: int, height: int) -> bool:
    """Whether the corners that agree lie all over the picture; those of a shadow or a bystander do not."""
    if len(corners) < 8:
        return False
    extent = np.quantile(corners, 0.9, axis=0) - np.quantile(corners, 0.1, axis=0)
    return bool(extent[0] > 0.4 * width and extent[1] > 0.3 * height)


def _camera_step(
    before: np.ndarray, now: np.ndarray, box: tuple[int, int, int, int] | None
) -> tuple[float, float, float]:
    """Shift in % of the diagonal, scale, roll in degrees, from corners outside the person."""
    mask = None
    if box is not None:
        mask = np.full(before.shape, 255, np.uint8)
        mask[box[1] : box[3], box[0] : box[2]] = 0
    corners = cv2.goodFeaturesToTrack(before, 200, 0.01, 6, mask=mask)
    if corners is None or len(corners) < 8:
        return 0.0, 1.0, 0.0
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None, winSize=_WINDOW, maxLevel=2)  # type: ignore[call-overload]
    good = found.ravel() == 1
    if good.sum() < 8:
        return 0.0, 1.0, 0.0
    matrix, agree = cv2.estimateAffinePartial2D(
        corners[good], moved[good], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    height, width = now.shape
    if matrix is None or not _is_spread(corners[good][agree.ravel() == 1, 0], width, height):
        return 0.0, 1.0, 0.0
    centre = np.array([width / 2, height / 2])
    step = matrix[:, :2] @ centre + matrix[:, 2] - centre
    return (
        float(np.hypot(*step) / np.hypot(width, height) * 100),
        float(np.hypot(matrix[0, 0], matrix[1, 0])),
        float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))),
    )
