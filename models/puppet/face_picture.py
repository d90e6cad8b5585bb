"""What the picture itself says about a face: is it flat drawing, where do the lips part, what colour is skin.

Points from a detector are a few pixels off and know nothing of line width; the pixels know.
"""

from __future__ import annotations

import cv2
import numpy as np


def fill_hidden_colours(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with colours of the nearest opaque pixel under transparent ones, so that a warp bleeds none in."""
    hidden = alpha < 128
    if not hidden.any() or hidden.all():
        return pixels
    _, labels = cv2.distanceTransformWithLabels(hidden.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = labels.astype(np.intp)
    colours = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    colours[nearest[~hidden]] = pixels[~hidden]
    filled = pixels.copy()
    filled[hidden] = colours[nearest[hidden]]
    return filled


def doubled(picture: np.ndarray) -> np.ndarray:
    """Twice the size, `[2h,2w,C]`: pixel (x, y) is found unchanged at (2x, 2y), cubic values between.

    Bilinear look-ups in this are as sharp as cubic ones in the original (midpoints are cubic), and several
    times faster.
    """
    height, width = picture.shape[:2]
    out = np.empty((2 * height, 2 * width, picture.shape[2]), np.uint8)
    between = np.array([[-1, 9, 9, -1]], np.float32) / 16
    sideways = cv2.filter2D(picture, -1, between, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
    out[::2, ::2], out[::2, 1::2] = picture, sideways
    for column, source in enumerate((picture, sideways)):
        out[1::2, column::2] = cv2.filter2D(
            source, -1, between.T.copy(), anchor=(0, 1), borderType=cv2.BORDER_REPLICATE
        )
    return out


def flatness(pixels: np.ndarray, mask: np.ndarray) -> float:
    """Share 0..1 of pixels under `mask` whose neighbourhood is one even colour: near 1 for flat drawings."""
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    box = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(grey, box).astype(np.int16) - cv2.erode(grey, box)
    inside = mask > 0
    return float((spread[inside] <= 2).mean()) if inside.any() else 0.0


def sample(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colours float32 `[..., C]` at points `[..., 2]`, bilinear, edge repeated."""
    shape = points.shape[:-1]
    flat = points.reshape(1, -1, 2).astype(np.float32)
    out = np.empty((flat.shape[1], pixels.shape[2] if pixels.ndim == 3 else 1), np.float32)
    step = 8192  # OpenCV refuses a destination wider than 32767
    for k in range(0, flat.shape[1], step):
        part = cv2.remap(
            pixels,
            np.ascontiguousarray(flat[:, k : k + step, 0]),
            np.ascontiguousarray(flat[:, k : k + step, 1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        out[k : k + step] = part.reshape(-1, out.shape[1])
    return out.reshape(*shape, -1)


def darkest_path(darkness: np.ndarray, stiffness: float) -> np.ndarray:
    """Row per column of the darkest smooth path through `darkness` `[rows, columns]` (dynamic programming).

    Starts and ends at the middle row; `stiffness` is the cost of one row of slope.
    """
    rows, columns = darkness.shape
    steps = np.arange(-2, 3)
    cost = np.full(rows, 1e9)
    cost[rows // 2] = 0.0
    back = np.zeros((columns, rows), np.intp)
    for c in range(1, columns):
        padded = np.pad(cost, 2, constant_values=1e9)
        choices = np.stack([padded[2 + s : 2 + s + rows] + stiffness * s * s for s in steps])
        back[c] = steps[choices.argmin(0)]
        cost = choices.min(0) - darkness[:, c]
    path = np.empty(columns, np.intp)
    path[-1] = rows // 2
    for c in range(columns - 1, 0, -1):
        path[c - 1] = np.clip(path[c] + back[c][path[c]], 0, rows - 1)
    return path
