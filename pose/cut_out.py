"""The character's outline: alpha for a picture that has none.

Two ways, and a judgement between them: a plain or gradient background is taken away by its colour;
anything else is cut out where the networks see a person, sharpened by GrabCut and softened at the
edge by colour. Colours under the soft edge are the business of `soft_edge`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..core import BODY, FACE, LEFT_HAND, RIGHT_HAND, Character, InputError, MissingPackage, PoseTrack
from .plain_background import PlainBackground, find_plain_background
from .plausibility import LIMBS, SEEN, judge
from .soft_edge import clean_edge_colours, guided, soft_alpha
from .still_person import StillWatcher, frame_box, framings

WORK_SIDE = 1024
"""Outlines are found at this size (px of the long side) and carried to larger pictures by their own edges."""
HAND_BONES = tuple((0 if k == 0 else 4 * f + k, 4 * f + k + 1) for f in range(5) for k in range(4))
SEAMLESS = 6
"""Largest step between neighbouring pixels, in levels, that a smooth gradient has at GrabCut's size."""
_WHOLLY = 0.95
GRABCUT_SIDE = 400
"""GrabCut's time goes with the area; its result is only the middle of a soft edge."""


def cut_out(character: Character) -> np.ndarray:
    """uint8 `[H,W]`, 255 = the character: its alpha where it has one, else segmentation.

    Joints that are known (`character.pose`) help to tell it from the background. Raises InputError
    when nothing or everything would be cut out.
    """
    alpha = character.alpha
    if alpha is not None and alpha.min() < 255:
        if alpha.max() == 0:
            raise InputError("The character's mask or alpha channel is empty; white (or opaque) must be the character.")
        return alpha
    scale = min(1.0, WORK_SIDE / max(character.size))
    size = (max(1, round(character.size[0] * scale)), max(1, round(character.size[1] * scale)))
    pixels = character.pixels
    if scale < 1:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    found = _cut(np.ascontiguousarray(pixels), _scaled_pose(character.pose, size))
    share = float((found > 0.5).mean())
    if not 0.002 < share < 0.985:
        what = "nothing" if share <= 0.002 else "everything"
        raise InputError(
            f"Cutting the character out of its {character.size[0]}x{character.size[1]} picture left {what}; "
            f"a picture with transparency, a plain background, or a mask (`mask`) would work."
        )
    if scale < 1:
        found = _carry_up(character.pixels, pixels, found)
    return np.round(np.clip(found, 0, 1) * 255).astype(np.uint8)


def find_silhouette(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray | None:
    """uint8 `[h,w]` of what is certainly the character's: its alpha, or what a plain background leaves; else None."""
    if alpha is not None:
        return alpha if (alpha >= 128).any() else None
    plain = find_plain_background(pixels)
    if plain is None:
        return None
    shape = _main_part(~plain.is_background)
    if not 0.005 < shape.mean() < 0.97:
        return None
    return np.where(shape, 255, 0).astype(np.uint8)


def guess_silhouette(pixels: np.ndarray) -> np.ndarray | None:
    """uint8 `[h,w]` of what stands out in the middle by its colours; None when that is no compact thing."""
    guess = _sharpen(pixels, _middle_guess(pixels.shape[:2], None), None, is_seen=False) > 0.5
    rim = np.concatenate([guess[0], guess[:, 0], guess[:, -1]])
    if not _stands_out(pixels, guess):
        return None
    if not 0.03 < guess.mean() < 0.6 or rim.mean() > 0.15:
        return None
    return np.where(guess, 255, 0).astype(np.uint8)


@dataclass(frozen=True)
class _Body:
    points: np.ndarray
    scores: np.ndarray


def _scaled_pose(pose: PoseTrack | None, size: tuple[int, int]) -> _Body | None:
    if pose is None or float(pose.scores[0, BODY].max()) < SEEN:
        return None
    scale = np.array(size) / np.array(pose.size)
    return _Body(((pose.points[0] + 0.5) * scale - 0.5).astype(np.float32), pose.scores[0])


def _cut(pixels: np.ndarray, body: _Body | None) -> np.ndarray:
    """float32 `[h,w]` 0..1"""
    h, w = pixels.shape[:2]
    plain = find_plain_background(pixels)
    matte, trust = None, 0.0
    try:
        with StillWatcher() as watcher:
            matte, trust = _person_matte(watcher, pixels, body)
    except MissingPackage:
        if plain is None:
            raise
    if plain is not None:
        shape = _main_part(~plain.is_background)
        if _plain_is_better(shape, matte, trust, body, (w, h)):
            return _against_plain(pixels, plain, shape, body)
    if matte is not None:
        return _sharpen(pixels, matte, body, is_seen=True)
    found = _sharpen(pixels, _middle_guess((h, w), body), body, is_seen=False)
    return found if body is not None or _stands_out(pixels, found > 0.5) else np.zeros_like(found)


def _person_matte(watcher: StillWatcher, pixels: np.ndarray, body: _Body | None) -> tuple[np.ndarray | None, float]:
    """float32 `[h,w]` 0..1 where the networks see a person (None where they see none), and how far to believe it."""
    h, w = pixels.shape[:2]
    mattes: list[tuple[float, np.ndarray]] = []
    for framing in framings((w, h), None):
        sighting = watcher.body(pixels, framing)
        if sighting is None or sighting.matte.max() < 0.5:
            continue
        known = body or _Body(sighting.points, sighting.scores)
        mattes.append((judge(known.points, known.scores, (w, h), sighting.matte).value, sighting.matte))
        if sum(value > 0.6 for value, _ in mattes) == 2:
            break
    mattes.sort(key=lambda m: -m[0])
    if not mattes or mattes[0][0] < 0.3:
        return None, 0.0
    matte = mattes[0][1]
    ys, xs = np.nonzero(matte > 0.5)
    box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    others = [m for _, m in mattes[1:2]] + [watcher.selfie(pixels, frame_box("person", box, 0.8))]
    # Looks at the same thing in other sizes average out the steps of the networks' 256 px grid, but
    # one that has lost a limb must not take it away.
    same = [m for m in others if _overlap(m > 0.5, matte > 0.5) > 0.88]
    return np.mean([matte, *same], axis=0), mattes[0][0]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def _plain_is_better(
    shape: np.ndarray, matte: np.ndarray | None, trust: float, body: _Body | None, size: tuple[int, int]
) -> bool:
    if not 0.005 < shape.mean() < 0.97:
        return False
    if body is not None and judge(body.points, body.scores, size, shape).inside < 0.8:
        return False  # the background's colour has eaten into the body
    if matte is None:
        return True
    person = matte > 0.5
    if float((person & shape).sum() / max(person.sum(), 1)) < 0.9:
        return False
    # A white margin around a photo is a plain background too, but not the character's.
    return trust < 0.6 or _overlap(person, shape) > 0.7


def _against_plain(pixels: np.ndarray, plain: PlainBackground, shape: np.ndarray, body: _Body | None) -> np.ndarray:
    shape = shape & ~_see_through(shape, plain.looks_alike, body)
    # The shape already holds what has only a tenth of the character in it: the ramp lies inside its outline.
    reach = 1 + max(1, round(min(pixels.shape[:2]) / 500))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inner = cv2.erode(shape.astype(np.uint8), kernel) > 0
    outer = cv2.dilate(shape.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    return soft_alpha(pixels, inner, outer, background_colours=plain.colours)


def _see_through(shape: np.ndarray, alike: np.ndarray, body: _Body | None) -> np.ndarray:
    """Holes of the shape through which the background shows: between arm and body, or between the legs.

    Eyes and white shirts on white paper have the same colour; a hole is only believed where no bone
    passes and no face is.
    """
    h, w = shape.shape
    count, labels = cv2.connectedComponents((alike & shape).astype(np.uint8), connectivity=4)
    holes = np.zeros_like(shape)
    if count < 2 or body is None:
        return holes
    kept = _bones(body, (h, w), width=max(2, round(0.12 * _unit(body))))
    face = body.points[FACE]
    if body.scores[FACE].max() > 0:
        cv2.fillConvexPoly(kept, cv2.convexHull(np.round(face).astype(np.int32)), 1)
    head = body.points[:5].mean(0)
    radius = max(float(np.linalg.norm(body.points[3] - body.points[4])), 0.5 * _unit(body))
    cv2.circle(kept, tuple(np.round(head).astype(int).tolist()), max(1, round(radius)), 1, -1)
    areas = np.bincount(labels.ravel(), minlength=count)
    touched = np.bincount(labels.ravel(), weights=kept.ravel(), minlength=count)
    chosen = (areas > 0.0015 * shape.sum()) & (touched == 0)
    chosen[0] = False
    return chosen[labels]


def _unit(body: _Body) -> float:
    p = body.points
    torso = float(np.linalg.norm((p[5] + p[6] - p[11] - p[12]) / 2))
    return max(float(np.linalg.norm(p[5] - p[6])), 0.6 * torso, 4.0)


def _bones(body: _Body, shape: tuple[int, int], width: int) -> np.ndarray:
    """uint8 `[h,w]`: 1 along the bones that were seen, and down the middle of the torso."""
    drawn = np.zeros(shape, np.uint8)
    p = np.clip(body.points, -4000, 4000)
    middle = (p[5] + p[6]) / 2, (p[11] + p[12]) / 2
    ends = [(p[a], p[b]) for a, b in LIMBS if min(body.scores[a], body.scores[b]) >= SEEN]
    if min(body.scores[5], body.scores[6]) >= SEEN:
        ends.append(middle)
    for a, b in ends:
        cv2.line(drawn, tuple(np.round(a).astype(int).tolist()), tuple(np.round(b).astype(int).tolist()), 1, width)
    return drawn


def _middle_guess(shape: tuple[int, int], body: _Body | None) -> np.ndarray:
    """float32 `[h,w]`: the bones' neighbourhood, or the middle of the picture, when no network helps."""
    h, w = shape
    if body is not None:
        unit = _unit(body)
        drawn = _bones(body, shape, max(2, round(0.45 * unit)))
        head = tuple(np.round(body.points[:5].mean(0)).astype(int).tolist())
        cv2.circle(drawn, head, max(2, round(0.7 * unit)), 1, -1)
        if drawn.any():
            return cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), 0.15 * unit)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    far = np.hypot((x - w / 2) / (0.36 * w), (y - 0.55 * h) / (0.48 * h))
    return np.clip(1.4 - far, 0, 1).astype(np.float32)


def _stands_out(pixels: np.ndarray, shape: np.ndarray) -> bool:
    """Whether the picture has edges along the outline more than elsewhere; a guess in a wall or in noise has none."""
    small = np.ones((5, 5), np.uint8)
    line = cv2.dilate(shape.astype(np.uint8), small) != cv2.erode(shape.astype(np.uint8), small)
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    steps = cv2.morphologyEx(cv2.GaussianBlur(grey, (0, 0), 2), cv2.MORPH_GRADIENT, small)
    return bool(line.any()) and float(np.median(steps[line])) > 6 + 1.3 * float(np.median(steps))


def _sharpen(pixels: np.ndarray, matte: np.ndarray, body: _Body | None, *, is_seen: bool) -> np.ndarray:
    """float32 `[h,w]` 0..1: the coarse matte, a network's (`is_seen`) or a guess, brought to the picture's own edges."""
    h, w = pixels.shape[:2]
    scale = min(1.0, GRABCUT_SIDE / max(h, w))
    size = (max(2, round(w * scale)), max(2, round(h * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    reach = max(2, round(0.012 * max(size)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    surely = cv2.erode((coarse > 0.85).astype(np.uint8), kernel) > 0
    surely_not = cv2.dilate((coarse > 0.06).astype(np.uint8), kernel) == 0
    seamless = _seamless_outside(small, coarse) if is_seen else np.zeros(coarse.shape, bool)
    seeds = np.where((coarse > 0.5) & ~seamless, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[surely], seeds[surely_not] = cv2.GC_FGD, cv2.GC_BGD
    seeds[seamless] = cv2.GC_BGD  # GrabCut knows colours only and would take a pale sky for the skirt beside it
    if body is not None:
        shrunk = _Body((body.points + 0.5) * scale - 0.5, body.scores)
        bones = _bones(shrunk, coarse.shape, 1) > 0
        seeds[bones & (coarse > 0.3)] = cv2.GC_FGD
        for hand in (LEFT_HAND, RIGHT_HAND):
            if body.scores[hand].max() > 0.5:
                for a, b in HAND_BONES:
                    ends = [np.round(shrunk.points[hand][k]).astype(int).tolist() for k in (a, b)]
                    cv2.line(seeds, tuple(ends[0]), tuple(ends[1]), cv2.GC_FGD, 1)
    fore, back = np.zeros((1, 65)), np.zeros((1, 65))
    certain = ((seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)).any() and (seeds != cv2.GC_FGD).any()
    if certain and ((seeds == cv2.GC_BGD) | (seeds == cv2.GC_PR_BGD)).any():
        cv2.setRNGSeed(7)  # GrabCut's k-means draws random numbers
        cv2.grabCut(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), seeds, (0, 0, 1, 1), back, fore, 3, cv2.GC_INIT_WITH_MASK)
    hard = _main_part((seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD))
    hard = _without_pinholes(_main_part(hard), coarse)
    hard = cv2.resize(hard.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    band = max(3, round(0.008 * max(h, w)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inner = cv2.erode((hard > 0.5).astype(np.uint8), kernel) > 0
    outer = cv2.dilate((hard > 0.5).astype(np.uint8), kernel) == 0
    guess = np.clip(guided(pixels, np.clip(hard, 0, 1), band, 1e-4), 0, 1)
    alpha = soft_alpha(pixels, inner, outer, guess=guess)
    # Colour alone is grainy where both sides have many colours; the outline decides there.
    return _without_thin_places(np.clip(1.15 * (0.5 * alpha + 0.5 * guess) - 0.075, 0, 1))


def _seamless_outside(pixels: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """bool `[h,w]`: what is reached from the sure outside without crossing any edge, as a drawn sky is.

    Nothing when that would flow into what the networks are sure of: there is then no edge to be trusted.
    """
    steps = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(2)
    _, labels = cv2.connectedComponents((steps <= SEAMLESS).astype(np.uint8), connectivity=4)
    outside = np.unique(labels[(matte < 0.1) & (labels > 0)])
    reached = np.isin(labels, outside[outside > 0])
    flown_in = (reached & (matte > 0.97)).sum() / max((matte > 0.97).sum(), 1)
    return reached & (matte < (1.1 if flown_in < 0.015 else 0.97)) if flown_in < 0.04 else np.zeros_like(reached)


def _without_pinholes(shape: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """Eyes and buttons are no holes; between arm and body is one, and the matte or the size tells."""
    count, labels = cv2.connectedComponents((~shape).astype(np.uint8), connectivity=4)
    areas = np.bincount(labels.ravel(), minlength=count)
    doubt = np.bincount(labels.ravel(), weights=matte.ravel(), minlength=count) / np.maximum(areas, 1)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    fill = (areas < 0.003 * shape.sum()) | (doubt > 0.5)
    fill[border] = False
    fill[0] = False
    return shape | fill[labels]


def _without_thin_places(alpha: np.ndarray) -> np.ndarray:
    """What is half there and shut in by what is wholly there is wholly there: skin of the colour of the sky behind it.

    A gap that shows the background is not there at all, in its middle.
    """
    count, labels = cv2.connectedComponents((alpha < _WHOLLY).astype(np.uint8), connectivity=4)
    areas = np.bincount(labels.ravel(), minlength=count)
    gone = np.bincount(labels.ravel(), weights=(alpha < 0.05).ravel(), minlength=count) / np.maximum(areas, 1)
    fill = (gone < 0.1) & (areas < 0.01 * (alpha > 0.5).sum())
    fill[np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))] = False
    fill[0] = False
    return np.where(fill[labels], np.float32(1), alpha)


def _main_part(shape: np.ndarray) -> np.ndarray:
    """The largest connected part, with others a tenth as large; holes stay."""
    count, labels = cv2.connectedComponents(shape.astype(np.uint8))
    if count <= 2:
        return shape
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    keep = areas >= 0.1 * areas.max()
    keep[0] = False
    return keep[labels]


def _carry_up(pixels: np.ndarray, small: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`alpha` of the small picture at the size of the large one, its edges at the large one's edges."""
    size = (pixels.shape[1], pixels.shape[0])
    wide = np.clip(cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    factor = max(size) / max(small.shape[:2])
    band = max(1, round(factor))
    kernel = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    inner = cv2.erode((wide > 0.98).astype(np.uint8), kernel) > 0
    outer = cv2.dilate((wide > 0.02).astype(np.uint8), kernel) == 0
    return soft_alpha(pixels, inner, outer, guess=wide.astype(np.float32)) * 0.5 + wide * 0.5


__all__ = ["clean_edge_colours", "cut_out", "find_silhouette"]
