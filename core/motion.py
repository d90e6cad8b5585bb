"""A motion: where the joints of a person are in every frame of a clip, and when those frames are shown.

Extracted once, saved as a `.motion` file, and reused for any number of characters. How it is
extracted, cleaned, retargeted and stored is the business of `pose/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .media import Timeline
from .skeleton import WHOLE_BODY, Skeleton


@dataclass(frozen=True)
class PoseTrack:
    """One person through time."""

    points: np.ndarray
    """float32 `[T,K,2]`: x, y in pixels of a picture of `size`, pixel centres at integers. Always finite."""
    scores: np.ndarray
    """float32 `[T,K]`, 0..1; 0 = not seen (never None or -1; the point is then meaningless but finite)."""
    size: tuple[int, int]
    """Width, height in pixels of the picture that the points lie on."""
    skeleton: Skeleton = WHOLE_BODY

    def __post_init__(self) -> None:
        t, k = self.points.shape[:2] if self.points.ndim == 3 else (-1, -1)
        if self.points.shape != (t, self.skeleton.num_joints, 2) or self.points.dtype != np.float32:
            raise ValueError(
                f"points are float32 [T,{self.skeleton.num_joints},2], not {self.points.dtype} {list(self.points.shape)}"
            )
        if self.scores.shape != (t, k) or self.scores.dtype != np.float32:
            raise ValueError(f"scores are float32 [{t},{k}], not {self.scores.dtype} {list(self.scores.shape)}")
        if not np.isfinite(self.points).all() or not np.isfinite(self.scores).all():
            raise ValueError("points and scores must be finite; an unseen joint has score 0")
        if self.scores.size and (float(self.scores.min()) < 0 or float(self.scores.max()) > 1):
            raise ValueError("scores lie between 0 and 1")

    @property
    def num_frames(self) -> int:
        return int(self.points.shape[0])

    def cut(self, start: int, stop: int) -> PoseTrack:
        """Frames start..stop (half open)."""
        return replace(self, points=self.points[start:stop], scores=self.scores[start:stop])

    def __repr__(self) -> str:
        return f"PoseTrack({self.skeleton.name}, {list(self.points.shape)}, on {self.size[0]}x{self.size[1]})"


@dataclass(frozen=True)
class SourceFile:
    """Which file something came from."""

    path: str
    """As given by the user; may be gone by the time somebody reads this."""
    sha256: str
    has_audio: bool = False
    start_seconds: float = 0.0
    """The part of the file that was used, as players show its time."""
    stop_seconds: float | None = None
    """None = to the end."""


@dataclass(frozen=True)
class Motion:
    """What an engine is driven by."""

    tracks: tuple[PoseTrack, ...]
    """At least one person, the main one first; all of the same length and on pictures of the same size."""
    timeline: Timeline
    source: SourceFile
    detector: str
    """Detector and its version, as in 'mediapipe-0.10.21/holistic-1'."""
    cuts: tuple[int, ...] = ()
    """Index of the first frame after each cut; nothing is smoothed or filled across one."""
    face_codes: dict[str, np.ndarray] = field(default_factory=dict)
    """Encoder id -> float32 `[T,N]`; see `face_motion/`."""

    def __post_init__(self) -> None:
        if not self.tracks:
            raise ValueError("a motion has at least one track")
        lengths = {t.num_frames for t in self.tracks} | {self.timeline.num_frames}
        if len(lengths) != 1:
            raise ValueError(f"tracks and timeline differ in length: {sorted(lengths)}")
        if len({t.size for t in self.tracks}) != 1:
            raise ValueError("tracks lie on pictures of different sizes")
        if any(not 0 < c < self.timeline.num_frames for c in self.cuts):
            raise ValueError(f"cuts lie inside the clip, not at {self.cuts}")
        for name, codes in self.face_codes.items():
            if codes.dtype != np.float32 or codes.ndim != 2 or len(codes) != self.timeline.num_frames:
                raise ValueError(f"face codes {name!r} are float32 [T,N], not {codes.dtype} {list(codes.shape)}")

    @property
    def num_frames(self) -> int:
        return self.timeline.num_frames

    @property
    def main(self) -> PoseTrack:
        return self.tracks[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels of the driving video."""
        return self.tracks[0].size

    def __repr__(self) -> str:
        people = "1 person" if len(self.tracks) == 1 else f"{len(self.tracks)} people"
        return f"Motion({people}, {self.num_frames} frames, {self.size[0]}x{self.size[1]}, {self.detector})"
