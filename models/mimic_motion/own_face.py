"""The character's own face on a driven head: its shape, the driver's expression, turned and tilted as the driver's.

The 68 points carry the face shape of whom they were found on, and the model follows them; so the driver's points make
the character look like the driver.
"""

from __future__ import annotations

import numpy as np

from ...core import FACE, PoseTrack
from ...pose.retarget import Retargeted, RetargetPlan

_EYES = (36, 45)
"""Outer corners, iBUG 68."""
_NOSE = (27, 33)
"""Bridge and base."""
_FRONTAL = 0.95
"""Quantile of a clip in which eyes and nose are as long as the head shows them from the front."""
_SEEN = 0.3


class OwnFace:
    """Face points for any stretch of frames; two lengths of the whole clip are measured once."""

    def __init__(self, bones: RetargetPlan, plan: Retargeted, *, keeps_size: bool) -> None:
        """`bones` gives the face in rest; `plan` is what is drawn. `keeps_size`: the face stays as large as the
        character's; else it is as large as the one it takes the place of."""
        self._bones = bones
        rest = bones.rest().points[0, FACE].astype(np.float64)
        self._rest = np.stack([_between(rest, _EYES), _between(rest, _NOSE)], -1)  # columns
        lengths = [_lengths(track) for track in plan.samples()]
        every = np.concatenate(lengths) if lengths else np.zeros((0, 2))
        own = np.maximum(np.linalg.norm(self._rest, axis=0), 1e-6)
        self._factor: np.ndarray | None = None
        if len(every) and abs(np.linalg.det(self._rest)) > 1e-6:
            front = np.maximum(np.quantile(every, _FRONTAL, axis=0), 1e-6)
            size = 1.0 if keeps_size else float(np.sqrt(np.prod(front / own)))
            self._factor = own / front * size

    def points(self, track: PoseTrack, start: int, stop: int) -> np.ndarray:
        """float32 `[n,68,2]` for frames start..stop, which `track` holds as drawn; as they are where no face is seen."""
        drawn = track.points[:, FACE].astype(np.float64)
        if self._factor is None:
            return track.points[:, FACE]
        face = self._bones.face_in_rest(start, stop).astype(np.float64)
        # The linear map that takes the rest's eye line and nose to the frame's, each in the character's own length.
        axes = np.stack([_between(drawn, _EYES) * self._factor[0], _between(drawn, _NOSE) * self._factor[1]], -1)
        turn = axes @ np.linalg.inv(self._rest)
        bridge = _NOSE[0]
        moved = np.einsum("nij,nkj->nki", turn, face - face[:, bridge, None]) + drawn[:, bridge, None]
        seen = _seen(track)
        return np.where(seen[:, None, None], moved, drawn).astype(np.float32)


def _between(face: np.ndarray, ends: tuple[int, int]) -> np.ndarray:
    return face[..., ends[1], :] - face[..., ends[0], :]


def _seen(track: PoseTrack) -> np.ndarray:
    return np.all(track.scores[:, FACE][:, [*_EYES, *_NOSE]] >= _SEEN, axis=-1)


def _lengths(track: PoseTrack) -> np.ndarray:
    """float64 `[m,2]`: of eye line and nose, in frames that show both."""
    face = track.points[:, FACE][_seen(track)].astype(np.float64)
    return np.stack([np.linalg.norm(_between(face, ends), axis=-1) for ends in (_EYES, _NOSE)], -1)
