"""`python -m demo.make_icon`: the pack's icon, a dancer's skeleton and the bear cub that follows it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from motion_transfer.video import write_image

DEMO = Path(__file__).resolve().parent
ICON = DEMO.parent / "docs" / "pictures" / "icon.png"
SIDE_PX = 400
FINER = 4  # drawn this much larger, then shrunk
FRAME = 36
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (5, 6), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16))
TOP, BOTTOM = np.array([64, 42, 130.0]), np.array([20, 140, 150.0])  # RGB


def ground(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours float `[s,s,3]` running down, and the alpha of a square with round corners."""
    down = np.linspace(0, 1, side)[:, None, None]
    colours = np.broadcast_to(TOP * (1 - down) + BOTTOM * down, (side, side, 3)).copy()
    radius = side * 0.2
    x = np.maximum(np.abs(np.arange(side) - (side - 1) / 2) - (side / 2 - radius), 0)
    alpha = np.clip(radius - np.hypot(x[:, None], x[None, :]), 0, 1)
    return colours, alpha


def draw_skeleton(canvas: np.ndarray) -> None:
    """The dancer of one frame, in white, left of the middle."""
    side = len(canvas)
    with np.load(DEMO / "media" / "dancer_truth.npz") as truth:
        points = truth["points"][FRAME].astype(np.float64)
    low, high = points[:17].min(0), points[:17].max(0)
    scale = 0.74 * side / (high[1] - low[1])
    points = (points - (low + high) / 2) * scale + np.array([0.33, 0.53]) * side
    white = (255, 255, 255)

    def dot(p: np.ndarray) -> tuple[int, int]:
        return int(p[0]), int(p[1])

    for a, b in LIMBS:
        cv2.line(canvas, dot(points[a]), dot(points[b]), white, int(side * 0.022), cv2.LINE_AA)
    head = points[[0, 3, 4]].mean(0)
    cv2.circle(canvas, dot(head), int(side * 0.055), white, -1, cv2.LINE_AA)
    for joint in range(5, 17):
        cv2.circle(canvas, dot(points[joint]), int(side * 0.024), (255, 196, 61), -1, cv2.LINE_AA)


def lay_cub(canvas: np.ndarray) -> None:
    """The cub at the right, in front."""
    side = len(canvas)
    cub = cv2.imread(str(DEMO / "media" / "mascot.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    rows, columns = np.where(cub[..., 3] > 8)
    cub = cub[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 0.66 * side / len(cub)
    cub = cv2.resize(cub, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float64)
    height, width = cub.shape[:2]
    y, x = int(0.93 * side) - height, int(0.69 * side) - width // 2
    alpha = cub[..., 3:] / 255
    canvas[y : y + height, x : x + width] = canvas[y : y + height, x : x + width] * (1 - alpha) + cub[..., :3] * alpha


def make() -> None:
    side = SIDE_PX * FINER
    canvas, alpha = ground(side)
    draw_skeleton(canvas)
    lay_cub(canvas)
    whole = np.dstack([canvas, alpha * 255])
    small = cv2.resize(whole, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    write_image(ICON, np.rint(small).astype(np.uint8))


if __name__ == "__main__":
    make()
