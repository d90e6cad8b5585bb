"""Drawing a deformed mesh with its texture: fast on plain OpenCV, without cracks, smooth at the edges.

Each triangle writes its number into an index picture; every pixel then looks up the affine map of its
triangle, and one `cv2.remap` fetches the colours. Neighbouring triangles agree along their common edge,
so it does not matter which of them claims a pixel there, and no background can show through.
"""

from __future__ import annotations

import cv2
import numpy as np

_SHIFT = 4  # fractional bits of the corner coordinates given to OpenCV


def draw_mesh(
    corners: np.ndarray, maps: np.ndarray, order: np.ndarray, texture: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int]] | None:
    """The deformed piece: uint8 `[h,w,4]` straight RGBA, and the x, y of its first pixel on the canvas.

    `corners` float `[T,3,2]` on the canvas; `maps` float32 `[T,6]` from canvas to texture pixels (x row, then
    y row); `order`: triangle numbers, later ones on top; `size`: width, height of the canvas. None when
    nothing of it is on the canvas.
    """
    width, height = size
    low, high = np.floor(corners.min((0, 1))).astype(int), np.ceil(corners.max((0, 1))).astype(int) + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
    if x0 >= x1 or y0 >= y1 or not len(order):
        return None
    index = np.zeros((y1 - y0, x1 - x0), np.int32)
    fixed = np.rint((corners - (x0, y0)) * (1 << _SHIFT)).astype(np.int32)
    fill = cv2.fillConvexPoly
    for number in order.tolist():
        fill(index, fixed[number], number + 1, cv2.LINE_8, _SHIFT)
    # Map 0 is for pixels outside every triangle: it points off the texture.
    table = np.empty((len(maps) + 1, 6), np.float32)
    table[0] = (0, 0, -10, 0, 0, -10)
    table[1:] = maps
    table[1:, 2] += maps[:, 0] * x0 + maps[:, 1] * y0
    table[1:, 5] += maps[:, 3] * x0 + maps[:, 4] * y0
    columns = np.ascontiguousarray(table.T)
    x = np.arange(x1 - x0, dtype=np.float32)[None]
    y = np.arange(y1 - y0, dtype=np.float32)[:, None]
    map_x = columns[0].take(index)
    map_x *= x
    map_x += columns[1].take(index) * y
    map_x += columns[2].take(index)
    map_y = columns[3].take(index)
    map_y *= x
    map_y += columns[4].take(index) * y
    map_y += columns[5].take(index)
    return cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), (x0, y0)


def inverse_maps(rest: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 `[T,6]` affine maps taking each deformed triangle back to its `rest`, and its signed area `[T]`.

    Triangles without area get a map that points off every texture.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    u, v = b - a, c - a
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    safe = np.where(np.abs(area) < 1e-3, 1.0, area)
    ru, rv = rest[:, 1] - rest[:, 0], rest[:, 2] - rest[:, 0]
    xx = (ru * v[:, 1:2] - rv * u[:, 1:2]) / safe[:, None]
    xy = (rv * u[:, 0:1] - ru * v[:, 0:1]) / safe[:, None]
    shift = rest[:, 0] - xx * a[:, 0:1] - xy * a[:, 1:2]
    maps = np.stack([xx[:, 0], xy[:, 0], shift[:, 0], xx[:, 1], xy[:, 1], shift[:, 1]], 1)
    maps[np.abs(area) < 1e-3] = (0, 0, -10, 0, 0, -10)
    return maps.astype(np.float32), area


def lay_over(canvas: np.ndarray, piece: np.ndarray, origin: tuple[int, int]) -> None:
    """Composite a straight RGBA piece onto an opaque uint8 `[H,W,3]` canvas, in place."""
    x0, y0 = origin
    part = canvas[y0 : y0 + piece.shape[0], x0 : x0 + piece.shape[1]]
    alpha = piece[..., 3]
    colour = piece[..., :3]
    np.copyto(part, colour, where=(alpha == 255)[..., None])
    ys, xs = np.nonzero((alpha > 0) & (alpha < 255))
    if len(ys):
        a = alpha[ys, xs].astype(np.uint16)[:, None]
        mixed = colour[ys, xs] * a + part[ys, xs] * (255 - a)
        part[ys, xs] = ((mixed + 127) // 255).astype(np.uint8)


def lay_over_clear(canvas: np.ndarray, alpha: np.ndarray, piece: np.ndarray, origin: tuple[int, int]) -> None:
    """Composite onto a canvas that has alpha of its own (both straight, uint8), in place."""
    x0, y0 = origin
    box = (slice(y0, y0 + piece.shape[0]), slice(x0, x0 + piece.shape[1]))
    part, below = canvas[box], alpha[box]
    top = piece[..., 3]
    solid = top == 255
    np.copyto(part, piece[..., :3], where=solid[..., None])
    ys, xs = np.nonzero((top > 0) & ~solid)
    if len(ys):
        a = top[ys, xs].astype(np.float32)[:, None] / 255
        b = below[ys, xs].astype(np.float32)[:, None] / 255
        out = a + b * (1 - a)
        colour = (piece[ys, xs, :3] * a + part[ys, xs] * (b * (1 - a))) / np.maximum(out, 1e-6)
        part[ys, xs] = np.clip(np.rint(colour), 0, 255).astype(np.uint8)
        below[ys, xs] = np.clip(np.rint(out[:, 0] * 255), 0, 255).astype(np.uint8)
    np.copyto(below, np.uint8(255), where=solid)
