"""The geometry of a silhouette: its axis of symmetry, its extremities, and ways along its middle.

Knows shapes, not bodies; what is an arm and what is an ear is decided in `silhouette`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

WORK_HEIGHT = 160
"""Height of the figure in which the geometry is done, in px: a finger's width is lost, an arm is not."""
PROMINENT = 0.055
"""How far an extremity must reach beyond what joins it to the rest, as a share of the height."""


@dataclass(frozen=True)
class Extremity:
    """A part that reaches out: a limb, a head, an ear, a tail."""

    tip: np.ndarray
    """x, y of the pixel farthest away, going inside the shape."""
    base: np.ndarray
    """x, y of the middle of where it joins the rest."""
    part: np.ndarray
    """bool `[h,w]`: its pixels."""
    prominence: float
    """How far the tip reaches beyond the base, in px along the inside."""


@dataclass(frozen=True)
class Shape:
    """A figure at working size, 3 px of nothing around it."""

    mask: np.ndarray
    """bool `[h,w]`"""
    scale: float
    """Working px per picture px."""
    corner: tuple[float, float]
    """x, y in px of the picture of the working picture's (0, 0)."""
    top: int
    bottom: int
    """First and last row of the figure."""
    cut_off: bool
    """Whether the figure goes on below the picture's border."""

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1

    def back(self, points: np.ndarray) -> np.ndarray:
        """Working px as px of the picture."""
        return (np.asarray(points, np.float64) + 0.5) / self.scale - 0.5 + self.corner


def prepare(silhouette: np.ndarray) -> Shape:
    """The largest part of a silhouette (uint8 `[H,W]`, 255 = figure), pinholes filled, at working size.

    Raises ValueError when there is too little to be a figure.
    """
    solid = silhouette >= 128
    count, labels = cv2.connectedComponents(solid.astype(np.uint8))
    if count < 2:
        raise ValueError("the silhouette is empty")
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    solid = labels == int(areas.argmax())
    ys, xs = np.nonzero(solid)
    x0, x1, y0, y1 = int(xs.min()), int(xs.max()) + 1, int(ys.min()), int(ys.max()) + 1
    if min(x1 - x0, y1 - y0) < 8:
        raise ValueError("the silhouette is only a few pixels wide")
    scale = min(WORK_HEIGHT / (y1 - y0), 2.5 * WORK_HEIGHT / (x1 - x0))
    crop = solid[y0:y1, x0:x1].astype(np.float32)
    size = (max(6, round((x1 - x0) * scale)), max(6, round((y1 - y0) * scale)))
    area = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.pad(cv2.resize(crop, size, interpolation=area) > 0.5, 3)
    _, holes = cv2.connectedComponents((~small).astype(np.uint8), connectivity=4)
    sizes = np.bincount(holes.ravel())
    tiny = sizes < 0.002 * small.sum()
    tiny[0] = False
    small |= tiny[holes]
    rows = np.nonzero(small.any(1))[0]
    on_border = solid[-1].sum() / max(int(solid.sum(1).max()), 1) if y1 == solid.shape[0] else 0.0
    return Shape(small, scale, (x0 - 3 / scale, y0 - 3 / scale), int(rows[0]), int(rows[-1]), bool(on_border > 0.35))


def find_axis(mask: np.ndarray) -> float:
    """x about which the rows of the mask are most alike when mirrored; a tail or a raised arm does not move it much."""
    w = mask.shape[1]
    spectrum = np.fft.rfft(mask.astype(np.float64), 2 * w, axis=1)
    overlap = np.fft.irfft(spectrum**2, 2 * w, axis=1)  # [y, c]: pixels that find a partner mirrored at c / 2
    agreement = (overlap / np.maximum(mask.sum(1, keepdims=True), 1)).sum(0)
    centre = ndimage.gaussian_filter1d(agreement, 2.0)
    return float(np.argmax(centre[: 2 * w - 1]) / 2)


def _graph(mask: np.ndarray, cost: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Edges between the mask's neighbouring pixels, and the number of each pixel (-1 outside)."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns, weights = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        h, w = mask.shape
        a = (slice(0, h - dy), slice(max(0, -dx), w - max(0, dx)))
        b = (slice(dy, h), slice(max(0, dx), w - max(0, -dx)))
        both = mask[a] & mask[b]
        rows.append(number[a][both])
        columns.append(number[b][both])
        weights.append(0.5 * (cost[a][both] + cost[b][both]) * np.hypot(dx, dy))
    n = int(mask.sum())
    edges = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_matrix(edges, shape=(n, n)), number


def distances_inside(mask: np.ndarray, source: tuple[int, int]) -> np.ndarray:
    """float `[h,w]`: length of the shortest way inside the mask from `source` (x, y); inf outside."""
    graph, number = _graph(mask, np.ones(mask.shape))
    found = np.full(mask.shape, np.inf)
    found[mask] = csgraph.dijkstra(graph, directed=False, indices=int(number[source[1], source[0]]))
    return found


def middle_way(mask: np.ndarray, depth: np.ndarray, start: tuple[int, int], end: tuple[int, int]) -> np.ndarray:
    """float `[n,2]` x, y of the way from `start` to `end` that keeps to the middle, smoothed.

    `depth` is the distance to the outline.
    """
    cost = 1 / (0.15 + depth / max(float(depth.max()), 1e-6)) ** 2
    graph, number = _graph(mask, cost)
    first, last = int(number[start[1], start[0]]), int(number[end[1], end[0]])
    _, before = csgraph.dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    ys, xs = np.nonzero(mask)
    way = [last]
    while way[-1] != first and before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    points = np.stack([xs[way[::-1]], ys[way[::-1]]], 1).astype(np.float64)
    return ndimage.gaussian_filter1d(points, 2.0, axis=0, mode="nearest") if len(points) > 4 else points


def find_extremities(mask: np.ndarray, source: tuple[int, int], height: float) -> list[Extremity]:
    """What reaches out farther than `PROMINENT`, the most prominent first.

    Pixels are taken in from the farthest to the nearest; a new piece starts at each local maximum of
    the distance and ends where it meets an older one (persistence of the distance function).
    """
    away = distances_inside(mask, source)
    away[~np.isfinite(away)] = -1.0
    flat = away.ravel()
    order = np.argsort(-flat, kind="stable")
    order = order[flat[order] >= 0]
    w = mask.shape[1]
    parent = np.full(flat.size, -1)
    born: dict[int, int] = {}
    ended: list[tuple[int, float]] = []
    first_met: dict[int, float] = {}

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = int(parent[k])
        return k

    for pixel in order.tolist():
        near = {root(pixel + d) for d in (-w - 1, -w, -w + 1, -1, 1, w - 1, w, w + 1) if parent[pixel + d] >= 0}
        if not near:
            parent[pixel] = pixel
            born[pixel] = pixel
            continue
        oldest = max(near, key=lambda r: (flat[born[r]], -born[r]))
        parent[pixel] = oldest
        for other in near - {oldest}:
            if flat[born[other]] - flat[pixel] >= PROMINENT * height:
                ended.append((born[other], float(flat[pixel])))
                first_met.setdefault(born[oldest], float(flat[pixel]))
            parent[other] = oldest
    if born:
        ended.append((born[root(int(order[0]))], 0.0))
    found = []
    for tip, level in ended:
        # An arm that outlives the head and the other arm is an arm only as far as where it met the first of them.
        level = first_met.get(tip, level or 0.5 * float(flat[tip]))
        _, labels = cv2.connectedComponents((away > level).astype(np.uint8))
        y, x = divmod(tip, w)
        if labels[y, x] == 0:
            continue
        part = labels == labels[y, x]
        ys, xs = np.nonzero(part & (away < level + 2.5))
        base = np.array([xs.mean(), ys.mean()]) if len(xs) else np.array([x, y], np.float64)
        found.append(Extremity(np.array([x, y], np.float64), base, part, float(flat[tip] - level)))
    return sorted(found, key=lambda e: -e.prominence)


def runs(row: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop (half open) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
