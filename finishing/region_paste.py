"""A picture put into a part of another: a box that may lie between pixels, a soft inner edge, colours met at the seam.

What the weight leaves out keeps its very values. Boxes are x0, y0, x1, y1 in pixels of the frame; as pixel centres lie
at integers, a box around exactly the pixels 10..19 is 9.5 to 19.5.
"""

from __future__ import annotations

import cv2
import numpy as np

_SEAM_PX = 128
"""Of the longer side, for finding the colours along a seam."""
_MOST_LEVELS = 32.0
"""Colours are moved by no more than this: a larger step is a thing that differs, not a light."""

Box = tuple[float, float, float, float]


def box_of_pixels(x: float, y: float, width: float, height: float) -> Box:
    """The box around whole pixels, `width` of them from `x` on."""
    return x - 0.5, y - 0.5, x + width - 0.5, y + height - 0.5


def box_of_white(mask: np.ndarray) -> Box | None:
    """The box around what is not black in uint8 `[H,W]`; grey at its edge is a share of a pixel. None: all is black."""
    share = mask.astype(np.float64) / 255
    columns, rows = share.max(axis=0), share.max(axis=1)
    x, y = np.flatnonzero(columns > 0.02), np.flatnonzero(rows > 0.02)
    if not len(x) or not len(y):
        return None
    return (
        x[0] + 0.5 - columns[x[0]],
        y[0] + 0.5 - rows[y[0]],
        x[-1] - 0.5 + columns[x[-1]],
        y[-1] - 0.5 + rows[y[-1]],
    )


def box_mask(box: Box, size: tuple[int, int]) -> np.ndarray:
    """uint8 `[H,W]`: the box in white, with grey where it covers a part of a pixel; `box_of_white` reads it back."""
    covered = [
        np.clip(np.minimum(np.arange(side) + 0.5, high) - np.maximum(np.arange(side) - 0.5, low), 0, 1)
        for side, low, high in ((size[0], box[0], box[2]), (size[1], box[1], box[3]))
    ]
    return np.rint(255 * np.minimum(covered[0][None], covered[1][:, None])).astype(np.uint8)


def box_weight(box: Box, size: tuple[int, int], feather_px: float) -> np.ndarray:
    """float32 `[H,W]`: 1 inside the box, falling to 0 over `feather_px` before its edge, but not at the frame's edge."""
    width, height = size
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    across = np.minimum(_inside(x, box[0], box[0] <= -0.5), _inside(-x, -box[2], box[2] >= width - 0.5))
    down = np.minimum(_inside(y, box[1], box[1] <= -0.5), _inside(-y, -box[3], box[3] >= height - 0.5))
    return _soft(np.minimum(across[None], down[:, None]), feather_px)


def mask_weight(mask: np.ndarray, feather_px: float) -> np.ndarray:
    """float32 `[H,W]`: 0 where uint8 `mask` is black, rising to its own value over `feather_px` inwards."""
    if feather_px < 0.5:
        return mask.astype(np.float32) / 255
    away = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 5)
    return _soft(away - 0.5, feather_px) * (mask.astype(np.float32) / 255)


def paste_region(
    frame: np.ndarray, made: np.ndarray, box: Box, weight: np.ndarray, *, match: float = 0.0
) -> np.ndarray:
    """uint8 `[H,W,3]`: `frame` with `made` uint8 `[h,w,3]` stretched over the box, as far as `weight` `[H,W]` says.

    `match` 0..1 moves the colours of what is put in towards those that the frame has where the weight falls.
    """
    height, width = frame.shape[:2]
    x0, y0 = max(0, int(np.floor(box[0] + 0.5))), max(0, int(np.floor(box[1] + 0.5)))
    x1, y1 = min(width, int(np.ceil(box[2] + 0.5))), min(height, int(np.ceil(box[3] + 0.5)))
    out = frame.copy()
    if x1 <= x0 or y1 <= y0:
        return out
    here = _stretched(made, box, (x0, y0, x1, y1))
    under, share = frame[y0:y1, x0:x1], np.ascontiguousarray(weight[y0:y1, x0:x1], np.float32)
    if match > 0:
        here = met_at_seam(here, under, share, match)
    out[y0:y1, x0:x1] = cv2.blendLinear(here, np.ascontiguousarray(under), share, 1 - share)
    return out


def met_at_seam(made: np.ndarray, under: np.ndarray, share: np.ndarray, strength: float) -> np.ndarray:
    """uint8 `[h,w,3]`: `made` moved by one plane of levels per channel to what lies `under` it where `share` is between."""
    scale = min(1.0, _SEAM_PX / max(made.shape[:2]))
    size = (max(4, round(made.shape[1] * scale)), max(4, round(made.shape[0] * scale)))
    small, there, part = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (made, under, share))
    y, x = np.nonzero((part > 0.02) & (part < 0.98))
    if len(x) < 24:
        return made
    step = there[y, x].astype(np.float64) - small[y, x]
    plane = np.stack([np.ones(len(x)), x / size[0] - 0.5, y / size[1] - 0.5], axis=1)
    # a second fit without what the first one cannot explain: a collar is no light
    fit = np.linalg.lstsq(plane, step, rcond=None)[0]
    off = np.abs(step - plane @ fit).max(axis=1)
    kept = off <= max(2 * float(np.median(off)), 4.0)
    fit = np.linalg.lstsq(plane[kept], step[kept], rcond=None)[0]
    across, down = np.linspace(-0.5, 0.5, made.shape[1]), np.linspace(-0.5, 0.5, made.shape[0])
    moved = fit[0] + across[None, :, None] * fit[1] + down[:, None, None] * fit[2]
    moved = strength * np.clip(moved, -_MOST_LEVELS, _MOST_LEVELS)
    return np.clip(np.rint(made + moved), 0, 255).astype(np.uint8)


def _stretched(made: np.ndarray, box: Box, region: tuple[int, int, int, int]) -> np.ndarray:
    """uint8: `made` over the box, as it is seen in the whole pixels `region` (half open) of the frame."""
    wide, high = box[2] - box[0], box[3] - box[1]
    smaller = (min(made.shape[1], max(1, round(wide))), min(made.shape[0], max(1, round(high))))
    if smaller != (made.shape[1], made.shape[0]):  # averaged down first: skipping pixels would flicker
        made = cv2.resize(made, smaller, interpolation=cv2.INTER_AREA)
    sx, sy = made.shape[1] / wide, made.shape[0] / high
    x0, y0, x1, y1 = region
    back = np.array([[sx, 0, (x0 - box[0]) * sx - 0.5], [0, sy, (y0 - box[1]) * sy - 0.5]])
    how = cv2.INTER_LINEAR if max(sx, sy) >= 0.9 else cv2.INTER_CUBIC
    return cv2.warpAffine(
        np.ascontiguousarray(made), back, (x1 - x0, y1 - y0), flags=how | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )  # fmt: skip


def _inside(at: np.ndarray, low: float, is_edge: bool) -> np.ndarray:
    """How far inside a pixel's centre lies; without end where the box ends with the frame."""
    return np.full(at.shape, np.float32(1e6)) if is_edge else (at - np.float32(low)).astype(np.float32)


def _soft(inside: np.ndarray, feather_px: float) -> np.ndarray:
    share = np.clip(inside / max(feather_px, 0.5), 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)
