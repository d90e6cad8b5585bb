"""The joints of a drawn character, so that a test can ask whether they were found."""

# ruff: noqa: RUF005  (adding an offset to a point is arithmetic here, not concatenation)

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion_transfer.core import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, WHOLE_BODY

# A hand of length 1, fingers along +y, thumb on +x: knuckles of thumb..little, three phalanges each, fan angles.
KNUCKLES = np.array([[0.15, 0.14], [0.17, 0.50], [0.055, 0.53], [-0.06, 0.51], [-0.165, 0.45]])
PHALANGES = np.array(
    [[0.20, 0.16, 0.12], [0.22, 0.13, 0.10], [0.24, 0.15, 0.11], [0.22, 0.14, 0.10], [0.17, 0.10, 0.09]]
)
FAN = np.array([0.55, 0.20, 0.04, -0.13, -0.32])


def hand_points(wrist: tuple[float, float], along: tuple[float, float], length: float, thumb_side: float,
                fan: float = 1.0) -> np.ndarray:  # fmt: skip
    """[21,2] px of an open hand; `thumb_side` +1 puts the thumb to the right of `along` as seen in the picture."""
    d = np.array(along) / np.hypot(*along)
    across = np.array([-d[1], d[0]]) * thumb_side
    local = np.zeros((21, 2))
    for f in range(5):
        at = KNUCKLES[f].copy()
        local[1 + 4 * f] = at
        angle = FAN[f] * fan
        for k in range(3):
            at = at + PHALANGES[f, k] * np.array([np.sin(angle), np.cos(angle)])
            local[2 + 4 * f + k] = at
            angle -= 0.12 if f == 0 else 0.02 * np.sign(FAN[f])
    return np.array(wrist) + length * (local[:, :1] * across + local[:, 1:] * d)


@dataclass(frozen=True)
class FaceShape:
    """A frontal drawn face, px from its own centre line; the person's right is on the viewer's left."""

    centre: tuple[float, float]
    """On the middle line at eye height."""
    jaw: np.ndarray
    """[9,2] from the viewer's left ear to the chin, relative to the centre; mirrored for the other side."""
    eye: tuple[float, float, float]
    """Distance from the middle line, half width, half height."""
    brow: tuple[float, float, float]
    """Height over the eyes, half width, arch."""
    nose: tuple[float, float]
    """Tip below the eyes, half width."""
    mouth: tuple[float, float, float, float]
    """Middle below the eyes, half width, thickness of both lips, lift of the corners."""
    mouth_open: float = 0.08
    """Share of the mouth's thickness that lies between the lips."""


def face_points(f: FaceShape) -> np.ndarray:
    """[68,2] in iBUG order."""
    p = np.zeros((68, 2))
    p[:9] = f.jaw
    p[9:17] = f.jaw[7::-1] * [-1, 1]
    ex, ew, eh = f.eye
    up, bw, arch = f.brow
    t = np.linspace(-1, 1, 5)
    p[17:22] = np.stack([-ex + bw * t, -up - arch * (1 - t * t)], 1)
    p[22:27] = np.stack([ex + bw * t, -up - arch * (1 - t * t)], 1)
    tip, half = f.nose
    p[27:31] = np.stack([np.zeros(4), np.linspace(0.1 * tip, tip, 4)], 1)
    p[31:36] = np.stack([half * t, tip * 1.16 + 0.10 * half * (1 - t * t)], 1)
    eye = np.array([[-1, 0], [-0.4, -0.85], [0.4, -0.85], [1, 0], [0.4, 0.85], [-0.4, 0.85]]) * [ew, eh]
    p[36:42], p[42:48] = eye + [-ex, 0], eye + [ex, 0]
    my, mw, thick, lift = f.mouth
    outer = np.array([-1, -0.62, -0.25, 0, 0.25, 0.62, 1, 0.62, 0.25, 0, -0.25, -0.62])
    inner = np.array([-0.85, -0.3, 0, 0.3, 0.85, 0.3, 0, -0.3])
    for first, xs, half_thick in ((48, outer, thick / 2), (60, inner, f.mouth_open * thick / 2)):
        sign = np.where(np.arange(len(xs)) <= len(xs) // 2, -1.0, 1.0)
        p[first : first + len(xs)] = np.stack([mw * xs, my - lift * xs**2 + sign * half_thick * (1 - xs**2)], 1)
    return p + np.array(f.centre)


@dataclass
class Joints:
    """Filled in while the character is drawn, in the drawing's own coordinates."""

    width: int
    """Of the drawing; its middle is the figure's mirror line."""
    picture: tuple[int, int]
    """Width, height of the picture."""
    zoom: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)
    """What is drawn at p lies at `zoom` * p + `offset` of the picture."""
    body: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By joint name, without face points and hands."""
    face: np.ndarray = field(default_factory=lambda: np.zeros((68, 2)))
    left_hand: np.ndarray = field(default_factory=lambda: np.zeros((21, 2)))
    right_hand: np.ndarray = field(default_factory=lambda: np.zeros((21, 2)))

    def pair(self, name: str, x: float, y: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Both sides of a figure that is its own mirror image; (x, y) is the left one, on the viewer's right."""
        left, right = (x, y), (self.width - x, y)
        self.body["left_" + name], self.body["right_" + name] = left, right
        return left, right

    def points(self) -> np.ndarray:
        """float [133,2] px in the order of WHOLE_BODY."""
        p = np.zeros((WHOLE_BODY.num_joints, 2))
        for k in [*range(133)[BODY], *range(133)[FEET]]:
            p[k] = self.body[WHOLE_BODY.joints[k]]
        p[FACE], p[LEFT_HAND], p[RIGHT_HAND] = self.face, self.left_hand, self.right_hand
        return self.zoom * p + np.array(self.offset)

    def write(self, path: Path) -> None:
        text = {
            "order": WHOLE_BODY.name,
            "size": list(self.picture),
            "points": [[round(float(x), 2), round(float(y), 2)] for x, y in self.points()],
        }
        path.write_text(json.dumps(text) + "\n", encoding="utf-8")
