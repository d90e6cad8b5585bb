"""Smooth surfaces as grids of points: tubes swept along bones, lofts through rings, ellipsoids.

A patch is all that the renderer wants of a surface: positions, normals, colour per grid point. What
the surface stands for is known in `body.py` and `head.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

Colour = tuple[float, float, float]


@dataclass
class Patch:
    points: np.ndarray
    """float [n,m,3] metres; closed surfaces repeat their first column as the last."""
    normals: np.ndarray
    """float [n,m,3], outwards."""
    albedo: np.ndarray
    """float [n,m,3], linear 0..1."""
    gloss: float
    skin: float
    """1 lets light bleed softly into the shade, as skin does."""


def linear(hex_colour: str) -> np.ndarray:
    """'#rrggbb' as linear light 0..1."""
    srgb = np.array([int(hex_colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0
    return srgb**2.2


def make_patch(points: np.ndarray, colour: np.ndarray, gloss: float = 0.1, skin: float = 0.0) -> Patch:
    """A closed grid (last column = first) with outward normals from finite differences."""
    du = np.gradient(points, axis=0)
    body = points[:, :-1]
    dv = (np.roll(body, -1, 1) - np.roll(body, 1, 1)) / 2
    dv = np.concatenate([dv, dv[:, :1]], 1)
    normals = np.cross(dv, du)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = normals / np.maximum(length, 1e-12)
    # Outwards is away from the ring's centre; poles have no direction of their own and take their ring's.
    centre = points[:, :-1].mean(1, keepdims=True)
    if np.sum(normals * (points - centre)) < 0:
        normals = -normals
    for pole, ring in ((0, 1), (-1, -2)):
        if length[pole].max() < 1e-9:
            normals[pole] = normals[ring]
    albedo = np.broadcast_to(colour, points.shape).astype(float)
    return Patch(points, normals, albedo, gloss, skin)


def _rounded_line(joints: np.ndarray, radius: float, per_bone: int) -> tuple[np.ndarray, np.ndarray]:
    """Points along the bones with each inner corner cut round; and their parameter, k at joint k."""
    out, at = [joints[0]], [0.0]
    for k in range(1, len(joints)):
        a, b = joints[k - 1], joints[k]
        length = np.linalg.norm(b - a)
        cut = min(radius / length, 0.45)
        lo = cut if k > 1 else 0.0
        hi = 1 - cut if k < len(joints) - 1 else 1.0
        for u in np.linspace(lo, hi, per_bone)[0 if k > 1 else 1 :]:
            out.append(a + u * (b - a))
            at.append(k - 1 + u)
        if k < len(joints) - 1:
            c = joints[k + 1]
            cut_next = min(radius / np.linalg.norm(c - b), 0.45)
            p0, p2 = b + cut * (a - b), b + cut_next * (c - b)
            for u in np.linspace(0, 1, 7)[1:-1]:
                out.append((1 - u) ** 2 * p0 + 2 * u * (1 - u) * b + u * u * p2)
                at.append(k - cut + u * (cut + cut_next))
    return np.array(out), np.array(at)


def tube(
    joints: np.ndarray,
    radii: dict[float, tuple[float, float]],
    side: np.ndarray,
    colour: np.ndarray,
    *,
    round_corner: float = 0.05,
    start_cap: float = 1.0,
    end_cap: float = 1.0,
    around: int = 28,
    per_bone: int = 12,
    gloss: float = 0.1,
    skin: float = 0.0,
    folds: np.ndarray | None = None,
) -> tuple[Patch, np.ndarray]:
    """A tube along bones and the bone parameter of each of its rings (k at joint k).

    `radii` gives half widths (along `side`, across it) at bone parameters. A cap of 0 leaves a flat
    end, 1 a half sphere. `folds` (amplitude m, waves along, phase) wrinkles cloth.
    """
    line, at = _rounded_line(np.asarray(joints, float), round_corner, per_bone)
    keys = sorted(radii)
    curve = PchipInterpolator(keys, np.array([radii[k] for k in keys]), extrapolate=False)
    r = curve(np.clip(at, keys[0], keys[-1]))
    t = np.gradient(line, axis=0)
    t /= np.linalg.norm(t, axis=1, keepdims=True)
    centres, rings, tangents, params = list(line), list(r), list(t), list(at)
    for end, cap in ((0, start_cap), (-1, end_cap)):
        sign = -1.0 if end == 0 else 1.0
        steps = np.sin(np.linspace(0, np.pi / 2, 8))[1:] if cap > 0 else np.array([1.0])
        for u in steps:
            shrink = np.sqrt(max(1 - u * u, 0.0)) if cap > 0 else 0.0
            new = (line[end] + sign * u * cap * r[end].mean() * t[end], r[end] * max(shrink, 1e-4), t[end], at[end])
            for kept, value in zip((centres, rings, tangents, params), new, strict=True):
                kept.insert(0, value) if end == 0 else kept.append(value)
    c, r, t = np.array(centres), np.array(rings), np.array(tangents)
    x = np.zeros_like(c)
    carried = side
    for k in range(len(c)):  # carry the side vector along without twist
        carried = carried - t[k] * (carried @ t[k])
        carried = carried / np.linalg.norm(carried)
        x[k] = carried
    y = np.cross(t, x)
    a = np.linspace(0, 2 * np.pi, around + 1)
    a[-1] = 0
    scale = np.ones((len(c), around + 1))
    if folds is not None:
        amplitude, waves, phase = folds
        along = np.array(params)[:, None]
        wrinkle = np.sin(waves * along * 2 * np.pi + 1.7 * np.sin(a + phase) + phase) * (
            0.5 + 0.5 * np.sin(2 * a + phase)
        )
        scale += amplitude / np.maximum(r.mean(1, keepdims=True), 1e-3) * wrinkle * (r.mean(1, keepdims=True) > 0.01)
    points = (
        c[:, None]
        + scale[..., None] * r[:, None, :1] * np.cos(a)[None, :, None] * x[:, None]
        + scale[..., None] * r[:, None, 1:] * np.sin(a)[None, :, None] * y[:, None]
    )
    return make_patch(points, colour, gloss, skin), np.array(params)


def loft(
    centres: np.ndarray,
    side: np.ndarray,
    front: np.ndarray,
    half_width: np.ndarray,
    half_depth: np.ndarray,
    colour: np.ndarray,
    *,
    squareness: np.ndarray | float = 2.0,
    around: int = 56,
    gloss: float = 0.1,
    skin: float = 0.0,
    back_flat: np.ndarray | float = 1.0,
) -> Patch:
    """Through rings that lie in (side, front) planes; a squareness over 2 fills the corners."""
    a = np.linspace(0, 2 * np.pi, around + 1)
    a[-1] = 0
    power = 2.0 / np.broadcast_to(np.asarray(squareness, float).reshape(-1, 1), (len(centres), 1))
    u = np.sign(np.cos(a)) * np.abs(np.cos(a)) ** power
    v = np.sign(np.sin(a)) * np.abs(np.sin(a)) ** power
    v = np.where(v < 0, v * np.broadcast_to(np.asarray(back_flat, float).reshape(-1, 1), v.shape), v)
    points = (
        centres[:, None]
        + (half_width[:, None] * u)[..., None] * side[:, None]
        + (half_depth[:, None] * v)[..., None] * front[:, None]
    )
    return make_patch(points, colour, gloss, skin)


def ellipsoid(
    centre: np.ndarray, axes: np.ndarray, radii: tuple[float, float, float], colour: np.ndarray, **look: float
) -> Patch:
    """`axes` columns are its x, y, z; poles on y."""
    theta = np.linspace(0.02, np.pi - 0.02, 18)[:, None]
    phi = np.linspace(0, 2 * np.pi, 25)
    phi[-1] = 0
    local = np.stack(
        [
            radii[0] * np.sin(theta) * np.cos(phi),
            radii[1] * np.cos(theta) * np.ones_like(phi),
            radii[2] * np.sin(theta) * np.sin(phi),
        ],
        -1,
    )
    return make_patch(centre + local @ axes.T, colour, **look)
