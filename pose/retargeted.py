"""What every way of retargeting gives, whatever its arithmetic: a track on the canvas, its ratios, its report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core import Motion, PoseTrack
from .clean import Cleaner, shots_between
from .placing import BODY_AND_FEET, SHOWN, ground_of, inside, largest_that_fits

BLOCK_FRAMES = 256
SAMPLED_BLOCKS = 6


class Retargeted:
    """Made by `plan_retarget`; frame for frame with the driving clip, any stretch when it is asked for."""

    mode = ""
    """Its name among the modes of `plan_retarget`."""
    rate: float
    """frames/s of the driving clip."""
    num_frames: int
    size: tuple[int, int]
    """Width, height in px of the canvas that the points lie on."""
    edges: tuple[int, ...]
    """First frame of every shot and, last, the number of frames."""
    ratios: dict[str, float]
    """Bone group -> the character's length over the driver's; empty where bones keep the driver's lengths."""
    character: PoseTrack
    """The character's pose (one frame) as given."""
    reference: PoseTrack | None = None
    """The character's pose (one frame) on the canvas; None where the figure plays in the driver's place."""
    _shrunk: tuple[np.ndarray, float] | None = None
    _cleaner: Cleaner

    def track(self, start: int, stop: int, *, hidden_score: float = 0.0) -> PoseTrack:
        """Frames start..stop (half open) on the canvas.

        Scores are the driver's; `hidden_score` in place of 0, for who moves a figure by the points instead of
        drawing them.
        """
        if not 0 <= start <= stop <= self.num_frames:
            raise ValueError(f"frames {start}..{stop} do not lie within the clip's {self.num_frames}")
        points, scores = self._frames(start, stop)
        if self._shrunk is not None:
            centre, scale = self._shrunk
            points = (centre + scale * (points - centre)).astype(np.float32)
        if hidden_score:
            scores[scores == 0] = hidden_score
        return PoseTrack(points, scores, self.size)

    def moved(self, motion: Motion) -> Motion:
        """`motion`, of which this is the plan, with the retargeted track alone and no face codes."""
        track = self.track(0, self.num_frames)
        return replace(motion, tracks=(track,), detector=f"{motion.detector}/retargeted", face_codes={})

    def fit(self) -> float:
        """Shrinks the figure about the ground it stands on in the first frame until 98 % of it stays inside.

        By how much: 1 where nothing had to be done. Bones, way and ground shrink alike.
        """
        self._shrunk = None
        shown = [(t.points, t.scores) for t in self.samples()]
        first = next(((p[k], s[k]) for p, s in shown for k in range(len(p)) if (s[k, :23] > SHOWN).any()), None)
        if first is None:
            return 1.0
        centre = ground_of(first[0], first[1] > SHOWN, self.size)
        body = np.concatenate([p[:, BODY_AND_FEET][s[:, BODY_AND_FEET] > SHOWN] for p, s in shown])
        scale = largest_that_fits(body.astype(np.float64), centre, self.size)
        self._shrunk = (centre, scale) if scale < 1 else None
        return scale

    def driver(self, start: int, stop: int) -> PoseTrack:
        """The driving clip's frames start..stop as they were retargeted: cleaned, in px of the driving video."""
        points, scores = self._cleaner.frames(start, stop)
        return PoseTrack(points.astype(np.float32), scores.copy(), self._cleaner.track.size)

    def spans(self) -> Iterator[tuple[int, int]]:
        """Frames start..stop (half open) without a cut: the whole clip, or blocks spread over a long one."""
        blocks = -(-self.num_frames // BLOCK_FRAMES)
        for block in sorted({int(b) for b in np.linspace(0, blocks - 1, min(blocks, SAMPLED_BLOCKS))}):
            start = block * BLOCK_FRAMES
            yield from shots_between(self.edges, start, min(start + BLOCK_FRAMES, self.num_frames))

    def samples(self) -> Iterator[PoseTrack]:
        """The frames of `spans`."""
        for start, stop in self.spans():
            yield self.track(start, stop)

    @property
    def report(self) -> dict[str, float | str]:
        """What one should know before trusting the result; the share in the frame is taken from a sample of blocks."""
        found: dict[str, float | str] = {"in_frame": self._in_frame(), **self._notes()}
        if self._shrunk is not None:
            found["fit"] = self._shrunk[1]
        return found

    def _in_frame(self) -> float:
        within = total = 0
        for track in self.samples():
            shown = track.scores[:, BODY_AND_FEET] > SHOWN
            lies = inside(track.points[:, BODY_AND_FEET], self.size)
            within, total = within + int((shown & lies).sum()), total + int(shown.sum())
        return within / total if total else 0.0

    def _notes(self) -> dict[str, float | str]:
        return {}

    def _frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """float32 points `[n,133,2]` and scores `[n,133]`, both the caller's own."""
        raise NotImplementedError
