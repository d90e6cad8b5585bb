"""Scenes to film for the check of driving clips: the demo's dancer cut out of its studio and put elsewhere.

A scene is a world larger than the picture, people and things standing in it, and a camera that looks at a part
of it; so a pan moves wall and people together. It ends as a real H.264 file. What is wrong with a scene is
decided in `check_clips.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from motion_transfer.video import open_video

ROOT = Path(__file__).resolve().parents[2]
SPRITE_HEIGHT = 578  # px of the dancer in her own clip
SPRITE_FOOT = (400.0, 592.0)  # px between her feet, in the part of the studio that she uses
longest_seconds = float("inf")  # films are made no longer than this; a fast test sets it
ROOM = 1.8  # how much wider and higher than the picture the world is


class Dancer:
    """The bundled clip with the studio keyed away: uint8 `[610,720,4]` by frame, colour premultiplied.

    A frame is keyed when it is first asked for.
    """

    def __init__(self) -> None:
        if str(ROOT) not in sys.path:
            sys.path.append(str(ROOT))
        from demo.dancer.render import Camera, finish, studio

        part = np.s_[100:710, 240:960]
        self._empty = finish(studio(Camera()))[part]
        film = open_video(ROOT / "demo" / "media" / "dancer.mp4")
        self._frames = [f.copy() for chunk in film.chunks(24) for f in chunk.pixels[(slice(None), *part)]]
        self._keyed: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, k: int) -> np.ndarray:
        if k not in self._keyed:
            self._keyed[k] = self._cut_out(self._frames[k])
        return self._keyed[k]

    def _cut_out(self, picture: np.ndarray) -> np.ndarray:
        floor = np.s_[440:]  # where her shadow falls
        away = cv2.absdiff(picture, self._empty).max(axis=2)
        alpha = np.clip((away.astype(np.int16) - 10) * 18, 0, 255).astype(np.uint8)
        ratio = picture[floor] / np.maximum(self._empty[floor], 1).astype(np.float32)
        low, high = ratio.min(axis=2), ratio.max(axis=2)
        alpha[floor][(high - low < 0.07) & (low > 0.3) & (high < 1.05)] = 0
        alpha = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        alpha = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 40).astype(np.uint8))
        alpha[labels != 1 + np.argmax(stats[1:, 4])] = 0
        alpha = cv2.erode(alpha, np.ones((3, 3), np.uint8))  # the rim has the studio's colour
        colour = cv2.multiply(picture, cv2.merge([alpha] * 3), scale=1 / 255)
        return np.dstack([colour, alpha])


@cache
def dancer() -> Dancer:
    """The one copy of her."""
    return Dancer()


@dataclass
class Person:
    height: float = 0.75
    """Of the picture's height, standing."""
    x: float = 0.5
    """Where she stands, of the picture's width."""
    foot: float = 0.95
    """Where her feet are, of the picture's height."""
    start: float = 0.0
    """Frame of the dance that she begins with."""
    speed: float = 1.0
    mirror: bool = False
    colours: tuple[int, int, int] = (0, 1, 2)
    """Order of the colour channels of clothes and skin: somebody else's."""
    seconds: tuple[float, float] = (-1.0, 1e9)
    """When she is there."""
    path: Callable[[float], tuple[float, float]] = lambda t: (0.0, 0.0)
    """Where she goes, by time, in picture widths and heights."""


@dataclass
class Cover:
    """Something that stands in front, in parts of the picture."""

    box: tuple[float, float, float, float]
    colour: tuple[int, int, int] = (96, 84, 70)
    seconds: tuple[float, float] = (-1.0, 1e9)
    leafy: bool = False


@dataclass
class Scene:
    background: np.ndarray
    """uint8, ROOM times the picture's size."""
    size: tuple[int, int] = (640, 360)
    rate: Fraction = Fraction(24)
    seconds: float = 3.0
    people: list[Person] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    camera: Callable[[float], tuple[float, float, float, float]] = lambda t: (0.0, 0.0, 1.0, 0.0)
    """By time: shift right and down in picture widths, zoom, roll in degrees."""
    blur: Callable[[float], float] = lambda t: 0.0
    """Sigma of a defocus in parts of the picture's height."""
    smear: Callable[[float], float] = lambda t: 0.0
    """Length of motion blur, sideways, in parts of the picture's width."""
    gain: Callable[[int], float] = lambda k: 1.0
    """Brightness by frame."""
    grain: float = 1.5
    """Noise of the sensor, levels."""
    seed: int = 0

    def frames(self) -> np.ndarray:
        """uint8 `[T,H,W,3]`."""
        rng = np.random.default_rng(self.seed)
        width, height = self.size
        count = round(min(self.seconds, longest_seconds) * self.rate)
        noises = [rng.standard_normal((height, width, 1)).astype(np.float32) * self.grain for _ in range(7)]
        sprites = dancer()
        out = np.empty((count, height, width, 3), np.uint8)
        for k in range(count):
            t = float(k / self.rate)
            view = self._view(t)
            picture = cv2.warpAffine(
                self.background, view @ self._world(), (width, height), borderMode=cv2.BORDER_REFLECT_101
            ).astype(np.float32)
            for person in self.people:
                if person.seconds[0] <= t < person.seconds[1]:
                    picture = self._stand(picture, sprites, person, t, view)
            for cover in self.covers:
                if cover.seconds[0] <= t < cover.seconds[1]:
                    picture = self._cover(picture, cover, view)
            if self.blur(t) > 0:
                picture = cv2.GaussianBlur(picture, (0, 0), self.blur(t) * height)
            length = round(self.smear(t) * width)
            if length > 1:
                picture = cv2.blur(picture, (length, 1))
            picture = picture * self.gain(k) + noises[(3 * k + k // 7) % 7]
            out[k] = picture.clip(0, 255).astype(np.uint8)
        return out

    def _world(self) -> np.ndarray:
        h, w = self.background.shape[:2]
        return np.array([[1, 0, (self.size[0] - w) / 2], [0, 1, (self.size[1] - h) / 2], [0, 0, 1.0]])

    def _view(self, t: float) -> np.ndarray:
        """2x3: from the picture as it would be with a still camera to the one it is."""
        dx, dy, zoom, roll = self.camera(t)
        width, height = self.size
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, zoom)
        matrix[:, 2] -= np.array([dx * width, dy * width]) * zoom
        return matrix

    def _stand(self, picture: np.ndarray, sprites: Dancer, person: Person, t: float, view: np.ndarray) -> np.ndarray:
        width, height = self.size
        at = (person.start + 24 * person.speed * t) % len(sprites)
        low, part = int(at), at % 1
        sprite = sprites[low]
        if part > 0.02:
            sprite = cv2.addWeighted(sprite, 1 - part, sprites[(low + 1) % len(sprites)], part, 0)
        columns = np.flatnonzero(sprite[::4, :, 3].any(axis=0))
        left, right = max(0, columns[0] - 2), columns[-1] + 3
        foot = np.array(SPRITE_FOOT) - [left, 0]
        sprite = sprite[:, left:right]
        scale = person.height * height / SPRITE_HEIGHT
        shrink = min(1.0, scale)
        if shrink < 1:  # averaged, or the figure would sparkle
            sprite = cv2.resize(sprite, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        rest = scale / shrink
        foot = foot * shrink
        if person.mirror:
            sprite = sprite[:, ::-1]
            foot[0] = sprite.shape[1] - 1 - foot[0]
        away = person.path(t)
        x, y = (person.x + away[0]) * width, (person.foot + away[1]) * height
        place = view @ np.array([[rest, 0, x - rest * foot[0]], [0, rest, y - rest * foot[1]], [0, 0, 1.0]])
        corners = place @ np.array([[a, b, 1] for a in (0, sprite.shape[1]) for b in (0, sprite.shape[0])]).T
        x0, y0 = np.clip(corners.min(axis=1).astype(int) - 1, 0, [width, height])
        x1, y1 = np.clip(corners.max(axis=1).astype(int) + 2, 0, [width, height])
        if x1 <= x0 or y1 <= y0:
            return picture
        place[:, 2] -= [x0, y0]
        figure = cv2.warpAffine(np.ascontiguousarray(sprite), place, (int(x1 - x0), int(y1 - y0))).astype(np.float32)
        picture[y0:y1, x0:x1] *= 1 - figure[..., 3:] / 255
        picture[y0:y1, x0:x1] += figure[..., list(person.colours)]
        return picture

    def _cover(self, picture: np.ndarray, cover: Cover, view: np.ndarray) -> np.ndarray:
        width, height = self.size
        layer = np.zeros((height, width), np.float32)
        x0, y0, x1, y1 = (np.array(cover.box) * [width, height, width, height]).astype(int)
        if cover.leafy:
            rng = np.random.default_rng(5)
            for _ in range(90):
                centre = (int(rng.uniform(x0, x1)), int(rng.uniform(y0, y1)))
                axes = (max(3, int(0.05 * height)), max(2, int(0.022 * height)))
                cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        else:
            cv2.rectangle(layer, (x0, y0), (x1, y1), 1.0, -1)
        layer = cv2.warpAffine(layer, view, (width, height))[..., None]
        shade = np.linspace(1.1, 0.8, height, dtype=np.float32)[:, None, None]
        return picture * (1 - layer) + layer * shade * np.array(cover.colour, np.float32)


def write_film(
    path: Path, frames: np.ndarray, rate: Fraction, *, crf: int = 21, stamps_ms: np.ndarray | None = None
) -> Path:
    """An H.264 file; `stamps_ms`: when each frame is shown, for a variable rate."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": str(crf)})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if stamps_ms is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for k, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            if stamps_ms is not None:
                frame.pts, frame.time_base = int(stamps_ms[k]), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


# Where it plays. Each: uint8 RGB of ROOM times the picture's size, from a seeded generator.


def studio_wall(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A smooth gradient, hardly a corner in it."""
    w, h = _world_size(size)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    glow = np.exp(-(((x - w / 2) / (0.4 * w)) ** 2) - ((y - 0.4 * h) / (0.5 * h)) ** 2)[..., None]
    one, two = rng.uniform(70, 170, 3), rng.uniform(150, 235, 3)
    wall = one * (1 - glow) + two * glow
    floor = np.clip((y - 0.72 * h) / (0.05 * h), 0, 1)[..., None]
    return (wall * (1 - 0.25 * floor)).astype(np.uint8)


def room(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A wall with pictures, a window, a shelf, a floor of planks."""
    w, h = _world_size(size)
    out = np.empty((h, w, 3), np.float32)
    out[:] = rng.uniform(130, 220, 3)
    out += cv2.GaussianBlur(rng.normal(0, 30, (h, w)).astype(np.float32), (0, 0), 3)[..., None]
    floor = int(0.70 * h)
    out[floor:] = rng.uniform(80, 150, 3)
    for y in np.linspace(floor, h, 7).astype(int):
        cv2.line(out, (0, y), (w, y), rng.uniform(50, 100, 3).tolist(), 2)
    for _ in range(9):
        x, y = rng.uniform(0, w), rng.uniform(0.1 * h, 0.5 * h)
        a, b = rng.uniform(0.04, 0.12) * w, rng.uniform(0.06, 0.16) * h
        cv2.rectangle(out, (int(x), int(y)), (int(x + a), int(y + b)), rng.uniform(20, 250, 3).tolist(), -1)
        cv2.rectangle(out, (int(x), int(y)), (int(x + a), int(y + b)), (40, 35, 30), 3)
    x = int(rng.uniform(0.05, 0.75) * w)
    for k in range(14):  # books
        top = int(0.52 * h + rng.uniform(0, 0.05) * h)
        cv2.rectangle(out, (x + 12 * k, top), (x + 12 * k + 10, int(0.64 * h)), rng.uniform(20, 240, 3).tolist(), -1)
    return out.clip(0, 255).astype(np.uint8)


def bricks(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    w, h = _world_size(size)
    out = np.full((h, w, 3), 190, np.float32)
    b, a = max(8, h // 26), max(16, h // 12)
    for row, y in enumerate(range(0, h, b)):
        for x in range(-(row % 2) * a // 2, w, a):
            colour = np.array([150, 80, 60]) + rng.normal(0, 14, 3)
            cv2.rectangle(out, (x + 1, y + 1), (x + a - 2, y + b - 2), colour.tolist(), -1)
    out[int(0.74 * h) :] = rng.uniform(90, 130)
    out += rng.normal(0, 5, (h, w, 1))
    return out.clip(0, 255).astype(np.uint8)


def park(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    w, h = _world_size(size)
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    out = np.broadcast_to(np.array([120, 170, 225]) * (1 - y) + np.array([225, 230, 235]) * y, (h, w, 3)).copy()
    horizon = int(0.6 * h)
    for _ in range(14):
        centre = (int(rng.uniform(0, w)), int(horizon - rng.uniform(0, 0.12) * h))
        colour = (np.array([60, 110, 55]) * rng.uniform(0.6, 1.3)).tolist()
        cv2.ellipse(out, centre, (int(0.07 * w), int(rng.uniform(0.08, 0.2) * h)), 0, 0, 360, colour, -1)
        cv2.rectangle(out, (centre[0] - 4, centre[1]), (centre[0] + 4, horizon + 10), (80, 60, 45), -1)
    out[horizon:] = [95, 130, 70]
    grass = cv2.GaussianBlur(rng.normal(0, 60, (h, w, 1)).astype(np.float32), (0, 0), 1.2)
    out[horizon:] += grass[horizon:, :, None]
    out[:horizon] += 0.4 * grass[:horizon, :, None]
    return out.clip(0, 255).astype(np.uint8)


def cartoon(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Flat colours with outlines."""
    w, h = _world_size(size)
    out = np.empty((h, w, 3), np.uint8)
    out[:] = rng.integers(120, 240, 3)
    out[int(0.68 * h) :] = rng.integers(80, 200, 3)
    for _ in range(7):
        centre = (int(rng.uniform(0, w)), int(rng.uniform(0.1, 0.66) * h))
        axes = (int(rng.uniform(0.03, 0.09) * w), int(rng.uniform(0.04, 0.12) * h))
        cv2.ellipse(out, centre, axes, 0, 0, 360, rng.integers(30, 255, 3).tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(out, centre, axes, 0, 0, 360, (20, 20, 20), 3, cv2.LINE_AA)
    return out


def stage(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Dark, with cones of light and a bright floor."""
    w, h = _world_size(size)
    out = np.full((h, w, 3), 22, np.float32)
    for _ in range(5):
        x = rng.uniform(0.1, 0.9) * w
        cone = np.array([[x, 0], [x - 0.1 * w, 0.8 * h], [x + 0.1 * w, 0.8 * h]], np.int32)
        light = np.zeros((h, w), np.float32)
        cv2.fillPoly(light, [cone], 1.0)
        out += cv2.GaussianBlur(light, (0, 0), 9)[..., None] * rng.uniform(15, 60, 3)
    out[int(0.72 * h) :] += 45
    for k in range(12):
        cv2.line(out, (int(k * w / 11), int(0.72 * h)), (int((k * 1.6 - 3) * w / 11), h), (90, 85, 80), 2)
    return out.clip(0, 255).astype(np.uint8)


BACKGROUNDS = (studio_wall, room, bricks, park, cartoon, stage)
TEXTURED = (room, bricks, park, stage)
"""Those in which a camera's motion can be seen."""


def _world_size(size: tuple[int, int]) -> tuple[int, int]:
    return int(size[0] * ROOM), int(size[1] * ROOM)
