"""How a retargeted motion will look, as one picture and one table, before anything is rendered."""

from __future__ import annotations

import cv2
import numpy as np

from ..core import PoseTrack
from .draw import draw_pose
from .retarget import RetargetPlan

TILE_HEIGHT_PX = 360
DIM = 0.45  # the character steps back so that the skeleton is read first


def retarget_strip(character_pixels: np.ndarray, track: PoseTrack, pictures: int = 8) -> np.ndarray:
    """uint8 `[h,w,3]`: the character with its new skeleton at `pictures` moments spread over the clip.

    Two rows from five pictures on.
    """
    height, width = character_pixels.shape[:2]
    scale = TILE_HEIGHT_PX / height
    size = (max(2, round(width * scale)), TILE_HEIGHT_PX)
    dim = (cv2.resize(character_pixels, size, interpolation=cv2.INTER_AREA) * DIM).astype(np.uint8)
    tiles = []
    for t in np.linspace(0, track.num_frames - 1, pictures).round().astype(int):
        skeleton = draw_pose(track.points[t] * np.float32(scale), track.scores[t], size, "openpose")
        lit = skeleton.any(axis=2, keepdims=True)
        tiles.append(np.where(lit, skeleton, dim))
    rows = 1 if pictures < 5 else 2
    across = -(-pictures // rows)
    tiles += [np.zeros_like(tiles[0])] * (rows * across - len(tiles))
    return np.vstack([np.hstack(tiles[r * across : (r + 1) * across]) for r in range(rows)])


def ratio_table(plan: RetargetPlan) -> str:
    """One line per bone group: the character's length over the driver's; then the report."""
    lines = ["character / driver"]
    lines += [f"  {name:<10} {ratio:5.2f}" for name, ratio in plan.ratios.items()]
    lines += [
        f"  {name}: {value:.3g}" if isinstance(value, float) else f"  {name}: {value}"
        for name, value in plan.report.items()
    ]
    return "\n".join(lines)
