"""How long the face of a puppet takes: prepared once, drawn per frame. Run: python benchmarks/face_speed.py

A drawn face 200 px wide, each part of an expression alone and all at once; best and median CPU time of 60
calls on one thread, as the other threads of a run are busy decoding and encoding.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from motion_transfer.models.puppet.face import FacePuppet

FACE_PX = 200
CALLS = 60


def drawn_face() -> tuple[np.ndarray, np.ndarray]:
    """A shaded face in the middle of a 480 x 480 picture, and its 68 points."""
    points = np.zeros((68, 2), np.float32)
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = np.c_[240 + FACE_PX / 2 * np.cos(angle), 215 + 115 * np.sin(angle)]
    for first, x in ((17, 195), (22, 285)):
        points[first : first + 5] = np.c_[x + np.linspace(-26, 26, 5), [175, 170, 168, 170, 175]]
    points[27:31] = np.c_[np.full(4, 240), np.linspace(205, 245, 4)]
    points[31:36] = np.c_[240 + np.linspace(-14, 14, 5), [255, 257, 258, 257, 255]]
    for first, x in ((36, 195), (42, 285)):
        points[first : first + 6] = np.c_[x + np.array([-24, -8, 8, 24, 8, -8]), 200 + np.array([0, -9, -9, 0, 9, 9])]
    points[48:60] = np.c_[
        240 + 34 * np.array([-1, -0.6, -0.25, 0, 0.25, 0.6, 1, 0.6, 0.25, 0, -0.25, -0.6]),
        285 + np.array([0, -6, -8, -7, -8, -6, 0, 7, 10, 11, 10, 7]),
    ]
    points[60:68] = np.c_[240 + 31 * np.array([-1, -0.4, 0, 0.4, 1, 0.4, 0, -0.4]), [285] * 8]
    picture = np.full((480, 480, 3), (90, 110, 140), np.uint8)
    cv2.ellipse(picture, (240, 225), (105, 130), 0, 0, 360, (214, 168, 142), -1)
    for x in (195, 285):
        cv2.ellipse(picture, (x, 200), (24, 9), 0, 0, 360, (250, 250, 248), -1)
        cv2.circle(picture, (x, 200), 8, (40, 70, 130), -1)
    cv2.ellipse(picture, (240, 287), (33, 9), 0, 0, 360, (176, 84, 80), -1)
    cv2.line(picture, (209, 285), (271, 285), (40, 24, 20), 2)
    grain = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0) + grain, 0, 255).astype(np.uint8), points


def main() -> None:
    cv2.setNumThreads(1)
    picture, rest = drawn_face()
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    started = time.process_time()
    puppet = FacePuppet(picture, alpha, rest)
    prepared_ms = 1e3 * (time.process_time() - started)
    x0, y0, x1, y1 = puppet.box
    print(f"face {FACE_PX} px wide, box {x1 - x0} x {y1 - y0} px, prepared in {prepared_ms:.0f} ms")
    talk, blink, brows = rest.copy(), rest.copy(), rest.copy()
    talk[[55, 56, 57, 58, 59, 65, 66, 67], 1] += 18
    talk[5:12, 1] += 12
    for first in (36, 42):
        blink[[first + 1, first + 2], 1] += 16
    brows[17:27, 1] -= 12
    every = rest + (talk - rest) + (blink - rest) + (brows - rest)
    cases = {"rest": rest, "blink": blink, "brows": brows, "talk": talk, "everything": every}
    for name, points in cases.items():
        took = []
        for _ in range(CALLS):
            started = time.process_time()
            puppet.patch(points, 1.0, (0.3, 0.1) if name == "everything" else (0.0, 0.0))
            took.append(1e3 * (time.process_time() - started))
        print(f"{name:<12} best {min(took):5.2f} ms   median {np.median(took):5.2f} ms")


if __name__ == "__main__":
    main()
