"""A fine, even triangle mesh over a mask. The mask's soft edge lives in the texture, not in the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Mesh:
    """A piece of an equilateral lattice."""

    vertices: np.ndarray
    """float32 `[V,2]` px."""
    triangles: np.ndarray
    """int32 `[T,3]`, all of the same orientation."""
    edges: np.ndarray
    """int32 `[E,2]`, each once."""


def lattice(mask: np.ndarray, spacing_px: float) -> Mesh:
    """All triangles of a lattice with edges of `spacing_px` that touch the mask (bool `[H,W]`)."""
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return Mesh(np.zeros((0, 2), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 2), np.int32))
    row = spacing_px * np.sqrt(3) / 2
    y0, x0 = ys.min() - row, xs.min() - spacing_px
    rows = int(np.ceil((ys.max() - y0) / row)) + 2
    columns = int(np.ceil((xs.max() - x0) / spacing_px)) + 2
    r, c = np.mgrid[:rows, :columns]
    points = np.stack([x0 + (c + 0.5 * (r % 2)) * spacing_px, y0 + r * row], -1).reshape(-1, 2)
    index = (r * columns + c)[:-1, :-1]
    odd = (r[:-1, :-1] % 2).astype(bool)
    a, b, d, e = index, index + 1, index + columns, index + columns + 1
    first = np.where(odd[..., None], np.stack([a, b, e], -1), np.stack([a, b, d], -1))
    second = np.where(odd[..., None], np.stack([a, e, d], -1), np.stack([b, e, d], -1))
    triangles = np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])
    # A triangle counts when the mask, grown by less than half its height, meets one of ten points of it.
    size = 2 * max(1, round(spacing_px * 0.2)) + 1
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8))
    corners = points[triangles]
    centre = corners.mean(1, keepdims=True)
    middles = (corners + np.roll(corners, 1, 1)) / 2
    probes = np.concatenate([corners * 0.9 + centre * 0.1, middles, centre, (corners + centre) / 2], 1)
    px = np.clip(np.rint(probes[..., 0]).astype(int), 0, mask.shape[1] - 1)
    py = np.clip(np.rint(probes[..., 1]).astype(int), 0, mask.shape[0] - 1)
    triangles = triangles[(grown[py, px] > 0).any(1)]
    used, flat = np.unique(triangles, return_inverse=True)
    triangles = flat.reshape(-1, 3).astype(np.int32)
    pairs = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    return Mesh(points[used].astype(np.float32), triangles, np.unique(pairs, axis=0).astype(np.int32))
