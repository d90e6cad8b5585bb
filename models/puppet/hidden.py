"""Pixels that the picture does not show: colours grown into a hole from its surroundings.

Two growers. `grow` pulls averages up a pyramid and pushes them down again: smooth, seamless, fast, for
narrow strips and for colours under soft edges. What needs texture goes through `background`.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu


def grow(pixels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 `[H,W,C]`: `pixels` where `known` (0..1 float or bool `[H,W]`) is 1, elsewhere a smooth continuation.

    Push-pull: weighted averages on ever coarser grids, then each level filled from the coarser one.
    """
    weight = known.astype(np.float32)
    levels: list[tuple[np.ndarray, np.ndarray]] = [(pixels.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2 and levels[-1][1].min() < 1:
        colour, w = levels[-1]
        h, v = w.shape[0] + 1 >> 1, w.shape[1] + 1 >> 1
        pad = ((0, 2 * h - w.shape[0]), (0, 2 * v - w.shape[1]))
        colour = cv2.GaussianBlur(np.pad(colour, (*pad, (0, 0))), (0, 0), 1.0, borderType=cv2.BORDER_CONSTANT)[::2, ::2]
        w = cv2.GaussianBlur(np.pad(w, pad), (0, 0), 1.0, borderType=cv2.BORDER_CONSTANT)[::2, ::2]
        gain = np.minimum(1.0, 1.0 / np.maximum(w, 1e-6)) * (w > 1e-4)
        gain = np.where(w > 0.5, 1.0 / np.maximum(w, 1e-6), np.minimum(gain, 2.0))
        levels.append((colour * gain[..., None], w * gain))
    colour, w = levels[-1]
    mean = colour.sum((0, 1)) / max(float(w.sum()), 1e-6)
    filled = np.where(w[..., None] > 1e-3, colour / np.maximum(w, 1e-3)[..., None], mean)
    for colour, w in reversed(levels[:-1]):
        up = cv2.resize(filled, (2 * filled.shape[1], 2 * filled.shape[0]), interpolation=cv2.INTER_LINEAR)
        up = up[: w.shape[0], : w.shape[1]]
        part = np.minimum(w, 1.0)[..., None]
        filled = colour + up * (1.0 - part)
    return filled


def membrane(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """float32 `[H,W,C]`: the hole filled harmonically, as a soap film spans a frame: gradients pass without a kink.

    Solved exactly on a grid on which the hole has at most some ten thousand pixels, then relaxed at full size.
    """
    hole = ~known.astype(bool)
    out = values.astype(np.float32).copy()
    ys, xs = np.nonzero(hole)
    if not len(ys):
        return out
    y0, y1 = max(int(ys.min()) - 8, 0), min(int(ys.max()) + 9, hole.shape[0])
    x0, x1 = max(int(xs.min()) - 8, 0), min(int(xs.max()) + 9, hole.shape[1])
    part, mask = out[y0:y1, x0:x1], hole[y0:y1, x0:x1]
    step = max(1, int(np.ceil(np.sqrt(mask.sum() / _FILM_PIXELS))))
    h, w = -(-mask.shape[0] // step), -(-mask.shape[1] // step)
    size = (w, h)
    weight = (~mask).astype(np.float32)
    share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(part * weight[..., None], size, interpolation=cv2.INTER_AREA)
    coarse = coarse / np.maximum(share, 1e-6)[..., None]
    coarse = _film(coarse, share < 0.25)
    film = cv2.resize(coarse, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)
    part[mask] = film[mask]
    kernel = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32) / 12
    inside = mask[..., None]
    for _ in range(3 * step):  # only what the coarse grid could not know, close to the rim
        np.copyto(part, cv2.filter2D(part, -1, kernel, borderType=cv2.BORDER_REFLECT), where=inside)
    return out


_FILM_PIXELS = 20000


def _film(values: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Laplace's equation inside the hole, the values around it as its rim; a free edge at the picture's border."""
    index = np.full(hole.shape, -1, np.int64)
    index[hole] = np.arange(int(hole.sum()))
    count = int(hole.sum())
    if not count:
        return values
    rows, columns, degree = [], [], np.zeros(count)
    right = np.zeros((count, values.shape[2]))
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        there = np.roll(index, (-dy, -dx), (0, 1))
        value = np.roll(values, (-dy, -dx), (0, 1))
        inside = np.ones(hole.shape, bool)
        if dy:
            inside[-1 if dy > 0 else 0] = False
        if dx:
            inside[:, -1 if dx > 0 else 0] = False
        me, other, use = index[hole], there[hole], inside[hole]
        degree += use
        link = use & (other >= 0)
        rows.append(me[link])
        columns.append(other[link])
        right[use & (other < 0)] += value[hole][use & (other < 0)]
    r, c = np.concatenate(rows), np.concatenate(columns)
    matrix = coo_matrix((-np.ones(len(r)), (r, c)), shape=(count, count)) + diags(degree + 1e-9)
    out = values.copy()
    out[hole] = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A").solve(right)
    return out


def bleed_colours(pixels: np.ndarray, alpha: np.ndarray, reach_px: float = 2.0) -> np.ndarray:
    """uint8 `[H,W,3]`: colours of the solid inside carried outwards under the soft edge and beyond.

    A cut-out's rim is mixed with the old background; showing it elsewhere would draw a halo. Only rim
    pixels change; `reach_px` of the solid side are also taken from further in where alpha is below full.
    """
    solid = alpha >= 250
    if reach_px >= 1:
        size = 2 * int(reach_px) + 1
        inner = cv2.erode(solid.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
    else:
        inner = solid
    if not inner.any():
        inner = solid if solid.any() else alpha > 0
    if not inner.any():
        return pixels.copy()
    out = grow(pixels, inner)
    keep = solid[..., None]
    return np.where(keep, pixels, np.clip(np.rint(out), 0, 255)).astype(np.uint8)
