"""A small drawing board: smooth outlines, filled shapes with soft inner shade and light, drawn lines.

Colours are sRGB; everything is drawn on a grid `SUPERSAMPLING` times finer and shrunk at the end.
Points are pixels of the finished picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

SUPERSAMPLING = 3
Points = Sequence[tuple[float, float]] | np.ndarray


def rgb(hex_colour: str) -> np.ndarray:
    """'#rrggbb' as float 0..1."""
    return np.array([int(hex_colour[k : k + 2], 16) for k in (1, 3, 5)], np.float32) / 255


def mix(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return a + (b - a) * np.float32(share)


def curve(points: Points, closed: bool = True, steps: int = 14, sharp: Sequence[int] = ()) -> np.ndarray:
    """A centripetal Catmull-Rom curve through the points; at indices in `sharp` it has a corner."""
    p = np.asarray(points, float)
    n = len(p)
    out = []
    for k in range(n if closed else n - 1):
        b, c = p[k], p[(k + 1) % n]
        a = p[(k - 1) % n] if closed or k > 0 else (3 * b - 3 * c + p[k + 2] if n > 2 else 2 * b - c)
        d = p[(k + 2) % n] if closed or k + 2 < n else (3 * c - 3 * b + p[k - 1] if n > 2 else 2 * c - b)
        if k in sharp:
            a = 2 * b - c
        if (k + 1) % n in sharp:
            d = 2 * c - b
        t01, t12, t23 = (max(np.linalg.norm(v) ** 0.5, 1e-6) for v in (b - a, c - b, d - c))
        m1 = (b - a) / t01 - (c - a) / (t01 + t12) + (c - b) / t12
        m2 = (c - b) / t12 - (d - b) / (t12 + t23) + (d - c) / t23
        m1, m2 = m1 * t12, m2 * t12
        u = np.linspace(0, 1, steps, endpoint=False)[:, None]
        out.append(
            (2 * u**3 - 3 * u**2 + 1) * b + (u**3 - 2 * u**2 + u) * m1 + (3 * u**2 - 2 * u**3) * c + (u**3 - u**2) * m2
        )
    if not closed:
        out.append(p[-1:])
    return np.vstack(out)


def ellipse(cx: float, cy: float, rx: float, ry: float, tilt_degrees: float = 0.0) -> np.ndarray:
    a = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    t = np.radians(tilt_degrees)
    x, y = rx * np.cos(a), ry * np.sin(a)
    return np.stack([cx + x * np.cos(t) - y * np.sin(t), cy + x * np.sin(t) + y * np.cos(t)], 1)


def limb(points: Points, half_widths: Sequence[float], steps: int = 12) -> np.ndarray:
    """Outline of a tapering limb along a smooth line, with round ends."""
    line = curve(points, closed=False, steps=steps)
    at = np.linspace(0, len(half_widths) - 1, len(line))
    r = PchipInterpolator(np.arange(len(half_widths)), half_widths)(at)
    t = np.gradient(line, axis=0)
    t /= np.maximum(np.linalg.norm(t, axis=1, keepdims=True), 1e-9)
    n = np.stack([-t[:, 1], t[:, 0]], 1)
    left, right = line + n * r[:, None], line - n * r[:, None]
    a = np.linspace(np.pi / 2, -np.pi / 2, 11)[1:-1]
    cap = lambda c, rad, d, m: c + rad * (np.cos(a)[:, None] * d + np.sin(a)[:, None] * m)  # noqa: E731
    return np.vstack([left, cap(line[-1], r[-1], t[-1], n[-1]), right[::-1], cap(line[0], r[0], -t[0], -n[0])])


@dataclass
class Mask:
    """Coverage 0..1 of a part of the fine grid."""

    x: int
    y: int
    values: np.ndarray


@dataclass(frozen=True)
class Look:
    """How a shape is filled: colours, where shade and light lie, the drawn line around it."""

    fill: np.ndarray
    shade: np.ndarray | None = None
    """Colour of the side away from the light."""
    light: np.ndarray | None = None
    shade_at: tuple[float, float] = (-9.0, -12.0)
    """How far the lit copy of the shape is moved, px; what it leaves bare is in the shade."""
    light_at: tuple[float, float] = (7.0, 9.0)
    softness: float = 6.0
    line: np.ndarray | None = None
    line_width: float = 4.0
    lower: np.ndarray | None = None
    """Colour at the bottom of a vertical gradient from `fill`."""


class Canvas:
    """What is drawn at (x, y) lands at `zoom` * (x, y) + `offset` of the picture."""

    def __init__(
        self,
        width: int,
        height: int,
        background: np.ndarray | None = None,
        zoom: float = 1.0,
        offset: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """`background` float [H*k,W*k,3] makes an opaque picture."""
        self.width, self.height = width, height
        k = SUPERSAMPLING
        self.scale = k * zoom
        self.shift = k * np.array(offset) + (k - 1) / 2
        self.colour = np.zeros((height * k, width * k, 3), np.float32)
        self.alpha = np.zeros((height * k, width * k), np.float32)
        if background is not None:
            self.colour[:], self.alpha[:] = background, 1

    def mask(self, outline: np.ndarray, margin: float = 2.0) -> Mask:
        p = outline * self.scale + self.shift
        pad = int(margin * self.scale) + 3
        H, W = self.alpha.shape
        x0, y0 = max(int(p[:, 0].min()) - pad, 0), max(int(p[:, 1].min()) - pad, 0)
        x1, y1 = min(int(p[:, 0].max()) + pad, W), min(int(p[:, 1].max()) + pad, H)
        m = np.zeros((max(y1 - y0, 1), max(x1 - x0, 1)), np.uint8)
        cv2.fillPoly(m, [np.rint((p - [x0, y0]) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return Mask(x0, y0, m.astype(np.float32) / 255)

    def line_mask(self, path: np.ndarray, width: float, closed: bool) -> Mask:
        like = self.mask(path, margin=width)
        p = path * self.scale + self.shift
        m = np.zeros(like.values.shape, np.uint8)
        fixed = np.rint((p - [like.x, like.y]) * 16).astype(np.int32)
        cv2.polylines(m, [fixed], closed, 255, max(round(width * self.scale), 1), cv2.LINE_AA, 4)
        return Mask(like.x, like.y, m.astype(np.float32) / 255)

    def lay(self, mask: Mask, colour: np.ndarray, opacity: float = 1.0, clip: Mask | None = None) -> None:
        """Lay one colour, or a picture of the mask's size, over what is there."""
        m = mask.values * opacity
        if clip is not None:
            m = m * self._window(clip, mask)
        h, w = m.shape
        at = np.s_[mask.y : mask.y + h, mask.x : mask.x + w]
        under, m3 = self.alpha[at], m[..., None]
        out = m + under * (1 - m)
        blend = colour * m3 + self.colour[at] * (under * (1 - m))[..., None]
        self.colour[at] = np.where(out[..., None] > 1e-6, blend / np.maximum(out, 1e-6)[..., None], self.colour[at])
        self.alpha[at] = out

    @staticmethod
    def _window(source: Mask, like: Mask) -> np.ndarray:
        """`source` on the grid of `like`, 0 outside."""
        h, w = like.values.shape
        out = np.zeros((h, w), np.float32)
        sh, sw = source.values.shape
        x0, y0 = max(like.x, source.x), max(like.y, source.y)
        x1, y1 = min(like.x + w, source.x + sw), min(like.y + h, source.y + sh)
        if x1 > x0 and y1 > y0:
            part = source.values[y0 - source.y : y1 - source.y, x0 - source.x : x1 - source.x]
            out[y0 - like.y : y1 - like.y, x0 - like.x : x1 - like.x] = part
        return out

    def shape(self, outline: np.ndarray, look: Look, clip: Mask | None = None) -> Mask:
        """Fill, shade, light and line of one shape; gives its mask for what is drawn inside it."""
        k = self.scale
        mask = self.mask(outline, margin=4.0)
        h, w = mask.values.shape
        colour = np.broadcast_to(look.fill, (h, w, 3)).astype(np.float32)
        if look.lower is not None:
            ramp = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
            colour = colour * (1 - ramp) + look.lower * ramp
        for tint, move in ((look.shade, look.shade_at), (look.light, look.light_at)):
            if tint is None:
                continue
            shift = np.array([[1, 0, move[0] * k], [0, 1, move[1] * k]], np.float32)
            kept = cv2.warpAffine(mask.values, shift, (w, h))
            bare = 1 - cv2.GaussianBlur(kept, (0, 0), look.softness * k / 2)
            colour = colour * (1 - bare[..., None]) + tint * bare[..., None]
        self.lay(mask, colour, clip=clip)
        if look.line is not None:
            self.lay(self.line_mask(outline, look.line_width, True), look.line, clip=clip)
        return mask

    def stroke(self, path: Points, half_widths: Sequence[float], colour: np.ndarray, opacity: float = 1.0,
               clip: Mask | None = None) -> None:  # fmt: skip
        """A brush stroke that swells and tapers."""
        self.lay(self.mask(limb(path, half_widths)), colour, opacity, clip)

    def blush(self, cx: float, cy: float, rx: float, ry: float, colour: np.ndarray, opacity: float,
              clip: Mask | None = None) -> None:  # fmt: skip
        """A soft spot of colour."""
        m = self.mask(ellipse(cx, cy, 2.2 * rx, 2.2 * ry))
        k = self.scale
        y, x = np.mgrid[0 : m.values.shape[0], 0 : m.values.shape[1]].astype(np.float32)
        u = (x + m.x - cx * k - self.shift[0]) / (rx * k)
        v = (y + m.y - cy * k - self.shift[1]) / (ry * k)
        self.lay(Mask(m.x, m.y, np.exp(-(u * u + v * v)) * m.values), colour, opacity, clip)

    def finish(self) -> np.ndarray:
        """uint8 [H,W,4], straight colours."""
        size = (self.width, self.height)
        a = cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)
        c = cv2.resize(self.colour * self.alpha[..., None], size, interpolation=cv2.INTER_AREA)
        c = np.where(a[..., None] > 1e-4, c / np.maximum(a, 1e-4)[..., None], 0)
        return np.rint(np.clip(np.dstack([c, a]), 0, 1) * 255).astype(np.uint8)
