"""The joints of the character: found by networks where they can, fitted to its silhouette where they cannot.

Knows in which order to try and what to believe; how it is looked is in `still_person`, what a
silhouette tells is in `silhouette`, and where unseen parts go is in `body_template`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from ..core import BODY, FACE, LEFT_HAND, RIGHT_HAND, Character, MissingPackage, NoPersonFound, PoseTrack
from .body_template import lower_body_below, place_face, place_hand
from .cut_out import find_silhouette, guess_silhouette
from .drawn_face import find_drawn_face
from .plausibility import SEEN, Verdict, judge
from .silhouette import fit_skeleton
from .still_person import NEUTRAL, Framing, Sighting, StillWatcher, frame_box, framings

WORK_SIDE = 1024
"""Larger pictures are looked at in this size (px of the long side) and the joints scaled back."""
BELIEVED = 0.72
"""From here on the first framings are not questioned by further ones."""
ACCEPTED = 0.45
"""Below this, a body is no better than a guess from the silhouette."""
FILLED_AT_LEAST = 0.55
"""A body that explains less of a known outline is a small one seen inside it, as on a toy's belly (0.48, 0.47)."""
SURE_WRIST = 0.7
"""Of a figure that ends above its hips the network puts wrists where none are, in the hair, with up to 0.65, or
raised to the throat with 0.84; wrists that are there have 0.74 and more (twelve crops of the bundled heroine)."""
HOW_TO_GIVE = "give its joints as OpenPose JSON or .motion (`character_pose`)"


LookAtStill = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Points `[133,2]` px and scores `[133]` of the main person in uint8 `[H,W,3]`; see `still_networks`."""


def find_character_pose(
    character: Character,
    note: Callable[[str], None] = lambda message: None,
    *,
    otherwise: Callable[[], LookAtStill | None] = lambda: None,
) -> PoseTrack:
    """One frame of 133 joints in px of the character's picture.

    Joints that were seen have the networks' confidence; those fitted to the silhouette 0.6 where it
    shows them and 0.35 where they are proportions; parts outside the picture and unfound hands are
    placed where they would be, with score 0. `note` hears one line when the networks did not find
    the body. `otherwise` opens other networks, where there are any, and is asked only without MediaPipe. Raises
    NoPersonFound when neither way leads to a body.
    """
    pixels, alpha = _working_copy(character)
    h, w = pixels.shape[:2]
    silhouette = find_silhouette(pixels, alpha)
    try:
        watcher = StillWatcher()
    except MissingPackage as missing:
        look = otherwise()
        if look is None and silhouette is None:
            raise
        points, scores, how = _without_mediapipe(look, pixels, silhouette, str(missing))
        if how:
            note(how)
    else:
        with watcher:
            points, scores, how = _looked_at(watcher, pixels, silhouette, is_given=alpha is not None)
        if how:
            note(f"{how} If the result moves wrongly, {HOW_TO_GIVE}.")
    _outside(points, scores, (w, h))
    if not how:
        _forget_guessed_wrists(points, scores)
    scale = np.array([character.size[0] / w, character.size[1] / h])
    points = ((points + 0.5) * scale - 0.5).astype(np.float32)
    return PoseTrack(points[None], np.clip(scores, 0, 1).astype(np.float32)[None], character.size)


def _looked_at(
    watcher: StillWatcher, pixels: np.ndarray, silhouette: np.ndarray | None, *, is_given: bool
) -> tuple[np.ndarray, np.ndarray, str]:
    """Joints with the help of the networks, and a sentence on how when they did not find the body."""
    best, verdict, face = _best_sighting(watcher, pixels, silhouette)
    is_whole = silhouette is None or verdict.filled >= FILLED_AT_LEAST
    if best is not None and verdict.value >= ACCEPTED and is_whole:
        points, scores, how = best.points.copy(), best.scores.copy(), ""
        _head(watcher, pixels, points, scores, mouth=best.mouth)
    else:
        points, scores, how = _without_body(watcher, pixels, silhouette, best, verdict, face, is_given=is_given)
    _hands(watcher, pixels, points, scores)
    return points, scores, how


def _without_mediapipe(
    look: LookAtStill | None, pixels: np.ndarray, silhouette: np.ndarray | None, missing: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """Joints from other networks where they see a body, else from the outline; and a sentence where that is so."""
    h, w = pixels.shape[:2]
    why = missing
    if look is not None:
        points, scores = look(pixels)
        verdict = judge(points, scores, (w, h), silhouette)
        if verdict.value >= ACCEPTED and (silhouette is None or verdict.filled >= FILLED_AT_LEAST):
            return points.copy(), scores.copy(), ""
        why = f"The body was not recognised ({verdict.against}); if the result moves wrongly, {HOW_TO_GIVE}."
        if silhouette is None:
            raise NoPersonFound(
                f"No body was found in the character ({verdict.against}); a picture with a transparent or plain "
                f"background would work, or a mask (`mask`), or its joints (`character_pose`)."
            )
    assert silhouette is not None
    points, scores = _from_outline_alone(silhouette)
    return points, scores, f"The joints were fitted to the silhouette alone. {why}"


def _from_outline_alone(silhouette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        points, scores = fit_skeleton(silhouette)
    except ValueError as error:
        raise NoPersonFound(
            f"No body was found in the character: {error}. A larger picture, a mask (`mask`), or its joints "
            f"(`character_pose`) would work."
        ) from None
    scores[LEFT_HAND], scores[RIGHT_HAND] = 0, 0
    return points, scores


def _working_copy(character: Character) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels over neutral grey and alpha, at the working size."""
    pixels, alpha = character.pixels, character.alpha
    if alpha is not None and (alpha.min() == 255 or alpha.max() < 128):
        alpha = None  # an alpha channel that says nothing
    scale = WORK_SIDE / max(pixels.shape[:2])
    if scale < 1:
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        alpha = None if alpha is None else cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    if alpha is not None:
        share = alpha[..., None].astype(np.float32) / 255
        pixels = np.round(pixels * share + np.array(NEUTRAL, np.float32) * (1 - share)).astype(np.uint8)
    return np.ascontiguousarray(pixels), alpha


def _best_sighting(
    watcher: StillWatcher, pixels: np.ndarray, silhouette: np.ndarray | None
) -> tuple[Sighting | None, Verdict, np.ndarray | None]:
    """The most believable answer of the body network, and the face `[68,2]` where it had to be looked for."""
    h, w = pixels.shape[:2]
    seen: list[Sighting] = []
    best, verdict, face = None, Verdict(0.0, "nobody was noticed"), None

    def ways() -> Iterator[Framing]:
        nonlocal face
        yield from framings((w, h), None if silhouette is None else box_of(silhouette))
        # The first stage finds people by their faces; where it missed a drawn one, its size is told.
        for fill in (1.0, 0.6):
            face = watcher.face(pixels, frame_box("face", (0, 0, w, h), fill)) if face is None else face
        if face is not None:
            (x, y), (fw, fh) = (face.min(0) + face.max(0)) / 2, np.ptp(face, axis=0)
            yield frame_box("half length", (x - 3 * fw, y - 1.5 * fh, x + 3 * fw, y + 5 * fh), 1.0)
            yield frame_box("full length", (x - 5 * fw, y - 1.8 * fh, x + 5 * fw, y + 9 * fh), 1.0)

    for framing in ways():
        sighting = watcher.body(pixels, framing)
        if sighting is None:
            continue
        seen.append(sighting)
        # Without a silhouette the networks' own mattes are the witness, all of them together, so that
        # a body found inside a body is seen to fill only a part of it.
        witness = silhouette if silhouette is not None else np.maximum.reduce([s.matte for s in seen])
        judged = [judge(s.points, s.scores, (w, h), witness) for s in seen]
        first = int(np.argmax([j.value for j in judged]))
        best, verdict = seen[first], judged[first]
        if verdict.value >= BELIEVED and verdict.filled > 0.7:
            break
    return best, verdict, face


def _without_body(
    watcher: StillWatcher,
    pixels: np.ndarray,
    silhouette: np.ndarray | None,
    best: Sighting | None,
    verdict: Verdict,
    face: np.ndarray | None,
    *,
    is_given: bool,
) -> tuple[np.ndarray, np.ndarray, str]:
    """Joints from the silhouette, or from a face alone, with a sentence on which it was."""
    h, w = pixels.shape[:2]
    why = "The body was not recognised in the character" + (f" ({verdict.against})" if best is not None else "")
    guessed = silhouette is None and face is None
    if guessed:
        silhouette = guess_silhouette(pixels)
    fitted = None
    if silhouette is not None:
        with contextlib.suppress(ValueError):
            fitted = fit_skeleton(silhouette)
    if silhouette is not None and fitted is not None and face is not None and not is_given:
        # A face is a surer sign than an outline that was taken off a background.
        away, width = float(np.linalg.norm(face[27:36].mean(0) - fitted[0][0])), float(np.ptp(face[:, 0]))
        x0, _, x1, y1 = box_of(silhouette)
        is_portrait = y1 >= h and width > 0.35 * (x1 - x0)
        if away > 0.5 * width or is_portrait:
            fitted = None
    if fitted is not None:
        points, scores = fitted
        _head(watcher, pixels, points, scores, mouth=None, known_face=face)
        source = "an outline guessed by colour" if guessed else "its silhouette"
        return points, scores, f"{why}; its joints were fitted to {source}."
    if face is not None:
        points, scores = _body_under_face(face)
        return points, scores, f"{why}; only its face was found, the body is placed by proportion below it."
    if best is not None and verdict.value > 0.25:
        points, scores = best.points.copy(), best.scores.copy() * 0.5
        _head(watcher, pixels, points, scores, mouth=best.mouth)
        return points, scores, f"{why}; a doubtful guess is used."
    raise NoPersonFound(
        f"No body was found in the character ({w}x{h} looked at in several framings, "
        f"{'no' if silhouette is None else 'an unclear'} silhouette); a picture with a transparent or plain "
        f"background would work, or a mask (`mask`), or its joints (`character_pose`)."
    )


def _head(
    watcher: StillWatcher,
    pixels: np.ndarray,
    points: np.ndarray,
    scores: np.ndarray,
    *,
    mouth: np.ndarray | None,
    known_face: np.ndarray | None = None,
) -> None:
    """Fill the 68 face points in place: seen in a crop around the head, else a template on eyes and mouth."""
    eyes = points[[1, 2]]
    centre = points[:5].mean(0)
    reach = max(1.4 * float(np.ptp(points[:5, 0])), 2.5 * float(np.linalg.norm(eyes[0] - eyes[1])))
    reach = max(reach, 0.9 * float(np.linalg.norm(centre - points[5:7].mean(0))), 8.0)
    faces = [] if known_face is None else [known_face]
    box = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
    for fill in (0.95, 0.55):
        if not faces and scores[:5].max() >= SEEN * 0.5:
            face = watcher.face(pixels, frame_box("head", box, fill))
            faces += [] if face is None else [face]
    faces = [
        f for f in faces if np.linalg.norm(f[27:36].mean(0) - centre) < reach * 0.8 and np.ptp(f[:, 0]) < 2.2 * reach
    ]
    is_fitted = mouth is None  # the head is a circle in an outline: then a drawing's own eyes come before a network's
    drawn = None
    if is_fitted or not faces:
        middle = (points[3] + points[4]) / 2
        radius = float(np.linalg.norm(points[3] - points[4])) / 1.9
        drawn = find_drawn_face(pixels, middle.astype(np.float64), radius)
    if faces or drawn is not None:
        points[FACE] = faces[0] if drawn is None else drawn
        scores[FACE] = 0.9 if drawn is None else 0.5
        if is_fitted or drawn is not None:
            points[1], points[2] = points[FACE][42:48].mean(0), points[FACE][36:42].mean(0)
            points[0] = points[FACE][30]
            scores[:3] = np.maximum(scores[:3], 0.6)
        return
    middle = None if mouth is None else mouth.mean(0)
    points[FACE] = place_face(points[2], points[1], middle)
    scores[FACE] = 0.3 * min(1.0, float(scores[:3].mean()) / 0.5) if scores[:5].max() > 0 else 0


def _body_under_face(face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A body by proportion for a picture that shows little more than a head."""
    points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
    points[FACE], scores[FACE] = face, 0.8
    left_eye, right_eye = face[42:48].mean(0), face[36:42].mean(0)
    points[:5] = face[30], left_eye, right_eye, face[15], face[1]
    scores[:5] = 0.7
    across = face[16] - face[0]
    down = np.array([-across[1], across[0]])
    neck = face[8] + 0.35 * down
    points[5], points[6] = neck + 0.9 * across, neck - 0.9 * across
    scores[5:7] = 0.35
    points[7], points[8] = points[5] + down * 1.2, points[6] + down * 1.2
    points[9], points[10] = points[5] + down * 2.2, points[6] + down * 2.2
    lower_body_below(points, "shoulders")
    return points, scores


def _hands(watcher: StillWatcher, pixels: np.ndarray, points: np.ndarray, scores: np.ndarray) -> None:
    """Fill both hands in place: seen in a crop around the wrist, else placed at the end of the forearm."""
    h, w = pixels.shape[:2]
    for part, elbow, wrist, is_left in ((LEFT_HAND, 7, 9, True), (RIGHT_HAND, 8, 10, False)):
        forearm = float(np.linalg.norm(points[wrist] - points[elbow]))
        x, y = points[wrist] + 0.25 * (points[wrist] - points[elbow])
        reach = max(0.75 * forearm, 0.3 * float(np.linalg.norm(points[5] - points[6])), 8.0)
        found = None
        if scores[wrist] >= SEEN and 0 <= x < w and 0 <= y < h:
            found = watcher.hand(pixels, frame_box("hand", (x - reach, y - reach, x + reach, y + reach), 0.9))
        if found is not None:
            hand, confidence = found
            near = float(np.linalg.norm(hand[0] - points[wrist])) < 0.6 * reach
            fits = 0.15 * reach < float(np.linalg.norm(hand[9] - hand[0])) < 1.2 * reach
            if near and fits:
                points[part], scores[part] = hand, confidence
                points[wrist] = hand[0]  # looked at from near by, and hands shall hang together with arms
                continue
        if not points[part].any():  # not yet placed by the silhouette
            points[part] = place_hand(points[elbow], points[wrist], is_left=is_left)
        scores[part] = 0


def _outside(points: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> None:
    """Give score 0 to what lies outside the picture, and put limbs that go astray out there by proportion."""
    w, h = size
    if points[5:7, 1].min() > h or not np.isfinite(points).all():
        points[~np.isfinite(points).all(1)] = points[BODY][:5].mean(0)
    width = float(np.linalg.norm(points[5] - points[6]))
    shoulders, hips = points[5:7].mean(0), points[11:13].mean(0)
    below = points[11:13, 1].min() > h - 1 and scores[11:13].max() < 0.7
    torso = float(np.linalg.norm(hips - shoulders))
    if below and not (0.8 * width < torso < 2.5 * width and abs(hips[0] - shoulders[0]) < 0.6 * width):
        lower_body_below(points, "shoulders")
    elif points[13:15, 1].min() > h - 1 and scores[13:15].max() < 0.7:
        lower_body_below(points, "hips")
    elif points[15:17, 1].min() > h - 1 and scores[15:17].max() < 0.7:
        lower_body_below(points, "knees")
    away = (points[:, 0] < -0.5) | (points[:, 1] < -0.5) | (points[:, 0] > w - 0.5) | (points[:, 1] > h - 0.5)
    scores[away] = 0


def _forget_guessed_wrists(points: np.ndarray, scores: np.ndarray) -> None:
    """Of head and shoulders alone: score 0, and a place, for a wrist without a hand that is not sure or is raised.

    Whoever bends the picture at the joints would otherwise cut half a face off as a forearm.
    """
    if scores[11:13].any():
        return
    for part, shoulder, elbow, wrist, is_left in ((LEFT_HAND, 5, 7, 9, True), (RIGHT_HAND, 6, 8, 10, False)):
        is_raised = points[wrist, 1] < points[elbow, 1]  # a raised hand is in the picture, and would have been found
        if (0 < scores[wrist] < SURE_WRIST or is_raised) and not scores[part].any():
            points[wrist], scores[wrist] = 2 * points[elbow] - points[shoulder], 0
            points[part] = place_hand(points[elbow], points[wrist], is_left=is_left)


def box_of(silhouette: np.ndarray) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 in px around what is at least half inside."""
    level = 128 if silhouette.dtype == np.uint8 else 0.5
    ys, xs = np.nonzero(silhouette >= level)
    return float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)


__all__ = ["find_character_pose"]
