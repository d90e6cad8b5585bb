"""Soft outlines: how much of the character each pixel at its edge holds, and of which colour.

A pixel at the edge is a mixture, C = a F + (1 - a) B. Foreground F and background B are carried in
from the certain pixels nearby, and a is read off the line between them; where the two colours are
too alike to tell, a follows the picture's own edges (guided filter: He, Sun and Tang, 2013).
"""

from __future__ import annotations

import cv2
import numpy as np


def soft_alpha(
    pixels: np.ndarray,
    character: np.ndarray,
    background: np.ndarray,
    *,
    guess: np.ndarray | None = None,
    background_colours: np.ndarray | None = None,
) -> np.ndarray:
    """float32 `[h,w]` 0..1: 1 where `character`, 0 where `background` (bool), mixtures between.

    `guess` (float 0..1) tells what to believe where colours do not; `background_colours` are used
    instead of an estimate where the background is known.
    """
    colours = pixels.astype(np.float32)
    fore = extend_colours(colours, character.astype(np.float32))
    known = background_colours
    back = extend_colours(colours, background.astype(np.float32)) if known is None else known
    axis = fore - back
    length = np.einsum("hwc,hwc->hw", axis, axis)
    along = np.einsum("hwc,hwc->hw", colours - back, axis) / np.maximum(length, 1.0)
    mixed = np.clip(along, 0, 1)
    believed = guess
    if believed is None:
        inside = cv2.GaussianBlur(character.astype(np.float32), (0, 0), 2)
        outside = cv2.GaussianBlur(background.astype(np.float32), (0, 0), 2)
        believed = inside / np.maximum(inside + outside, 1e-6)
    # 30 levels apart tell a mixture to a tenth under 3 levels of noise; 10 levels tell nothing.
    sure = np.clip((np.sqrt(length) - 10) / 40, 0, 1)
    # A colour that is no mixture of the two (a drawn outline, a button) tells nothing either.
    aside = np.linalg.norm(colours - back - along[..., None] * axis, axis=2)
    sure *= np.clip(1.5 - 2.5 * aside / np.maximum(np.sqrt(length), 1), 0, 1)
    alpha = sure * mixed + (1 - sure) * believed.astype(np.float32)
    alpha[character], alpha[background] = 1, 0
    return alpha


def extend_colours(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """float32 `[h,w,3]`: where `weight` (`[h,w]`, 0..1) is 0, the colours of its surroundings that count.

    Push and pull over a pyramid: averages of what counts, from the finest level that has any.
    """
    levels: list[tuple[np.ndarray, np.ndarray]] = []
    weight = weight.astype(np.float32)
    value = colours.astype(np.float32) * weight[..., None]
    while True:
        levels.append((value, weight))
        h, w = weight.shape
        if min(h, w) <= 2 or weight.min() > 0:
            break
        size = ((w + 1) // 2, (h + 1) // 2)
        value = cv2.resize(value, size, interpolation=cv2.INTER_AREA)
        weight = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        # A quarter-filled cell is as good as a full one; what is thin may speak for its cell.
        value = value * 4 / np.maximum(4 * weight, 1)[..., None]
        weight = np.minimum(4 * weight, 1)
    value, weight = levels[-1]
    total = value.sum((0, 1)) / max(float(weight.sum()), 1e-6)
    filled = np.where(weight[..., None] > 1e-4, value / np.maximum(weight, 1e-4)[..., None], total)
    for value, weight in reversed(levels[:-1]):
        below = cv2.resize(filled, (weight.shape[1], weight.shape[0]), interpolation=cv2.INTER_LINEAR)
        filled = value + below * (1 - weight[..., None])
    return filled


def clean_edge_colours(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with the character's own colours under and around its soft edge, uint8 `[H,W,3]`.

    Where `alpha` (uint8 `[H,W]`) is 255 nothing changes; elsewhere the background's share is taken
    out of the mixture, the more surely the more of the character there is, and beyond the outline the
    character's colours go on, so that a moved and resampled cut-out carries no halo.
    """
    share = alpha.astype(np.float32) / 255
    colours = pixels.astype(np.float32)
    solid = alpha >= 250
    if not solid.any():
        solid = alpha >= max(1, int(alpha.max()) - 5)
    # One pixel further in: cameras and scalers bleed over the edge that alpha shows.
    core = cv2.erode(solid.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # Thin parts (whiskers, strings) have no core and keep what they have.
    reach = cv2.dilate(core.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    core |= solid & ~reach
    fore = extend_colours(colours, core.astype(np.float32))
    empty = alpha == 0
    out = fore.copy()
    band = ~empty & (alpha < 255)
    if band.any() and empty.any():
        back = extend_colours(colours, empty.astype(np.float32))
        a = share[band][:, None]
        unmixed = np.clip((colours[band] - (1 - a) * back[band]) / np.maximum(a, 0.05), 0, 255)
        trust = a * a  # the error of unmixing grows as 1/a
        out[band] = trust * unmixed + (1 - trust) * fore[band]
    result = np.clip(np.round(out), 0, 255).astype(np.uint8)
    result[alpha == 255] = pixels[alpha == 255]
    return result


def guided(guide: np.ndarray, value: np.ndarray, radius: int, evenness: float) -> np.ndarray:
    """`value` float32 `[h,w]` with the edges of `guide` (uint8 RGB); `evenness` is the filter's epsilon for 0..1."""
    image = guide.astype(np.float32) / 255
    box = (2 * radius + 1, 2 * radius + 1)

    def mean(x: np.ndarray) -> np.ndarray:
        return cv2.blur(x, box, borderType=cv2.BORDER_REFLECT)

    m_image, m_value = mean(image), mean(value)
    cross = mean(image * value[..., None]) - m_image * m_value[..., None]
    r, g, b = (image[..., k] for k in range(3))
    second = mean(np.stack([r * r, r * g, r * b, g * g], -1)), mean(np.stack([g * b, b * b], -1))
    mr, mg, mb = (m_image[..., k] for k in range(3))
    rr, rg, rb = second[0][..., 0] - mr * mr + evenness, second[0][..., 1] - mr * mg, second[0][..., 2] - mr * mb
    gg, gb, bb = (
        second[0][..., 3] - mg * mg + evenness,
        second[1][..., 0] - mg * mb,
        second[1][..., 1] - mb * mb + evenness,
    )
    # Inverse of the symmetric 3x3 covariance by cofactors.
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * c_rr + rg * c_rg + rb * c_rb, 1e-12)
    kr, kg, kb = (cross[..., k] for k in range(3))
    slope = np.stack(
        [c_rr * kr + c_rg * kg + c_rb * kb, c_rg * kr + c_gg * kg + c_gb * kb, c_rb * kr + c_gb * kg + c_bb * kb], -1
    )
    slope /= determinant[..., None]
    offset = m_value - np.einsum("hwc,hwc->hw", slope, m_image)
    return np.einsum("hwc,hwc->hw", mean(slope), image) + mean(offset)
