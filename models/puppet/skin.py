"""How each vertex of the mesh follows the bones.

Weights are heat: every bone warms the vertices nearest to it and the warmth spreads inside the piece only,
so an arm beside the body warms no hip. A joint then turns each vertex by its *share of the angle* about
the joint (in the plane that is exact), where blending positions would let elbows collapse.
Heat weights after Baran and Popović, 'Automatic rigging and animation of 3D characters' (SIGGRAPH 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from .layers import Layer
from .mesh import Mesh
from .parts import HEAD, LIMBS, LOCKS, TORSO, nearest_label
from .rig import Chain, Rig


@dataclass(frozen=True)
class Binding:
    """The vertices that follow one chain."""

    chain: Chain
    rows: np.ndarray
    """int `[B]`: which vertices of the whole puppet."""
    share: np.ndarray
    """float64 `[n,B]`: how much of joint k's angle each vertex takes, falling outwards in k."""
    along: np.ndarray
    """float64 `[n,B]`: how much of bone k's lengthening each vertex takes."""


def bind(rig: Rig, layer: Layer, mesh: Mesh, labels: np.ndarray, first: int, separate_legs: bool) -> list[Binding]:
    """Bindings of one layer whose vertices start at row `first` of the puppet."""
    chains = [c for c in rig.chains if c.name == layer.name]
    in_core = layer.name in ("core", "locks")
    if in_core:  # the seat follows the thighs too, and a robe is all core
        chains = [c for c in rig.chains if c.name == "head" or "leg" in c.name]
    points = mesh.vertices.astype(np.float64)
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, labels.shape[1] - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, labels.shape[0] - 1)
    part = nearest_label(np.where(layer.support, labels, 0))[y, x]  # lattice vertices may lie outside
    part = np.where(part == LOCKS, TORSO, part)
    half_shoulder = float(np.hypot(*(rig.shoulders[0] - rig.shoulders[1]))) / 2
    # Source 0 is the torso, then the bones of each chain in turn.
    source = np.zeros(len(points), np.int64)
    reach = np.full(len(points), 0.3 * half_shoulder)
    offset, offsets = 1, []
    for chain in chains:
        offsets.append(offset)
        distance, bone = _nearest_bone(chain, points)
        if chain.name == "head":
            mine = part == HEAD
            source[mine] = offset + 1
            reach[mine] = 0.15 * chain.radius[1]
            neck = (bone == 0) & (distance < 0.9 * chain.radius[0]) & (part == TORSO)
            # Below the collar the neck bone is inside the chest and moves nothing.
            axis = chain.vectors[0]
            up = ((points - chain.joints[0]) @ axis) / max(axis @ axis, 1e-6)
            neck &= up > 0.3
            source[neck] = offset
            reach[neck] = 0.3 * chain.radius[0]
        elif in_core:
            mine = (distance < 1.1 * chain.radius[bone]) & (part == TORSO)
            axis = chain.vectors[0]
            mine &= ((points - chain.joints[0]) @ axis) / max(axis @ axis, 1e-6) > 0.3
            source[mine] = offset + bone[mine]
            reach[mine] = np.maximum(distance[mine], 0.5 * chain.radius[bone[mine]])
        else:
            # Only what lies about its first joint also holds to the trunk; further out, lattice vertices that
            # fall on the neighbour's side of a cut are the limb's all the same.
            near_root = np.hypot(*(points - chain.joints[0]).T) < 1.5 * chain.radius[0]
            mine = (part == LIMBS[chain.name]) | ~near_root
            source[mine] = offset + bone[mine]
            reach[mine] = np.clip(distance[mine], 0.25 * chain.radius[bone[mine]], 0.5 * chain.radius[bone[mine]])
            reach[~mine] = 0.35 * chain.radius[0]
        offset += len(chain.radius)
    weights = _heat(mesh, source, reach, offset)
    bindings = []
    for chain, start in zip(chains, offsets, strict=True):
        n = len(chain.radius)
        share = np.cumsum(weights[:, start : start + n][:, ::-1], axis=1)[:, ::-1].T
        share = np.clip((share - 0.12) / 0.76, 0, 1)
        share = share * share * (3 - 2 * share)  # a joint bends where it is, the bones beside it stay straight
        if "leg" in chain.name:
            share[0] = _thigh_share(rig, chain, points, in_core)
            share = np.minimum(share, share[0])
            if in_core and separate_legs:
                share[1:] = 0
        rows = np.nonzero(share[0] > 0)[0]
        share = share[:, rows]
        along = np.empty_like(share)
        for k in range(n):
            axis = chain.vectors[k]
            t = np.clip(((points[rows] - chain.joints[k]) @ axis) / max(axis @ axis, 1e-6), 0, 1)
            beyond = share[k + 1] if k + 1 < n else np.zeros(len(rows))
            along[k] = share[k] * (t + (1 - t) * beyond)
        bindings.append(Binding(chain, rows + first, share, along))
    return bindings


def _thigh_share(rig: Rig, chain: Chain, points: np.ndarray, in_core: bool) -> np.ndarray:
    """How far points turn about the hip: a ramp down the thigh, the same in the leg's piece and in the seat.

    In the seat, left and right thigh share the cloth between them.
    """
    axis = chain.vectors[0] / chain.lengths[0]
    down = (points - chain.joints[0]) @ axis / chain.radius[0]
    ramp = np.clip((down + 0.3) / 1.5, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    if not in_core:
        return ramp
    side = rig.hips[0] - rig.hips[1]
    across = (points - rig.pelvis) @ side / max(side @ side, 1e-6)
    left = np.clip(0.5 + across / 0.6, 0, 1)
    left = left * left * (3 - 2 * left)
    return ramp * (left if chain.name == "left_leg" else 1 - left)


def _nearest_bone(chain: Chain, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in px to the nearest bone, and its number."""
    distances = []
    for k in range(len(chain.radius)):
        a, axis = chain.joints[k], chain.vectors[k]
        t = np.clip(((points - a) @ axis) / max(axis @ axis, 1e-6), 0, 1)
        distances.append(np.hypot(*(points - a - t[:, None] * axis).T))
    stack = np.stack(distances)
    return stack.min(0), stack.argmin(0)


def _heat(mesh: Mesh, source: np.ndarray, reach: np.ndarray, num_sources: int) -> np.ndarray:
    """float64 `[V,S]`, rows sum to 1: warmth of each source after it has spread through the mesh."""
    i, j = mesh.edges[:, 0], mesh.edges[:, 1]
    spacing = float(np.median(np.hypot(*(mesh.vertices[i] - mesh.vertices[j]).T)))
    cotangent = 1 / np.sqrt(3)  # of the lattice's 60 degrees
    area = np.sqrt(3) / 2 * spacing**2
    v = len(mesh.vertices)
    w = np.full(len(i), cotangent)
    laplacian = coo_matrix((np.concatenate([-w, -w]), (np.concatenate([i, j]), np.concatenate([j, i]))), shape=(v, v))
    laplacian = laplacian + diags(np.asarray(-laplacian.sum(1)).ravel())
    hold = area / np.maximum(reach, 0.5 * spacing) ** 2
    right = np.zeros((v, num_sources))
    right[np.arange(v), source] = hold
    return splu((laplacian + diags(hold)).tocsc()).solve(right)
