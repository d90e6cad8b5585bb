"""Boxes to network inputs: the region around a person, cut out with one affine sample and normalised by a table.

DWPose and ViTPose (both trained with mmpose's TopDownAffine, without UDP) want the same thing in different sizes:
the box grown by a quarter, its shorter side widened to the network's shape, bilinear, black outside the frame,
RGB minus ImageNet's mean over its deviation. Wan's own crop rounds the region to whole pixels, which shifts points
by about 1 px; it is here for comparison.
"""

from __future__ import annotations

import cv2
import numpy as np

GROWTH = 1.25
SMALLEST_BOX_PX = 10
"""Wan looks at the whole frame where a box is smaller."""
_MEAN = np.array([0.485, 0.456, 0.406])
_DEVIATION = np.array([0.229, 0.224, 0.225])
_TABLE = ((np.arange(256)[None] / 255 - _MEAN[:, None]) / _DEVIATION[:, None]).astype(np.float32)  # [3,256]


def regions(boxes: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres float64 `[m,2]` and sizes float64 `[m,2]` px of the regions, shaped as `width` : `height`, around `boxes`
    `[m,4]` x0 y0 x1 y1 px."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    w, h = ((boxes[:, 2:] - boxes[:, :2]) * GROWTH).T
    tall = np.maximum(w * height / width, h)
    return centres, np.stack([tall * width / height, tall], axis=1)


def usable_boxes(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """float64 `[m,4]`: the boxes, with the whole `width` x `height` frame for those that are not finite or smaller than
    10 px."""
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    bad = ~np.isfinite(boxes).all(axis=1) | ~(sides >= SMALLEST_BOX_PX).all(axis=1)
    boxes[bad] = (0, 0, width, height)
    return boxes


def crop_into(planes: np.ndarray, frame: np.ndarray, centre: np.ndarray, size: np.ndarray) -> None:
    """Fill float32 `planes` `[3,h,w]` with the region of the uint8 RGB `frame` `[H,W,3]`, normalised.

    Pixel i of the crop samples the frame at i * size / w + centre - size / 2: the inverse of how points are put back.
    """
    _, height, width = planes.shape
    x, y = size[0] / width, size[1] / height
    warp = np.array([[x, 0, centre[0] - size[0] / 2], [0, y, centre[1] - size[1] / 2]])
    pixels = cv2.warpAffine(frame, warp, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    normalise_into(planes, pixels)


def normalise_into(planes: np.ndarray, pixels: np.ndarray) -> None:
    """uint8 RGB `[h,w,3]` -> float32 `[3,h,w]` in units of ImageNet's deviation."""
    for channel in range(3):
        np.take(_TABLE[channel], pixels[..., channel], out=planes[channel])


def wan_crop_into(planes: np.ndarray, frame: np.ndarray, box: np.ndarray) -> None:
    """As `crop_into` for the region around `box` `[4]`, the way Wan2.2's `pose2d_utils.crop` does it: the region's
    corners rounded to whole pixels, then an ordinary resize. For exact comparison only."""
    _, height, width = planes.shape
    rows, columns = frame.shape[:2]
    # In the order of their arithmetic, by way of a matrix and its inverse: boxes in whole pixels often put a corner on
    # half a pixel, and it falls the same way only so.
    x0, y0, x1, y1 = (float(v) for v in box)
    centre = ((x0 + x1) / 2, (y0 + y1) / 2)
    tall = 200 * (max((x1 - x0) * (height / width), y1 - y0) / 200 * GROWTH)
    wide = tall / (height / width)
    there = np.eye(3)
    there[0] = width / wide, 0, width * (-centre[0] / wide + 0.5)
    there[1] = 0, height / tall, height * (-centre[1] / tall + 0.5)
    back = np.linalg.inv(there)
    first_x, first_y = (round(float(v)) for v in (back @ (0, 0, 1))[:2])
    stop_x, stop_y = (round(float(v)) for v in (back @ (width, height, 1))[:2])
    canvas = np.zeros((max(stop_y - first_y, 1), max(stop_x - first_x, 1), 3), np.float32)
    left, right, top, bottom = max(first_x, 0), min(stop_x, columns), max(first_y, 0), min(stop_y, rows)
    if left < right and top < bottom:
        canvas[top - first_y : bottom - first_y, left - first_x : right - first_x] = frame[top:bottom, left:right]
    pixels = cv2.resize(canvas, (width, height))
    planes[:] = ((pixels / 255 - _MEAN) / _DEVIATION).transpose(2, 0, 1)


def to_frame(points: np.ndarray, grid: tuple[float, float], centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Points `[m,K,2]` counted on a `grid` (columns, rows) over the regions, in px of the frames, float64."""
    return points / np.asarray(grid) * sizes[:, None] + centres[:, None] - sizes[:, None] / 2
