"""As-rigid-as-possible relaxation: every neighbourhood keeps its shape as well as the pull of the joints lets it.

Sorkine and Alexa, 'As-rigid-as-possible surface modeling' (SGP 2007), in the plane, where the best local
rotation has a closed form. The system matrix depends on the rest shape only and is factorised once.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu


class Relaxation:
    """Prefactorised for one mesh and one set of pulls."""

    def __init__(self, num_vertices: int, edges: np.ndarray, pull: np.ndarray) -> None:
        """`edges` int `[E,2]`; `pull` float `[V]`: how firmly each vertex is held at its target, edges weigh 1."""
        self._i, self._j = edges[:, 0].astype(np.int64), edges[:, 1].astype(np.int64)
        e = np.arange(len(edges))
        one = np.ones(len(edges), np.float64)
        # V x E: +1 at the first end, -1 at the second; sums edge vectors into vertices in one product.
        self._gather = coo_matrix(
            (np.concatenate([one, -one]), (np.concatenate([self._i, self._j]), np.concatenate([e, e]))),
            shape=(num_vertices, len(edges)),
        ).tocsr()
        self._touch = abs(self._gather)
        self._pull = pull.astype(np.float64)
        laplacian = (self._gather @ self._gather.T).tocsc()
        self._solver = splu(laplacian + diags(self._pull, format="csc"), permc_spec="MMD_AT_PLUS_A")

    def relax(self, rest: np.ndarray, target: np.ndarray, rounds: int = 2) -> np.ndarray:
        """float64 `[V,2]`: near `target`, with the edges of `rest` as little bent as possible."""
        position = target.astype(np.float64)
        edge = (rest[self._i] - rest[self._j]).astype(np.float64)
        held = self._pull[:, None] * target
        for _ in range(rounds):
            now = position[self._i] - position[self._j]
            cross = self._touch @ (edge[:, 0] * now[:, 1] - edge[:, 1] * now[:, 0])
            dot = self._touch @ (edge[:, 0] * now[:, 0] + edge[:, 1] * now[:, 1])
            size = np.maximum(np.hypot(cross, dot), 1e-9)
            cos, sin = dot / size, cross / size
            c, s = (cos[self._i] + cos[self._j]) / 2, (sin[self._i] + sin[self._j]) / 2
            turned = np.stack([c * edge[:, 0] - s * edge[:, 1], s * edge[:, 0] + c * edge[:, 1]], 1)
            position = self._solver.solve(self._gather @ turned + held)
        return position
