"""The paper pieces of the puppet: the core (torso and head) and one piece per limb, cut so that joints never gape.

Neighbouring pieces share the pixels around their joint. Both show them in the same place at rest, and the
rim of each piece inside the other fades out, so whichever lies on top has no visible seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .hidden import grow
from .parts import HEAD, LIMBS, LOCKS, TORSO, bone_distance
from .rig import Chain, Rig

_OTHER_COLOUR = 30.0
"""In Lab, between the colours of a sleeve and what is not one of them."""
_COMMON = 0.08
"""Share of the sleeve from which a colour is one of its own."""


@dataclass(frozen=True)
class Layer:
    """One piece."""

    name: str
    """'core' or the name of its limb."""
    texture: np.ndarray
    """uint8 `[h,w,4]` straight RGBA, cut out of the picture."""
    origin: tuple[int, int]
    """x, y of the texture's first pixel in the picture."""
    support: np.ndarray
    """bool `[H,W]`, whole picture: where the piece has any alpha."""


def make_layers(
    rig: Rig, pixels: np.ndarray, alpha: np.ndarray, labels: np.ndarray, separate_legs: bool
) -> tuple[Layer, ...]:
    """Core first, then the limbs in the rig's order. `pixels` already bled under the soft edge."""
    limbs = [c for c in rig.chains if c.name in LIMBS and (separate_legs or "arm" in c.name)]
    numbers = {c.name: LIMBS[c.name] for c in limbs}
    core_part = (labels == TORSO) | (labels == HEAD) | (labels == LOCKS)
    layers = [_core(rig, limbs, pixels, alpha, labels, core_part)]
    for chain in limbs:
        own = labels == numbers[chain.name]
        if int(own.sum()) < 12:
            continue
        layers.append(_limb(chain, pixels, alpha, labels, own, core_part & (labels != HEAD)))
    locks = labels == LOCKS
    if int(locks.sum()) >= 12:
        layers.append(_cut("locks", pixels, alpha, _soft(locks)))
    return tuple(layers)


def _soft(mask: np.ndarray) -> np.ndarray:
    """float32: a mask with an edge two pixels wide, for cuts that the picture's own alpha knows nothing of."""
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)


def _pill(a: np.ndarray, b: np.ndarray, inner: float, outer: float, shape: tuple[int, int]) -> np.ndarray:
    """float32: 1 within `inner` of the line from a to b, fading smoothly to 0 at `outer`."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    v = b - a
    t = np.clip(((x - a[0]) * v[0] + (y - a[1]) * v[1]) / max(v @ v, 1e-6), 0, 1)
    fade = np.clip((outer - np.hypot(x - a[0] - t * v[0], y - a[1] - t * v[1])) / max(outer - inner, 1e-3), 0, 1)
    return fade * fade * (3 - 2 * fade)


def _fading(mask: np.ndarray, inner: float, outer: float) -> np.ndarray:
    """float32: 1 up to `inner` px away from the mask, fading smoothly to 0 at `outer`."""
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.clip((outer - away) / max(outer - inner, 1e-3), 0, 1)
    return fade * fade * (3 - 2 * fade)


def _another_colour(pixels: np.ndarray, leg: np.ndarray, above: np.ndarray, radius: float) -> bool:
    """Whether the leg ends under a hem or a belly of another colour, which must not turn with the thigh."""
    top = leg & _near(above, 0.8 * radius)
    rim = above & _near(leg, 0.8 * radius)
    if top.sum() < 20 or rim.sum() < 20:
        return False
    apart = np.median(pixels[top].astype(np.float32), 0) - np.median(pixels[rim].astype(np.float32), 0)
    return bool(np.abs(apart).max() > 40)


def _near(mask: np.ndarray, reach_px: float) -> np.ndarray:
    """bool: within `reach_px` of the mask."""
    if not mask.any():
        return mask
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= reach_px


def _core(
    rig: Rig, limbs: list[Chain], pixels: np.ndarray, alpha: np.ndarray, labels: np.ndarray, own: np.ndarray
) -> Layer:
    shape = alpha.shape
    share = _soft(own)
    hidden = np.zeros(shape, bool)
    trunk = _trunk_hull(rig, labels)
    for chain in limbs:
        mine = labels == LIMBS[chain.name]
        radius = chain.radius[0]
        if "arm" in chain.name:
            inner = chain.joints[0] * 0.4 + rig.neck * 0.6
            joint = _pill(chain.joints[0], inner, 0.88 * radius - 2, 0.88 * radius, shape)
        else:
            joint = _fading(labels == TORSO, 0.15 * radius, 0.6 * radius)
        share = np.maximum(share, np.where(mine, joint, 0))
        if "arm" in chain.name:
            hidden |= mine & (trunk | (_near(labels == TORSO, 0.3 * radius) & trunk_band(rig, shape)))
    # What lay behind the arms: grown from the trunk that can be seen, a little away from the arm's outline.
    if hidden.any():
        round_ = cv2.GaussianBlur((hidden | own).astype(np.float32), (0, 0), max(2.0, 0.12 * limbs[0].radius[0])) > 0.5
        reach = max(2, round(0.25 * limbs[0].radius[0]))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        whole = cv2.morphologyEx((hidden | own).astype(np.uint8), cv2.MORPH_OPEN, disc) > 0
        hidden &= round_ & whole  # its outline will be seen: no spikes
        source = own & (labels == TORSO) & ~_near(~own & (alpha > 8), 2.0)
        filled = grow(pixels, source if source.any() else own)
        soft = _soft(hidden | own)
        discs = np.zeros(shape, np.float32)
        for chain in limbs:
            if "arm" in chain.name:
                radius = chain.radius[0]
                inner = chain.joints[0] * 0.4 + rig.neck * 0.6
                discs = np.maximum(discs, _pill(chain.joints[0], inner, 0.5 * radius, 0.88 * radius, shape))
        mix = (hidden & ~own)[..., None] * (1 - discs[..., None])
        pixels = np.clip(np.rint(pixels * (1 - mix) + filled * mix), 0, 255).astype(np.uint8)
        share = np.maximum(share, soft * (hidden | own))
    return _cut("core", pixels, alpha, share)


def trunk_band(rig: Rig, shape: tuple[int, int]) -> np.ndarray:
    """bool: below the shoulders and above the hips, measured along the spine."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    along = ((x - rig.neck[0]) * rig.spine[0] + (y - rig.neck[1]) * rig.spine[1]) / rig.spine_length**2
    return (along > 0.1) & (along < 1.05)


def _trunk_hull(rig: Rig, labels: np.ndarray) -> np.ndarray:
    """bool: the convex hull of the visible trunk between shoulders and hips, and of the joints themselves."""
    seen = (labels == TORSO) & trunk_band(rig, labels.shape)
    canvas = np.zeros(labels.shape, np.uint8)
    ys, xs = np.nonzero(seen)
    joints = np.concatenate([rig.neck + (rig.shoulders - rig.neck) * 0.75, rig.pelvis + (rig.hips - rig.pelvis)])
    points = np.concatenate([np.stack([xs, ys], 1), np.rint(joints)]).astype(np.int32)
    # Sleeves and tails can stretch the hull far out: it ends a little outside shoulders and hips.
    hull = cv2.convexHull(points)
    cv2.fillConvexPoly(canvas, hull, 1)
    side = np.array([-rig.spine[1], rig.spine[0]]) / rig.spine_length
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
    across = np.abs((x - rig.neck[0]) * side[0] + (y - rig.neck[1]) * side[1])
    half = max(abs((rig.shoulders - rig.neck) @ side).max(), abs((rig.hips - rig.neck) @ side).max())
    return (canvas > 0) & (across < half) & trunk_band(rig, labels.shape)


def _limb(
    chain: Chain, pixels: np.ndarray, alpha: np.ndarray, labels: np.ndarray, own: np.ndarray, trunk: np.ndarray
) -> Layer:
    shape = alpha.shape
    radius = chain.radius[0]
    inside = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    if "arm" in chain.name:
        cap = np.where(trunk, _pill(chain.joints[0], chain.joints[0], 0.8 * radius, 1.1 * radius, shape), 0)
        cap = cap * _like_the_sleeve(chain, pixels, labels, own)
        covered = (labels == LOCKS) & (bone_distance(chain, shape) < 1.1)  # the shoulder under the hair
    else:
        # A thigh goes on up to its hip under the seat, and behind the other leg and a hand.
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        axis = chain.vectors[0] / chain.lengths[0]
        down = ((x - chain.joints[0][0]) * axis[0] + (y - chain.joints[0][1]) * axis[1]) / radius
        thigh = bone_distance(chain, shape)
        cap = np.where(trunk & (thigh < 1.05), np.clip((down + 0.6) / 0.5, 0, 1), 0).astype(np.float32)
        others = [n for n in LIMBS.values() if n != LIMBS[chain.name]]
        covered = np.isin(labels, others) & (thigh < 1.0)
        if _another_colour(pixels, own, trunk & (cap > 0), radius):
            covered |= trunk & (cap > 0)
    share = np.maximum(_soft(own), cap)
    share = np.where(labels == LOCKS, 0, share)
    if covered.any():
        source = own & ~_near(~own & (alpha > 8), 2.0)
        if "arm" in chain.name:  # the sleeve, not the hand
            source &= _pill(chain.joints[0], chain.joints[1], 1.2 * radius, 1.2 * radius + 1, shape) > 0
            source &= ~_near(labels == LOCKS, 0.35 * radius)
        filled = grow(pixels, source if source.any() else own)
        if "arm" in chain.name and source.any():  # yellow stripes and outlines would grow into a grey
            filled = np.where((labels == LOCKS)[..., None], np.median(pixels[source], 0), filled)
        inside = np.where(covered[..., None], np.clip(np.rint(filled), 0, 255), pixels).astype(np.uint8)
        share = np.maximum(share, np.where(covered & (~trunk | (labels == LOCKS)), _soft(covered | own), 0))
    share = np.maximum(share, (_near(own, 1.5) & trunk & (cap > 0)) * 1.0)
    return _cut(chain.name, inside, alpha, share)


def _like_the_sleeve(chain: Chain, pixels: np.ndarray, labels: np.ndarray, own: np.ndarray) -> np.ndarray:
    """float32, 1 where the colour is one of the upper arm's: a collar or hair does not turn with it."""
    reach = 2.5 * chain.radius[0]
    sleeve = own & ~_near(labels == LOCKS, 0.35 * chain.radius[0])
    sleeve &= _pill(chain.joints[0], chain.joints[0], reach, reach + 1, own.shape) > 0
    if sleeve.sum() < 30:
        return np.ones(own.shape, np.float32)
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 1.2), cv2.COLOR_RGB2LAB).astype(np.float32)
    _, which, counts = np.unique(lab[sleeve] // 32, axis=0, return_inverse=True, return_counts=True)
    away = np.full(own.shape, np.inf, np.float32)
    for k in np.nonzero(counts >= _COMMON * counts.sum())[0]:
        away = np.minimum(away, np.linalg.norm(lab - lab[sleeve][which.ravel() == k].mean(0), axis=2))
    return _soft(away < _OTHER_COLOUR)


def _cut(name: str, pixels: np.ndarray, alpha: np.ndarray, share: np.ndarray) -> Layer:
    mask = np.clip(np.rint(alpha * share), 0, 255).astype(np.uint8)
    support = mask > 2
    ys, xs = np.nonzero(support)
    margin = 4
    y0, y1 = max(int(ys.min()) - margin, 0), min(int(ys.max()) + margin + 1, alpha.shape[0])
    x0, x1 = max(int(xs.min()) - margin, 0), min(int(xs.max()) + margin + 1, alpha.shape[1])
    texture = np.dstack([pixels, np.where(support, mask, 0)])[y0:y1, x0:x1]
    return Layer(name, np.ascontiguousarray(texture), (x0, y0), support)
