"""What object detectors answer, turned into boxes around people: YOLOX rows, YOLOv10 rows, YOLOv8 rows.

Arithmetic only; the networks are in `finders`. Only people (class 0 of COCO) are looked at, so that suppression
costs a sixth of what it costs over 80 classes, with the same boxes.
"""

from __future__ import annotations

import cv2
import numpy as np

PADDING_GREY = 114
SURE = 0.3
"""Boxes with a score up to this are not taken."""
YOLOX_OVERLAP, YOLO_OVERLAP = 0.45, 0.5


def letter_box_into(planes: np.ndarray, frame: np.ndarray, *, order: str = "bgr") -> float:
    """Fill float32 `planes` `[3,S,S]` with the uint8 RGB `frame`, scaled to fit, top left on grey, 0..255.

    Returns the scale. YOLOX was trained on pictures as OpenCV reads them, hence blue first.
    """
    side_y, side_x = planes.shape[1:]
    height, width = frame.shape[:2]
    scale = min(side_y / height, side_x / width)
    fitted = (max(int(width * scale), 1), max(int(height * scale), 1))
    small = cv2.resize(frame, fitted, interpolation=cv2.INTER_LINEAR)
    planes[:] = PADDING_GREY
    for plane, channel in enumerate((2, 1, 0) if order == "bgr" else (0, 1, 2)):
        planes[plane, : fitted[1], : fitted[0]] = small[..., channel]
    return scale


def stretch_into(planes: np.ndarray, frame: np.ndarray) -> None:
    """Fill float32 `planes` `[3,S,S]` with the uint8 RGB `frame`, stretched to a square, 0..1."""
    small = cv2.resize(frame, planes.shape[:0:-1])
    for channel in range(3):
        np.multiply(small[..., channel], np.float32(1 / 255), out=planes[channel])


def yolox_boxes(rows: np.ndarray, side: int, scale: float, *, sure: float = SURE) -> tuple[np.ndarray, np.ndarray]:
    """Boxes float32 `[k,4]` x0 y0 x1 y1 px and scores float32 `[k]`, best first, from raw YOLOX rows `[8400,85]`.

    A row is dx dy log(w) log(h) in cells of 8, 16, 32 px, the chance of an object, and of each class. `scale` is that
    of the letter box.
    """
    scores = rows[:, 4] * rows[:, 5]
    which = np.flatnonzero(scores > sure)
    cells, strides = _grid(side)
    found = rows[which, :4].astype(np.float64)
    centres = (found[:, :2] + cells[which]) * strides[which, None]
    half = np.exp(np.minimum(found[:, 2:], 20)) * strides[which, None] / 2
    boxes = np.concatenate([centres - half, centres + half], axis=1) / scale
    return suppress(boxes, scores[which], YOLOX_OVERLAP, pixel=1.0)


def yolo_boxes(
    rows: np.ndarray, side: tuple[int, int], size: tuple[int, int], *, sure: float = SURE
) -> tuple[np.ndarray, np.ndarray]:
    """As `yolox_boxes`, from YOLOv10 rows `[n,6]` (x0 y0 x1 y1 score class) or YOLOv8 answers `[84,n]` (cx cy w h and 80
    scores). `side` is the input's and `size` the frame's (width, height) px."""
    if rows.shape[-1] == 6:
        scores = np.where(rows[:, 5] == 0, rows[:, 4], 0)
        which = np.flatnonzero(scores > sure)
        boxes = rows[which, :4].astype(np.float64)
    else:
        rows = rows.T
        scores = np.where(rows[:, 4:].argmax(axis=1) == 0, rows[:, 4], 0)
        which = np.flatnonzero(scores > sure)
        centres, half = rows[which, :2].astype(np.float64), rows[which, 2:4] / 2
        boxes = np.concatenate([centres - half, centres + half], axis=1)
    boxes *= np.tile(np.divide(size, side), 2)
    return suppress(boxes, scores[which], YOLO_OVERLAP)


def suppress(
    boxes: np.ndarray, scores: np.ndarray, overlap: float, *, pixel: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The best boxes, none of which overlaps a better one by more than `overlap` (intersection over union).

    With `pixel` = 1 sides are counted as last minus first plus one, as YOLOX does.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2] + pixel, 0)
    areas = sides[:, 0] * sides[:, 1]
    left = np.ones(len(boxes), bool)
    keep = []
    for i in range(len(boxes)):
        if not left[i]:
            continue
        keep.append(i)
        inner = np.minimum(boxes[i, 2:], boxes[i:, 2:]) - np.maximum(boxes[i, :2], boxes[i:, :2]) + pixel
        both = np.prod(np.maximum(inner, 0), axis=1)
        left[i:] &= both <= overlap * np.maximum(areas[i] + areas[i:] - both, 1e-9)
    return boxes[keep].astype(np.float32), scores[keep].astype(np.float32)


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Cell of each YOLOX row `[n,2]` and its stride px `[n]`: the 8 px cells row by row, then 16, then 32."""
    cells, strides = [], []
    for stride in (8, 16, 32):
        n = side // stride
        y, x = np.divmod(np.arange(n * n), n)
        cells.append(np.stack([x, y], axis=1))
        strides.append(np.full(n * n, stride))
    return np.concatenate(cells), np.concatenate(strides)
