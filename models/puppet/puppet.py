"""The finished puppet of one character: pieces, mesh, bindings, relaxation; posed and drawn frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ...core import Character, InputError
from .arap import Relaxation
from .drive import Strings, rotate
from .hidden import bleed_colours
from .layers import Layer, make_layers
from .mesh import lattice
from .parts import LIMBS, crotch, label_parts
from .raster import draw_mesh, inverse_maps
from .rig import Rig, find_rig
from .skin import Binding, bind

_MESH_SHARE = 1 / 50  # edge length over the character's height
_FIRM, _LOOSE = 1.0, 0.03  # how firmly vertices are held away from joints and at joints
_MARGIN_PX = 16
_PAD_SHARE = 0.12  # of the picture, added where the picture's border cuts the character off


@dataclass(frozen=True)
class Sheet:
    """A layer's part of the whole mesh."""

    layer: Layer
    triangles: np.ndarray
    """int32 `[T,3]` into the puppet's vertices."""
    order: np.ndarray
    """int64 `[T]`: what is further out on a limb is drawn later."""


class Puppet:
    """Built once from a character; posing and drawing change nothing in it."""

    def __init__(self, character: Character, detail: float = 1.0) -> None:
        assert character.alpha is not None and character.pose is not None
        self.size = character.size
        alpha = character.alpha
        if not (alpha >= 128).any():
            raise InputError("The character's cut-out is empty: nothing in its mask is white; give another mask.")
        pixels, alpha, beyond, self.shift = _working_copy(character.pixels, alpha)
        points = character.pose.points[0] + self.shift.astype(np.float32)
        self.rig: Rig = find_rig(points, character.pose.scores[0], alpha)
        self.pixels, self.alpha = bleed_colours(pixels, alpha), alpha
        crotch_at = crotch(self.rig, alpha)
        self.separate_legs = crotch_at is not None
        self.labels = label_parts(self.rig, self.pixels, alpha, crotch_at)
        # Arms end where the picture ends: mirrored hands below its border would be seen when they rise.
        alpha = np.where(beyond & np.isin(self.labels, [LIMBS["left_arm"], LIMBS["right_arm"]]), 0, alpha).astype(
            np.uint8
        )
        self._is_cut_below = bool(beyond[-1].any()) and bool((alpha[-1] >= 128).any())
        layers = make_layers(self.rig, self.pixels, alpha, self.labels, self.separate_legs)
        ys = np.nonzero((alpha >= 128).any(1))[0]
        self.spacing = max(4.0, (ys[-1] - ys[0] + 1) * _MESH_SHARE / detail)
        self._assemble(layers)

    def _assemble(self, layers: tuple[Layer, ...]) -> None:
        vertices, edges, self.sheets, self.bindings = [], [], [], list[Binding]()
        sheets: list[tuple[Layer, np.ndarray]] = []
        first = 0
        for layer in layers:
            mesh = lattice(layer.support, self.spacing)
            self.bindings += bind(self.rig, layer, mesh, self.labels, first, self.separate_legs)
            vertices.append(mesh.vertices)
            edges.append(mesh.edges + first)
            sheets.append((layer, mesh.triangles + first))
            first += len(mesh.vertices)
        self.vertices = np.concatenate(vertices).astype(np.float64)
        outness, loose = np.zeros(first), np.zeros(first)
        for b in self.bindings:
            outness[b.rows] += b.share.sum(0)
            loose[b.rows] = np.maximum(loose[b.rows], (4 * b.share * (1 - b.share)).max(0))
        pull = _LOOSE + _FIRM * (1 - np.clip(loose, 0, 1)) ** 2
        self.sheets = [
            Sheet(layer, t, np.argsort(outness[t].mean(1), kind="stable").astype(np.int64)) for layer, t in sheets
        ]
        # Where the picture's lower border cuts the body off, the cut stays below the border.
        height = self.size[1] + self.shift[1]
        rows = np.concatenate(
            [np.unique(s.triangles) for s in self.sheets if s.layer.name == "core" or "leg" in s.layer.name]
        )
        self._cut_rows = rows[self.vertices[rows, 1] >= height] if self._is_cut_below else np.zeros(0, np.int64)
        pull[self._cut_rows] += 4 * _FIRM
        self._relaxation = Relaxation(first, np.concatenate(edges), pull)
        rig = self.rig
        self._down = rig.spine / rig.spine_length
        self._side = np.array([self._down[1], -self._down[0]])
        self._yaw_rows, self._yaw_field = self._parallax()

    def _parallax(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and px `[R,2]` per unit of yaw: the middle of the face moves against its rim."""
        head = self.rig.chain("head")
        binding = next((b for b in self.bindings if b.chain.name == "head"), None)
        ids = set(self.rig.head_points.tolist())
        if head is None or binding is None or not {0, 3, 4} <= ids:
            return np.zeros(0, np.int64), np.zeros((0, 2))
        ears = self.rig.points[[3, 4]]
        width = float(np.hypot(*(ears[0] - ears[1])))
        along = (ears[0] - ears[1]) / max(width, 1e-6)
        centre = 0.5 * (self.rig.points[0] + ears.mean(0))
        offset = self.vertices[binding.rows] - centre
        across = offset @ along / max(0.62 * width, 1e-6)
        upright = offset @ np.array([-along[1], along[0]]) / max(1.0 * width, 1e-6)
        bump = np.clip(1 - across**2 - upright**2, 0, 1)
        field = bump[:, None] * binding.share[-1][:, None] * along * width * 0.55
        return binding.rows, field

    def pose(self, strings: Strings, i: int) -> np.ndarray:
        """float64 `[V,2]`: all vertices of frame `i` of the strings, on the working copy; `shift` px from the picture."""
        rig, size = self.rig, strings.size[i]
        start = self.vertices.copy()
        start[self._yaw_rows] += strings.yaw[i] * self._yaw_field

        def trunk(x: np.ndarray) -> np.ndarray:
            t, u, width, line = local(x)
            return (
                strings.neck[i]
                + t[:, None] * rotate(self._down, strings.spine_turn[i])
                + (u * width)[:, None] * rotate(self._side[None], strings.spine_turn[i] + line)
            )

        def local(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
            t = (x - rig.neck) @ self._down
            u = (x - rig.neck) @ self._side
            lower = np.clip(t / rig.spine_length, 0, 1)
            width = strings.shoulder_width[i] * (1 - lower) + strings.hip_width[i] * lower
            line = strings.shoulder_turn[i] * (1 - lower) + strings.hip_turn[i] * lower
            return np.where(t > 0, t * strings.spine_stretch[i], t * size), u, width, line

        def flat(x: np.ndarray) -> np.ndarray:
            t, u, width, _ = local(x)
            return t[:, None] * self._down + (u * width)[:, None] * self._side

        base = trunk(start)
        target, rest = base.copy(), flat(start)
        flat_rest = rest.copy()
        for b in self.bindings:
            pulls = strings.chains[b.chain.name]
            x, grown = start[b.rows], np.zeros((len(b.rows), 2))
            vectors = b.chain.vectors
            for k in range(len(vectors) - 1, -1, -1):
                longer = (pulls.stretch[i, k] - 1) * b.along[k][:, None] * vectors[k]
                grown += longer
                x = b.chain.joints[k] + rotate(x + longer - b.chain.joints[k], b.share[k] * pulls.bend[i, k])
            root = b.chain.joints[0]
            rigid = pulls.base[i] + size * rotate(x - root, pulls.base_angle[i])
            g = b.share[0][:, None]
            target[b.rows] += (1 - g) * trunk(x) + g * rigid - base[b.rows]
            stiff = flat(root[None]) + size * (start[b.rows] + grown - root)
            rest[b.rows] += g * (stiff - flat_rest[b.rows])
        rows = self._cut_rows
        target[rows, 1] = np.maximum(target[rows, 1], self.vertices[rows, 1])
        return self._relaxation.relax(rest, target)

    def draw(
        self, vertices: np.ndarray, names: Iterable[str], face: tuple[np.ndarray, tuple[int, int]] | None = None
    ) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
        """The pieces of one frame from back to front: straight RGBA and place on the picture."""
        sheets = {s.layer.name: s for s in self.sheets}
        placed = vertices - self.shift
        for name in names:
            sheet = sheets.get(name)
            if sheet is None:
                continue
            corners = placed[sheet.triangles]
            rest = self.vertices[sheet.triangles] - np.array(sheet.layer.origin)
            maps, area = inverse_maps(rest, corners)
            order = sheet.order
            # Folded triangles go underneath their neighbours.
            order = np.concatenate([order[area[order] < -1e-3], order[area[order] > 1e-3]])
            texture = sheet.layer.texture
            if face is not None and name == "core":
                texture = _with_patch(texture, sheet.layer.origin, face)
            drawn = draw_mesh(corners, maps, order, texture, self.size)
            if drawn is not None:
                yield drawn


def _with_patch(texture: np.ndarray, origin: tuple[int, int], face: tuple[np.ndarray, tuple[int, int]]) -> np.ndarray:
    """The texture with a face patch laid over its colours; its outline stays."""
    patch, (x, y) = face
    x, y = x - origin[0], y - origin[1]
    h, w = texture.shape[:2]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + patch.shape[1], w), min(y + patch.shape[0], h)
    if x0 >= x1 or y0 >= y1:
        return texture
    out = texture.copy()
    piece = patch[y0 - y : y1 - y, x0 - x : x1 - x]
    alpha = piece[..., 3:].astype(np.float32) / 255
    part = out[y0:y1, x0:x1, :3]
    part[:] = np.clip(np.rint(part * (1 - alpha) + piece[..., :3] * alpha), 0, 255).astype(np.uint8)
    return out


def _working_copy(pixels: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The picture around the character: pixels, alpha, which pixels are added ones, and the shift of its origin.

    Where the picture's border cuts the character, it goes on a little as its own mirror image; what is far
    from the character is left out.
    """
    h, w = alpha.shape
    touch = (alpha[:, :2] > 128, alpha[:, -2:] > 128, alpha[:2] > 128, alpha[-2:] > 128)
    sides = (w, w, h, h)
    left, right, top, bottom = (
        round(_PAD_SHARE * s) if t.mean() > 0.01 else 0 for t, s in zip(touch, sides, strict=True)
    )
    mirror = cv2.BORDER_REFLECT_101
    pixels = cv2.copyMakeBorder(pixels, top, bottom, left, right, mirror)
    alpha = cv2.copyMakeBorder(alpha, top, bottom, left, right, mirror)
    beyond = np.ones(alpha.shape, bool)
    beyond[top : top + h, left : left + w] = False
    ys, xs = np.nonzero(alpha)
    y0, x0 = max(int(ys.min()) - _MARGIN_PX, 0), max(int(xs.min()) - _MARGIN_PX, 0)
    part = (slice(y0, int(ys.max()) + _MARGIN_PX + 1), slice(x0, int(xs.max()) + _MARGIN_PX + 1))
    shift = np.array([left - x0, top - y0], np.float64)
    return np.ascontiguousarray(pixels[part]), np.ascontiguousarray(alpha[part]), beyond[part], shift
