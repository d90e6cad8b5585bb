"""MimicMotion, section by section: what the network is told is made here, and what it gives is made one clip.

The network itself is behind `MimicBackend`. All frames of a section are denoised together with the reference in front,
which is dropped again; a clip that is longer than a section is made in several, which share some frames and are faded
into one another. Only the section in hand is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core import Character, Finished, FrameChunk, Host, MissingPackage, Motion, UsageError, VideoSource
from ...sampling.noise import window_seed
from ...sampling.sections import Section, SectionStream, plan_sections
from .backend import MimicBackend, SectionCondition
from .conditioning import augmented, section_noise, squashed
from .poses import Poses, frames_without_a_person
from .spec import BACKEND, SIZE_MULTIPLE, MimicMotionSettings
from .tiles import guidance_ramp, plan_tiles

STAGE = "frames"
_SAMPLING_SHARE = 0.95  # of a section's time, for the bar; decoding is the rest
_PAPER = 255
"""Behind a character without a background."""


def open_engine(settings: MimicMotionSettings, host: Host, seed: int) -> MimicMotionEngine:
    """With the host's own models where it lends them, else with diffusers'."""
    backend = host.lend(BACKEND)
    if backend is None:
        try:
            from .diffusers_backend import open_diffusers_backend
        except ImportError as error:
            raise MissingPackage(f"MimicMotion outside ComfyUI needs diffusers and transformers: {error}.") from None
        backend = open_diffusers_backend(settings, host)
    return MimicMotionEngine(settings, host, seed, backend)


class MimicMotionEngine:
    """Made for one run."""

    def __init__(self, settings: MimicMotionSettings, host: Host, seed: int, backend: MimicBackend) -> None:
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
        settings, total = self.settings, motion.num_frames
        check_size(character.size)
        poses = Poses(settings, motion, character)
        stream = SectionStream(plan_sections(total, settings.section_frames, settings.shared_frames), after)
        if stream.is_done:
            return
        self._say_what_is_unusual(motion)
        picture = _on_paper(character)
        self.backend.look_at(squashed(picture), augmented(picture, settings.noise_aug, self.seed))
        told = {
            "backend": self.backend.fingerprint,
            "tile": min(settings.tile_frames, total + 1),
            "guidance": [settings.first_guidance, settings.guidance],
        }
        for chunk in stream.chunks(lambda section: self._made(section, poses, total)):
            self.report = {**told, **seams_told(stream.seams)}
            yield chunk

    def _made(self, section: Section, poses: Poses, total: int) -> np.ndarray:
        """The section's frames, uint8, without the reference."""
        settings, n = self.settings, section.num_frames
        width, height = poses.size
        self.host.step(section.start + section.faded_in, total, STAGE)
        pictures = np.zeros((n + 1, height, width, 3), np.uint8)
        pictures[0] = poses.reference()
        poses.draw(section.start, section.stop, pictures[1:])
        condition = SectionCondition(
            poses=pictures,
            tiles=plan_tiles(n + 1, settings.tile_frames, settings.overlap_frames),
            guidance=guidance_ramp(settings.first_guidance, settings.guidance, n + 1, section.start, total),
            pose_strength=settings.pose_strength,
        )
        noise = section_noise(self.seed, settings.tile_frames, poses.size, n + 1, section.start)

        def on_step(done: int, of: int, preview: np.ndarray | None) -> None:
            self._tell(section, _SAMPLING_SHARE * done / max(of, 1), total, preview)

        latents = self.backend.sample(condition, noise, window_seed(self.seed, section.index), on_step)
        del pictures, condition, noise
        frames = np.empty((n, height, width, 3), np.uint8)
        for start in range(0, n + 1, settings.decode_chunk):
            pixels = self.backend.decode(latents[start : start + settings.decode_chunk])
            if pixels.shape[1:] != (height, width, 3):
                raise RuntimeError(f"the backend made frames {list(pixels.shape)} of a picture of {width}x{height}")
            skip = 1 if start == 0 else 0  # the reference
            at = start + skip - 1
            frames[at : at + len(pixels) - skip] = np.rint(np.clip(pixels[skip:], 0, 1) * 255).astype(np.uint8)
            decoded = min(1.0, (start + len(pixels)) / (n + 1))
            self._tell(section, _SAMPLING_SHARE + (1 - _SAMPLING_SHARE) * decoded, total)
        return frames

    def _tell(self, section: Section, share: float, total: int, preview: np.ndarray | None = None) -> None:
        new = section.num_frames - section.faded_in
        self.host.step(section.start + section.faded_in + int(new * min(share, 1.0)), total, STAGE, preview)

    def _say_what_is_unusual(self, motion: Motion) -> None:
        settings = self.settings
        if settings.tile != "auto" and motion.num_frames + 1 < settings.tile_frames:
            self.host.note(
                f"A tile of {settings.tile_frames} frames is longer than the clip of {motion.num_frames} with its "
                f"reference; one tile of {motion.num_frames + 1} is made."
            )
        if nobody := frames_without_a_person(motion):
            self.host.note(nobody)


def seams_told(seams: list[float]) -> dict[str, Any]:
    """For the manifest: sections, and how far apart the two versions of their shared frames were."""
    if not seams:
        return {"sections": 1}
    return {"sections": len(seams) + 1, "seam_levels_mean": round(sum(seams) / len(seams), 3), "seam_levels_worst": max(seams)}  # fmt: skip


def check_size(size: tuple[int, int]) -> None:
    """UsageError unless the UNet can halve the latents three times."""
    if any(side % SIZE_MULTIPLE or side < SIZE_MULTIPLE for side in size):
        better = "x".join(str(max(SIZE_MULTIPLE, side // SIZE_MULTIPLE * SIZE_MULTIPLE)) for side in size)
        raise UsageError(
            f"MimicMotion needs sides divisible by {SIZE_MULTIPLE}, not {size[0]}x{size[1]}; {better} would do."
        )


def _on_paper(character: Character) -> np.ndarray:
    if character.has_background or character.alpha is None:
        return character.pixels
    weight = character.alpha[..., None].astype(np.uint16)
    return ((character.pixels * weight + _PAPER * (255 - weight) + 127) // 255).astype(np.uint8)
