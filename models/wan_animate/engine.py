"""Wan-Animate, window by window: what the model is told is made here, and what it gives is made to hold together.

The network itself is behind `WanBackend`. A window begins with the last frames of the one before as they were
finished, 8 bits and all; so a run that goes on after a break knows all that an unbroken one knows. Nothing but the
window in hand is kept, and a few kilobytes of state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ...core import FACE, Character, Finished, FrameChunk, Host, MissingPackage, Motion, UsageError, VideoSource
from ...pose.driver_mask import grow
from ...sampling.drift import DriftLock
from ...sampling.noise import window_noise, window_seed
from .backend import WanBackend, WindowCondition
from .conditions import STRIDE, known_frames, move_frames, packed_known, packed_mask, replace_frames
from .drive import Poses
from .faces import Faces
from .fit import check_size, place
from .scene import Scene, scene_placing
from .spec import BACKEND, WanAnimateSettings
from .windows import WanWindow, plan_wan_windows

STAGE = "frames"
_SAMPLING_SHARE = 0.95  # of a window's time, for the bar; decoding is the rest
_FACE_SEEN = 0.3
_BLEEDING_PX = 16  # two latents: so far what is made shows in what is known
_PAPER = {"move": 255, "replace": 0}
"""Behind a character without a background: white paper where that picture is the scene, black as in the bars."""


def open_engine(mode: str, settings: WanAnimateSettings, host: Host, seed: int) -> WanAnimateEngine:
    """With the host's own models where it lends them, else with diffusers'."""
    backend = host.lend(BACKEND)
    if backend is None:
        try:
            from .diffusers_backend import open_diffusers_backend
        except ImportError as error:
            raise MissingPackage(f"Wan-Animate outside ComfyUI needs diffusers and transformers: {error}.") from None
        backend = open_diffusers_backend(settings, host)
    return WanAnimateEngine(mode, settings, host, seed, backend)


class WanAnimateEngine:
    """`mode` 'move' or 'replace'."""

    def __init__(self, mode: str, settings: WanAnimateSettings, host: Host, seed: int, backend: WanBackend) -> None:
        self.mode, self.settings, self.host, self.seed, self.backend = mode, settings, host, seed, backend
        self._faces = Faces(backend, host)
        self._grey: dict[tuple[int, tuple[int, int]], torch.Tensor] = {}
        self._lock = DriftLock(settings.drift_lock)
        self.report: dict[str, Any] = {}
        """For the run's manifest: drift and seams as measured, and what stood behind the settings. Replaced, never
        changed: another thread may be reading it."""

    @property
    def enrichment(self) -> str:
        """The encoder whose codes `enrich` adds; '' where none are wanted."""
        return self._faces.encoder.encoder_id if self.settings.face_strength > 0 else ""

    def enrich(self, motion: Motion, driving: VideoSource | None) -> Motion:
        """With the driver's expression, read from the film; as it is where there is nothing to read or to add."""
        if not self.enrichment or self.enrichment in motion.face_codes:
            return motion
        if driving is None:
            self.host.note(
                "The driving video is gone and its motion has no face codes: the expression is left to the model. "
                "Give the video itself to have it followed."
            )
            return motion
        return self._faces.read(motion, driving)

    def transfer(
        self,
        character: Character,
        motion: Motion,
        *,
        after: Finished | None = None,
        driving: VideoSource | None = None,
        driving_mask: VideoSource | None = None,
        canvas: tuple[int, int] | None = None,
    ) -> Iterator[FrameChunk]:
        """See `core.Engine`. Frames have the size of the character's picture, or of `canvas` where that is given."""
        settings = self.settings
        canvas = canvas or character.size
        check_size(canvas)
        reference = place(character.size, canvas, settings.fit)
        if self.mode == "replace":
            if driving is None:
                raise UsageError("Replacing needs the driving video itself; its motion alone shows no scene.")
            placing = scene_placing((driving.info.width, driving.info.height), canvas)
            scene = Scene(driving, driving_mask, motion, placing, settings, self.host)
        else:
            placing, scene = place(motion.size, canvas, settings.fit), None
        self._say_what_is_unusual(character, motion)
        plan = plan_wan_windows(motion.num_frames, settings.window, settings.overlap_frames, settings.tail)
        begun = _window_after(plan, after)
        if begun == len(plan):
            return
        if after is not None:
            state: Any = (after.state or {}).get("lock")
            self._lock = DriftLock(settings.drift_lock, state)
        poses = Poses(self.mode, settings, motion, character, reference, placing)
        faces = self._faces.shaped(motion, settings.face_strength, settings.driving_smooth) if self.enrichment else None
        told = {
            "backend": self.backend.fingerprint,
            "windows": len(plan),
            "face": "none" if faces is None else self.enrichment,
        }
        picture = reference.lay(_on_paper(character, _PAPER[self.mode]))
        self.backend.look_at(picture)
        slot = self.backend.encode(picture[None])
        tail = after.tail if after is not None else None
        for window in plan[begun:]:
            carried = None if tail is None or window.carried == 0 else tail[-window.carried :]
            pixels = self._made(window, slot, poses, faces, scene, carried, motion.num_frames)
            tail = pixels[-settings.overlap_frames :].copy()
            state = {"lock": self._lock.state}
            self.report = {**told, **self._lock.report}
            yield FrameChunk(pixels, window.first_new, state=state)

    def _made(
        self,
        window: WanWindow,
        slot: torch.Tensor,
        poses: Poses,
        faces: torch.Tensor | None,
        scene: Scene | None,
        carried: np.ndarray | None,
        total: int,
    ) -> np.ndarray:
        """The window's new frames, uint8."""
        size, n = poses.canvas, window.num_frames
        self.host.step(window.first_new, total, STAGE)
        background = outside = None
        if scene is not None:
            background, outside = scene.window(window)
            latent = self.backend.encode(replace_frames(background, outside, carried))
        elif carried is None:
            latent = self._grey_latent(n, size)
        else:
            latent = self.backend.encode(move_frames(n, carried, size))
        mask = packed_mask(known_frames(n, window.carried, size, outside))
        condition = WindowCondition(
            known=packed_known(slot, latent, mask),
            pose=self.backend.encode(poses.draw(window.driving)),
            face_codes=None if faces is None else faces[torch.from_numpy(window.driving)],
            pose_strength=self.settings.pose_strength,
        )
        shape = (slot.shape[0], window.num_latents + 1, size[1] // STRIDE, size[0] // STRIDE)
        noise = window_noise(self.seed, window.index, shape)

        def on_step(done: int, of: int, preview: np.ndarray | None) -> None:
            share = _SAMPLING_SHARE * done / max(of, 1)
            self.host.step(window.first_new + int(window.num_new * share), total, STAGE, preview)

        made = self.backend.sample(condition, noise, window_seed(self.seed, window.index), on_step)
        frames = self.backend.decode(made[:, 1:])  # slot 0 was the reference
        if frames.shape != (n, size[1], size[0], 3):
            raise RuntimeError(f"the backend made frames {list(frames.shape)} of a window of {n} at {size}")
        keep = window.carried + window.num_new  # what follows is neither shown nor measured
        sure = None
        if background is not None and outside is not None:
            background = background[:keep]
            sure = np.stack([grow((~one).view(np.uint8), 2 * _BLEEDING_PX + 1, 1) == 0 for one in outside[:keep]])
        return self._lock.finish(frames[:keep], carried, background, sure)

    def _grey_latent(self, num_frames: int, size: tuple[int, int]) -> torch.Tensor:
        key = num_frames, size
        if key not in self._grey:
            self._grey = {key: self.backend.encode(move_frames(num_frames, None, size))}
        return self._grey[key]

    def _say_what_is_unusual(self, character: Character, motion: Motion) -> None:
        n, settings = motion.num_frames, self.settings
        if n < settings.window and settings.tail != "short":
            self.host.note(
                f"The motion has {n} frames and a window {settings.window}: the rest is made and thrown away; "
                f"tail=short would be faster."
            )
        if settings.face_strength > 0 and character.pose is not None:
            scores = character.pose.scores[0, FACE]
            if float((scores > _FACE_SEEN).mean()) < 0.5:
                self.host.note(
                    "No face was found in the character's picture, so the driver's expression may look wrong on it; "
                    "face_strength=0 leaves it out."
                )


def _window_after(plan: tuple[WanWindow, ...], after: Finished | None) -> int:
    """Index of the window to go on with."""
    done = 0 if after is None else after.num_frames
    for window in plan:
        if window.first_new == done:
            return window.index
    if done == plan[-1].first_new + plan[-1].num_new:
        return len(plan)
    raise UsageError(f"No window of this plan begins at frame {done}; the finished frames are of other settings.")


def _on_paper(character: Character, paper: int) -> np.ndarray:
    if character.has_background or character.alpha is None:
        return character.pixels
    weight = character.alpha[..., None].astype(np.uint16)
    return ((character.pixels * weight + paper * (255 - weight) + 127) // 255).astype(np.uint8)
