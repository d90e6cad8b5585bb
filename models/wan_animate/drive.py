"""The driving motion as the pictures that the model was trained on: a thin skeleton, drawn on the canvas."""

from __future__ import annotations

import numpy as np

from ...core import Character, Motion, PoseTrack, UsageError
from ...pose.clean import Cleaner
from ...pose.draw import draw_pose
from ...pose.retarget import plan_retarget
from .fit import Placing
from .spec import WanAnimateSettings

STYLE = "wan"


class Poses:
    """Drawings of any frames of the clip; every frame depends on nothing but the clip and its own index."""

    def __init__(
        self,
        mode: str,
        settings: WanAnimateSettings,
        motion: Motion,
        character: Character,
        reference: Placing,
        scene: Placing,
    ) -> None:
        """`reference` lays the character's picture on the canvas, `scene` the driving frames."""
        self._scene, self.canvas = scene, scene.canvas
        rate, smooth = float(motion.timeline.rate), settings.driving_smooth
        self._cleaner = self._plan = None
        if settings.retarget == "none":
            self._cleaner = Cleaner(motion.main, rate, strength=smooth, cuts=motion.cuts)
            return
        if character.pose is None:
            raise UsageError(
                "Retargeting needs the character's joints, which the run finds; retarget=none goes without."
            )
        own = reference.move(character.pose)
        replaces = mode == "replace"
        self._plan = plan_retarget(
            scene.move(motion.main) if replaces else motion.main,
            own,
            rate=rate,
            cuts=motion.cuts,
            smooth=smooth,
            mode=settings.retarget,
            place="driver" if replaces else "character",
        )

    def track(self, start: int, stop: int) -> PoseTrack:
        """Frames start..stop (half open) in pixels of the canvas."""
        if self._plan is not None:
            return self._plan.track(start, stop)
        assert self._cleaner is not None
        points, scores = self._cleaner.frames(start, stop)
        return self._scene.move(PoseTrack(points.astype(np.float32), scores.astype(np.float32), self._scene.picture))

    def draw(self, frames: np.ndarray) -> np.ndarray:
        """uint8 `[n,H,W,3]` of the clip's frames with these indices, in any order."""
        first = int(frames.min())
        track = self.track(first, int(frames.max()) + 1)
        width, height = self.canvas
        drawn = np.zeros((len(frames), height, width, 3), np.uint8)
        done: dict[int, int] = {}
        for k, frame in enumerate(frames.tolist()):
            if frame in done:  # a mirrored or held tail shows frames again
                drawn[k] = drawn[done[frame]]
                continue
            draw_pose(track.points[frame - first], track.scores[frame - first], self.canvas, STYLE, out=drawn[k])
            done[frame] = k
        return drawn
