"""The poses of the clip as MimicMotion was trained to see them, and the reference's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core import FACE, Character, Motion, NoPersonFound, PoseTrack
from ...pose.draw import draw_pose
from ...pose.retarget import plan_retarget
from .own_face import OwnFace
from .spec import MimicMotionSettings

STYLE = "mimicmotion"
SEEN = 0.3
"""What the style draws of a body."""
_BODY = slice(0, 17)


class Poses:
    """Drawings of any frames of the clip; each depends on nothing but the clip and its own index."""

    def __init__(self, settings: MimicMotionSettings, motion: Motion, character: Character) -> None:
        """Raises NoPersonFound where character or clip show nobody."""
        own, driver = character.pose, motion.main
        if own is None or not (own.scores[:, _BODY] >= SEEN).any():
            raise NoPersonFound(
                "MimicMotion draws the character's own pose too, and no person was found in its picture; a pose made "
                "elsewhere can be given (`character_pose`)."
            )
        if not (driver.scores[:, _BODY] >= SEEN).any():
            raise NoPersonFound(f"None of the {motion.num_frames} frames of the driving video shows a person.")
        self.size, self._face_points, self._own = character.size, settings.face_points, own
        rate, cuts, smooth = float(motion.timeline.rate), motion.cuts, settings.driving_smooth
        # The driver's skeleton as it is fills the picture; the published fit lays it there by itself.
        canvas = character.size if settings.retarget == "none" else None
        self._plan = plan_retarget(
            driver, own, mode=settings.retarget, canvas=canvas, rate=rate, cuts=cuts, smooth=smooth
        )
        self._face: OwnFace | None = None
        if settings.face_points == "moved":
            if not (own.scores[0, FACE] >= SEEN).any():
                raise NoPersonFound(
                    "face_points=moved needs the character's face, and none was found in its picture; 'all' or 'none' "
                    "would work."
                )
            bones = plan_retarget(driver, own, rate=rate, cuts=cuts, smooth=smooth)
            self._face = OwnFace(bones, self._plan, keeps_size=settings.retarget == "ours")

    def reference(self) -> np.ndarray:
        """uint8 `[H,W,3]`: the character's own pose."""
        return self._drawn(self._own, 0)

    def track(self, start: int, stop: int) -> PoseTrack:
        """Frames start..stop (half open) in px of the character's picture."""
        track = self._plan.track(start, stop)
        if self._face is None:
            return track
        points = track.points.copy()
        points[:, FACE] = self._face.points(track, start, stop)
        return replace(track, points=points)

    def draw(self, start: int, stop: int, out: np.ndarray) -> None:
        """Frames start..stop (half open) into `out`, uint8 `[stop-start,H,W,3]`."""
        track = self.track(start, stop)
        for k in range(stop - start):
            self._drawn(track, k, out[k])

    def _drawn(self, track: PoseTrack, frame: int, out: np.ndarray | None = None) -> np.ndarray:
        scores = track.scores[frame]
        if self._face_points == "none":
            scores = scores.copy()
            scores[FACE] = 0
        return draw_pose(track.points[frame], scores, self.size, STYLE, out=out)


def frames_without_a_person(motion: Motion) -> str:
    """A line for the user where some frames show nobody; '' where all show somebody."""
    missing = np.flatnonzero(~(motion.main.scores[:, _BODY] >= SEEN).any(1))
    if not len(missing):
        return ""
    return (
        f"{len(missing)} of {motion.num_frames} frames of the driving video show nobody (the first is frame "
        f"{missing[0]}): there the pose is empty and the model is on its own."
    )
