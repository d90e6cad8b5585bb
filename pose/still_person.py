"""What MediaPipe sees in one still picture, tried in several framings.

A video is tracked; a still picture has one chance only, and the network's first stage looks at a
224 px square. So the picture is shown to it in several ways (larger, smaller, cropped, mirrored) and
every answer is brought back to the pixels of the picture. Face and hands are looked for again in
enlarged crops. Which answer is to be believed is decided in `character_pose`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from ..core import FACE, WHOLE_BODY
from .mediapipe_import import quiet, solutions
from .mediapipe_order import fill_body, fill_face

NEUTRAL = (128, 128, 128)
"""Grey behind a transparent character and around a small one."""
VIEW_SIDE = 768
"""Longest side that the networks are shown; their inputs are 192 to 256 px, so more is lost anyway."""
MIRROR = np.array(WHOLE_BODY.mirror)


@dataclass(frozen=True)
class Framing:
    """A way of showing the picture: view = scale * picture + shift, perhaps seen in a mirror."""

    name: str
    scale: float
    shift: tuple[float, float]
    size: tuple[int, int]
    """Width, height of the view in px."""
    mirrored: bool = False

    @property
    def matrix(self) -> np.ndarray:
        """float64 `[2,3]`, picture -> view, pixel centres at integers."""
        s, (x, y), width = self.scale, self.shift, self.size[0]
        if self.mirrored:
            return np.array([[-s, 0, width - 1 - x], [0, s, y]])
        return np.array([[s, 0, x], [0, s, y]])

    def view(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 `[h,w,3]`; grey where the picture ends."""
        if self.scale < 0.6:  # average first: a warp alone would skip pixels
            small = max(1, round(1 / self.scale / 1.2))
            h, w = max(1, pixels.shape[0] // small), max(1, pixels.shape[1] // small)
            sx, sy = w / pixels.shape[1], h / pixels.shape[0]
            pixels = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA)
            m = self.matrix.copy()
            m[:, 2] += m[:, 0] * 0.5 * (1 / sx - 1) + m[:, 1] * 0.5 * (1 / sy - 1)
            m[:, 0] /= sx
            m[:, 1] /= sy
        else:
            m = self.matrix
        return cv2.warpAffine(pixels, m, self.size, flags=cv2.INTER_LINEAR, borderValue=NEUTRAL)

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points of the view `[n,2]` as points of the picture."""
        m = self.matrix
        return (points - m[:, 2]) / np.array([m[0, 0], m[1, 1]])


def frame_box(name: str, box: tuple[float, float, float, float], fill: float, *, mirrored: bool = False) -> Framing:
    """A view in which `box` (x0, y0, x1, y1 in px of the picture) takes `fill` of width or height."""
    x0, y0, x1, y1 = box
    w, h = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
    scale = VIEW_SIDE * min(1.0, 1.15 * fill) / max(w, h)
    size = (max(64, round(w * scale / fill)), max(64, round(h * scale / fill)))
    # A standing figure needs room below more than above: half-body pictures then look like one.
    shift = (size[0] / 2 - scale * (x0 + x1) / 2, (size[1] - h * scale) * 0.4 - scale * y0)
    return Framing(name, scale, shift, size, mirrored)


@dataclass(frozen=True)
class Sighting:
    """One answer of the networks, in pixels of the picture."""

    framing: str
    points: np.ndarray
    """float32 `[133,2]`; only body and feet are filled here."""
    scores: np.ndarray
    """float32 `[133]`"""
    matte: np.ndarray
    """float32 `[h,w]` 0..1, person or not, at the working size of the picture that was looked at."""
    mouth: np.ndarray
    """float32 `[2,2]`: left and right corner of the mouth, as the body network guesses them."""


class StillWatcher:
    """Holds the networks open for a few looks at one picture; a context manager."""

    def __init__(self) -> None:
        found = solutions()
        # Complexity 1 is the one whose weights are inside the wheel; 0 and 2 would go to the network.
        makers: dict[str, Callable[[], Any]] = {
            "pose": lambda: found.pose.Pose(
                static_image_mode=True, model_complexity=1, enable_segmentation=True, min_detection_confidence=0.3
            ),
            "face": lambda: found.face_mesh.FaceMesh(
                static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
            ),
            "hand": lambda: found.hands.Hands(
                static_image_mode=True, model_complexity=1, max_num_hands=1, min_detection_confidence=0.4
            ),
            "selfie": lambda: found.selfie_segmentation.SelfieSegmentation(model_selection=0),
        }
        self._makers = makers
        self._open: dict[str, Any] = {}

    def _look(self, network: str, view: np.ndarray) -> Any:
        """What the network says of this view; networks are opened when first asked."""
        with quiet():
            if network not in self._open:
                self._open[network] = self._makers[network]()
            return self._open[network].process(view)

    def __enter__(self) -> StillWatcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def body(self, pixels: np.ndarray, framing: Framing) -> Sighting | None:
        """Body and feet as seen in this framing, or None when nobody was noticed."""
        seen = self._look("pose", framing.view(pixels))
        if not seen.pose_landmarks:
            return None
        w, h = framing.size
        landmarks = seen.pose_landmarks.landmark
        raw = np.array([[p.x * w, p.y * h] for p in landmarks], np.float64) - 0.5
        believed = np.clip([p.visibility for p in landmarks], 0, 1)
        raw = framing.back(raw)
        points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
        fill_body(points, scores, raw, believed)
        if framing.mirrored:
            points, scores = points[MIRROR], scores[MIRROR]
        matte = seen.segmentation_mask.astype(np.float32)
        h0, w0 = pixels.shape[:2]
        matte = cv2.warpAffine(matte, framing.matrix, (w0, h0), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        mouth = raw[[10, 9]] if framing.mirrored else raw[[9, 10]]
        return Sighting(framing.name, points, scores, matte, mouth.astype(np.float32))

    def face(self, pixels: np.ndarray, framing: Framing) -> np.ndarray | None:
        """float32 `[68,2]` face points in px of the picture, or None."""
        seen = self._look("face", framing.view(pixels))
        if not seen.multi_face_landmarks:
            return None
        w, h = framing.size
        raw = np.array([[p.x * w, p.y * h] for p in seen.multi_face_landmarks[0].landmark], np.float64) - 0.5
        points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
        fill_face(points, scores, framing.back(raw), 1.0)
        return points[MIRROR][FACE] if framing.mirrored else points[FACE]

    def hand(self, pixels: np.ndarray, framing: Framing) -> tuple[np.ndarray, float] | None:
        """float32 `[21,2]` points of the one hand in this framing with the network's confidence, or None."""
        seen = self._look("hand", framing.view(pixels))
        if not seen.multi_hand_landmarks:
            return None
        w, h = framing.size
        raw = np.array([[p.x * w, p.y * h] for p in seen.multi_hand_landmarks[0].landmark], np.float64) - 0.5
        return framing.back(raw).astype(np.float32), float(seen.multi_handedness[0].classification[0].score)

    def selfie(self, pixels: np.ndarray, framing: Framing) -> np.ndarray:
        """float32 `[h,w]` 0..1 at the picture's size: person or not, by the portrait network."""
        matte = self._look("selfie", framing.view(pixels)).segmentation_mask.astype(np.float32)
        h, w = pixels.shape[:2]
        return cv2.warpAffine(matte, framing.matrix, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def framings(size: tuple[int, int], box: tuple[float, float, float, float] | None) -> Iterator[Framing]:
    """The ways to show a picture of this width and height, the likeliest first; `box` is the character's."""
    whole = (0.0, 0.0, float(size[0]), float(size[1]))
    if box is not None:
        yield frame_box("cropped to the character", box, 0.8)
        yield frame_box("whole picture", whole, 1.0)
        yield frame_box("character small", box, 0.5)
        yield frame_box("mirrored", box, 0.7, mirrored=True)
    else:
        yield frame_box("whole picture", whole, 1.0)
        yield frame_box("padded", whole, 0.7)
        yield frame_box("mirrored", whole, 0.85, mirrored=True)
        yield frame_box("character small", whole, 0.45)
