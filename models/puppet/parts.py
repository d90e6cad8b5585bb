"""Which pixel of the picture belongs to which part of the body.

Certain pixels are marked from the bones (the core of each limb, the inside of the torso); the doubtful
rest is flooded from there along the picture's own edges, so that outlines and folds decide where an arm
that hangs at the side ends and the body begins.
"""

from __future__ import annotations

import cv2
import numpy as np

from .rig import Chain, Rig

NOBODY, TORSO, HEAD = 0, 1, 2
LOCKS = 7
"""Hair that hangs over an arm: it moves with the head and the trunk and stays in front of the arm."""
_HAIR_LIKE, _THE_SAME = 45, 30  # in Lab
_BODY_COLOUR = 0.12  # of the forearm and hand
_CHIN = 0.4
"""How far below its pivot, the height of the chin, a head reaches, as a share of the neck."""
_DOUBT_AT_SHOULDER = 1.4
_WIDEST_SHOULDER = 2.2
"""Both in half widths of the upper arm."""
_SLIVERS_TO = 0.6
"""How far down an arm that may touch the trunk, in upper arms; hands have fingers."""
LIMBS = {"left_arm": 3, "right_arm": 4, "left_leg": 5, "right_leg": 6}


def bone_distance(chain: Chain, shape: tuple[int, int], skip: int = 0) -> np.ndarray:
    """float32 `[H,W]`: distance to the nearest bone from number `skip` on, in units of that bone's half width."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    best = np.full(shape, np.inf, np.float32)
    for k in range(skip, len(chain.radius)):
        a, vector = chain.joints[k], chain.joints[k + 1] - chain.joints[k]
        t = np.clip(((x - a[0]) * vector[0] + (y - a[1]) * vector[1]) / max(vector @ vector, 1e-6), 0, 1)
        here = chain.radius[k]
        after = chain.radius[min(k + 1, len(chain.radius) - 1)]
        width = here * (1 - t) + 0.5 * (here + after) * t
        best = np.minimum(best, np.hypot(x - a[0] - t * vector[0], y - a[1] - t * vector[1]) / width)
    return best


def _head_distance(head: Chain, shape: tuple[int, int]) -> np.ndarray:
    """float32 `[H,W]`: distance to the bone of the head in units of its half width; below its pivot in units of a chin.

    A head as wide as the shoulders would otherwise reach as far down as it is wide, over the whole chest.
    """
    pivot, top = head.joints[1], head.joints[2]
    axis = (top - pivot) / head.lengths[1]
    chin = min(_CHIN * head.lengths[0], head.radius[1])
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    along = (x - pivot[0]) * axis[0] + (y - pivot[1]) * axis[1]
    across = (x - pivot[0]) * axis[1] - (y - pivot[1]) * axis[0]
    over = np.maximum(along - head.lengths[1], 0) / head.radius[1]
    under = np.maximum(-along, 0) / chin
    return np.sqrt((across / head.radius[1]) ** 2 + over**2 + under**2)


def crotch(rig: Rig, alpha: np.ndarray) -> float | None:
    """Where on the thighs (0 hips, 1 knees) background begins to show between them.

    None where it does not: then the legs are one piece of cloth, a robe or a skirt.
    """
    left, right = rig.chain("left_leg"), rig.chain("right_leg")
    if left is None or right is None:
        return None
    a0, a1, b0, b1 = left.joints[0], left.joints[1], right.joints[0], right.joints[1]
    for t in np.linspace(0.0, 1.0, 60):
        a, b = a0 + (a1 - a0) * t, b0 + (b1 - b0) * t
        line = a + (b - a) * np.linspace(0, 1, 80)[:, None]
        x = np.clip(np.rint(line[:, 0]).astype(int), 0, alpha.shape[1] - 1)
        y = np.clip(np.rint(line[:, 1]).astype(int), 0, alpha.shape[0] - 1)
        if (alpha[y, x] < 128).any():
            return float(t)
    return None


def label_parts(rig: Rig, pixels: np.ndarray, alpha: np.ndarray, crotch_at: float | None) -> np.ndarray:
    """uint8 `[H,W]`: NOBODY, TORSO, HEAD or a number of LIMBS for every pixel with some alpha."""
    shape = alpha.shape
    body = alpha > 8
    head = rig.chain("head")
    assert head is not None
    limbs = {c.name: bone_distance(c, shape) for c in rig.chains if c.name in LIMBS}
    if crotch_at is None:
        limbs = {n: d for n, d in limbs.items() if "arm" in n}
    thigh_from = 0.25 if crotch_at is None else max(0.15, crotch_at - 0.1)
    for name in limbs:
        if name in rig.hidden_hands:
            limbs[name] = np.where(_past_wrist(rig, name, shape, 0.12), np.inf, limbs[name])
        if "leg" in name:  # the thigh's beginning is inside the pelvis
            limbs[name] = np.where(_along_first(rig, name, shape) < thigh_from, np.inf, limbs[name])
    near_limb = np.minimum.reduce(list(limbs.values())) if limbs else np.full(shape, np.inf, np.float32)
    # A first guess: limbs as wide as measured, and the nearest part, in units of its own width, for the rest.
    half_shoulder = float(np.hypot(*(rig.shoulders[0] - rig.shoulders[1]))) / 2
    trunk = cv2.distanceTransform((~_torso_core(rig, shape)).astype(np.uint8), cv2.DIST_L2, 5) / (0.45 * half_shoulder)
    around_head = _head_distance(head, shape)
    trunk = np.minimum(trunk, bone_distance(head, shape) + np.where(around_head < 0.9, np.inf, 0.3))
    distances = {TORSO: trunk, HEAD: around_head * 1.1}
    distances |= {LIMBS[name]: np.where(d < 1, d - 9, d) for name, d in limbs.items()}
    distances[HEAD] = np.where((distances[HEAD] < 0.9) & (near_limb > 0.6), -10, distances[HEAD])
    numbers = np.array(list(distances), np.uint8)
    guess = np.where(body, numbers[np.argmin(np.stack(list(distances.values())), 0)], NOBODY)
    if crotch_at is not None:
        guess = np.where((guess == TORSO) & _below_crotch(rig, shape, thigh_from), _nearest_leg(limbs), guess)
        guess = _at_the_hem(rig, pixels, guess, thigh_from)
    guess = guess.astype(np.uint8)
    # Near the border of an arm the picture itself decides; thighs and neck have no border of their own.
    is_arm = np.isin(guess, [LIMBS["left_arm"], LIMBS["right_arm"]])
    arm_width = float(np.median([c.radius[0] for c in rig.chains if c.name in LIMBS] or [half_shoulder]))
    doubt = 0.45 * arm_width
    marks = np.zeros(shape, np.int32)
    for number in numbers:
        other = body & (guess != number) & (is_arm | np.isin(number, [LIMBS["left_arm"], LIMBS["right_arm"]]))
        away = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5) if other.any() else np.full(shape, 1e9)
        marks[(guess == number) & (away > doubt)] = number
    for name, distance in limbs.items():
        marks[(distance < 0.5) & (guess == LIMBS[name])] = LIMBS[name]
    _doubt_shoulders(rig, marks, limbs)
    marks[~body] = 0
    outside = 7
    marks[(alpha == 0)] = outside
    flooded = _flood(pixels, marks, body)
    flooded[(flooded == outside) | ~body] = NOBODY
    flooded = _without_slivers(rig, flooded.astype(np.uint8), limbs, max(2.0, 0.2 * arm_width))
    labels = _without_islands(flooded, marks, max(2.0, 0.16 * arm_width))
    for name in rig.hidden_hands & limbs.keys():
        labels[_cuff_in_pocket(rig, name, labels)] = NOBODY
    return _with_locks(rig, pixels, labels, around_head)


def _doubt_shoulders(rig: Rig, marks: np.ndarray, limbs: dict[str, np.ndarray]) -> None:
    """Take back, in place, what bones alone cannot know about a shoulder; the picture's edges decide there.

    The joint lies inside the trunk, so what is around it and inwards is the trunk's as likely as the arm's. And a
    shoulder may be much wider than the arm below it: outwards of the joint there is no trunk.
    """
    shape = marks.shape
    core = _torso_core(rig, shape)
    for name, distance in limbs.items():
        chain = rig.chain(name)
        if chain is None or "arm" not in name:
            continue
        at, down = chain.joints[0], rig.spine / rig.spine_length
        away = _grid(shape) - at
        out = (at - rig.neck) - ((at - rig.neck) @ down) * down
        outwards = away @ (out / max(np.hypot(*out), 1e-6))
        along = _along_first(rig, name, shape)
        joint = (np.hypot(away[..., 0], away[..., 1]) < _DOUBT_AT_SHOULDER * chain.radius[0]) & (along < 0.3)
        inner = (outwards < 0.3 * chain.radius[0]) & joint | (away @ _inwards_of(chain, rig) > 0) & (along < 0.6)
        marks[inner & (marks == LIMBS[name])] = 0
        marks[joint & core & (marks == 0) & (outwards < 0)] = TORSO
        beside = (outwards > 0) & (distance < _WIDEST_SHOULDER) & (along < 0.8) & (away @ down > -3 * chain.radius[0])
        marks[beside & np.isin(marks, [TORSO, HEAD])] = 0


def _inwards_of(chain: Chain, rig: Rig) -> np.ndarray:
    """The unit vector across a chain's first bone that points to the trunk's middle."""
    across = np.array([-chain.vectors[0][1], chain.vectors[0][0]]) / chain.lengths[0]
    return across if across @ ((rig.neck + rig.pelvis) / 2 - chain.joints[0]) > 0 else -across


def _along_first(rig: Rig, name: str, shape: tuple[int, int]) -> np.ndarray:
    """float32: position along a limb's first bone, 0 at its first joint and 1 at the next."""
    chain = rig.chain(name)
    assert chain is not None
    start, vector = chain.joints[0], chain.joints[1] - chain.joints[0]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return ((x - start[0]) * vector[0] + (y - start[1]) * vector[1]) / max(vector @ vector, 1e-6)


def _torso_core(rig: Rig, shape: tuple[int, int]) -> np.ndarray:
    """bool: the inside of the trunk, a little narrower than shoulders and hips."""

    def inset(pair: np.ndarray, share: float) -> np.ndarray:
        return pair.mean(0) + (pair - pair.mean(0)) * share

    top, bottom = inset(rig.shoulders, 0.8), inset(rig.hips, 0.9)
    outline = np.stack([top[0], top[1], bottom[1], bottom[0]])
    canvas = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(canvas, cv2.convexHull(np.rint(outline).astype(np.int32)), 1)
    return canvas > 0


def _flood(pixels: np.ndarray, marks: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Watershed from the marks; the lines between basins go to their nearest basin."""
    calm = cv2.bilateralFilter(pixels, 7, 30, 5)
    out = cv2.watershed(calm, marks.copy())
    out[0], out[-1], out[:, 0], out[:, -1] = marks[0], marks[-1], marks[:, 0], marks[:, -1]
    for _ in range(6):
        open_ = (out <= 0) & body
        if not open_.any():
            break
        grown = cv2.dilate(np.where(out > 6, 0, np.maximum(out, 0)).astype(np.uint8), np.ones((3, 3), np.uint8))
        out = np.where(open_ & (grown > 0), grown, out)
    lost = body & ((out <= 0) | (out > 6))
    if lost.any():
        out = np.where(lost, nearest_label(np.where((out > 0) & (out <= 6), out, 0)), out)
    return out


def nearest_label(labels: np.ndarray) -> np.ndarray:
    """Every pixel takes the nearest label that is not 0."""
    known = labels > 0
    if not known.any():
        return labels
    _, found = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index = found.astype(np.int64)
    table = np.zeros(int(index.max()) + 1, labels.dtype)
    table[index[known]] = labels[known]
    return table[index]


def _below_crotch(rig: Rig, shape: tuple[int, int], thigh_from: float) -> np.ndarray:
    """bool: lower than the beginning of both thighs."""
    return np.minimum(_along_first(rig, "left_leg", shape), _along_first(rig, "right_leg", shape)) > thigh_from


def _at_the_hem(rig: Rig, pixels: np.ndarray, guess: np.ndarray, thigh_from: float) -> np.ndarray:
    """Where seat and leg have different colours, the border between them is where the colour changes."""
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    out = guess.copy()
    for name in ("left_leg", "right_leg"):
        along = _along_first(rig, name, guess.shape)
        chain = rig.chain(name)
        assert chain is not None
        thigh = bone_distance(chain, guess.shape)
        seat = (guess == TORSO) & (along > thigh_from - 0.3) & (along < thigh_from) & (thigh < 0.9)
        leg = (guess == LIMBS[name]) & (along > thigh_from + 0.2) & (along < thigh_from + 0.6) & (thigh < 0.8)
        if seat.sum() < 30 or leg.sum() < 30:
            continue
        above, below = np.median(lab[seat], 0), np.median(lab[leg], 0)
        if np.abs(above - below).max() < 30:
            continue
        band = np.isin(guess, [TORSO, LIMBS[name]]) & (np.abs(along - thigh_from) < 0.3)
        is_leg = np.linalg.norm(lab - below, axis=2) < np.linalg.norm(lab - above, axis=2)
        inside = band & (thigh < 1.1)
        out[inside] = np.where(is_leg[inside], LIMBS[name], TORSO)
        out[band & ~inside & ~is_leg] = TORSO
    return out


def _nearest_leg(limbs: dict[str, np.ndarray]) -> np.ndarray:
    left_is_nearer = limbs["left_leg"] <= limbs["right_leg"]
    return np.where(left_is_nearer, LIMBS["left_leg"], LIMBS["right_leg"])


def _cuff_in_pocket(rig: Rig, name: str, labels: np.ndarray) -> np.ndarray:
    """bool: what of a hidden hand sticks out of the body's outline and would be left hanging at the hip."""
    chain = rig.chain(name)
    assert chain is not None
    shape = labels.shape
    tail = _past_wrist(rig, name, shape, 0.12) & (bone_distance(chain, shape) < 1.6) & (labels == TORSO)
    outline = np.concatenate([rig.shoulders, rig.hips, *(c.joints[:2] for c in rig.chains if "leg" in c.name)])
    thighs = [c.radius[0] for c in rig.chains if "leg" in c.name]
    canvas = np.zeros(shape, np.uint8)
    hull = cv2.convexHull(np.rint(outline).astype(np.int32))
    cv2.fillConvexPoly(canvas, hull, 1)
    grown = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 5) <= (min(thighs) if thighs else 4.0)
    return tail & ~grown


def _with_locks(rig: Rig, pixels: np.ndarray, labels: np.ndarray, around_head: np.ndarray) -> np.ndarray:
    """Hair over an arm gets a label of its own, where hair, skin and sleeve can be told apart by colour."""
    lab = cv2.cvtColor(cv2.GaussianBlur(pixels, (0, 0), 1.2), cv2.COLOR_RGB2LAB).astype(np.float32)

    def colour(where: np.ndarray) -> np.ndarray | None:
        return np.median(lab[where], 0) if where.sum() >= 30 else None

    hair = colour((labels == HEAD) & (around_head > 0.75) & (around_head < 1.0))
    skin = colour((labels == HEAD) & (around_head < 0.35))
    if hair is None or skin is None or np.abs(hair - skin).max() < 25:
        return labels
    out = labels.copy()
    for name in ("left_arm", "right_arm"):
        chain = rig.chain(name)
        mine = labels == LIMBS[name]
        if chain is None:
            continue
        far = np.hypot(*np.moveaxis(_grid(labels.shape) - chain.joints[0], -1, 0))
        reach = max(2.5 * chain.radius[0], 0.75 * chain.lengths[0])
        sleeve = colour(mine & (far > 0.6 * chain.lengths[0]) & (far < 1.2 * chain.lengths[0]))
        if sleeve is None or np.abs(hair - sleeve).max() < 15:
            continue
        to_hair, to_sleeve = np.linalg.norm(lab - hair, axis=2), np.linalg.norm(lab - sleeve, axis=2)
        forearm = mine & (far > 1.2 * chain.lengths[0])
        if forearm.any() and (to_hair[forearm] < _THE_SAME).mean() > _BODY_COLOUR:
            continue  # fur, or a robot's shell: what looks like hair is the arm itself
        locks = mine & (far < reach) & (to_hair < 0.85 * to_sleeve) & (to_hair < _HAIR_LIKE)
        locks = cv2.morphologyEx(locks.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        locks = cv2.morphologyEx(locks, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)) * mine
        # Only what hangs together with the head's own hair, through the trunk's if need be.
        count, pieces = cv2.connectedComponents(
            (locks | ((labels == HEAD) | (labels == TORSO)) & (to_hair < _HAIR_LIKE)).astype(np.uint8)
        )
        rooted = np.unique(pieces[(labels == HEAD) & (pieces > 0)]) if count > 1 else np.zeros(0, int)
        out[(locks > 0) & np.isin(pieces, rooted)] = LOCKS
        out[_rests_of_hair(out == LIMBS[name], out == LOCKS, max(2, round(0.2 * chain.radius[0])))] = LOCKS
    return out


def _rests_of_hair(arm: np.ndarray, locks: np.ndarray, thin_px: int) -> np.ndarray:
    """bool: what is left of an arm in and around hair, islands and thin rims: outlines of strands, not sleeve."""
    if not locks.any() or not arm.any():
        return np.zeros_like(arm)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thin_px + 1, 2 * thin_px + 1))
    thick = cv2.morphologyEx(arm.astype(np.uint8), cv2.MORPH_OPEN, round_)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(thick)
    sleeve = pieces == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if len(stats) > 1 else arm
    beside = cv2.dilate(locks.astype(np.uint8), np.ones((4 * thin_px + 1, 4 * thin_px + 1), np.uint8)) > 0
    return arm & ~(cv2.dilate(sleeve.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & beside


def _grid(shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.stack([x, y], -1)


def _past_wrist(rig: Rig, name: str, shape: tuple[int, int], more: float) -> np.ndarray:
    """bool: beyond the end of the forearm by more than this share of its length."""
    chain = rig.chain(name)
    assert chain is not None
    end, axis = chain.joints[2], chain.joints[2] - chain.joints[1]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return (x - end[0]) * axis[0] + (y - end[1]) * axis[1] > more * (axis @ axis)


def _without_slivers(rig: Rig, labels: np.ndarray, limbs: dict[str, np.ndarray], thin_px: float) -> np.ndarray:
    """Outlines about a shoulder that were flooded from their far end go to the thick part that they border."""
    parts = (TORSO, HEAD, LIMBS["left_arm"], LIMBS["right_arm"])
    reach = round(thin_px)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    thick = np.zeros_like(labels)
    for part in parts:
        thick[cv2.morphologyEx((labels == part).astype(np.uint8), cv2.MORPH_OPEN, round_) > 0] = part
    near = np.zeros(labels.shape, bool)
    for name, distance in limbs.items():
        if "arm" in name:
            near |= (distance < _WIDEST_SHOULDER) & (_along_first(rig, name, labels.shape) < _SLIVERS_TO)
    thin = near & np.isin(labels, parts) & (thick == 0)
    return np.where(thin, nearest_label(thick), labels)


def _without_islands(labels: np.ndarray, marks: np.ndarray, calm_px: float) -> np.ndarray:
    """Pieces of a part that hold none of its marks, and ragged borders, go to their neighbours."""
    for part in (TORSO, HEAD, *LIMBS.values()):
        count, pieces = cv2.connectedComponents((labels == part).astype(np.uint8), connectivity=4)
        for piece in range(1, count):
            mask = pieces == piece
            if not (marks[mask] == part).any():
                rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
                around = labels[rim & (labels > 0)]
                if len(around):
                    labels[mask] = np.bincount(around).argmax()
    present = [v for v in np.unique(labels) if v != NOBODY]
    votes = [cv2.GaussianBlur((labels == v).astype(np.float32), (0, 0), calm_px) for v in present]
    if not votes:
        return labels
    smooth = np.array(present, np.uint8)[np.argmax(np.stack(votes), 0)]
    return np.where(labels == NOBODY, NOBODY, smooth).astype(np.uint8)
