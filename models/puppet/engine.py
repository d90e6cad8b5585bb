"""The puppet engine: one pass over the clip for what needs all of it, then frames, a window at a time.

Every frame is a pure function of the character, the plan of the clip and its own index; so a run that
goes on in the middle gives the very same pixels, and nothing but joints is kept for the whole clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

from ...core import Character, Finished, FrameChunk, Host, Motion, UsageError, VideoSource
from ...pose.retarget import plan_retarget
from .background import driving_stages, empty_stage
from .drive import pull
from .order import layer_order, survey
from .puppet import Puppet
from .raster import lay_over, lay_over_clear
from .spec import PLAIN_COLOURS, WINDOW_FRAMES, PuppetSettings

STEP_FRAMES = 8  # between two looks at the cancel button


class PuppetEngine:
    """Made by `SPEC.open`. The puppet has no randomness: the seed changes nothing."""

    def __init__(self, settings: PuppetSettings, host: Host, seed: int) -> None:
        self.settings, self.host = settings, host

    def transfer(
        self,
        character: Character,
        motion: Motion,
        *,
        after: Finished | None = None,
        driving: VideoSource | None = None,
    ) -> Iterator[FrameChunk]:
        """See `core.Engine`. The frames have the size of the character's picture."""
        settings = self.settings
        if character.alpha is None or character.pose is None:
            raise UsageError("The puppet engine needs the character's cut-out and its joints; the run finds both.")
        if settings.background == "driving" and driving is None:
            raise UsageError(
                "Background 'driving' needs the driving video itself, and only its motion was given; "
                "'keep', 'plain' or 'transparent' would do."
            )
        total, first = motion.num_frames, after.num_frames if after else 0
        if first >= total:
            return
        puppet = Puppet(character, settings.detail)
        moves = _Moves(puppet, character, motion, settings)
        clip = survey(puppet.rig, moves.targets, total, float(motion.timeline.rate), motion.cuts)
        stage = self._stage(character)
        clips = (
            driving_stages(driving, character.size, first, WINDOW_FRAMES)
            if driving is not None and (settings.background == "driving")
            else None
        )
        for start in range(first, total, WINDOW_FRAMES):
            stop = min(start + WINDOW_FRAMES, total)
            strings = pull(puppet.rig, *moves.targets(start, stop), clip.size[start:stop].astype(np.float64))
            faces = moves.faces(start, stop)
            stages = next(clips, None) if clips is not None else None
            frames = np.empty((stop - start, *stage.shape), np.uint8)
            alphas = np.zeros(frames.shape[:3], np.uint8) if settings.background == "transparent" else None
            for i in range(stop - start):
                canvas = frames[i]
                canvas[:] = stage if stages is None or not len(stages) else stages[min(i, len(stages) - 1)]
                names = layer_order(int(clip.flags[start + i]))
                for piece, origin in puppet.draw(puppet.pose(strings, i), names, faces(i)):
                    if alphas is None:
                        lay_over(canvas, piece, origin)
                    else:
                        lay_over_clear(canvas, alphas[i], piece, origin)
                if (i + 1) % STEP_FRAMES == 0 and i + 1 < len(frames):
                    self.host.step(start + i + 1, total, "frames")
            self.host.step(stop, total, "frames", frames[-1])
            yield FrameChunk(frames, start, alpha=alphas)

    def _stage(self, character: Character) -> np.ndarray:
        kind = self.settings.background
        if kind == "keep" and character.has_background:
            return empty_stage(character)
        if kind in ("keep", "plain"):
            return np.broadcast_to(
                np.array(PLAIN_COLOURS[self.settings.plain_colour], np.uint8), character.pixels.shape
            )
        return np.zeros_like(character.pixels)


class _Moves:
    """The clip's motion on this puppet, asked for in blocks."""

    def __init__(self, puppet: Puppet, character: Character, motion: Motion, settings: PuppetSettings) -> None:
        assert character.pose is not None
        self.plan = plan_retarget(
            motion.main,
            character.pose,
            rate=float(motion.timeline.rate),
            cuts=motion.cuts,
            smooth=settings.driving_smooth,
            factor=settings.retargeting_factor,
        )
        self.puppet, self.travel = puppet, settings.travel
        self.shift = puppet.shift.astype(np.float32)
        self.face_strength = settings.face_strength
        self.face = _open_face(puppet) if settings.face_strength > 0 else None

    def targets(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """float32 `[n,133,2]` on the puppet's working copy of the picture, `[n,133]`."""
        # Hidden joints ease to rest and back; a score of 0 would let go of them within one frame.
        track = self.plan.track(start, stop, hidden_score=1.0)
        points = track.points + self.shift
        rig = self.puppet.rig
        if self.travel < 1:
            root = points[:, [11, 12]].mean(1) if rig.has_hips else points[:, [5, 6]].mean(1)
            drift = (root - (rig.pelvis if rig.has_hips else rig.neck)) * (1 - self.travel)
            if rig.has_hips:
                drift[:, 1] = 0  # crouching and jumping stay, or the feet would slide through the ground
            points = points - drift[:, None].astype(np.float32)
        return points.astype(np.float32), track.scores

    def faces(self, start: int, stop: int) -> Any:
        """A function from the frame's index in the block to its face patch, or None."""
        face = self.face
        if face is None:
            return lambda i: None
        points = self.plan.face_in_rest(start, stop) + self.shift
        return lambda i: face.patch(points[i].astype(np.float32), self.face_strength)


def _open_face(puppet: Puppet) -> Any:
    """The face's own puppet, where the picture shows a face."""
    rig = puppet.rig
    if float(rig.scores[23:91].min()) <= 0:
        return None
    try:
        module = import_module(".face", __package__)
    except ModuleNotFoundError:
        return None
    return module.FacePuppet(puppet.pixels, puppet.alpha, rig.points[23:91].astype(np.float32))
