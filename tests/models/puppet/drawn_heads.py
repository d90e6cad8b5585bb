"""Faces drawn here: a shaded portrait, a flat cartoon with big eyes, a mascot with dots."""

from dataclasses import dataclass

import cv2
import numpy as np

SIZE = 320
INK = (40, 24, 20)


@dataclass
class Drawn:
    pixels: np.ndarray
    alpha: np.ndarray
    points: np.ndarray
    iris: tuple[int, int, int]
    eye_px: tuple[float, float]


def face_points(eye: tuple[float, float] = (24, 10), mouth_half: float = 34.0, gap: float = 1.0) -> np.ndarray:
    """68 points of an upright face round (160, 170), eyes 90 px apart at y 140, mouth at y 225."""
    p = np.zeros((68, 2))
    angle = np.linspace(np.pi * 0.98, np.pi * 0.02, 17)
    p[:17] = np.c_[160 + 100 * np.cos(angle), 150 + 115 * np.sin(angle)]
    for first, x in ((17, 115), (22, 205)):
        p[first : first + 5] = np.c_[x + np.linspace(-26, 26, 5), 140 - eye[1] - 18 - np.array([0, 4, 6, 4, 0])]
    p[27:31] = np.c_[np.full(4, 160), np.linspace(145, 185, 4)]
    p[31:36] = np.c_[160 + np.linspace(-14, 14, 5), 195 + np.array([0, 2, 3, 2, 0])]
    for first, x in ((36, 115), (42, 205)):
        w, h = eye
        half = np.sqrt(1 - 0.33**2) * h
        p[first : first + 6] = [
            (x - w, 140), (x - w / 3, 140 - half), (x + w / 3, 140 - half),
            (x + w, 140), (x + w / 3, 140 + half), (x - w / 3, 140 + half),
        ]  # fmt: skip
    m = mouth_half
    p[48:55] = np.c_[
        160 + m * np.array([-1, -0.6, -0.25, 0, 0.25, 0.6, 1]), 225 - np.array([0, 6, 8, 7, 8, 6, 0]) - gap / 2
    ]
    p[55:60] = np.c_[160 + m * np.array([0.6, 0.25, 0, -0.25, -0.6]), 225 + np.array([7, 10, 11, 10, 7]) + gap / 2]
    p[60:65] = np.c_[160 + m * np.array([-0.9, -0.4, 0, 0.4, 0.9]), 225 - np.array([0, 0.9, 1, 0.9, 0]) * gap / 2]
    p[65:68] = np.c_[160 + m * np.array([0.4, 0, -0.4]), 225 + np.array([0.9, 1, 0.9]) * gap / 2]
    return p.astype(np.float32)


def draw(kind: str) -> Drawn:
    s = 4
    big = np.zeros((SIZE * s, SIZE * s, 3), np.uint8)
    cover = np.zeros((SIZE * s, SIZE * s), np.uint8)

    def ellipse(where: np.ndarray, x: float, y: float, rx: float, ry: float, colour: object, line: float = -1) -> None:
        centre, axes = (round(x * s), round(y * s)), (round(rx * s), round(ry * s))
        cv2.ellipse(where, centre, axes, 0, 0, 360, colour, -1 if line < 0 else round(line * s), cv2.LINE_AA)

    def line(x0: float, y0: float, x1: float, y1: float, colour: object, width: float) -> None:
        cv2.line(
            big, (round(x0 * s), round(y0 * s)), (round(x1 * s), round(y1 * s)), colour, round(width * s), cv2.LINE_AA
        )

    skin = {"photo": (214, 168, 142), "cartoon": (250, 214, 180), "mascot": (120, 200, 120)}[kind]
    big[:] = (90, 110, 140)
    ellipse(big, 160, 170, 112, 130, skin)
    ellipse(cover, 160, 170, 112, 130, 255)
    eye = {"photo": (24, 10), "cartoon": (30, 34), "mascot": (11, 11)}[kind]
    iris = {"photo": (40, 70, 130), "cartoon": (30, 60, 160), "mascot": (20, 20, 20)}[kind]
    points = face_points(eye, gap=1.0)
    for x in (115, 205):
        if kind == "mascot":
            ellipse(big, x, 140, 9, 9, iris)
            continue
        ellipse(big, x, 140, *eye, (250, 250, 248))
        ellipse(big, x, 140, 0.9 * eye[1], 0.9 * eye[1], iris)
        ellipse(big, x, 140, 0.4 * eye[1], 0.4 * eye[1], (10, 10, 12))
        ellipse(big, x, 140, *eye, INK, 2.0)
        line(x - 26, 140 - eye[1] - 20, x + 26, 140 - eye[1] - 20, INK, 5)
    if kind == "photo":
        ellipse(big, 160, 227, 33, 10, (176, 84, 80))
    line(127, 225, 193, 225, INK, 2.0)
    line(160, 165, 152, 194, tuple(int(0.8 * c) for c in skin), 2)
    pixels = cv2.resize(big, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(cover, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    if kind == "photo":
        y, x = np.mgrid[:SIZE, :SIZE]
        shade = 1.05 - 0.45 * ((x - 130) ** 2 + (y - 130) ** 2) / SIZE**2
        grain = np.random.default_rng(3).normal(0, 3, (SIZE, SIZE, 1))
        pixels = np.clip(pixels * shade[..., None] + grain, 0, 255).astype(np.uint8)
    return Drawn(pixels, alpha, points, iris, eye)
