"""One eye: its lids come over the eyeball like blinds, cut from the skin above and below.

The eyeball is covered, not squashed. In drawings, where skin is one colour, it vanishes into that colour with
its outline, and a bold line is left. Works in the eye's own frame: u from corner to corner (-1..1), v downwards
in px.
"""

from __future__ import annotations

import cv2
import numpy as np

from .face_eye_shape import EyeShape
from .face_picture import sample
from .hidden import membrane

_SHUT = 0.38
"""Openness (height over rest height) at which an eye is shut: detectors report 0.35-0.45 for a full blink."""
_WIDEST = 1.35
_LOWER_LID_SHARE = 0.22
"""How far up the lower lid may come, in eye heights."""

_ARC = 0.25
"""How far the line of a shut drawn eye bends down at least, in half widths of the eye."""
_GLOW = 60.0
"""Between the channels of a coloured light: 145 of a robot's cyan eyes, below 30 of the white of an eye."""
_OUTLINE_SHARE = 0.6
"""An outline is darker than this share of the skin around."""
_OTHER_SKIN_LEVELS = 45.0
"""Between the skin above and below a drawn eye: 5 in a face of one colour, 80 where a muzzle begins; in photos and
paintings light alone makes 70, and the colours blend."""


class Eye:
    """Made once from the picture, the outline of the eye in it, and the points of the brow above."""

    def __init__(self, pixels: np.ndarray, shape: EyeShape, brow: np.ndarray, is_flat: bool) -> None:
        height, width = pixels.shape[:2]
        frame = shape.frame
        self.origin, self.across, self.down, self.half = frame.origin, frame.across, frame.down, frame.half
        upper, lower = shape.upper, shape.lower
        self._lid_height = frame.detected_height
        self.height = float((lower - upper)[20:45].mean())
        brow_v = float(np.median((brow - self.origin) @ self.down))
        lid_v = float(upper[20:45].mean())
        room = max(lid_v - brow_v, 0.0)
        skin = np.clip(0.62 * room, 0.35 * self.height, 1.6 * self.height + 0.2 * self.half)
        self.skin = float(max(min(skin, 0.75 * room), 2.0))  # never into the brow
        below = min(0.8 * self.height, 0.5 * self.half + 0.15 * self.height)
        # the rectangle that may change
        reach_u, top_v, bottom_v = (
            1.2 * self.half + 3,
            float(min(upper.min(), lid_v)) - self.skin,
            float(lower.max()) + below,
        )
        corners = np.array([[su * reach_u, sv] for su in (-1, 1) for sv in (top_v, bottom_v)])
        xy = self.origin + corners[:, :1] * self.across + corners[:, 1:] * self.down
        x0, y0 = np.floor(xy.min(0)).astype(int).clip(0)
        x1, y1 = np.minimum(np.ceil(xy.max(0)).astype(int) + 1, [width, height])
        self.rows, self.cols = slice(int(y0), int(y1)), slice(int(x0), int(x1))
        ys, xs = np.mgrid[self.rows, self.cols]
        offset = np.stack([xs, ys], -1) - self.origin
        u, v = offset @ self.across / self.half, offset @ self.down
        inside = np.clip(np.abs(u), 0, 1)
        at = (np.clip(u, -1, 1) + 1) / 2 * (len(upper) - 1)
        grid = np.arange(len(upper))
        self._xs, self._ys = xs.astype(np.float32), ys.astype(np.float32)
        self._v = v.astype(np.float32)
        self._upper = np.interp(at, grid, upper).astype(np.float32)
        self._lower = np.maximum(np.interp(at, grid, lower), self._upper).astype(np.float32)
        self._inside = (np.abs(u) <= 1).astype(np.float32)
        self._taper = (1 - inside**6).astype(np.float32)
        slope = np.gradient((upper + lower) / 2, 2 * self.half / (len(upper) - 1))
        self._steep = np.sqrt(1 + np.interp(at, grid, slope) ** 2).astype(np.float32)
        self._below = below
        # where the lids meet: a smooth line, low in a human eye, flatter in a drawn round one
        meet = float(np.clip(0.10 + 0.35 * (self.height / self.half - 0.55), 0.10, 0.30))
        ends = np.linspace(lower[0], lower[-1], len(lower))
        us = np.linspace(-1, 1, len(lower))
        bows = np.stack([1 - us**2, us * (1 - us**2)], -1)
        bow = bows @ np.linalg.lstsq(bows, lower - ends - meet * (lower - upper), rcond=None)[0]
        self._seam = np.interp(at, grid, np.clip(ends + bow, upper + 0.4 * (lower - upper), lower)).astype(np.float32)
        on_border = self._sits_on_a_border(pixels, upper, lower, is_flat)
        # What lies below would be dragged up in another colour.
        self._lower_lid_share = 0.0 if on_border else _LOWER_LID_SHARE
        self._band = self._dark_band(pixels, upper)
        self.is_flat = is_flat
        self._bare: np.ndarray | None = None
        if is_flat or on_border:
            self._bare, self._hole = self._without_eye(pixels)
            arc = np.interp(at, grid, ends + _ARC * self.half * (1 - us**2)).astype(np.float32)
            self._seam = np.clip(np.maximum(self._seam, arc), self._upper, self._lower)
        self._choose_line(pixels, upper, is_flat, shape.is_drawn)

    def _choose_line(self, pixels: np.ndarray, upper: np.ndarray, is_flat: bool, is_drawn: bool) -> None:
        """Colour, width and strength of the line that a shut eye leaves."""
        grid = np.arange(len(upper))
        edge = self.origin + np.linspace(-0.8, 0.8, 17)[:, None] * self.half * self.across
        lid = np.interp((np.linspace(-0.8, 0.8, 17) + 1) / 2 * (len(upper) - 1), grid, upper)
        tries = sample(
            pixels, edge[:, None] + (lid[:, None] + np.linspace(-0.1, 0.06, 5) * self.height)[..., None] * self.down
        )
        darkest = tries[np.arange(17), tries.sum(-1).argmin(1)]
        self.lash_colour = np.median(darkest, axis=0).astype(np.float32)
        self.lash_px = max(1.2, (0.065 if is_flat or is_drawn else 0.045) * 2 * self.half)
        self._lash_strength = 0.95 if is_flat or is_drawn else 0.8
        eye = pixels[self.rows, self.cols][(self._v > self._upper) & (self._v < self._lower)].astype(np.float32)
        if not len(eye) or not (is_flat or is_drawn):
            return
        luma = eye.sum(1)
        dark, light = np.percentile(luma, [10, 90])
        skin = np.median(sample(pixels, edge + (lid[:, None] - 0.6 * self.skin) * self.down), axis=0)
        # An outline around lashes and all has none of them on it: the eye's own darkest is the ink.
        self.lash_colour = eye[luma <= dark].mean(0)
        usual = np.median(eye, axis=0)
        if usual.sum() - skin.sum() > 1.2 * (skin.sum() - dark) and np.ptp(usual) > _GLOW:
            self.lash_colour = usual  # a light in a dark face, not the white of an eye
        elif is_flat and light < skin.sum() + 40:  # a dot without white shuts to a line as bold as itself
            self.lash_px = max(1.8, 0.13 * 2 * self.half)

    def closing(self, upper_px: float, lower_px: float) -> tuple[float, float]:
        """How far the lids move: (upper: -0.35 wide open .. 1 shut, lower lid's rise in px), from lid displacements."""
        openness = (self._lid_height + lower_px - upper_px) / self._lid_height
        if openness >= 1:
            return -min(openness - 1, _WIDEST - 1), 0.0
        shut = min((1 - openness) / (1 - _SHUT), 1.0)
        shut = 0.25 * shut + 0.75 * shut * shut * (3 - 2 * shut)  # a smile narrows eyes a little, no more
        rise = min(max(-lower_px / self._lid_height, 0.0), self._lower_lid_share) * self.height
        return shut, rise

    def draw(self, picture: np.ndarray, shut: float, rise: float) -> np.ndarray:
        """The eye's rectangle of `picture` uint8 `[h,w,3]` with its lids moved, uint8."""
        v, up, low = self._v, self._upper, self._lower
        crease = up - self.skin
        if self._bare is not None and shut >= 0:
            return self._vanishing(picture, shut, rise)
        if shut < 0:
            moved = up + shut * (low - up) * 0.7
            wider = low - shut * (low - up) * 0.3
            source = np.where(
                v < moved,
                crease + (v - crease) * (up - crease) / np.maximum(moved - crease, 1e-3),
                np.where(
                    v < wider,
                    up + (v - moved) * (low - up) / np.maximum(wider - moved, 1e-3),
                    low + (v - wider) * self._below / np.maximum(low + self._below - wider, 1e-3),
                ),
            )
            source = np.where((v > crease) & (v < low + self._below), source, v)
            return self._look(picture, source)
        floor = np.maximum(low - rise * self._taper - shut * (low - self._seam), up)
        # shut means a little below the seam: a bright rim of the eyeball would give the trick away
        below = shut * (0.09 * self.height + 0.5) * self._taper
        moved = np.maximum(floor - (1 - shut) * (low - up) + below, up)
        eyeball = picture[self.rows, self.cols].astype(np.float32)
        # lashes and make-up above the lid's edge travel with it, thinner the further it closes
        keep = self._band * (1 - 0.6 * min(1.0, 1.5 * shut))
        stretch = (up - self._band - crease) / np.maximum(moved - keep - crease, 1e-3)
        lash = up - (moved - v) * (self._band / keep)
        source = np.where(v > moved - keep, lash, crease + (v - crease) * stretch)
        source = np.where(v > crease, np.minimum(source, up), v)
        lid = self._look(picture, source).astype(np.float32)
        if not self.is_flat:
            # the lid throws a shadow on the eyeball
            shade = np.exp(-np.maximum(v - moved, 0) / (0.16 * self.height)) * self._inside * min(1.0, 2 * shut)
            eyeball *= 1 - 0.35 * shade[..., None]
        if shut > 0 or rise > 0:
            bottom = low + self._below
            # a rim of the eyeball below the detected edge is skipped
            skin = self._below - 0.12 * self.height * shut
            stretched = bottom - (bottom - v) * skin / np.maximum(bottom - floor, 1e-3)
            under = self._look(picture, np.where((v >= floor) & (v < bottom), np.maximum(stretched, low), v))
            cover = np.clip((v - floor) / self._steep + 0.5, 0, 1) * self._inside
            eyeball += (under - eyeball) * cover[..., None]
        cover = np.clip((moved - v) / self._steep + 0.5, 0, 1) * np.maximum(self._inside, v < moved)
        out = eyeball + (lid - eyeball) * cover[..., None]
        self._draw_line(out, moved, shut)
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)

    def _draw_line(self, out: np.ndarray, v: np.ndarray, shut: float) -> None:
        thick = self.lash_px * (0.45 + 0.55 * self._taper)
        line = np.clip(thick / 2 + 0.5 - np.abs(self._v - v) / self._steep, 0, 1) * self._inside
        line *= min(1.0, 2.5 * shut) * self._lash_strength
        out += (self.lash_colour - out) * line[..., None]

    def _vanishing(self, picture: np.ndarray, shut: float, rise: float) -> np.ndarray:
        """`draw` where the skin around the eye tells what is under it."""
        assert self._bare is not None
        v, up, low = self._v, self._upper, self._lower
        floor = np.maximum(low - rise * self._taper - shut * (low - self._seam), up)
        moved = np.maximum(floor - (1 - shut) * (low - up) + 0.5 * shut * self._taper, up)
        # The outline around the eye goes with its lids: above soon, at the sides and below at last.
        soon, last = _smooth(shut / 0.35), max(_smooth((shut - 0.5) / 0.5), _smooth(10 * rise / self.height))
        beside = self._inside == 0
        lid = np.clip((moved - v) / self._steep + 0.5, 0, 1) * np.where((v < up) | beside, soon, 1)
        under = np.clip((v - floor) / self._steep + 0.5, 0, 1) * np.where((v > low) | beside, last, 1)
        cover = np.maximum(lid, under) * self._hole
        out = picture[self.rows, self.cols].astype(np.float32)
        out += (self._bare - out) * cover[..., None]
        self._draw_line(out, moved, shut)
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)

    def _without_eye(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The eye's rectangle float32 `[h,w,3]` without eye and outline, and float32 `[h,w]` where that differs."""
        here = np.ascontiguousarray(pixels[self.rows, self.cols])
        v, reach = self._v, 0.06 * self.half + 1.5
        own = ((v > self._upper) & (v < self._lower) & (self._inside > 0)).astype(np.uint8)
        far = cv2.distanceTransform(1 - own, cv2.DIST_L2, 5)
        around = (far > reach) & (far < 0.7 * self.half + reach)
        grey = here.astype(np.float32).mean(-1)
        usual = float(np.percentile(grey[around], 75)) if around.any() else 255.0
        # What hangs together with the eye and is as dark as its outline is its outline.
        dark = ((grey < _OUTLINE_SHARE * usual) & (far < 0.55 * self.half + reach)) | (far <= reach)
        _, pieces = cv2.connectedComponents(dark.astype(np.uint8))
        whole = np.isin(pieces, np.unique(pieces[own > 0])) & dark
        hole = cv2.dilate(whole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if hole.all():
            return here.astype(np.float32), np.zeros(hole.shape, np.float32)
        return membrane(here.astype(np.float32), ~hole), cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 0.6)

    def _sits_on_a_border(self, pixels: np.ndarray, upper: np.ndarray, lower: np.ndarray, is_flat: bool) -> bool:
        """Whether the skin below the eye has another colour than the skin above, as where a muzzle begins.

        Where nothing says that the face is a drawing, only a clear-cut border will do: light changes little by little.
        """
        u = np.linspace(-0.7, 0.7, 15)
        at = (u + 1) / 2 * (len(upper) - 1)
        along = self.origin + (u * self.half)[:, None] * self.across
        grid = np.arange(len(upper))
        above_v = np.interp(at, grid, upper) - 0.7 * self.skin
        below_v = np.interp(at, grid, lower) + 0.5 * self._below
        above = sample(pixels, along + above_v[:, None] * self.down)
        below = sample(pixels, along + below_v[:, None] * self.down)
        apart = np.abs(np.median(above, axis=0) - below).max(axis=1)
        other, same = apart > 2 * _OTHER_SKIN_LEVELS, apart < 0.4 * _OTHER_SKIN_LEVELS
        is_clear_cut = other.mean() > 0.25 and same.mean() > 0.1 and (other | same).mean() > 0.75
        return bool(is_clear_cut or (is_flat and apart.mean() > _OTHER_SKIN_LEVELS))

    def _dark_band(self, pixels: np.ndarray, upper: np.ndarray) -> float:
        """Height in px of lashes, line and make-up directly above the eye, at least a pixel."""
        u = np.linspace(-0.5, 0.5, 13)
        lid = np.interp((u + 1) / 2 * (len(upper) - 1), np.arange(len(upper)), upper)
        rise = np.linspace(0, 0.55 * self.skin, 24)
        at = self.origin + (u * self.half)[:, None, None] * self.across + (lid[:, None] - rise)[..., None] * self.down
        luma = np.median(sample(pixels, at) @ np.array([0.299, 0.587, 0.114], np.float32), axis=0)
        bright = float(np.percentile(luma, 85))
        dark = luma < bright - max(18.0, 0.22 * bright)
        end = int(np.argmin(dark)) if not dark.all() else len(rise) - 1
        return float(np.clip(rise[end], max(1.0, 0.03 * self.half), 0.5 * self.skin))

    def _look(self, picture: np.ndarray, source_v: np.ndarray) -> np.ndarray:
        shift = (source_v - self._v).astype(np.float32)
        x = self._xs + shift * np.float32(self.down[0])
        y = self._ys + shift * np.float32(self.down[1])
        return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _smooth(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)
