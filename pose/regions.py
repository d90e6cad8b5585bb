"""Square windows on a frame, turned with the person: how they are cut out and how points come back.

The networks want a hand with its fingers up, a face upright, a body on its feet. A `Region` says where
such a window lies; the rules by which MediaPipe derives one from points or detections are here too
(its graphs hand_landmark, pose_landmark, face_landmark and holistic_landmark, 0.10.21).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

_PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]


@dataclass(frozen=True)
class Region:
    """A square: centre in px of the frame (pixel centres at integers), side in px, turn in radians.

    A turn of 0 is upright; positive turns the window clockwise on the screen.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    @property
    def centre(self) -> np.ndarray:
        return np.array([self.x, self.y])

    @property
    def axes(self) -> np.ndarray:
        """float64 `[2,2]`; columns are the window's x and y directions on the frame."""
        c, s = math.cos(self.turn), math.sin(self.turn)
        return np.array([[c, -s], [s, c]])

    def to_frame(self, inside: np.ndarray) -> np.ndarray:
        """Points `[...,2]` given as 0..1 of the window, in px of the frame."""
        return self.centre + (np.asarray(inside, np.float64) - 0.5) @ self.axes.T * self.side

    def scaled(self, factor: float, shift_down: float = 0.0) -> Region:
        """A larger or smaller window; `shift_down` in sides of the old one, along its own y."""
        x, y = self.centre + self.axes[:, 1] * shift_down * self.side
        return Region(float(x), float(y), self.side * factor, self.turn)

    def within(self, outer: Region) -> Region:
        """This region, given in units of `outer` (centre and side as 0..1), on the frame."""
        x, y = outer.to_frame(self.centre)
        return Region(float(x), float(y), self.side * outer.side, self.turn + outer.turn)


class Shrunk:
    """One frame with its halves, made when first needed, so that large windows are averaged, not skipped through."""

    def __init__(self, frame: np.ndarray) -> None:
        self.levels = [frame]

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.levels[0].shape[:2]
        return width, height

    def crop(self, region: Region, size: int, *, replicate: bool = True) -> np.ndarray:
        """uint8 `[size,size,3]`; outside the frame its last pixels are repeated, or black."""
        level = 0
        while region.side / size >= 2 * 2**level and min(self.levels[level].shape[:2]) >= 2 * size // 2 and level < 3:
            level += 1
            if level == len(self.levels):
                h, w = self.levels[-1].shape[:2]
                self.levels.append(
                    cv2.resize(self.levels[-1], (max(1, w // 2), max(1, h // 2)), interpolation=cv2.INTER_AREA)
                )
        picture = self.levels[level]
        fx = picture.shape[1] / self.levels[0].shape[1]
        fy = picture.shape[0] / self.levels[0].shape[0]
        matrix = np.empty((2, 3))  # window px -> frame px
        matrix[:, :2] = region.axes * (region.side / size)
        matrix[:, 2] = region.to_frame(np.array([0.5 / size, 0.5 / size]))
        # frame px -> px of the halved picture, whose pixel 0 covers the frame's first ones
        matrix[0] *= fx
        matrix[1] *= fy
        matrix[0, 2] += 0.5 * fx - 0.5
        matrix[1, 2] += 0.5 * fy - 0.5
        return cv2.warpAffine(
            picture,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT,
        )


def upward(start: np.ndarray, end: np.ndarray) -> float:
    """The turn of a window in which `end` lies straight above `start`."""
    dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
    return _wrapped(math.pi / 2 - math.atan2(-dy, dx))


def rightward(start: np.ndarray, end: np.ndarray) -> float:
    """The turn of a window in which `end` lies to the right of `start`."""
    return _wrapped(-math.atan2(-float(end[1] - start[1]), float(end[0] - start[0])))


def _wrapped(angle: float) -> float:
    return angle - 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))


def turn_between(a: Region, b: Region) -> float:
    """Angle between two windows, 0..pi."""
    return abs(_wrapped(a.turn - b.turn))


ROOM_WHEN_FOUND = 1.25
ROOM_WHEN_FOLLOWED = 1.16
"""Of the circle around the whole body. MediaPipe takes 1.25 always; seen larger, joints come out more exact (feet
of a drawn dancer within 5 % of the torso: 0.95 instead of 0.84). From 1.09 down feet leave the window, and at
1.05 the window shrinks with every frame."""


def body_region(centre: np.ndarray, edge: np.ndarray, room: float = ROOM_WHEN_FOUND) -> Region:
    """From the middle of the hips and the point that says how large and how tilted the whole body is."""
    side = 2 * float(np.hypot(*(edge - centre)))
    return Region(float(centre[0]), float(centre[1]), max(side, 1.0) * room, upward(centre, edge))


def hand_region_from_body(wrist: np.ndarray, little: np.ndarray, index: np.ndarray) -> Region:
    """From three rough points of the body's network: wrist and the knuckles of little and index finger."""
    knuckle = (2 * index + little) / 3
    side = 2 * float(np.hypot(*(knuckle - wrist)))
    return Region(float(knuckle[0]), float(knuckle[1]), max(side, 1.0), upward(wrist, knuckle)).scaled(2.7, -0.1)


def hand_region_from_hand(hand: np.ndarray) -> Region:
    """From the 21 points of the same hand, a frame earlier or one pass earlier."""
    direction = ((hand[5] + hand[13]) / 2 + hand[9]) / 2
    turn = upward(hand[0], direction)
    return _around(hand[_PALM], turn).scaled(2.0, -0.1)


def hand_region_from_palm(wrist: np.ndarray, middle: np.ndarray, centre: np.ndarray, side: float) -> Region:
    """From a palm detection: its box, wrist and middle knuckle."""
    return Region(float(centre[0]), float(centre[1]), max(side, 1.0), upward(wrist, middle)).scaled(2.6, -0.5)


def face_region_from_mesh(mesh: np.ndarray) -> Region:
    """From the face mesh a frame earlier; 33 and 263 are the outer corners of the eyes."""
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    centre = (low + high) / 2
    side = float((high - low).max())
    return Region(float(centre[0]), float(centre[1]), max(side, 1.0) * 1.5, rightward(mesh[33], mesh[263]))


def face_region_from_detection(right_eye: np.ndarray, left_eye: np.ndarray, centre: np.ndarray, side: float) -> Region:
    """From a face detection: its box and the eyes."""
    return Region(float(centre[0]), float(centre[1]), max(side, 1.0) * 1.5, rightward(right_eye, left_eye))


def head_region(points: np.ndarray) -> Region:
    """A generous window around nose, eyes, ears and mouth (`[11,2]`) as the body's network saw them."""
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    return Region(float(centre[0]), float(centre[1]), max(float((high - low).max()), 4.0) * 3.0)


def _around(points: np.ndarray, turn: float) -> Region:
    upright = Region(0, 0, 1, turn)
    along = points @ upright.axes
    low, high = along.min(axis=0), along.max(axis=0)
    centre = upright.axes @ ((low + high) / 2)
    return replace(upright, x=float(centre[0]), y=float(centre[1]), side=max(float((high - low).max()), 1.0))
