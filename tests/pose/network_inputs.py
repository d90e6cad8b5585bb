"""Seeded inputs for the decoders of pose networks: pictures, heat maps, SimCC bins, raw detector rows.

`data/network_goldens.npz` holds what the originals make of them (see `data/make_network_goldens.py`). RandomState,
because its stream is frozen across numpy versions.
"""

from __future__ import annotations

import numpy as np

BOXES = np.array(
    [
        [300.5, 120.25, 620.75, 700.5],
        [-40.0, 30.0, 200.0, 610.0],  # reaches out on the left
        [900.0, 10.0, 1400.0, 300.0],  # wide, and out on the right
        [500.2, 500.7, 560.9, 610.4],  # small
        [0.0, 0.0, 1280.0, 720.0],
    ]
)
FRAME_SHAPES = ((1280, 720), (720, 1280), (640, 640))


def test_image(width: int = 1280, height: int = 720, seed: int = 3) -> np.ndarray:
    """uint8 RGB `[H,W,3]`: soft gradients with noise, different in each channel."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:height, :width]
    planes = [127 + 90 * np.sin(x / 37 + k) * np.cos(y / (23 + 5 * k)) for k in range(3)]
    picture = np.stack(planes, axis=2) + random.randint(-20, 21, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


test_image.__test__ = False


def gauss_maps(people: int = 2, joints: int = 133, seed: int = 11) -> np.ndarray:
    """float32 `[n,133,64,48]`: peaks anywhere, some near or beyond the border, some weak, some all below zero."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:64, :48].astype(np.float64)
    maps = np.empty((people, joints, 64, 48), np.float32)
    for p in range(people):
        for k in range(joints):
            cx, cy = random.uniform(-1, 49), random.uniform(-1, 65)
            top = random.uniform(0.02, 1.1)
            bump = top * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * random.uniform(1.6, 2.6) ** 2))
            maps[p, k] = bump + random.uniform(-0.01, 0.01, bump.shape)
    maps[0, 5] = -0.2 - np.abs(maps[0, 5])
    maps[1, 7] = 0
    return maps


def simcc_bins(people: int = 3, joints: int = 133, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """float32 `[n,133,576]` and `[n,133,768]`: bumps of the published widths with noise; some joints below zero."""
    random = np.random.RandomState(seed)
    made = []
    for bins, sigma in ((576, 6.0), (768, 6.93)):
        centres = random.uniform(0, bins, (people, joints, 1))
        tops = random.uniform(-0.1, 1.15, (people, joints, 1))
        bump = tops * np.exp(-((np.arange(bins) - centres) ** 2) / (2 * sigma**2))
        made.append((bump + random.uniform(-0.05, 0.02, bump.shape)).astype(np.float32))
    made[0][1, 3] = -0.5
    return made[0], made[1]


def yolox_rows(seed: int = 8) -> np.ndarray:
    """float32 `[1,8400,85]`: noise, and rows around three people, a dog and a weak person."""
    random = np.random.RandomState(seed)
    rows = np.zeros((8400, 85), np.float32)
    rows[:, :2] = random.uniform(-0.5, 1.5, (8400, 2))
    rows[:, 2:4] = random.uniform(0, 2, (8400, 2))
    rows[:, 4:] = random.uniform(0, 0.12, (8400, 81))
    grids = [(8, 80, 0), (16, 40, 6400), (32, 20, 8000)]
    things = [(200, 180, 90, 250, 0, 0.95), (230, 190, 95, 240, 0, 0.9), (480, 160, 60, 170, 0, 0.7)]
    things += [(330, 250, 80, 60, 16, 0.9), (560, 300, 40, 90, 0, 0.4)]
    for cx, cy, w, h, kind, score in things:
        for stride, side, first in grids:
            for dx, dy in ((0, 0), (1, 0), (0, 1), (-1, 0)):
                gx, gy = int(cx / stride) + dx, int(cy / stride) + dy
                row = rows[first + gy * side + gx]
                row[0], row[1] = cx / stride - gx + random.uniform(-0.3, 0.3), cy / stride - gy
                row[2:4] = np.log([w / stride, h / stride]) + random.uniform(-0.1, 0.1, 2)
                row[4] = score * random.uniform(0.9, 1)
                row[5 + kind] = random.uniform(0.85, 1)
    return rows[None]


def yolov10_rows(seed: int = 9) -> np.ndarray:
    """float32 `[1,300,6]`, as Wan's yolov10m: two people, the first of them twice, a chair, and weak rows."""
    random = np.random.RandomState(seed)
    rows = np.zeros((300, 6), np.float32)
    rows[:, :2] = random.uniform(0, 500, (300, 2))
    rows[:, 2:4] = rows[:, :2] + random.uniform(20, 120, (300, 2))
    rows[:, 4] = random.uniform(0, 0.04, 300)
    rows[:, 5] = random.randint(0, 80, 300)
    rows[0] = (100.3, 40.8, 300.9, 620.1, 0.93, 0)
    rows[1] = (104.0, 46.0, 305.0, 618.0, 0.71, 0)
    rows[2] = (420.5, 200.2, 520.4, 560.6, 0.66, 0)
    rows[3] = (20.0, 500.0, 90.0, 600.0, 0.8, 56)
    return rows[None]


def yolov8_rows(seed: int = 10) -> np.ndarray:
    """float32 `[1,84,8400]`: clusters around two people and a chair."""
    random = np.random.RandomState(seed)
    rows = np.zeros((8400, 84), np.float32)
    rows[:, :2] = random.uniform(0, 640, (8400, 2))
    rows[:, 2:4] = random.uniform(10, 60, (8400, 2))
    rows[:, 4:] = random.uniform(0, 0.04, (8400, 80))
    things = [(200, 330, 200, 560, 0, 0.9), (470, 380, 100, 360, 0, 0.7), (55, 550, 70, 100, 56, 0.8)]
    for i, (cx, cy, w, h, kind, score) in enumerate(things):
        for k in range(6):
            row = rows[1000 * (i + 1) + k]
            row[:4] = (cx + random.uniform(-6, 6), cy, w * random.uniform(0.97, 1.03), h)
            row[4 + kind] = score - 0.03 * k
    return rows.T[None].copy()
