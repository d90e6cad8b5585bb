"""The driving motion as the pictures that OpenPose ControlNets were trained on, moved onto the character."""

from __future__ import annotations

import numpy as np

from ...core import BODY, Character, Motion, UsageError
from ...pose.draw import draw_pose
from ...pose.retarget import plan_retarget
from .spec import AnimateDiffSettings

_SEEN = 0.3  # below this score, a joint of the body is not drawn


class Poses:
    """Drawings of any frames of the clip; every frame depends on nothing but the clip and its own index."""

    def __init__(self, settings: AnimateDiffSettings, motion: Motion, character: Character) -> None:
        self._size, self._style = character.size, settings.pose_style
        if settings.retarget != "none" and character.pose is None:
            raise UsageError(
                "Retargeting needs the character's joints, which the run finds; retarget=none goes without."
            )
        own = character.pose
        if own is None:  # only its size counts
            own = _nobody(motion, character.size)
        self._plan = plan_retarget(
            motion.main,
            own,
            rate=float(motion.timeline.rate),
            cuts=motion.cuts,
            smooth=settings.driving_smooth,
            mode=settings.retarget,
        )

    def draw(self, start: int, stop: int) -> np.ndarray:
        """uint8 `[n,H,W,3]` of frames start..stop (half open)."""
        track = self._plan.track(start, stop)
        width, height = self._size
        drawn = np.zeros((stop - start, height, width, 3), np.uint8)
        for k in range(stop - start):
            draw_pose(track.points[k], track.scores[k], self._size, self._style, out=drawn[k])
        return drawn


def nobody_in(motion: Motion) -> list[tuple[int, int]]:
    """Stretches start..stop (half open) in which no joint of the body would be drawn."""
    empty = np.concatenate([[False], (motion.main.scores[:, BODY] < _SEEN).all(1), [False]])
    edges = np.flatnonzero(np.diff(empty.astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _nobody(motion: Motion, size: tuple[int, int]):  # noqa: ANN202  a PoseTrack of one frame
    track = motion.main
    return type(track)(np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32), size)
