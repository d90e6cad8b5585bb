"""Smooth displacement fields on a coarse grid: spread from a few points, kept from folding, inverted.

Knows nothing of faces. A field says for every point of the rest picture how far it moves (forward,
px); to draw, it is inverted, because a drawn pixel asks where it comes from. Fields are linear in
the displacements of their control points, so the expensive part is done once.
"""

from __future__ import annotations

import cv2
import numpy as np

_LEAST_AREA = 0.22
"""A cell never shrinks below this share of its area; 0 would be a fold. Below 0.2 the texture looks crushed."""
_GIVE = 0.15
"""How far a control may be missed for smoothness, against the softness; without it, near neighbours that
disagree (inner and outer corner of a mouth) tear the field."""
_NEWTON_STEPS = 3
"""Measured on open mouths: 0.09 px from the converged field after two already (see OpenCV's 1/32 steps)."""


class WarpGrid:
    """Nodes in the middle of even cells over a box of `width` x `height` px."""

    def __init__(self, width: int, height: int, spacing_px: float) -> None:
        self.width, self.height = width, height
        nx, ny = (max(8, round(side / spacing_px)) for side in (width, height))
        self.shape = (ny, nx)
        self.spacing = np.array([width / nx, height / ny])
        ys, xs = np.mgrid[0:ny, 0:nx]
        self.nodes = (np.stack([xs, ys], -1).reshape(-1, 2) + 0.5) * self.spacing - 0.5  # ny*nx, xy
        px = np.stack(np.broadcast_arrays(np.arange(width)[None, :], np.arange(height)[:, None]), -1)
        self.pixels = px.astype(np.float32)
        """Coordinates (x, y) of every pixel, `[h,w,2]`."""

    def fade(self, points: np.ndarray, margin: float) -> np.ndarray:
        """0 on the outer two rings of nodes, 1 where deeper than `margin` (share of the box's sides)."""
        inner = 2.0 * self.spacing
        span = np.array([self.width - 1, self.height - 1])
        depth = (np.minimum(points, span - points) - inner) / (margin * span)
        t = np.clip(depth, 0.0, 1.0)
        return np.prod(t * t * (3 - 2 * t), axis=-1)

    def spread(self, controls: np.ndarray, anchors: np.ndarray, at: np.ndarray, softness_px: float) -> np.ndarray:
        """Weights float64 `[len(at), len(controls)]` that carry displacements of `controls` to `at`.

        Multiquadric interpolation: it meets every control, stays put at the anchors, and hardly
        overshoots between, unlike thin plates.
        """
        knots = np.concatenate([controls, anchors])
        n = len(knots)
        system = np.zeros((n + 1, n + 1))
        system[:n, :n] = -_distance(knots, knots, softness_px) + _GIVE * softness_px * np.eye(n)
        system[:n, n] = system[n, :n] = 1.0
        columns = np.linalg.solve(system, np.eye(n + 1)[:, : len(controls)])
        kernel = np.concatenate([-_distance(at, knots, softness_px), np.ones((len(at), 1))], axis=1)
        return kernel @ columns

    def unfolding_share(self, fields: list[np.ndarray]) -> float:
        """The largest share 0..1 of `fields` `[ny*nx,2]` that squeezes no cell below the least area."""
        u = np.stack([f.reshape(*self.shape, 2) for f in fields]).astype(np.float32)
        du, dv = np.diff(u, axis=2) / np.float32(self.spacing[0]), np.diff(u, axis=1) / np.float32(self.spacing[1])
        # the four corners of each cell: every pairing of a horizontal with a vertical edge
        dx = np.stack([du[:, :-1], du[:, :-1], du[:, 1:], du[:, 1:]])
        dy = np.stack([dv[:, :, :-1], dv[:, :, 1:], dv[:, :, :-1], dv[:, :, 1:]])
        trace = dx[..., 0] + dy[..., 1]
        det = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]
        if float((trace + np.minimum(det, 0)).min()) > -0.5:
            return 1.0  # the usual case: area(t) = 1 + t trace + t^2 det stays above a half
        # first t in 0..1 where the area meets the least
        gap = 1.0 - _LEAST_AREA
        square = trace * trace - 4 * det * gap
        denominator = -trace + np.sqrt(np.maximum(square, 0))
        first = np.where((square >= 0) & (denominator > 1e-6), 2 * gap / np.maximum(denominator, 1e-6), 2.0)
        return float(np.clip(first.min(), 0, 1))

    def combine(self, weights: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """The field `[n,2]` of `moves` `[k,2]` under `weights` `[k,n]`.

        einsum and not a matrix product: that would wake a pool of threads for less work than waking costs.
        """
        return np.einsum("kc,kn->cn", moves.astype(np.float32), weights).T

    def invert(self, fields: list[np.ndarray]) -> list[np.ndarray]:
        """Backward displacements `[ny,nx,2]` at the nodes: where each drawn node comes from, minus itself."""
        ny, nx = self.shape
        # one above the other, so that one look-up serves all; a ring of zeros keeps them apart
        stack = np.concatenate([f.reshape(ny, nx, 2) for f in fields]).astype(np.float32)
        scale = (1 / self.spacing).astype(np.float32)
        p = np.tile(self.nodes.astype(np.float32).reshape(ny, nx, 2), (len(fields), 1, 1))
        offset = np.zeros_like(p)
        offset[..., 1] = np.repeat(np.arange(len(fields)) * ny, ny)[:, None]
        offset += 0.5 * (scale - 1)  # pixel (k + 0.5) spacing - 0.5 is node k
        slope = np.zeros((*stack.shape[:2], 4), np.float32)  # d(x)/dx, d(y)/dx, d(x)/dy, d(y)/dy
        slope[:, 1:-1, :2] = (stack[:, 2:] - stack[:, :-2]) * (scale[0] / 2)
        slope[1:-1, :, 2:] = (stack[2:] - stack[:-2]) * (scale[1] / 2)
        limit = (2 * self.spacing).astype(np.float32)
        back = -stack
        for _ in range(_NEWTON_STEPS):
            at = (p + back) * scale + offset
            x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
            wrong = back + cv2.remap(stack, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            m = cv2.remap(slope, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            a, d, b, c = 1 + m[..., 0], 1 + m[..., 3], m[..., 2], m[..., 1]
            over = 1 / np.maximum(a * d - b * c, 0.15)
            back[..., 0] -= np.clip((d * wrong[..., 0] - b * wrong[..., 1]) * over, -limit[0], limit[0])
            back[..., 1] -= np.clip((a * wrong[..., 1] - c * wrong[..., 0]) * over, -limit[1], limit[1])
        return list(back.reshape(len(fields), ny, nx, 2))

    def dense(self, field: np.ndarray) -> np.ndarray:
        """A node field `[ny,nx,2]` at every pixel, float32 `[h,w,2]`."""
        return cv2.resize(field.astype(np.float32), (self.width, self.height), interpolation=cv2.INTER_LINEAR)


def _distance(a: np.ndarray, b: np.ndarray, softness_px: float) -> np.ndarray:
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1) + softness_px**2)
