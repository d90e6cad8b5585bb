"""What the engine of a finished run had been asked for: its joints, its times, its sound, rebuilt from the manifest.

As `rerun` would: the motion out of the cache or extracted again, the character prepared, both retargeted with the
run's own settings. Whatever is gone or changed by now is told, and the rest is rebuilt all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core import (
    BODY,
    Cancelled,
    Character,
    EngineSpec,
    Host,
    Motion,
    MotionTransferError,
    PoseTrack,
    Settings,
    Timeline,
    TransferJob,
)
from ..models.mimic_motion.poses import Poses as MimicMotionPoses
from ..models.registry import engine_spec
from ..models.wan_animate.drive import Poses as WanPoses
from ..models.wan_animate.fit import place
from ..models.wan_animate.scene import scene_placing
from ..pose.retarget import plan_retarget
from ..pose.silhouette import SHOWN
from ..video import file_sha256
from .character_film import is_character_film
from .host import NotedHost
from .motion_cache import load_or_extract
from .prepare import prepare_character, working_size
from .sound import Sound, find_sound

ROOM, LEAST_ROOM = 1.0, 0.4  # of the torso
TURNED = 1.3  # a large head that leans reaches further to the side than it does above
BLOCK = 256  # frames retargeted at a time
NUM_JOINTS = BODY.stop
"""Of body and head: the first 17 of the 133."""
_LIMBS = slice(5, 17)


@dataclass
class Asked:
    """What could be rebuilt; `missing` says why the rest could not, one sentence each."""

    spec: EngineSpec
    settings: Settings
    timeline: Timeline | None = None
    """When the engine's frames are to be shown; None where the driving video is gone."""
    points: np.ndarray | None = None
    """float32 `[T,17,2]` in px of a picture of `size`."""
    scores: np.ndarray | None = None
    """float32 `[T,17]`: the driver's."""
    size: tuple[int, int] = (1, 1)
    character: Character | None = None
    sound: Sound | None = None
    sound_known: bool = False
    """Whether `sound` being None means that there should be none."""
    missing: dict[str, str] = field(default_factory=dict)
    """'pose', 'times', 'sound', 'picture' -> why it cannot be compared."""

    @property
    def is_recognised(self) -> bool:
        """Whether networks saw a person in the character's picture, so that they should in the result."""
        if self.character is None or self.character.pose is None:
            return True
        return (
            float(self.character.pose.scores[0, _LIMBS].max()) > SHOWN + 1e-3
        )  # what is fitted to an outline has no more

    @property
    def room(self) -> float:
        """How far the figure reaches beyond its joints' box, in torsos, as its picture shows it; with some to spare."""
        character = self.character
        if character is None or character.pose is None or character.alpha is None or not (character.alpha > 127).any():
            return ROOM
        points, scores = character.pose.points[0, BODY], character.pose.scores[0, BODY]
        shown = points[scores > 0]
        torso = float(np.linalg.norm(points[[5, 6]].mean(0) - points[[11, 12]].mean(0)))
        if len(shown) < 4 or torso < 1:
            return ROOM
        rows, columns = (np.flatnonzero((character.alpha > 127).any(axis)) for axis in (1, 0))
        beyond = [
            shown[:, 0].min() - columns[0], columns[-1] - shown[:, 0].max(),
            shown[:, 1].min() - rows[0], rows[-1] - shown[:, 1].max(),
        ]  # fmt: skip
        return max(LEAST_ROOM, TURNED * float(max(beyond)) / torso)


class _Silent(NotedHost):
    """The run has said these things already."""

    def note(self, message: str) -> None:
        self.notes.append(message)


def rebuild(job: TransferJob, manifest: Mapping[str, Any], host: Host, cache: Path) -> Asked:
    """As far as the files are still there and still the same. Raises UsageError for an unknown engine, Cancelled."""
    spec = engine_spec(job.engine)
    asked = Asked(spec, spec.settings.from_plain(job.settings))
    silent = _Silent(host)
    motion = _motion(job, manifest, silent, cache, asked)
    character = _character(job, manifest, silent, cache, asked)
    asked.character = character
    if motion is not None:
        try:
            known = Character(np.zeros((2, 2, 3), np.uint8), "") if character is None else character
            asked.timeline = spec.timeline(asked.settings, known, motion)
            asked.sound = find_sound(job, motion, silent.note, asked.timeline)
            asked.sound_known = asked.sound is not None or not job.audio or not motion.source.has_audio
            if not asked.sound_known:
                asked.missing["sound"] = silent.notes[-1]
        except (MotionTransferError, OSError) as error:
            asked.missing["sound"] = str(error)
    if motion is not None and character is not None:
        _joints(job, motion, character, asked)
    return asked


def _is_other(path: Path, told: object) -> str:
    if not path.is_file():
        return f"{path} is not there any more"
    if isinstance(told, str) and file_sha256(path) != told:
        return f"{path} is not the file any more that the manifest tells of"
    return ""


def _motion(
    job: TransferJob, manifest: Mapping[str, Any], host: Host, cache: Path, asked: Asked
) -> Motion | None:  # fmt: skip
    path = Path(job.driving)
    why = _is_other(path, manifest.get("inputs", {}).get("driving"))
    if not why:
        try:
            return load_or_extract(
                path, host, cache, start_seconds=job.start_seconds, stop_seconds=job.stop_seconds,
                detector=job.detector, person=job.person,
            )[0]  # fmt: skip
        except Cancelled:
            raise
        except MotionTransferError as error:
            why = f"the driver's motion cannot be had again ({error})"
    for what in ("pose", "times", "sound"):
        asked.missing[what] = why
    return None


def _character(
    job: TransferJob, manifest: Mapping[str, Any], host: Host, cache: Path, asked: Asked
) -> Character | None:  # fmt: skip
    path, spec = Path(job.character), asked.spec
    why = _is_other(path, manifest.get("inputs", {}).get("character"))
    if not why and spec.takes_film and is_character_film(job):
        asked.missing["picture"] = "the character is a film"
        asked.missing.setdefault("pose", "the figure of a film moves by itself; only its face follows the driver")
        return None
    if not why:
        try:
            multiple = spec.size_multiple if spec.canvas == "character" else 2
            needs = spec.needs(asked.settings)
            return prepare_character(job, needs, multiple, cache, host)
        except Cancelled:
            raise
        except MotionTransferError as error:
            why = f"the character cannot be prepared again ({error})"
    asked.missing["picture"] = why
    asked.missing.setdefault("pose", why)
    return None


def _joints(job: TransferJob, motion: Motion, character: Character, asked: Asked) -> None:
    make = _TRACKS.get(asked.spec.name)
    if make is None:
        asked.missing["pose"] = f"{asked.spec.title} moves faces, not joints"
        return
    try:
        track = make(job, asked.settings, motion, character, asked.spec)
    except MotionTransferError as error:
        asked.missing["pose"] = str(error)
        return
    points = np.empty((motion.num_frames, NUM_JOINTS, 2), np.float32)
    scores = np.empty((motion.num_frames, NUM_JOINTS), np.float32)
    for start in range(0, motion.num_frames, BLOCK):
        stop = min(start + BLOCK, motion.num_frames)
        part = track(start, stop)
        points[start:stop], scores[start:stop] = part.points[:, BODY], part.scores[:, BODY]
        asked.size = part.size
    asked.points, asked.scores = points, scores


Track = Callable[[int, int], PoseTrack]
"""Frames start..stop (half open) as the engine was given them, on the finished picture."""


def _puppet(job: TransferJob, s: Any, motion: Motion, character: Character, spec: EngineSpec) -> Track:
    assert character.pose is not None
    pose = character.pose
    plan = plan_retarget(
        motion.main, pose, rate=float(motion.timeline.rate), cuts=motion.cuts,
        smooth=s.driving_smooth, factor=s.retargeting_factor,
    )  # fmt: skip
    if s.travel == 1:
        return plan.track
    own = pose.points[0]
    has_hips = bool((pose.scores[0, [11, 12]] > 0).all())
    root, home = ([11, 12], own[[11, 12]].mean(0)) if has_hips else ([5, 6], own[[5, 6]].mean(0))

    def held_back(start: int, stop: int) -> PoseTrack:
        track = plan.track(start, stop)
        drift = (track.points[:, root].mean(1) - home) * (1 - s.travel)
        if has_hips:
            drift[:, 1] = 0  # as the puppet does: crouching and jumping stay
        return replace(track, points=(track.points - drift[:, None]).astype(np.float32))

    return held_back


def _wan(job: TransferJob, s: Any, motion: Motion, character: Character, spec: EngineSpec) -> Track:
    canvas = character.size
    if spec.canvas == "driving":
        canvas = working_size(motion.size, job.resolution, spec.size_multiple)
    replaces = spec.name.endswith("replace")
    scene = scene_placing(motion.size, canvas) if replaces else place(motion.size, canvas, s.fit)
    reference = place(character.size, canvas, s.fit)
    return WanPoses("replace" if replaces else "move", s, motion, character, reference, scene).track


def _mimic(job: TransferJob, s: Any, motion: Motion, character: Character, spec: EngineSpec) -> Track:
    return MimicMotionPoses(s, motion, character).track


def _animate(job: TransferJob, s: Any, motion: Motion, character: Character, spec: EngineSpec) -> Track:
    own = character.pose
    if own is None:  # its settings keep the driver's bones: only the size counts
        own = PoseTrack(np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32), character.size)
    return plan_retarget(
        motion.main, own, rate=float(motion.timeline.rate), cuts=motion.cuts, smooth=s.driving_smooth, mode=s.retarget
    ).track


_TRACKS: dict[str, Callable[[TransferJob, Any, Motion, Character, EngineSpec], Track]] = {
    "puppet": _puppet,
    "wan-animate": _wan,
    "wan-animate-replace": _wan,
    "mimic-motion": _mimic,
    "animate-diff": _animate,
}


def joints_at(asked: Asked, seconds: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray] | None:
    """Asked points float32 `[n,17,2]` px of a picture of `size` and scores `[n,17]` at these moments, or None.

    Between two asked frames a straight line; a joint counts as seen where both frames have it.
    """
    if asked.points is None or asked.scores is None or asked.timeline is None:
        return None
    line = asked.timeline
    moments = line.pts.astype(np.float64) * float(line.time_base)
    place_ = np.interp(seconds, moments, np.arange(len(moments)))
    below = np.minimum(place_.astype(np.int64), len(asked.points) - 1)
    share = (place_ - below)[:, None, None]
    above = np.where(share[:, 0, 0] > 1e-3, np.minimum(below + 1, len(asked.points) - 1), below)
    scale = np.array(size, np.float64) / np.array(asked.size, np.float64)
    points = ((asked.points[below] * (1 - share) + asked.points[above] * share) + 0.5) * scale - 0.5
    return points.astype(np.float32), np.minimum(asked.scores[below], asked.scores[above])
