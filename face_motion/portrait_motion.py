"""What a head does, as numbers: how large, how turned, with which expression and where, frame by frame.

The 21 key points of a face are x = scale (kp R + expression) + (tx, ty, 0) in units of half a 256 px crop; `kp` are
those of the face at rest, its identity. Rotations are 3 x 3 and apply to row vectors, so that a later turn stands on
the right: kp @ R.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

POINTS = 21
EYE_POINTS = (11, 13, 15, 16, 18)
LIP_POINTS = (6, 12, 14, 17, 19, 20)
ANGLE_BINS = 66


@dataclass(frozen=True)
class PortraitMotion:
    """The head of one person through time; arrays are of the same length T >= 1, finite, float32."""

    scale: np.ndarray
    """float32 `[T,1]`, above 0."""
    rotation: np.ndarray
    """float32 `[T,3,3]`, for row vectors."""
    expression: np.ndarray
    """float32 `[T,21,3]`, added to the turned points before the scale."""
    translation: np.ndarray
    """float32 `[T,3]`; z is carried along and never used."""
    eye_ratio: np.ndarray | None = field(default=None)
    """float32 `[T,2]`: height over width of the two eyes in the picture; None = not measured."""
    lip_ratio: np.ndarray | None = field(default=None)
    """float32 `[T,1]`: height over width of the opening of the mouth; None = not measured."""

    def __post_init__(self) -> None:
        frames = len(self.scale)
        wanted = {"scale": (1,), "rotation": (3, 3), "expression": (POINTS, 3), "translation": (3,)}
        wanted |= {name: (n,) for name, n in (("eye_ratio", 2), ("lip_ratio", 1)) if getattr(self, name) is not None}
        for name, shape in wanted.items():
            value = getattr(self, name)
            if frames < 1 or value.shape != (frames, *shape) or value.dtype != np.float32:
                axes = ",".join(str(n) for n in shape)
                raise ValueError(f"{name} is float32 [T,{axes}], T = {frames}, not {value.dtype} {list(value.shape)}")
            if not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite in every frame; bridge frames without a face first")
        if not (self.scale > 0).all():
            raise ValueError("scale must be above 0 in every frame")

    @property
    def num_frames(self) -> int:
        return len(self.scale)

    def cut(self, start: int, stop: int) -> PortraitMotion:
        """Frames start..stop (half open)."""
        return self.at(slice(start, stop))

    def at(self, frames: slice | np.ndarray | list[int]) -> PortraitMotion:
        """Those frames, in that order."""
        taken = {n: v[frames] for n, v in self.__dict__.items() if v is not None}
        return replace(self, **taken)

    def __repr__(self) -> str:
        return f"PortraitMotion({self.num_frames} frames)"


def degrees_from_bins(logits: np.ndarray) -> np.ndarray:
    """Angle in degrees, float32 `[...]`, of 66 bins `[...,66]` of 3 degrees each."""
    logits = np.asarray(logits, np.float64)
    if logits.shape[-1] != ANGLE_BINS:
        raise ValueError(f"an angle has {ANGLE_BINS} bins, not {logits.shape[-1]}")
    share = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    return (3 * (share @ np.arange(ANGLE_BINS)) - 97.5).astype(np.float32)


def rotation_from_degrees(pitch: np.ndarray, yaw: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """float32 `[...,3,3]` for row vectors: (Rz(roll) Ry(yaw) Rx(pitch)) transposed; angles `[...]` in degrees."""
    x, y, z = (np.radians(np.asarray(a, np.float64)) for a in (pitch, yaw, roll))
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    rows = [
        [cy * cz, cy * sz, -sy],
        [sx * sy * cz - cx * sz, sx * sy * sz + cx * cz, sx * cy],
        [cx * sy * cz + sx * sz, cx * sy * sz - sx * cz, cx * cy],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2).astype(np.float32)


def key_points(kp: np.ndarray, motion: PortraitMotion) -> np.ndarray:
    """float32 `[T,21,3]`: the points of the face at rest `kp` `[21,3]` (or one for each frame, `[T,21,3]`), moved."""
    kp, scale = np.asarray(kp, np.float64), motion.scale[:, :, None].astype(np.float64)
    moved = scale * (kp @ motion.rotation.astype(np.float64) + motion.expression)
    moved[..., :2] += motion.translation[:, None, :2]
    return moved.astype(np.float32)
