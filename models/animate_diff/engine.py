"""AnimateDiff, section by section: drawn poses and noise in, frames out; the network is behind `AnimateBackend`.

A clip longer than a section is cut into sections that share some frames. The shared frames, as the section before has
finished them, are where the next one begins from: they stay while its other frames are denoised around them, so that
both are of one kind before they are faded into each other. Noise depends on the clip, never on where it was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core import Character, Finished, FrameChunk, Host, Motion, UsageError, VideoSource
from ...sampling.noise import window_noise, window_seed
from ...sampling.sections import Section, SectionStream, plan_sections
from .backend import STRIDE, AnimateBackend, SectionCondition
from .poses import Poses, nobody_in
from .spec import AnimateDiffSettings
from .windows import freenoise_order

STAGE = "frames"
_SAMPLING_SHARE = 0.95  # of a section's time, for the bar; decoding is the rest
_DECODED_AT_ONCE = 16
_PAPER = 255
"""White behind a character without a background."""


class AnimateDiffEngine:
    """Made for one run."""

    def __init__(self, settings: AnimateDiffSettings, host: Host, seed: int, backend: AnimateBackend) -> None:
        self.settings, self.host, self.seed, self.backend = settings, host, seed, backend
        self.report: dict[str, Any] = {}
        """For the run's manifest. Replaced, never changed: another thread may be reading it."""

    def transfer(
        self,
        character: Character,
        motion: Motion,
        *,
        after: Finished | None = None,
        driving: VideoSource | None = None,
    ) -> Iterator[FrameChunk]:
        """See `core.Engine`. Frames have the size of the character's picture."""
        settings, n = self.settings, motion.num_frames
        if any(side % STRIDE for side in character.size):
            raise UsageError(
                f"AnimateDiff needs sides divisible by {STRIDE}, not {character.size[0]}x{character.size[1]}."
            )
        rule = settings.rule(self.backend.places)
        self._say_what_is_unusual(motion, rule.length)
        shared = min(rule.length // 2, settings.section // 3)
        stream = SectionStream(plan_sections(n, settings.section, shared), after)
        if stream.is_done:
            return
        sections = len(plan_sections(n, settings.section, shared))
        poses = Poses(settings, motion, character)
        picture = _on_paper(character)
        self.backend.look_at(picture)
        start = self.backend.encode(picture[None])
        order = freenoise_order(n, rule.length, rule.overlap, self.seed) if settings.shuffles_noise else None
        ahead = None if after is None else after.ahead

        def make(section: Section) -> np.ndarray:
            known = ahead if section.faded_in else None
            if known is not None and len(known) != section.faded_in:
                raise RuntimeError(f"{len(known)} frames were handed over, not {section.faded_in}")
            return self._made(section, rule, poses, start, known, order, n)

        for chunk in stream.chunks(make):
            ahead = chunk.ahead
            self.report = {
                "backend": self.backend.fingerprint,
                "motion_module": self.backend.module,
                "context_length": rule.length,
                "sections": sections,
                "seams": list(stream.seams),
            }
            yield chunk

    def _made(
        self,
        section: Section,
        rule: Any,
        poses: Poses,
        start: Any,
        known: np.ndarray | None,
        order: list[int] | None,
        total: int,
    ) -> np.ndarray:
        """All frames of a section, uint8."""
        import torch

        n = section.num_frames
        self.host.step(section.start, total, STAGE)
        begun = start.expand(n, -1, -1, -1).clone()
        if known is not None:
            begun[: len(known)] = self.backend.encode(known)
        noise = self._noise(section, order, tuple(start.shape[1:]))
        condition = SectionCondition(
            poses.draw(section.start, section.stop), begun, 0 if known is None else len(known), rule
        )

        def on_step(done: int, of: int, preview: np.ndarray | None) -> None:
            share = _SAMPLING_SHARE * done / max(of, 1)
            self.host.step(section.start + int((section.ready - section.start) * share), total, STAGE, preview)

        made = self.backend.sample(condition, noise, window_seed(self.seed, section.index), on_step)
        del condition, begun, noise
        if tuple(made.shape) != (n, *start.shape[1:]) or not bool(torch.isfinite(made).all()):
            raise RuntimeError(f"the backend made latents {list(made.shape)} of {n} frames, or numbers that are none")
        height, width = start.shape[2] * STRIDE, start.shape[3] * STRIDE
        frames = np.empty((n, height, width, 3), np.uint8)
        for k in range(0, n, _DECODED_AT_ONCE):
            frames[k : k + _DECODED_AT_ONCE] = self.backend.decode(made[k : k + _DECODED_AT_ONCE])
        return frames

    def _noise(self, section: Section, order: list[int] | None, shape: tuple[int, ...]) -> Any:
        """float32 `[n,...]`: of FreeNoise a frame's own whatever section it is in, else the section's."""
        if order is None:
            return window_noise(self.seed, section.index, (section.num_frames, *shape))
        base = window_noise(self.seed, 0, (max(order) + 1, *shape))
        return base[order[section.start : section.stop]]

    def _say_what_is_unusual(self, motion: Motion, length: int) -> None:
        for note in self.backend.notes:
            self.host.note(note)
        if length < self.settings.context_length:
            self.host.note(
                f"context_length is {self.settings.context_length}, but {self.backend.module} knows {length} frames at "
                f"once: {length} are used."
            )
        empty = nobody_in(motion)
        if empty:
            named = ", ".join(f"{a}-{b - 1}" if b > a + 1 else str(a) for a, b in empty[:3])
            more = f" and {len(empty) - 3} more stretches" if len(empty) > 3 else ""
            self.host.note(
                f"Nobody is seen in frames {named}{more} of the motion: their pose picture is empty and the model is "
                f"left to itself there."
            )
        if self.settings.schedule == "looped" and motion.num_frames > self.settings.section:
            self.host.note(
                f"schedule=looped joins the end of a clip to its start within one section of {self.settings.section} "
                f"frames; this motion has {motion.num_frames} and will not loop."
            )


def _on_paper(character: Character) -> np.ndarray:
    if character.has_background or character.alpha is None:
        return character.pixels
    weight = character.alpha[..., None].astype(np.uint16)
    return ((character.pixels * weight + _PAPER * (255 - weight) + 127) // 255).astype(np.uint8)
