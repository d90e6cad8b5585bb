"""The face of a cut-out character: mouth, eyes and brows of one still picture move with 68 face points.

Two warps share everything but the lips: one moves with the skull, one with the jaw. They agree away
from the mouth, part along the line between the lips, and the gap is painted. Lids are drawn before
the warps. Knows nothing of time: the same points always give the same pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from .face_eye_shape import detected_shape, drawn_shapes
from .face_eyes import Eye
from .face_features import FaceFeatures, settle
from .face_mouth import Mouth
from .face_picture import doubled, fill_hidden_colours, flatness
from .face_warp import WarpGrid

_NODES_ACROSS = 38
"""Grid nodes over the box: twelve across a mouth, so that the coarse warp follows the lips."""
_FLAT_DRAWING = 0.72
"""Share of even neighbourhoods from which a face counts as a flat drawing (photos 0.05-0.5, drawings 0.8-0.97)."""
_INVISIBLE = 0.02
"""Displacements below this many px cannot be told from none."""
_TURN_SHIFT = 0.17
"""Shift of the middle of the face at full turn, in half widths of the head: about 12 degrees."""
_NOSE_DEPTH = 0.35
"""How much further the nose reaches forward than the head's dome, as a share of it."""


class FacePuppet:
    """One face of one picture, prepared; `patch` gives it another expression."""

    def __init__(
        self, pixels: np.ndarray, alpha: np.ndarray, points: np.ndarray, scores: np.ndarray | None = None
    ) -> None:
        """`pixels` uint8 `[H,W,3]`, `alpha` uint8 `[H,W]`, `points` float32 `[68,2]` px, `scores` `[68]` 0..1."""
        self.points = np.asarray(points, np.float32).reshape(68, 2).copy()
        self.points.setflags(write=False)
        height, width = alpha.shape
        self.features = FaceFeatures(self.points, scores, alpha)
        self._box = self.features.box(width, height)
        x0, y0, x1, y1 = self._box
        rgb, cover = pixels[y0:y1, x0:x1], alpha[y0:y1, x0:x1]
        self._rest = np.ascontiguousarray(np.dstack([rgb, cover]))
        self._still = self.features.is_still or min(x1 - x0, y1 - y0) < 24
        if self._still:
            return
        self._colours = np.ascontiguousarray(fill_hidden_colours(rgb, cover))
        self._cover = np.ascontiguousarray(cover)
        self._double = doubled(np.dstack([self._colours, cover]))
        self._opaque = bool((cover == 255).all())
        local = np.nan_to_num(self.points.astype(np.float64)) - (x0, y0)
        hull = np.zeros(cover.shape, np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(local[:27].astype(np.int32)), 255)
        is_flat = flatness(self._colours, np.minimum(hull, cover)) > _FLAT_DRAWING
        f = self.features
        self.mouth = Mouth(self._colours, local, is_flat) if f.weight("mouth") > 0 else None
        self.eyes = self._find_eyes(local, is_flat)
        self._prepare_warps(local)

    def _find_eyes(self, local: np.ndarray, is_flat: bool) -> list[tuple[str, Eye]]:
        sides = (("right eye", range(36, 42), range(17, 22)), ("left eye", range(42, 48), range(22, 27)))
        good = [(name, local[ids], local[brow]) for name, ids, brow in sides if self.features.weight(name) > 0]
        shapes = [detected_shape(contour, self.features.down) for _, contour, _ in good]
        brows = [brow for _, _, brow in good]
        shapes = drawn_shapes(self._colours, shapes, brows)
        return [
            (name, Eye(self._colours, shape, brow, is_flat))
            for (name, _, brow), shape in zip(good, shapes, strict=True)
        ]

    def _prepare_warps(self, local: np.ndarray) -> None:
        x0, y0, x1, y1 = self._box
        f = self.features
        grid = self._grid = WarpGrid(x1 - x0, y1 - y0, max(3.0, (x1 - x0) / _NODES_ACROSS))
        anchors, soft = f.anchors(local, self._cover), 0.12 * f.unit
        upper_lip, lower_lip = [49, 50, 51, 52, 53, 61, 62, 63], [55, 56, 57, 58, 59, 65, 66, 67]
        mouth_on = self.mouth is not None
        moving = [k for k in f.moving if mouth_on or k < 48]
        pairs = {"upper": ((60, 61), (64, 63), (48, 49), (54, 53)), "lower": ((60, 67), (64, 65), (48, 59), (54, 55))}
        sides = ((lower_lip, "upper"), (upper_lip, "lower"))
        self._spread: list[np.ndarray] = []
        self._lip: list[np.ndarray] = []
        for without, edge in sides:
            used = [k for k in moving if k not in without]
            at = grid.nodes
            if self.mouth is not None:
                at = np.concatenate([at, getattr(self.mouth, edge)])
            between = [pair for pair in pairs[edge] if mouth_on]
            controls = np.concatenate([local[used], *(local[list(pair)].mean(0)[None] for pair in between)])
            weights = grid.spread(controls, anchors, at, soft) * grid.fade(at, 0.16)[:, None]
            every = np.zeros((len(at), 68))
            every[:, used] = weights[:, : len(used)]
            for k, (corner, lip) in enumerate(between):
                share = self._rounding(local, corner, lip)
                every[:, corner] += (1 - share) * weights[:, len(used) + k]
                every[:, lip] += share * weights[:, len(used) + k]
            self._spread.append(np.ascontiguousarray(every[: len(grid.nodes)].T, np.float32))
            self._lip.append(np.ascontiguousarray(every[len(grid.nodes) :].T, np.float32))
        self._dome = f.dome(grid.nodes, local, _NOSE_DEPTH, self._cover) * grid.fade(grid.nodes, 0.10)
        if self.mouth is not None:
            ends = self.mouth.upper, self.mouth.lower
            self._lip_dome = [f.dome(e, local, _NOSE_DEPTH, self._cover) * grid.fade(e, 0.10) for e in ends]

    def _rounding(self, local: np.ndarray, corner: int, lip: int) -> float:
        """Opening half way from the corner to the next point of the lip, as a share of that point's.

        Lips part in an ellipse, not a diamond; and detectors differ in how far from the corner that point is.
        """
        assert self.mouth is not None
        middle = (local[48] + local[54]) / 2
        half = self.mouth.width / 2
        ends = [min(abs(float((local[k] - middle) @ self.mouth.across)) / half, 0.98) for k in (corner, lip)]
        ends[0] = max(ends[0], 0.9)
        inner, outer = ends[1] / ends[0], (ends[0] + ends[1]) / 2 / ends[0]
        return float(np.clip(np.sqrt(1 - min(outer, 1) ** 2) / np.sqrt(1 - min(inner, 0.95) ** 2), 0.5, 0.88))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1), half open: the region of the picture that `patch` may change; its edge never changes."""
        return self._box

    def patch(
        self, points68: np.ndarray, strength: float = 1.0, turn: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[np.ndarray, tuple[int, int]]:
        """RGBA uint8 `[h,w,4]` of the box with the expression of `points68`, and the box's corner (x0, y0).

        `points68` float32 `[68,2]` px: the driven face on this head at rest. `strength` 0..2 scales the
        expression. `turn` -1..1 each: features shift towards +x and +y of the picture as on a head turning there,
        the silhouette stays. Points equal to the rest points give the very pixels of the picture.
        """
        corner = self._box[:2]
        if self._still:
            return self._rest.copy(), corner
        moves = settle(self.features, self.mouth, points68, strength)
        yaw, pitch = (float(np.clip(np.nan_to_num(t), -1, 1)) for t in turn)
        lids = []
        for name, eye in self.eyes:
            up, low = ([37, 38], [40, 41]) if name == "right eye" else ([43, 44], [46, 47])
            weight = self.features.weight(name)
            lids.append(eye.closing(*(weight * float((moves[k] @ eye.down).mean()) for k in (up, low))))
        if not np.any(moves) and yaw == 0 and pitch == 0:
            return self._rest.copy(), corner
        colours = self._colours
        if any(abs(shut) > 1e-3 or rise > 0.02 for shut, rise in lids):
            colours = colours.copy()
            for (_, eye), (shut, rise) in zip(self.eyes, lids, strict=True):
                if abs(shut) > 1e-3 or rise > 0.02:
                    colours[eye.rows, eye.cols] = eye.draw(self._colours, shut, rise)
        return self._warped(colours, moves, np.array([yaw, pitch])), corner

    def _warped(self, colours: np.ndarray, moves: np.ndarray, turn: np.ndarray) -> np.ndarray:
        grid, f = self._grid, self.features
        shift = _TURN_SHIFT * f.head_px * turn
        fields = [grid.combine(w, moves) + self._dome[:, None] * shift for w in self._spread]
        if max(float(np.abs(field).max()) for field in fields) < _INVISIBLE:
            return self._look(colours, None, (slice(0, 0), slice(0, 0)))
        share = grid.unfolding_share(fields)
        backward = grid.invert([share * field for field in fields])
        if self.mouth is None:
            return self._look(colours, grid.dense(backward[0]), self._touched(backward, ()))
        edges = [
            e + share * (grid.combine(w, moves) + d[:, None] * shift)
            for e, w, d in zip((self.mouth.upper, self.mouth.lower), self._lip, self._lip_dome, strict=True)
        ]
        upper, lower = _part(edges[0], edges[1], self.mouth.down)
        middle = (upper + lower) / 2
        soft = float(grid.spacing.max())
        side = self.mouth.sides(grid.nodes, middle, 2 * soft).reshape(*grid.shape, 1).astype(np.float32)
        shifts = grid.dense(backward[0] + (backward[1] - backward[0]) * side)
        # near the lips the two warps are kept apart pixel by pixel
        rows, cols = _bounds(np.concatenate([upper, lower]), 4 * soft, grid.width, grid.height)
        here = grid.pixels[rows, cols]
        near = self.mouth.sides(here, middle, 1.0)[..., None]
        skull, jaw = (grid.dense(b)[rows, cols] for b in backward)
        shifts[rows, cols] = skull + (jaw - skull) * near
        drawn = self._look(colours, shifts, self._touched(backward, (rows, cols)))
        gap = _bounds(np.concatenate([upper, lower]), 3.0, grid.width, grid.height)
        painted = self.mouth.paint(
            drawn[(*gap, slice(3))].astype(np.float32), grid.pixels[gap], upper, lower, self._colours
        )
        drawn[(*gap, slice(3))] = np.clip(painted + 0.5, 0, 255)
        return drawn

    def _touched(self, backward: list[np.ndarray], also: tuple[slice, slice] | tuple[()]) -> tuple[slice, slice]:
        """Rows and columns outside which nothing moves by a visible amount."""
        grid = self._grid
        moved = np.max([np.abs(b).max(-1) for b in backward], axis=0) > _INVISIBLE
        if not moved.any():
            return also or (slice(0, 0), slice(0, 0))
        ends = []
        for axis, spacing, length in ((1, grid.spacing[1], grid.height), (0, grid.spacing[0], grid.width)):
            hit = np.flatnonzero(moved.any(axis))
            first, last = int((hit[0] - 1) * spacing), int((hit[-1] + 2) * spacing) + 1
            ends.append([max(first, 0), min(last, length)])
        for end, other in zip(ends, also, strict=False):
            end[:] = min(end[0], other.start), max(end[1], other.stop)
        return slice(*ends[0]), slice(*ends[1])

    def _look(self, colours: np.ndarray, shifts: np.ndarray | None, where: tuple[slice, slice]) -> np.ndarray:
        """The picture of the box with `colours` fetched from `shifts` away inside `where`."""
        out, double = self._rest.copy(), self._double
        if colours is not self._colours:
            double = double.copy()
            for _, eye in self.eyes:
                rows, cols = eye.rows, eye.cols
                seen = self._cover[rows, cols, None] > 0
                out[rows, cols, :3] = np.where(seen, colours[rows, cols], out[rows, cols, :3])
                r0, c0 = max(rows.start - 4, 0), max(cols.start - 4, 0)
                around = doubled(colours[r0 : rows.stop + 4, c0 : cols.stop + 4])
                top, left = 2 * (rows.start - r0), 2 * (cols.start - c0)
                inner = around[top : top + 2 * (rows.stop - rows.start), left : left + 2 * (cols.stop - cols.start)]
                double[2 * rows.start : 2 * rows.stop, 2 * cols.start : 2 * cols.stop, :3] = inner
        if shifts is None or where[0].start >= where[0].stop:
            return out
        x, y = cv2.split(2 * (self._grid.pixels[where] + shifts[where]))
        inside = out[where]
        seen = cv2.remap(double, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if not self._opaque:
            # where nothing is or was to be seen, the hidden colours stay as they are
            hidden = (seen[..., 3] | inside[..., 3]) == 0
            seen[hidden] = inside[hidden]
        inside[:] = seen
        return out


def _bounds(points: np.ndarray, margin: float, width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns around points, inside the box."""
    (x0, y0), (x1, y1) = points.min(0) - margin, points.max(0) + margin
    rows = slice(min(max(int(y0), 0), height), min(max(int(y1) + 2, 0), height))
    return rows, slice(min(max(int(x0), 0), width), min(max(int(x1) + 2, 0), width))


def _part(upper: np.ndarray, lower: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The moved lip edges, uncrossed, meeting at the corners of the mouth."""
    gap = np.maximum((lower - upper) @ down, 0)
    gap = np.convolve(np.pad(gap, 3, mode="edge"), np.array([1, 6, 15, 20, 15, 6, 1]) / 64, "valid")
    middle = (upper + lower) / 2
    ends = np.minimum(np.arange(len(gap)), np.arange(len(gap))[::-1]) / 2.0
    half = (gap * np.clip(ends, 0, 1) / 2)[:, None] * down
    return middle - half, middle + half
