"""What one can tell of a driving clip from its small grey pictures alone: cuts aside, camera, sharpness, light.

Frames come one at a time and only numbers are kept, so a clip of any length costs no memory. What the
numbers mean for a user is decided in `check`. Light and change are measured on every frame; camera and sharpness,
which cost most, a dozen times a second, and the frames between take their share.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

WIDTH_PX = 320  # the camera is measured on a picture this wide
PERSON_PX, WHOLE_PX = 400, 800  # sharpness on the person's part and on all of it, made at most so large: what
# counts is blur beside the person's size
_WINDOW = (15, 15)
_CORNERS = 64
_EDGE_REACH_PX = 31
_EDGE_LEVELS = 30  # an edge with less contrast is no measure; noise of a dark clip has a tenth of it
_EDGES_LEAST = 200  # px
_SHARPEST = 0.97  # quantile
_Box = tuple[int, int, int, int]
_Step = tuple[tuple[float, float], float, float]
"""Shift to the right and down in % of the diagonal, scale, roll in degrees."""
_STILL: _Step = ((0.0, 0.0), 1.0, 0.0)


@dataclass(frozen=True)
class Stride:
    """How the camera moved between two frames of one shot."""

    start: int
    stop: int
    shift_x: float
    """To the right and down, in % of the picture's diagonal."""
    shift_y: float
    zoom: float
    roll_degrees: float


@dataclass
class PictureMeasures:
    """Feed every frame; read the lists afterwards. All have one entry per frame."""

    shift_x: list[float] = field(default_factory=list)
    """Camera shift since the frame before, to the right and down, in % of the picture's diagonal."""
    shift_y: list[float] = field(default_factory=list)
    zoom: list[float] = field(default_factory=list)
    """Camera scale since the frame before, 1 = none."""
    roll_degrees: list[float] = field(default_factory=list)
    strides: list[Stride] = field(default_factory=list)
    """The camera's way in steps of about a second, which add up without the noise of single frames."""
    frames_per_stride: int = 24
    frames_per_step: int = 2
    """The camera is measured once in so many frames, sharpness half as often."""
    sharpness: list[float] = field(default_factory=list)
    """How steep the person's sharpest edges are, 0..1, in the direction in which they are softer: about one over
    their blur (a Gaussian's sigma) in px of a picture with a person 400 px tall. NaN where nobody is known, or
    nothing has an edge."""
    sharpness_of_all: list[float] = field(default_factory=list)
    """The same of the whole picture, 800 px wide; measured more seldom while somebody is there."""
    luma: list[float] = field(default_factory=list)
    """Mean grey level 0..255 of what lies outside the person."""
    change: list[float] = field(default_factory=list)
    """Mean absolute grey difference to the frame before, levels."""
    _before: np.ndarray | None = None
    _step_from: tuple[int, np.ndarray, _Box | None] | None = None
    _sharp_at = _sharp_of_all_at = -(1 << 30)
    _landmark: tuple[int, np.ndarray, _Box | None] | None = None  # what the present stride began with

    def feed(self, small: np.ndarray, luma: np.ndarray, person: tuple[float, float, float, float] | None) -> None:
        """`small` uint8 `[h,w,3]` RGB, WIDTH_PX wide; `luma` uint8 `[H,W]`, the frame in full.

        `person` x0, y0, x1, y1 in px of the full frame, or None when nobody is known yet.
        """
        frame = len(self.luma)
        scale = small.shape[1] / luma.shape[1]
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        box = None if person is None else _box_inside(np.asarray(person) * scale, grey.shape)
        self.luma.append(_mean_outside(grey, box))
        same = self._before is not None and self._before.shape == grey.shape
        self.change.append(float(cv2.absdiff(self._before, grey).mean()) if same else float("inf"))  # type: ignore[call-overload]
        self._before = grey
        if self._step_from is None or self._step_from[1].shape != grey.shape:
            self._append(1, _STILL)
            self._step_from = frame, grey, box
        elif frame - self._step_from[0] >= self.frames_per_step:
            start, before, _ = self._step_from
            self._append(frame - start, _camera_step(before, grey, box) or _STILL)
            self._step_from = frame, grey, box
        else:
            self._append(1, _STILL)  # until the next measure
        self._sharpness_on(frame, luma, person)
        self._stride_on(frame, grey, box)

    def _sharpness_on(self, frame: int, luma: np.ndarray, person: tuple[float, float, float, float] | None) -> None:
        wait = 2 * self.frames_per_step
        is_due = frame - self._sharp_at >= wait
        nobody = float("nan")
        if is_due:
            self._sharp_at = frame
        value = nobody if person is None else self.sharpness[-1] if self.sharpness and not is_due else None
        self.sharpness.append(sharpness(luma, person, PERSON_PX) if value is None else value)
        if frame - self._sharp_of_all_at >= (wait if person is None else self.frames_per_stride // 2):
            self._sharp_of_all_at = frame
            self.sharpness_of_all.append(sharpness(luma, None, WHOLE_PX))
        else:
            self.sharpness_of_all.append(self.sharpness_of_all[-1])

    def _append(self, frames: int, step: _Step) -> None:
        """One more entry; the step is shared among it and those before that it leads over."""
        (x, y), zoom, roll = step
        shares = (x / frames, y / frames, zoom ** (1 / frames), roll / frames)
        for values, share in zip((self.shift_x, self.shift_y, self.zoom, self.roll_degrees), shares, strict=True):
            values.append(share)
            values[len(values) - frames :] = [share] * frames

    def _stride_on(self, frame: int, grey: np.ndarray, box: tuple[int, int, int, int] | None) -> None:
        if self._landmark is None or self._landmark[1].shape != grey.shape:
            self._landmark = frame, grey, box
            return
        start, before, box_then = self._landmark
        if frame - start >= self.frames_per_stride:
            shift, zoom, roll = _camera_step(before, grey, box, box_then) or _smooth_step(before, grey, box, box_then)
            self.strides.append(Stride(start, frame, *shift, zoom, roll))
            self._landmark = frame, grey, box

    def forget_the_frame_before(self) -> None:
        """At a cut: the next frame is compared with nothing."""
        self._before = self._step_from = self._landmark = None
        self._sharp_at = self._sharp_of_all_at = -(1 << 30)

    @property
    def shift(self) -> np.ndarray:
        """float64 `[T]`: length of the camera's shift, % of the diagonal."""
        return np.hypot(self.shift_x, self.shift_y)

    def summary(self) -> dict[str, float]:
        """A few numbers of the whole clip, for the report."""
        if not self.luma:
            return {}
        return {
            "camera_shift_p95_percent": float(np.quantile(self.shift, 0.95)),
            "camera_zoom": float(np.prod(self.zoom)),
            "sharpness_median": _median(self.sharpness),
            "luma_std": float(np.std(self.luma)),
        }


def _box_inside(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    height, width = shape[:2]
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    return (x0, y0, x1, y1) if x1 - x0 >= 4 and y1 - y0 >= 4 else None


def sharpness(luma: np.ndarray, person: tuple[float, float, float, float] | None, largest_px: int) -> float:
    """0..1, NaN where there is no edge: how steep the sharpest edges inside the box (px), or of all, are
    in a picture made at most `largest_px` large.

    An edge blurred by a Gaussian of sigma s climbs by its contrast over s x sqrt(2 pi) a px at most. Noise has no
    contrast over the reach of an edge, so it does not count as sharpness. The softer direction counts: what moves
    or shakes is blurred in one only.
    """
    box = _box_inside(np.asarray(person), luma.shape) if person is not None else None
    x0, y0, x1, y1 = box or (0, 0, luma.shape[1], luma.shape[0])
    grey = luma[y0:y1, x0:x1]
    scale = largest_px / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0)
    found = []
    for dx, dy in ((1, 0), (0, 1)):
        reach = np.ones((1, _EDGE_REACH_PX) if dx else (_EDGE_REACH_PX, 1), np.uint8)
        contrast = cv2.subtract(cv2.dilate(grey, reach), cv2.erode(grey, reach))
        edges = contrast > _EDGE_LEVELS
        if np.count_nonzero(edges) < _EDGES_LEAST:
            continue
        climb = cv2.Sobel(grey, cv2.CV_16S, dx, dy, ksize=1)[edges]  # over 2 px
        steep = np.abs(climb) * np.float32(np.sqrt(2 * np.pi) / 2) / contrast[edges]
        rank = int(_SHARPEST * (len(steep) - 1))
        found.append(float(np.partition(steep, rank)[rank]))
    return min(1.0, min(found)) if found else float("nan")


def _median(values: list[float]) -> float:
    known = [v for v in values if v == v]
    return float(np.median(known)) if known else 0.0


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


def _background(shape: tuple[int, ...], boxes: tuple[_Box | None, ...]) -> np.ndarray:
    """uint8 mask, 255 outside all boxes."""
    mask = np.full(shape, 255, np.uint8)
    for box in boxes:
        if box is not None:
            mask[box[1] : box[3], box[0] : box[2]] = 0
    return mask


def _camera_step(before: np.ndarray, now: np.ndarray, *boxes: _Box | None) -> _Step | None:
    """The camera's step from corners outside the boxes; None where there are too few, or they disagree."""
    corners = cv2.goodFeaturesToTrack(before, _CORNERS, 0.01, 8, mask=_background(before.shape, boxes))
    if corners is None or len(corners) < 8:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None, winSize=_WINDOW, maxLevel=2)  # type: ignore[call-overload]
    good = found.ravel() == 1
    if good.sum() < 8:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(
        corners[good], moved[good], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    height, width = now.shape
    if matrix is None or not _is_spread(corners[good][agree.ravel() == 1, 0], width, height):
        return None
    return _step_of(matrix, width, height)


def _smooth_step(before: np.ndarray, now: np.ndarray, *boxes: _Box | None) -> _Step:
    """The same for pictures of soft shades without corners, by matching the whole of them; slower."""
    size = (now.shape[1] // 2, now.shape[0] // 2)
    a, b = (cv2.GaussianBlur(cv2.resize(g, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0) for g in (before, now))
    mask = cv2.resize(_background(now.shape, boxes), size, interpolation=cv2.INTER_NEAREST)
    if (mask > 0).mean() < 0.2 or a[mask > 0].std() < 3:
        return _STILL
    start = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-4)
    try:
        alike, matrix = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, stop, mask, 5)
    except cv2.error:  # it did not converge
        return _STILL
    inside = mask > 0
    alike_unmoved = float(np.corrcoef(a[inside].astype(float), b[inside].astype(float))[0, 1])
    if alike < 0.95 or 1 - alike > 0.5 * (1 - alike_unmoved):
        return _STILL
    return _step_of(np.asarray(matrix, float), *size)


def _step_of(matrix: np.ndarray, width: int, height: int) -> _Step:
    centre = np.array([width / 2, height / 2])
    step = (matrix[:, :2] @ centre + matrix[:, 2] - centre) / np.hypot(width, height) * 100
    return (
        (float(step[0]), float(step[1])),
        float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))),
        float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))),
    )
