"""A painted evening: sky, three ranges of hills, a meadow; smooth enough to be filled in behind somebody."""

from __future__ import annotations

import numpy as np

from .canvas import rgb


def evening(width: int, height: int) -> np.ndarray:
    """float32 [H,W,3] sRGB 0..1."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u, v = x / width, y / height
    stops = np.array([0.0, 0.32, 0.56, 0.72])
    colours = np.stack([rgb("#6f8fc4"), rgb("#a9b9dc"), rgb("#f3cfc0"), rgb("#fbe3b8")])
    sky = np.stack([np.interp(v[:, 0], stops, colours[:, k]) for k in range(3)], 1)[:, None, :]
    picture = np.broadcast_to(sky, (height, width, 3)).astype(np.float32).copy()
    halo = np.exp(-(((u - 0.86) * width / height) ** 2 + (v - 0.58) ** 2) / 0.035)
    picture += (halo * 0.30)[..., None] * (np.array([1.0, 0.93, 0.75], np.float32) - picture)
    for level, swell, phase, colour, foot in (
        (0.60, 0.040, 0.4, "#9aa3c9", "#c9bdd0"),
        (0.655, 0.030, 2.1, "#7d8fb0", "#a8b3bd"),
        (0.71, 0.022, 4.4, "#5f8a84", "#86a88f"),
    ):
        ridge = level + swell * np.sin(5.2 * u + phase) + 0.4 * swell * np.sin(11.7 * u + 2.3 * phase)
        cover = np.clip((v - ridge) * height / 1.5, 0, 1)[..., None]
        depth = np.clip((v - ridge) / 0.14, 0, 1)[..., None]
        picture += cover * (rgb(colour) * (1 - depth) + rgb(foot) * depth - picture)
    ridge = 0.785 + 0.010 * np.sin(3.1 * u + 1.0)
    cover = np.clip((v - ridge) * height / 1.5, 0, 1)[..., None]
    depth = np.clip((v - ridge) / (1 - ridge), 0, 1)[..., None]
    lawn = 0.5 + 0.5 * np.sin(34 * (v + 0.03 * np.sin(5 * u + 1)) - 1.2)[..., None]
    meadow = rgb("#b2c37c") * (1 - depth) + rgb("#5e8a5b") * depth + 0.018 * lawn
    picture += cover * (meadow - picture)
    return np.clip(picture, 0, 1).astype(np.float32)
