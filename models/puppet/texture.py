"""Continuing a picture into a hole: patches of what is known, matched coarse to fine, colours drawn to the rim.

Randomised patch matching after Barnes et al., 'PatchMatch' (SIGGRAPH 2009), inside the coarse-to-fine
completion of Wexler, Shechtman and Irani, 'Space-time completion of video' (PAMI 2007). Seeded: the same
picture gives the same pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from .hidden import membrane

_PATCH = 3  # half width: patches of 7 x 7
_WORK_PIXELS = 7000  # of the hole on the finest matched level
_ROUNDS = 3
_LEAN = 0.03


def continue_texture(pixels: np.ndarray, hole: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """float32 `[H,W,3]`: `pixels` with the hole (bool) filled; `smooth` is a first guess for every pixel."""
    ys, xs = np.nonzero(hole)
    # Patches come from a frame around the hole, as wide as the hole is.
    margin = max(32, round(0.6 * max(np.ptp(ys), np.ptp(xs))))
    y0, y1 = max(ys.min() - margin, 0), min(ys.max() + margin + 1, hole.shape[0])
    x0, x1 = max(xs.min() - 2 * margin, 0), min(xs.max() + 2 * margin + 1, hole.shape[1])
    part, mask, guess = pixels[y0:y1, x0:x1], hole[y0:y1, x0:x1], smooth[y0:y1, x0:x1]
    step = max(1.0, float(np.sqrt(mask.sum() / _WORK_PIXELS)))
    sizes, scale = [], step
    while True:
        size = (max(24, round(mask.shape[1] / scale)), max(24, round(mask.shape[0] / scale)))
        small = _shrink_mask(mask, size)
        # Too coarse: rows of the hole that no whole patch of the known picture shares would look elsewhere.
        rows = small.any(1)
        lonely = rows & ~_sources(small).any(1)
        if sizes and (lonely.mean() > 0.02 or min(size) <= 32):
            break
        sizes.append(size)
        scale *= 1.6
    random = np.random.default_rng(0)
    field: np.ndarray | None = None
    picture = np.zeros(0)
    for size in reversed(sizes):
        small = _shrink_mask(mask, size)
        known = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if field is None:
            picture = _across(known, small, cv2.resize(guess, size, interpolation=cv2.INTER_AREA))
        else:
            field = _grown(field, size)
            picture = _vote(known, small, field)
        picture = np.where(small[..., None], picture, known)
        field, picture = _complete(picture, known, small, field, random)
    assert field is not None
    full = _detailed(part.astype(np.float32), mask, field)
    out = smooth.copy()
    out[y0:y1, x0:x1] = np.where(mask[..., None], _drawn_to_rim(full, part, mask), part)
    return out


def _across(known: np.ndarray, mask: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Each row of the hole drawn straight from its left rim to its right one; `guess` where a side is missing."""
    out = guess.copy()
    columns = np.arange(mask.shape[1])
    for y in np.nonzero(mask.any(1))[0]:
        there = columns[~mask[y]]
        if len(there) < 2:
            continue
        inside = mask[y] & (columns > there[0]) & (columns < there[-1])
        for channel in range(3):
            out[y, inside, channel] = np.interp(columns[inside], there, known[y, there, channel])
    return out


def _shrink_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.01


def _grown(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A field of source places `[h,w,2]` (x, y) on a finer grid."""
    h, w = field.shape[:2]
    y, x = np.mgrid[: size[1], : size[0]]
    cy, cx = np.minimum(y * h // size[1], h - 1), np.minimum(x * w // size[0], w - 1)
    offset = field[cy, cx] - np.stack([cx, cy], -1)
    scale = np.array([size[0] / w, size[1] / h])
    return np.rint(np.stack([x, y], -1) + offset * scale).astype(np.int32)


def _sources(mask: np.ndarray) -> np.ndarray:
    """bool: pixels whose whole patch is known."""
    side = 2 * _PATCH + 1
    blocked = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    blocked[:_PATCH], blocked[-_PATCH:], blocked[:, :_PATCH], blocked[:, -_PATCH:] = True, True, True, True
    return ~blocked


_SHIFTS = np.array([(dx, dy) for dy in range(-_PATCH, _PATCH + 1) for dx in range(-_PATCH, _PATCH + 1)])


def _complete(
    picture: np.ndarray, known: np.ndarray, mask: np.ndarray, field: np.ndarray | None, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    h, w = mask.shape
    free = _sources(mask)
    if free.sum() < 16:
        y, x = np.mgrid[:h, :w]
        return np.stack([x, y], -1).astype(np.int32), picture
    fy, fx = np.nonzero(free)
    side = 2 * _PATCH + 1
    targets = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    ty, tx = np.nonzero(targets)
    slot = np.full((h, w), -1, np.int64)
    slot[ty, tx] = np.arange(len(ty))
    # First places: anywhere in the same row, or in a row near it.
    begins = np.searchsorted(fy, ty)
    ends = np.searchsorted(fy, ty, side="right")
    some = ends > begins
    draw = begins + (random.random(len(ty)) * np.maximum(ends - begins, 1)).astype(np.int64)
    draw = np.where(some, draw, np.clip(begins, 0, len(fy) - 1))
    best = np.stack([fx[draw], fy[draw]], -1)
    if field is not None:
        proposed = field[ty, tx]
        inside = (proposed >= 0).all(1) & (proposed[:, 0] < w) & (proposed[:, 1] < h)
        inside[inside] = free[proposed[inside, 1], proposed[inside, 0]]
        best[inside] = proposed[inside]
    # Patches of the same height in the picture are likelier: floors and horizons run across.
    lean = _LEAN * 255 * 255 * 3 / h

    for _ in range(_ROUNDS):
        padded = cv2.copyMakeBorder(picture, _PATCH, _PATCH, _PATCH, _PATCH, cv2.BORDER_REFLECT_101)
        sums = padded

        def cost(place: np.ndarray, rows: np.ndarray, canvas: np.ndarray = sums) -> np.ndarray:
            total = np.abs(place[:, 1] - ty[rows]) * lean
            for dx, dy in _SHIFTS[::2]:
                a = canvas[ty[rows] + _PATCH + dy, tx[rows] + _PATCH + dx]
                b = known[place[:, 1] + dy, place[:, 0] + dx]
                d = a - b
                total = total + np.einsum("nc,nc->n", d, d)
            return total

        everyone = np.arange(len(ty))
        price = cost(best, everyone)
        for reach in (1, 3):
            for dx, dy in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
                nx, ny = tx + dx, ty + dy
                ok = (nx >= 0) & (ny >= 0) & (nx < w) & (ny < h)
                neighbour = np.where(ok, slot[np.clip(ny, 0, h - 1), np.clip(nx, 0, w - 1)], -1)
                _offer(best, price, neighbour >= 0, best[neighbour] - (dx, dy), free, cost)
        radius = max(h, w) / 2
        while radius >= 1:
            offer = best + np.rint(random.uniform(-radius, radius, best.shape)).astype(np.int64)
            _offer(best, price, np.ones(len(best), bool), offer, free, cost)
            radius /= 4
        field = np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).astype(np.int32)
        field[ty, tx] = best
        picture = np.where(mask[..., None], _vote(known, mask, field), known)
    assert field is not None
    return field, picture


def _offer(best, price, able, offer, free, cost) -> None:  # noqa: ANN001
    """Take the offered places where they are allowed and cheaper."""
    h, w = free.shape
    able = able & (offer >= 0).all(1) & (offer[:, 0] < w) & (offer[:, 1] < h)
    rows = np.nonzero(able)[0]
    rows = rows[free[offer[rows, 1], offer[rows, 0]]]
    if not len(rows):
        return
    new = cost(offer[rows], rows)
    better = new < price[rows]
    best[rows[better]] = offer[rows[better]]
    price[rows[better]] = new[better]


def _vote(known: np.ndarray, mask: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Every pixel of the hole as the mean of what all patches over it say."""
    h, w = mask.shape
    ys, xs = np.nonzero(mask)
    total, count = np.zeros((len(ys), 3), np.float32), np.zeros((len(ys), 1), np.float32)
    for dx, dy in _SHIFTS:
        y, x = np.clip(ys + dy, 0, h - 1), np.clip(xs + dx, 0, w - 1)
        place = field[y, x] - (dx, dy)
        px, py = np.clip(place[:, 0], 0, w - 1), np.clip(place[:, 1], 0, h - 1)
        good = ~mask[py, px]
        weight = good[:, None] * np.float32(1.5 - (abs(dx) + abs(dy)) / (2 * _PATCH))
        total += known[py, px] * weight
        count += weight
    out = known.copy()
    out[ys, xs] = np.where(count > 0, total / np.maximum(count, 1e-6), known[ys, xs])
    return out


def _detailed(part: np.ndarray, mask: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The hole at full size: the sources that the four nearest places of the coarse field point to, blended."""
    h, w = mask.shape
    ch, cw = field.shape[:2]
    ys, xs = np.nonzero(mask)
    gy, gx = (ys + 0.5) * ch / h - 0.5, (xs + 0.5) * cw / w - 0.5
    by, bx = np.floor(gy).astype(int), np.floor(gx).astype(int)
    total, count = np.zeros((len(ys), 3), np.float32), np.zeros((len(ys), 1), np.float32)
    for oy in (0, 1):
        for ox in (0, 1):
            cy, cx = np.clip(by + oy, 0, ch - 1), np.clip(bx + ox, 0, cw - 1)
            place = field[cy, cx]
            sx = np.clip(np.rint(xs + (place[:, 0] - cx) * w / cw).astype(int), 0, w - 1)
            sy = np.clip(np.rint(ys + (place[:, 1] - cy) * h / ch).astype(int), 0, h - 1)
            weight = np.maximum(0, 1 - np.abs(gy - cy)) * np.maximum(0, 1 - np.abs(gx - cx)) + 1e-4
            # Sharp blending: the nearest place counts most, so that two sources do not blur each other.
            weight = (weight**3 * ~mask[sy, sx])[:, None].astype(np.float32)
            total += part[sy, sx] * weight
            count += weight
    out = part.copy()
    out[ys, xs] = np.where(count > 0, total / np.maximum(count, 1e-9), np.nan)
    lost = np.isnan(out).any(2)
    if lost.any():
        out = membrane(np.nan_to_num(out), ~lost)
    return out


def _drawn_to_rim(full: np.ndarray, part: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Add a membrane of the colour steps at the rim, so that no outline of the hole is left."""
    inner = mask & (cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    near_inside = cv2.blur(np.dstack([full * inner[..., None], inner.astype(np.float32)]), (9, 9))
    outer = ~mask & (cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    ring = ~mask & (cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    near_outside = cv2.blur(np.dstack([part * ring[..., None].astype(np.float32), ring.astype(np.float32)]), (9, 9))
    step = near_outside[..., :3] / np.maximum(near_outside[..., 3:], 1e-6) - near_inside[..., :3] / np.maximum(
        near_inside[..., 3:], 1e-6
    )
    usable = outer & (near_inside[..., 3] > 1e-3)
    step = np.where(usable[..., None], np.clip(step, -40, 40), 0).astype(np.float32)
    return full + membrane(step, ~mask)
