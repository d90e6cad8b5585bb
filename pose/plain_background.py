"""Separating a character from a background of one colour or one smooth gradient.

Drawings, product pictures and studio photos have such backgrounds; a colour model of the border then
says more about the outline than any person network does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

BORDER_SHARE = 0.02
"""Width of the border strip from which the background is learnt, as a share of the short side."""
EVEN_ENOUGH = 2.2
"""Largest typical deviation of the border from the model, in CIELAB units (2.3 is just noticeable)."""
MUST_FIT = 0.7
"""Share of the border that the model must explain; the character may stand in the rest."""

CLEAR_OUTLINE = 0.88
"""Share of the outline along which the character must differ clearly from the background."""
FIRST_TERMS, ALL_TERMS = 6, 10
"""Terms of the colour model: a bent gradient from the border alone, a freer one once the background is known."""


@dataclass(frozen=True)
class PlainBackground:
    """A background model and where it was recognised."""

    is_background: np.ndarray
    """bool `[h,w]`: reached from the border without leaving the model's colours."""
    looks_alike: np.ndarray
    """bool `[h,w]`: the colours of the background anywhere, so also white eyes on white paper."""
    colours: np.ndarray
    """float32 `[h,w,3]` RGB 0..255: the background as it would be without the character."""


def find_plain_background(pixels: np.ndarray) -> PlainBackground | None:
    """The background of uint8 `[h,w,3]` if its border is plain or a smooth gradient, else None."""
    h, w = pixels.shape[:2]
    if min(h, w) < 16:
        return None
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lab = cv2.GaussianBlur(lab, (0, 0), 0.7)
    strip = max(2, round(BORDER_SHARE * min(h, w)))
    border = np.zeros((h, w), bool)
    border[:strip] = border[:, :strip] = border[:, -strip:] = True  # feet often stand on the lower border
    basis = _smooth_basis(h, w)
    chosen = np.nonzero(border.ravel())[0][:: max(1, int(border.sum()) // 6000)]
    found = _fit_robustly(basis[chosen], lab.reshape(-1, 3)[chosen], terms=FIRST_TERMS)
    if found is None:
        return None
    model, deviation = found
    away = _distance(lab, basis, model)
    limit = float(np.clip(3.5 * deviation + 3, 5, 13))
    background = _reached_from_border(away < limit)
    if background.mean() < 0.05:
        return None
    # Now that more of it is known, let the model bend, and look again.
    chosen = np.nonzero(background.ravel())[0]
    chosen = chosen[:: max(1, len(chosen) // 12000)]
    again = _fit_robustly(basis[chosen], lab.reshape(-1, 3)[chosen], terms=ALL_TERMS)
    if again is not None:
        model, deviation = again
        away = _distance(lab, basis, model)
        limit = float(np.clip(3.5 * deviation + 3, 5, 13))
        background = _reached_from_border(away < limit)
    if not 0.04 < background.mean() < 0.985:
        return None
    if not _has_clear_outline(~background, away, limit):
        return None
    flat = (basis[:, : len(model)] @ model).reshape(h, w, 3).astype(np.float32)
    colours = np.clip(cv2.cvtColor(flat, cv2.COLOR_Lab2RGB) * 255, 0, 255)
    return PlainBackground(background, away < limit, colours)


def _smooth_basis(h: int, w: int) -> np.ndarray:
    """float32 `[h*w,10]`: 1, x, y, their squares and product, and the cubic terms, with x, y in -1..1."""
    y, x = np.meshgrid(np.linspace(-1, 1, h, dtype=np.float32), np.linspace(-1, 1, w, dtype=np.float32), indexing="ij")
    x, y = x.ravel(), y.ravel()
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, y**3, y * y * x, y * x * x, x**3], 1)


def _fit_robustly(basis: np.ndarray, colours: np.ndarray, *, terms: int) -> tuple[np.ndarray, float] | None:
    """Coefficients and typical deviation, by weights that let go of what does not fit (the character)."""
    a = basis[:, :terms].astype(np.float64)
    away = np.linalg.norm(colours - np.median(colours, 0), axis=1)
    model = None
    for width in (24.0, 14.0, 9.0, 6.0, 4.0, 4.0):
        weight = 1 / (1 + (away / width) ** 2) ** 2
        root = np.sqrt(weight)[:, None]
        model = np.linalg.lstsq(a * root, colours * root, rcond=None)[0]
        away = np.linalg.norm(colours - a @ model, axis=1)
    fits = away < 7
    if model is None or fits.mean() < MUST_FIT:
        return None
    deviation = float(np.median(away[fits]))
    return (model, deviation) if deviation < EVEN_ENOUGH else None


def _distance(lab: np.ndarray, basis: np.ndarray, model: np.ndarray) -> np.ndarray:
    flat = basis[:, : len(model)] @ model.astype(np.float32)
    return np.linalg.norm(lab - flat.reshape(lab.shape), axis=2)


def _has_clear_outline(shape: np.ndarray, away: np.ndarray, limit: float) -> bool:
    """Whether the colour steps away from the background at the outline.

    Dark hair before a dark wall and a white animal before clouds fade into it, and the outline found
    is then only where the model's limit happens to lie.
    """
    inner = cv2.erode(shape.astype(np.uint8), np.ones((7, 7), np.uint8))
    ring = (inner > 0) & (cv2.erode(inner, np.ones((5, 5), np.uint8)) == 0)
    return bool(ring.any()) and float((away[ring] > 1.6 * limit).mean()) > CLEAR_OUTLINE


def _reached_from_border(alike: np.ndarray) -> np.ndarray:
    """The part of `alike` that hangs together with the border, hair-thin leaks closed."""
    count, labels = cv2.connectedComponents(alike.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(alike)
    touching = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    return np.isin(labels, touching[touching > 0])
