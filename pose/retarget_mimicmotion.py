"""Retargeting as MimicMotion publishes it: one line per axis, fitted over all frames to the picture's one pose.

Nobody's proportions change, and a moving person fitted to a standing one comes out too small; both are the method's.
Facts from Tencent/MimicMotion, `mimicmotion/dwpose/preprocess.py`. One thing is ours: joints of score 0, whose place
means nothing, do not enter the fit.
"""

from __future__ import annotations

import numpy as np

from ..core import NoPersonFound, PoseTrack
from .clean import Cleaner
from .openpose_18 import openpose_body
from .retargeted import BLOCK_FRAMES, Retargeted

FITTED = (0, 1, 2, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
"""OpenPose joints: all but elbows and wrists, which swing."""
SEEN = 0.3


def linear_fit(
    bodies: np.ndarray, used: np.ndarray, reference: np.ndarray, sizes: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept `[2]` (x, y) that lay driving joints on the picture's, both 0..1 of their pictures.

    `bodies` `[T,k,2]`, `used` bool `[T,k]`, `reference` `[k,2]`, `sizes` (width, height) of the driving video and of
    the picture. The y axis is fitted; x follows so that the scale is the same in px, and takes the mean of what is left.
    """
    driver = bodies[used]
    target = np.broadcast_to(reference, bodies.shape)[used]
    slope, intercept = np.polyfit(driver[:, 1], target[:, 1], 1)
    (width, height), (own_width, own_height) = sizes
    across = slope / (height / width / own_height * own_width)
    return np.array([across, slope]), np.array([np.mean(target[:, 0] - driver[:, 0] * across), intercept])


class MimicMotionRetarget(Retargeted):
    """MimicMotion's linear fit of a clip to a picture."""

    mode = "mimicmotion"

    def __init__(
        self,
        driving: PoseTrack,
        character: PoseTrack,
        *,
        rate: float,
        cuts: tuple[int, ...] = (),
        smooth: float = 0.0,
    ) -> None:
        self.rate, self.num_frames, self.size = rate, driving.num_frames, character.size
        self._cleaner = Cleaner(driving, rate, strength=smooth, cuts=cuts)
        self.edges = self._cleaner.edges
        self._from = driving.size
        reference, scores = openpose_body(character.points, character.scores, character.size)
        wanted = [j for j in FITTED if scores[0, j] > SEEN]
        bodies = np.empty((self.num_frames, len(wanted), 2))
        used = np.empty((self.num_frames, len(wanted)), bool)
        for start in range(0, self.num_frames, BLOCK_FRAMES):
            stop = min(start + BLOCK_FRAMES, self.num_frames)
            body, body_scores = openpose_body(*self._cleaner.frames(start, stop), driving.size)
            bodies[start:stop], used[start:stop] = body[:, wanted], body_scores[:, wanted] > 0
        heights = bodies[used][:, 1]
        if len(heights) < 2 or np.ptp(heights) < 1e-9:
            raise NoPersonFound(
                f"MimicMotion's fit needs joints that driver and character both show; the character shows "
                f"{len(wanted)} of its {len(FITTED)}, and the clip {len(heights)} of those."
            )
        self.slope, self.intercept = linear_fit(bodies, used, reference[0, wanted], (driving.size, character.size))
        self.scale = float(self.slope[1]) * character.size[1] / driving.size[1]
        self.ratios = {"body": self.scale}

    def _frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        points, scores = self._cleaner.frames(start, stop)
        points = (points / self._from * self.slope + self.intercept) * self.size
        return points.astype(np.float32), scores.copy()

    def _notes(self) -> dict[str, float | str]:
        return {"scale": self.scale}
