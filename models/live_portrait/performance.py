"""What the driver makes of one face: its motion smoothed, set against rest, given to the source, as key points.

In this order: smoothed on the driver's own frames, resampled to the frames that are shown, set against the frame at
rest, taken by regions and factors, put on the source that nothing was done to, lids and lips, stitching.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import UsageError
from ...face_motion.portrait_motion import PortraitMotion, key_points
from ...face_motion.portrait_reference import reference_frame
from ...face_motion.portrait_resample import resample
from ...face_motion.portrait_smoother import smooth
from ...face_motion.portrait_transfer import TransferSettings, transfer
from .shown import DriverTimes
from .spec import AUTO, FIRST, LivePortraitSettings

OPEN_LIPS = 0.03
"""A mouth that is open further than this is shut by lip_normalise; the authors' threshold."""


@dataclass(frozen=True)
class Rest:
    """A source's face before anything moves it: of one picture, or of some frames of a film."""

    kp: np.ndarray
    """float32 `[1 or n,21,3]`: the face itself, neither turned nor with an expression."""
    motion: PortraitMotion
    """Of 1 or n frames: the pose that the source shows."""
    eye_ratio: np.ndarray | None
    """float32 `[1 or n,2]`; None where its points are not known."""
    lip_ratio: np.ndarray | None
    """float32 `[1 or n,1]`."""

    @property
    def points(self) -> np.ndarray:
        """float32 `[1 or n,21,3]`: x_s."""
        return key_points(self.kp, self.motion)


class Performance:
    """One driver for one face; every frame depends on nothing but the clip and its own index."""

    def __init__(
        self,
        driver: PortraitMotion,
        times: DriverTimes,
        first_pose: np.ndarray,
        settings: LivePortraitSettings,
        rest: PortraitMotion | None = None,
    ) -> None:
        """`driver` as it was read, `times` how its frames fall on those that are shown, `first_pose` `[3,3]` how the
        source is turned. A motion made by hand says its own `rest`, of one frame. UsageError where there is no such
        reference frame."""
        steady = smooth(driver, times.rate, settings.driving_smooth, cuts=times.cuts)
        self.reference = _reference(steady, first_pose, settings)
        self._rest = steady.at([self.reference]) if rest is None or settings.reference_frame != AUTO else rest
        self._usual_lids = None if steady.eye_ratio is None else max(float(np.median(steady.eye_ratio)), 1e-3)
        self._still = driver.num_frames == 1 and rest is None
        self.driving = steady if times.wanted is None or self._still else resample(steady, times.seconds, times.wanted, times.cuts)  # fmt: skip
        self._settings = settings
        measured = {"eye_retargeting": driver.eye_ratio, "lip_retargeting": driver.lip_ratio}
        self.unmeasured = tuple(name for name, ratios in measured.items() if getattr(settings, name) and ratios is None)
        """Settings that ask for ratios which the driver's motion does not hold."""

    def points(self, start: int, stop: int, rest: Rest, networks: Any) -> np.ndarray:
        """float32 `[n,21,3]`: where the source's key points go in frames start..stop (half open)."""
        s, frames = self._settings, np.arange(start, stop)
        driving = self.driving if self._still else self.driving.at(frames)
        eyes, lips = self._sets("eye", rest), self._sets("lip", rest)
        told = TransferSettings(
            relative=s.motion == "relative",
            retargeting_factor=s.retargeting_factor,
            pose=s.pose_factor,
            expression=s.expression_factor,
            eyes=s.eyes_factor,
            lips=s.lips_factor,
            scale_lock=s.scale_lock,
            own_eyes=eyes,
            own_lips=lips,
        )
        if self._still:
            moved = transfer(rest.motion, driving, told)
        else:  # the frame at rest goes first, so that a chunk is no other than the whole clip
            source = rest.motion if rest.motion.num_frames == 1 else joined(rest.motion.cut(0, 1), rest.motion)
            moved = transfer(source, joined(self._rest, driving), told).cut(1, len(frames) + 1)
        moved = moved.at(np.zeros(len(frames), int)) if moved.num_frames == 1 else moved
        x_s, points = rest.points, key_points(rest.kp, moved)
        share = s.retargeting_factor
        if eyes:
            points = points + share * s.eyes_factor * networks.retarget_eye(x_s, self._eye_ratios(rest, driving, len(frames)))  # fmt: skip
        if lips:
            points = points + share * s.lips_factor * networks.retarget_lip(x_s, self._lip_ratios(rest, driving, len(frames)))  # fmt: skip
        points = points.astype(np.float32)
        if s.stitching:
            points = networks.stitch(x_s, points)
        if s.lip_normalise and not lips and s.motion == "relative":
            points = points + self._shut(x_s, rest, networks, len(frames))
        return points.astype(np.float32)

    def _sets(self, what: str, rest: Rest) -> bool:
        """Whether lids or lips go by measured ratios."""
        asked = bool(getattr(self._settings, f"{what}_retargeting"))
        return asked and getattr(rest, f"{what}_ratio") is not None and getattr(self.driving, f"{what}_ratio") is not None  # fmt: skip

    def _eye_ratios(self, rest: Rest, driving: PortraitMotion, n: int) -> np.ndarray:
        """`[n,3]`: the source's two eyes, and as open as they are when the driver's are so far from their usual."""
        assert rest.eye_ratio is not None and driving.eye_ratio is not None and self._usual_lids is not None
        own = np.broadcast_to(rest.eye_ratio, (n, 2))
        openness = np.broadcast_to(driving.eye_ratio.mean(axis=1, keepdims=True), (n, 1)) / self._usual_lids
        return np.concatenate([own, own.mean(axis=1, keepdims=True) * openness], axis=1)

    def _lip_ratios(self, rest: Rest, driving: PortraitMotion, n: int) -> np.ndarray:
        """`[n,2]`: the source's lips, and as open as the driver's."""
        assert rest.lip_ratio is not None and driving.lip_ratio is not None
        return np.concatenate([np.broadcast_to(r, (n, 1)) for r in (rest.lip_ratio, driving.lip_ratio)], axis=1)

    def _shut(self, x_s: np.ndarray, rest: Rest, networks: Any, n: int) -> np.ndarray:
        """What shuts the source's own mouth, `[n,21,3]`; nothing where it is shut or not known."""
        if rest.lip_ratio is None:
            return np.zeros((n, 1, 1), np.float32)
        own = np.broadcast_to(rest.lip_ratio, (n, 1))
        change = networks.retarget_lip(x_s, np.concatenate([own, np.zeros_like(own)], axis=1))
        return change * (own >= OPEN_LIPS)[:, :, None]


def joined(first: PortraitMotion, then: PortraitMotion) -> PortraitMotion:
    """One motion after another, without ratios."""
    names = ("scale", "rotation", "expression", "translation")
    return PortraitMotion(*(np.concatenate([getattr(first, n), getattr(then, n)]) for n in names))


def _reference(driver: PortraitMotion, first_pose: np.ndarray, settings: LivePortraitSettings) -> int:
    if settings.reference_frame == AUTO:
        return reference_frame(driver, first_pose)
    asked = 0 if settings.reference_frame == FIRST else int(settings.reference_frame)
    if asked >= driver.num_frames:
        raise UsageError(f"reference_frame is {asked}, but the driver has {driver.num_frames} frames: 0 to {driver.num_frames - 1}, first or auto would work.")  # fmt: skip
    return asked
