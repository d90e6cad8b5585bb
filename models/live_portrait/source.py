"""What is to be moved: the faces of a picture, looked at once, or those of a film, frame by frame.

Both give the same: the frames as they are, and for each face where its square lies, how it looks and what it is at
rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import FACE, Character, CharacterFilm, Host, InputError, MissingPackage, UsageError
from ...face_motion.portrait_crop import FaceSquare, crop, network_input, scale_of_factor, square_around
from ...face_motion.portrait_ratios import eye_ratios, lip_ratios
from ...pose.still_faces import find_faces
from .drive import as_bytes
from .face_track import SEEN, SMALLEST_FACE_PX, FaceTrack, face_track, following_squares
from .performance import Rest
from .spec import ALL_FACES, MAIN_FACE, LivePortraitSettings

_LEAST_FACE_PX = 16.0
_PAPER = 255
"""Behind a character without a background."""
_BRIDGED_SECONDS = 0.5
"""A source's face that is not found for no longer than this is still moved: it is there, only hard to see."""
_FADE_FRAMES = 4


@dataclass(frozen=True)
class FaceFrames:
    """One face in some frames; arrays of one row hold for all of them."""

    matrices: np.ndarray
    """float64 `[1 or n,3,3]` from frame to the crop of 512 px."""
    rest: Rest
    look: Any
    """What `PortraitNetworks.appearance` made of it."""
    presence: np.ndarray
    """float64 `[n]`, 0..1: how much of what is made is shown; 0 where the source shows no face."""


def first_pose_points(settings: LivePortraitSettings, character: Character) -> list[np.ndarray]:
    """Face points `[68,2]` px, or `[5,2]` for a given box, of each face of a picture that is to move, the way
    `settings.faces` says. InputError in one line where there is no such face."""
    if settings.box is not None:
        return [_box_points(settings.box, character)]
    if settings.faces == MAIN_FACE:
        return [_main_face(character)]
    found = [face for face in find_faces(_on_paper(character)) if _is_meant(face, character.alpha)]
    if not found:
        where = character.name if character.alpha is None else f"the visible part of {character.name}"
        raise InputError(f"No face was found in {where}, and faces={settings.faces} asks for some; faces=main or face_box=x,y,width,height would show one.")  # fmt: skip
    return _chosen(found, settings, f"the picture {character.name} shows")


class PictureSource:
    """The faces of a picture."""

    def __init__(self, character: Character, settings: LivePortraitSettings, networks: Any) -> None:
        self.pixels = _on_paper(character)
        self._faces = [self._face(points, settings, networks) for points in first_pose_points(settings, character)]
        self.first_poses = [face.rest.motion.rotation[0] for face in self._faces]

    def _face(self, points: np.ndarray, settings: LivePortraitSettings, networks: Any) -> FaceFrames:
        square = square_around(points[None], scale_of_factor(settings.crop_factor), rotate=len(points) > 5)
        matrices = square.matrices()
        view = network_input(crop(self.pixels, matrices[0]))[None]
        motion, kp = networks.motion(view)
        known = len(points) == FACE.stop - FACE.start
        rest = Rest(kp, motion, eye_ratios(points[None]) if known else None, lip_ratios(points[None]) if known else None)  # fmt: skip
        return FaceFrames(matrices, rest, networks.appearance(view[0]), np.ones(1))

    def frames(self, start: int, stop: int, step: int) -> Iterator[tuple[np.ndarray, list[FaceFrames]]]:
        """(frames `[n,H,W,3]`, each face in them), `step` frames at a time."""
        for first in range(start, stop, step):
            n = min(step, stop - first)
            yield np.broadcast_to(self.pixels, (n, *self.pixels.shape)), self._faces


class FilmSource:
    """The faces of a film, followed; only the frames in hand are in memory."""

    def __init__(self, film: CharacterFilm, settings: LivePortraitSettings, networks: Any, num_frames: int) -> None:
        self._film, self._networks, self._num_frames = film, networks, num_frames
        self._tracks = film_faces(film, settings)
        rate, cuts, scale = film.motion.timeline.rate, film.motion.cuts, scale_of_factor(settings.crop_factor)
        self._squares = [following_squares(face, scale, rate, cuts) for face in self._tracks]
        self._presence = [presence(face.seen, float(rate)) for face in self._tracks]
        first = next(iter(film.frames.chunks(1))).pixels
        self.first_poses = [self._face(k, as_bytes(first), 0).rest.motion.rotation[0] for k in range(len(self._tracks))]

    @property
    def faceless(self) -> int:
        """Frames of the first face that are left as they are."""
        return int((self._presence[0][: self._num_frames] == 0).sum())

    def frames(self, start: int, stop: int, step: int) -> Iterator[tuple[np.ndarray, list[FaceFrames]]]:
        """As `PictureSource.frames`. InputError where the film breaks off before its own motion does."""
        for chunk in self._film.frames.chunks(step, start):
            n = min(chunk.num_frames, stop - chunk.start)
            if n <= 0:
                return
            pixels = as_bytes(chunk.pixels[:n])
            yield pixels, [self._face(k, pixels, chunk.start) for k in range(len(self._tracks))]
            start = chunk.start + n
            if start == stop:
                return  # the film is not read further than it is shown
        raise InputError(f"The character's video has only {start} frames and its motion {self._film.motion.num_frames}: they do not belong together.")  # fmt: skip

    def _face(self, k: int, pixels: np.ndarray, start: int) -> FaceFrames:
        now, squares = slice(start, start + len(pixels)), self._squares[k]
        matrices = FaceSquare(squares.centre[now], squares.side[now], squares.angle[now]).matrices()
        views = np.stack([network_input(crop(p, m)) for p, m in zip(pixels, matrices, strict=True)])
        motion, kp = self._networks.motion(views)
        points = self._tracks[k].points[now]
        rest = Rest(kp, motion, eye_ratios(points), lip_ratios(points))
        return FaceFrames(matrices, rest, self._networks.appearance(views), self._presence[k][now])


def film_faces(film: CharacterFilm, settings: LivePortraitSettings) -> list[FaceTrack]:
    """Those of the film's people who are to move and whose face is seen. InputError where there is none."""
    tracks = [face_track(track) for track in film.motion.tracks]
    if settings.box is not None:
        raise UsageError("face_box belongs to a picture, but the character is a video, whose faces are found and followed.")  # fmt: skip
    if settings.faces == MAIN_FACE:
        tracks = tracks[:1]
    found = [t for t in tracks if t is not None]
    if not found:
        raise InputError("No frame of the character's video shows a face from the front, and a face is what LivePortrait moves.")  # fmt: skip
    found.sort(key=lambda face: float(np.median(face.points[face.seen][:, :, 0])))
    kept = found if settings.faces == MAIN_FACE else _chosen(found, settings, "the character's video shows")
    _not_too_small(min(float(np.median(face.sizes[face.seen])) for face in kept), "the character's video")
    return kept


def presence(seen: np.ndarray, rate: float) -> np.ndarray:
    """float64 `[T]`: 1 where a face is, or is only missed for a moment; falling to 0 within four frames where it is
    gone for longer."""
    known = np.flatnonzero(seen)
    there = np.asarray(seen, bool).copy()
    for a, b in itertools.pairwise(known):
        if (b - a) / rate <= _BRIDGED_SECONDS:
            there[a:b] = True
    frames, known = np.arange(len(seen)), np.flatnonzero(there)
    after = np.searchsorted(known, frames).clip(0, len(known) - 1)
    away = np.minimum(np.abs(known[after] - frames), np.abs(known[np.maximum(after - 1, 0)] - frames))
    return np.clip(1 - away / _FADE_FRAMES, 0, 1)


def note_other_faces(character: Character, settings: LivePortraitSettings, host: Host) -> None:
    """One line where the picture shows more faces than the one that moves."""
    if settings.faces != MAIN_FACE or settings.box is not None:
        return
    try:
        count = len(find_faces(_on_paper(character), thorough=False))
    except MissingPackage:
        return
    if count > 1:
        host.note(f"{character.name} shows {count} faces; the main one moves. faces=all moves them all, faces=2 the second from the left.")  # fmt: skip


def _main_face(character: Character) -> np.ndarray:
    pose = character.pose
    if pose is None:
        raise UsageError(
            "LivePortrait needs the character's joints, which the run finds, or face_box=x,y,width,height."
        )
    points, scores = pose.points[0, FACE], pose.scores[0, FACE]
    if float((scores >= SEEN).mean()) <= 0.5 or not np.ptp(points, axis=0).min() > 1:
        raise InputError(
            f"No face was found in {character.name}, and a face is what LivePortrait moves; a larger or more frontal "
            f"one would be found, and face_box=x,y,width,height shows where it is."
        )
    _not_too_small(float(np.ptp(points, axis=0).max()), character.name)
    inside = ((points >= 0) & (points < np.array(character.size))).all(axis=1)
    if float(inside.mean()) < 0.5:
        raise InputError(f"Most of the face lies outside of {character.name}, so there is little to move; a picture of the whole face would work.")  # fmt: skip
    return points


def _is_meant(face: np.ndarray, alpha: np.ndarray | None) -> bool:
    """Whether a face lies in what the mask or the transparency shows."""
    if alpha is None:
        return True
    x, y = np.rint(face.mean(axis=0)).astype(int)
    return bool(alpha[y, x] > 127)


def _not_too_small(size_px: float, where: str) -> None:
    if size_px < _LEAST_FACE_PX:
        raise InputError(f"The face in {where} is {size_px:.0f} px from brow to chin; at least {_LEAST_FACE_PX:.0f} px are needed, {4 * SMALLEST_FACE_PX:.0f} and more look good.")  # fmt: skip


def _box_points(box: tuple[float, float, float, float], character: Character) -> np.ndarray:
    """Eyes, nose and mouth corners that stand for a box: upright, and as large as it is."""
    x, y, width, height = box
    if x >= character.size[0] or y >= character.size[1] or x + width <= 0 or y + height <= 0:
        raise InputError(f"face_box {x:g},{y:g},{width:g},{height:g} lies outside of {character.name}, which is {character.size[0]}x{character.size[1]} px.")  # fmt: skip
    _not_too_small(max(width, height), character.name)
    return np.array([[x, y], [x + width, y], [x + width / 2, y + height / 2], [x, y + height], [x + width, y + height]], np.float32)  # fmt: skip


def _chosen(found: list[Any], settings: LivePortraitSettings, where: str) -> list[Any]:
    if settings.faces == ALL_FACES:
        return found
    wanted = settings.face_numbers
    if max(wanted) > len(found):
        raise InputError(f"faces={settings.faces} asks for face {max(wanted)}, but {where} {len(found)}; 1 to {len(found)}, counted from the left, would work.")  # fmt: skip
    return [found[n - 1] for n in wanted]


def _on_paper(character: Character) -> np.ndarray:
    if character.has_background or character.alpha is None:
        return character.pixels
    weight = character.alpha[..., None].astype(np.uint16)
    return ((character.pixels * weight + _PAPER * (255 - weight) + 127) // 255).astype(np.uint8)
