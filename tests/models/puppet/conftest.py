"""A small drawn figure whose joints are known, ways to move it, and a host that only listens."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import Character, Motion, PoseTrack, SourceFile, Timeline

MEDIA = Path(__file__).resolve().parents[3] / "demo" / "media"
DEMO_WIDTH = 480
SIZE = (280, 380)
JOINTS = {
    0: (140, 70), 1: (152, 62), 2: (128, 62), 3: (166, 66), 4: (114, 66), 5: (172, 130), 6: (108, 130), 7: (188, 175),
    8: (92, 175), 9: (194, 220), 10: (86, 220), 11: (158, 225), 12: (122, 225), 13: (162, 280), 14: (118, 280),
    15: (164, 335), 16: (116, 335), 17: (178, 350), 20: (102, 350), 18: (180, 348), 21: (100, 348), 19: (160, 348),
    22: (120, 348),
}  # fmt: skip
RED, BLUE, SKIN = (200, 50, 60), (60, 70, 160), (230, 180, 140)


def _draw() -> tuple[np.ndarray, np.ndarray]:
    """Four times too large, then shrunk, so that its edges are soft."""
    s = 4
    y, x = np.mgrid[: SIZE[1] * s, : SIZE[0] * s].astype(np.float32)
    image = np.stack([120 + 0.05 * x, 150 + 0.04 * y, 200 - 0.03 * y], -1)
    alpha = np.zeros(image.shape[:2], np.uint8)

    def line(ids, width, colour):
        for a, b in pairwise(ids):
            ends = [tuple(int(v * s) for v in JOINTS[k]) for k in (a, b)]
            cv2.line(image, *ends, colour, width * s)
            cv2.line(alpha, *ends, 255, width * s)

    def oval(centre, axes, colour):
        for canvas, value in ((image, colour), (alpha, 255)):
            cv2.ellipse(canvas, tuple(v * s for v in centre), tuple(v * s for v in axes), 0, 0, 360, value, -1)

    for leg in ((11, 13, 15, 17), (12, 14, 16, 20)):
        line(leg, 26, BLUE)
    oval((140, 185), (40, 62), RED)
    for arm in ((5, 7, 9), (6, 8, 10)):
        line(arm, 20, RED)
        oval(JOINTS[arm[2]], (12, 16), SKIN)
    oval((140, 122), (14, 20), SKIN)
    oval((140, 66), (38, 44), SKIN)
    for eye in (1, 2):
        cv2.circle(image, tuple(v * s for v in JOINTS[eye]), 5 * s, (20, 20, 30), -1)
    image = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), cv2.resize(alpha, SIZE, interpolation=cv2.INTER_AREA)


def _pose(hide=()) -> PoseTrack:
    points, scores = np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32)
    for joint, place in JOINTS.items():
        points[0, joint] = place
        scores[0, joint] = 0 if joint in hide else 0.9
    return PoseTrack(points, scores, SIZE)


@pytest.fixture(scope="session")
def figure() -> Character:
    pixels, alpha = _draw()
    return Character(pixels, "figure", alpha, _pose(), "figure")


@pytest.fixture(scope="session")
def half_figure() -> Character:
    """The same, cut off below the chest."""
    pixels, alpha = _draw()
    pose = _pose(hide=(11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22))
    size = (SIZE[0], 200)
    return Character(pixels[:200], "half", alpha[:200], PoseTrack(pose.points, pose.scores, size), "half")


@pytest.fixture(scope="session")
def character_of():
    """A function from a name to one of the demo's characters, small, with its known joints."""

    def read(name: str) -> Character:
        picture = cv2.cvtColor(cv2.imread(str(MEDIA / f"{name}.png"), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
        truth = json.loads((MEDIA / f"{name}_truth.json").read_text(encoding="utf-8"))
        scale = DEMO_WIDTH / picture.shape[1]
        size = (DEMO_WIDTH, round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        points = np.array(truth["points"], np.float32)[None, :, :2] * scale
        pose = PoseTrack(points, np.full((1, 133), 0.9, np.float32), size)
        pixels, alpha = np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])
        return Character(pixels, name, alpha, pose, has_background=False)

    return read


def moved(frames: int) -> np.ndarray:
    """float32 `[T,133,2]`: both arms lifted in turn, a knee raised, a sway and a nod."""
    rest = _pose().points[0].astype(np.float64)
    out = np.repeat(rest[None], frames, 0)

    def turn(ids, pivot, angle):
        c, s = np.cos(angle), np.sin(angle)
        for t in range(frames):
            around = rest[pivot]
            v = out[t][list(ids)] - around
            out[t][list(ids)] = around + np.stack([c[t] * v[:, 0] - s[t] * v[:, 1], s[t] * v[:, 0] + c[t] * v[:, 1]], 1)

    phase = np.linspace(0, 2 * np.pi, frames, endpoint=False)
    turn((7, 9), 5, -1.2 * (1 - np.cos(phase)))
    turn((8, 10), 6, 1.2 * (1 + np.cos(phase)) - 0.2)
    turn((13, 15, 17, 18, 19), 11, -0.4 * (1 - np.cos(phase)))
    turn((0, 1, 2, 3, 4), 5, 0.1 * np.sin(phase))
    out += np.stack([8 * np.sin(phase), 3 * np.sin(2 * phase)], -1)[:, None]
    return out.astype(np.float32)


@pytest.fixture(scope="session")
def make_motion():
    def make(frames: int) -> Motion:
        scores = np.zeros((frames, 133), np.float32)
        scores[:, :23] = 0.9
        track = PoseTrack(moved(frames), scores, SIZE)
        return Motion((track,), Timeline.constant(frames, Fraction(24)), SourceFile("made", "made"), "made")

    return make


class Listener:
    """A host that remembers what it was told."""

    device = "cpu"

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str]] = []

    def step(self, done, total, stage, preview=None) -> None:
        self.steps.append((done, total, stage))

    def note(self, message) -> None:
        raise AssertionError(message)


@pytest.fixture
def host() -> Listener:
    return Listener()
