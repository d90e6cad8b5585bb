"""The mouth: where the lips part, which side of the parting a pixel belongs to, what shows in the gap.

A closed mouth is a slit in the picture; opening it pulls two warps apart along the slit and paints a
mouth behind. A mouth that is open in the picture keeps its own interior: it hangs from the upper
lip, and the lower lip covers it when the mouth closes.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .face_features import gap_limits
from .face_picture import darkest_path, sample

Along = Callable[[np.ndarray], np.ndarray]

STATIONS = 41
"""Points along each lip; at 300 px mouth width still only 7 px apart."""
_CLOSED_GAP = 0.05
"""Inner lips nearer than this share of the mouth width count as closed (detectors put 0.02-0.05 between shut lips)."""
_SEARCH = 0.10
"""How far from the detected line the drawn one may be, in mouth widths."""


class Mouth:
    """Made once from the picture; `points` are the 68 points in pixels of `pixels` (RGB uint8 `[h,w,3]`)."""

    def __init__(self, pixels: np.ndarray, points: np.ndarray, is_flat: bool) -> None:
        # a little beyond the inner corners: drawn lines and fields part up to there
        left, right = (0.45 * points[inner] + 0.55 * points[outer] for inner, outer in ((60, 48), (64, 54)))
        self.width = float(np.linalg.norm(points[54] - points[48]))
        self._ends = np.stack([left, right])
        self.origin = (left + right) / 2
        self.across = (right - left) / max(float(np.linalg.norm(right - left)), 1e-6)
        self.down = np.array([-self.across[1], self.across[0]])
        self.is_flat = is_flat
        inner = np.linalg.norm(points[[67, 66, 65]] - points[[61, 62, 63]], axis=1)
        self.is_closed = bool(inner.max() < _CLOSED_GAP * self.width)
        half = float((right - left) @ self.across) / 2
        u = np.linspace(-half, half, STATIONS)
        upper, lower = (self._curve(points[ids], u) for ids in ([60, 61, 62, 63, 64], [60, 67, 66, 65, 64]))
        if self.is_closed:
            upper = lower = self._snapped(pixels, u, (upper + lower) / 2)
        middle = np.minimum((upper + lower) / 2, lower)
        self.upper = self._place(u, np.minimum(upper, middle))
        """Edge of the upper lip in the picture, `[STATIONS,2]` px, from the picture's left."""
        self.lower = self._place(u, np.maximum(lower, middle))
        self.rest_gap = ((self.lower - self.upper) @ self.down).clip(0)
        self.gap_limits = gap_limits(points, self.down, self.width, self.is_closed)
        """Least and most change of each pair of lip points, px."""
        self._choose_colours(pixels, points)
        self._own_dark = None if self.is_closed else self._darkest_inside(pixels)

    def _curve(self, points: np.ndarray, u: np.ndarray) -> np.ndarray:
        # half a second to import, and only faces need it
        from scipy.interpolate import PchipInterpolator

        points = points.copy()
        points[[0, -1]] = self._ends
        at = (points - self.origin) @ self.across
        at = np.maximum.accumulate(at + np.arange(5) * 1e-3)  # strictly rising, whatever the detector said
        return np.asarray(PchipInterpolator(at, (points - self.origin) @ self.down)(u))

    def _place(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return self.origin + u[:, None] * self.across + v[:, None] * self.down

    def _frame(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        relative = points - self.origin.astype(points.dtype)
        return relative @ self.across.astype(points.dtype), relative @ self.down.astype(points.dtype)

    def _snapped(self, pixels: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The line between shut lips is the darkest path near the detected one."""
        reach = _SEARCH * self.width
        offsets = np.linspace(-reach, reach, 41)
        grid = self.origin + u[None, :, None] * self.across + (v[None, :] + offsets[:, None])[..., None] * self.down
        blurred = cv2.GaussianBlur(pixels, (0, 0), max(0.6, 0.012 * self.width))
        luma = sample(blurred, grid) @ np.array([0.299, 0.587, 0.114], np.float32)
        darkness = (luma.max() - luma) / max(float(np.ptp(luma)), 8.0)
        darkness -= 0.25 * (offsets[:, None] / reach) ** 2
        path = offsets[darkest_path(darkness, stiffness=0.02)]
        return v + np.convolve(np.pad(path, 2, mode="edge"), np.ones(5) / 5, "valid")

    def _choose_colours(self, pixels: np.ndarray, points: np.ndarray) -> None:
        line = sample(pixels, (self.upper + self.lower)[6:-6] / 2)
        order = line.sum(-1).argsort()
        self.line_colour = line[order[: max(1, len(order) // 3)]].mean(0)
        skin = np.median(sample(pixels, points[[2, 14, 3, 13, 30, 29]]), axis=0)
        lip = sample(pixels, (points[[57, 56, 58]] + points[[66, 65, 67]]) / 2).mean(0)
        light = float(np.clip(skin.max() / 215.0, 0.25, 1.1))
        grey = float(np.clip(1.0 - np.ptp(skin) / 40.0, 0.0, 1.0))  # a black-and-white photo stays so

        def tint(colour: tuple[float, float, float]) -> np.ndarray:
            warm = np.array(colour, np.float32)
            return warm + grey * (warm.mean() - warm)

        # the light of the scene: what it does to skin it does to teeth
        cast = skin / np.array([224.0, 178.0, 150.0], np.float32)
        cast = 0.45 + 0.55 * cast / max(float(cast.max()), 0.05)
        cast += grey * (cast.mean() - cast)

        self._throat = 0.25 * self.line_colour * 0.5 + 0.75 * tint((38, 12, 12)) * light
        self._tongue = 0.5 * tint((150, 62, 58)) * light + 0.3 * lip
        self._teeth = tint((238, 230, 216)) * cast * light
        self._shadow = 0.6 * self._throat + 0.4 * 0.45 * lip
        # a flat drawing: its own dark line, deepened, is the ink for the inside of the mouth
        warmth = tint((60, 14, 22))
        self._ink = np.minimum(self.line_colour * 0.55 + 0.3 * warmth, 110.0)

    def sides(self, points: np.ndarray, middle: np.ndarray, soft_px: float) -> np.ndarray:
        """0 where a drawn point hangs on the upper lip, 1 where it moves with the jaw, float `[...]`.

        A step along the parting `middle` `[STATIONS,2]`, widening beyond the corners of the mouth.
        """
        u, v = self._frame(points)
        mu, mv = self._frame(middle)
        mu = np.maximum.accumulate(mu)
        beyond = np.maximum(u - mu[-1], mu[0] - u)
        width = np.maximum(1.5 * beyond, 0.0) + soft_px
        t = np.clip((v - np.interp(u, mu, mv).astype(v.dtype)) / width + 0.5, 0.0, 1.0)
        return t * t * (3 - 2 * t)

    def paint(
        self, drawn: np.ndarray, at: np.ndarray, upper: np.ndarray, lower: np.ndarray, picture: np.ndarray
    ) -> np.ndarray:
        """`drawn` float32 `[h,w,3]` with the gap between the moved lips painted in.

        `at` are the pixels' positions `[h,w,2]`; `upper`, `lower` the moved edges `[STATIONS,2]`;
        `picture` is what an open mouth takes its interior from.
        """
        u, v = self._frame(at)
        (uu, uv), (lu, lv) = self._frame(upper), self._frame(lower)
        middle = np.maximum.accumulate((uu + lu) / 2)
        station = np.interp(u, middle, np.arange(STATIONS))
        low = station.astype(np.intp).clip(0, STATIONS - 2)
        share = (station - low).astype(np.float32)

        def along(values: np.ndarray) -> np.ndarray:
            values = values.astype(np.float32)
            return values[low] + (values[low + 1] - values[low]) * share

        top, bottom = along(uv), along(lv)
        slope = np.diff(middle).mean()
        steep = [along(np.sqrt(1 + (np.gradient(e) / max(slope, 1e-3)) ** 2)) for e in (uv, lv)]
        inside_top = (v - top) / steep[0]
        inside_bottom = (bottom - v) / steep[1]
        hole = np.clip(np.minimum(inside_top, inside_bottom) + 0.5, 0, 1) * np.clip(bottom - top, 0, 1)
        hole *= (u > middle[0]) & (u < middle[-1])
        if float(hole.max()) <= 0:
            return drawn
        depth, gap = np.maximum(v - top, 0), np.maximum(bottom - top, 1e-3)
        side = np.abs(station / (STATIONS - 1) * 2 - 1).astype(np.float32)
        interior = self._flat_inside(side) if self.is_flat else self._inside(depth, gap, side, u)
        if not self.is_closed:
            interior = self._own_inside(interior, depth, gap, along, picture)
        out = drawn + (interior - drawn) * hole[..., None]
        if self.is_flat and self.is_closed:
            # the drawing's line runs around the hole; where the mouth is hardly open the old line is enough
            thick = max(1.0, 0.028 * self.width)
            near = np.clip(thick / 2 + 0.5 - np.minimum(np.abs(inside_top), np.abs(inside_bottom)), 0, 1)
            near *= np.clip((gap - 1.0) / thick, 0, 1) * ((u > middle[0]) & (u < middle[-1]))
            out += (self.line_colour - out) * near[..., None]
        return out

    def _flat_inside(self, side: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self._ink.astype(np.float32), (*side.shape, 3))

    def _inside(self, depth: np.ndarray, gap: np.ndarray, side: np.ndarray, u: np.ndarray) -> np.ndarray:
        """A dark throat, a hint of the tongue below, the upper teeth in the shadow of the lip."""
        low = _smooth((depth / gap - 0.45) / 0.55) * _smooth((gap / self.width - 0.08) / 0.25)
        tongue = 0.75 * low * (1 - side**2)
        colour = self._throat + (self._tongue - self._throat) * tongue[..., None]
        # a row of teeth lies on an arc: shorter and darker to the sides, higher the wider the mouth
        wide = np.clip(gap / self.width / 0.22, 0, 1)
        height = 0.135 * self.width * wide * np.sqrt(np.clip(1 - side**2 / 0.75, 0, 1))
        height = np.minimum(height, 0.5 * gap)
        lit = (0.40 + 0.52 * _smooth(depth / (0.10 * self.width))) * (1 - 0.75 * side**2)
        lit = lit * (1 - 0.05 * np.exp(-((np.sin(np.pi * u / (0.115 * self.width))) ** 2) * 18))
        teeth = self._shadow + (self._teeth - self._shadow) * lit[..., None]
        soft = max(1.0, 0.025 * self.width)
        cover = _smooth((height - depth) / soft + 0.5) * _smooth((height - 0.02 * self.width) / soft)
        return colour + (teeth - colour) * (0.92 * cover)[..., None]

    def _own_inside(
        self, painted: np.ndarray, depth: np.ndarray, gap: np.ndarray, along: Along, picture: np.ndarray
    ) -> np.ndarray:
        """The picture's own mouth: what hangs from the upper lip, what lies on the lower, dark between."""
        rest = np.maximum(along(self.rest_gap), 1e-3)
        # parted lips show upper teeth only; a wide mouth has lower teeth and tongue that go with the jaw
        hanging = rest * (1 - 0.5 * _smooth((self.rest_gap.max() / self.width - 0.12) / 0.15))
        from_bottom = gap - depth
        shrunk = gap <= rest
        lying = from_bottom < rest - hanging
        source = np.where(shrunk | (depth < hanging), depth, np.where(lying, rest - from_bottom, hanging))
        x = along(self.upper[:, 0]) + source * self.down[0]
        y = along(self.upper[:, 1]) + source * self.down[1]
        own = cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR).astype(np.float32)
        # between the halves a wider mouth shows what the picture never had
        torn = np.where(shrunk, 0.0, np.minimum(depth - hanging, from_bottom - rest + hanging)) / np.maximum(
            0.06 * self.width, 1.0
        )
        if self._own_dark is not None:  # an open mouth shows what colour its depth has
            wide = float(_smooth(np.asarray((self.rest_gap.max() / self.width - 0.12) / 0.15)))
            painted = painted + (self._own_dark - painted) * wide
        return own + (painted - own) * _smooth(torn)[..., None]

    def _darkest_inside(self, pixels: np.ndarray) -> np.ndarray | None:
        """Mean colour of the darker half of the open mouth, away from its edges."""
        depths = np.linspace(0.25, 0.75, 9)[:, None, None]
        inside = (self.rest_gap > 0.5 * self.rest_gap.max()) & (self.rest_gap > 3)
        if not inside.any():
            return None
        seen = sample(pixels, (self.upper + depths * (self.lower - self.upper))[:, inside]).reshape(-1, 3)
        luma = seen.sum(1)
        return seen[luma <= np.median(luma)].mean(0).astype(np.float32)


def _smooth(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
