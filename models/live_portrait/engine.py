"""LivePortrait, a few frames at a time: the source's face at rest, moved by the driver's codes, put back into its frame.

Every frame depends on the clip and its own index alone, so a run that goes on after a break needs nothing from before.
What is in memory is a chunk of frames, the networks, and 320 bytes for each driving frame.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...core import Character, Finished, FrameChunk, Host, InputError, Motion, Timeline, VideoSource
from ...face_motion.portrait_crop import CROP_PX, crop, crop_warning
from ...face_motion.portrait_paste import feather, paste
from .drive import read_heads
from .motion_codes import FAMILY, find_codes, of_person, other_networks, unpack
from .performance import Performance
from .shown import driver_times, length_seconds
from .source import FaceFrames, FilmSource, PictureSource, note_other_faces
from .spec import ALL_FACES, MAIN_FACE, NETWORKS, SPEC, WINDOW_FRAMES, LivePortraitSettings

STAGE = "frames"
_AT_ONCE = 8  # frames between two reports where the device takes several; on a processor each frame takes seconds


def open_engine(settings: LivePortraitSettings, host: Host) -> LivePortraitEngine:
    """With the networks that the host lends, else from the weight files."""
    networks = host.lend(NETWORKS)
    if networks is None:
        from .open_networks import open_networks

        networks = open_networks(settings, host)
    return LivePortraitEngine(settings, host, networks)


class LivePortraitEngine:
    """`networks` as `PortraitNetworks`, with `codes_name` and `fingerprint`."""

    def __init__(self, settings: LivePortraitSettings, host: Host, networks: Any) -> None:
        self.settings, self.host, self.networks = settings, host, networks
        self.report: dict[str, Any] = {}
        """For the run's manifest: which networks, whose motion, what counted as rest."""

    @property
    def enrichment(self) -> str:
        """Name of the codes that `enrich` adds: the main person's, or everybody's where several faces may move."""
        name = self.networks.codes_name
        return name if self.settings.faces == MAIN_FACE else f"{name}/everybody"

    def enrich(self, motion: Motion, driving: VideoSource | None) -> Motion:
        """With the drivers' heads, read from the film. InputError where there is neither a film nor codes."""
        people = range(1 if self.settings.faces == MAIN_FACE else len(motion.tracks))
        lacking = [p for p in people if self._codes(motion, p) is None]
        if not lacking or (driving is None and 0 not in lacking):
            return motion
        if driving is None:
            others = [name for name in other_networks(motion) if "/template" not in name]
            why = f"; it has those of other networks ({', '.join(others)})" if others else ""
            raise InputError(
                f"The driving motion has no {self.networks.codes_name} codes of a head{why}, and its film is gone: give "
                f"the driving video, or a motion that was read by these networks."
            )
        codes = read_heads(motion, [motion.tracks[p] for p in lacking], driving, self.networks, self.host, must=0 in lacking)  # fmt: skip
        added = {
            of_person(self.networks.codes_name, p): c for p, c in zip(lacking, codes, strict=True) if c is not None
        }
        return replace(motion, face_codes={**motion.face_codes, **added})

    def transfer(
        self,
        character: Character,
        motion: Motion,
        *,
        after: Finished | None = None,
        driving: VideoSource | None = None,
    ) -> Iterator[FrameChunk]:
        """See `core.Engine`. Frames have the character's size, or without paste_back 512 px for each face, side by
        side."""
        begun = 0 if after is None else after.num_frames
        shown = SPEC.timeline(self.settings, character, motion)
        if begun >= shown.num_frames:
            return
        self._say_what_is_unusual(character, motion, shown)
        with self.host.on_device(self.networks):
            self.networks.to(self.host.device)
            source, performances = self._prepare(character, motion, shown)
            yield from self._chunks(source, performances, begun, shown.num_frames)

    def _prepare(
        self, character: Character, motion: Motion, shown: Timeline
    ) -> tuple[PictureSource | FilmSource, list[Performance]]:
        settings = self.settings
        if character.film is None:
            source = PictureSource(character, settings, self.networks)
        else:
            source = FilmSource(character.film, settings, self.networks, shown.num_frames)
            if source.faceless:
                self.host.note(
                    f"{source.faceless} frames of the character's video show no face and are left as they are."
                )
        times = driver_times(shown, motion.timeline, motion.cuts, settings.length, film=character.film is not None)
        drivers = self._drivers(motion)
        performances = [
            Performance(known.motion, times, pose, settings, known.rest)
            for known, pose in zip(itertools.cycle(map(unpack, drivers)), source.first_poses, strict=False)
        ]
        for name in performances[0].unmeasured:
            self.host.note(f"{name} is left out: this motion does not tell how far eyes and lips were open.")
        self.report = {
            "networks": self.networks.fingerprint,
            "faces": len(performances),
            "drivers": min(len(drivers), len(performances)),
            "reference_frame": performances[0].reference,
        }
        return source, performances

    def _drivers(self, motion: Motion) -> list[np.ndarray]:
        """Codes of each person who drives: from left to right for all faces, else the main one first."""
        known = [(p, codes) for p in range(len(motion.tracks)) if (codes := self._codes(motion, p)) is not None]
        if not known or known[0][0] != 0:
            raise InputError(f"The driving motion has no {FAMILY} codes; the run reads them from the driving video.")
        if self.settings.faces == MAIN_FACE:
            known = known[:1]
        elif self.settings.faces == ALL_FACES:
            known.sort(key=lambda one: float(np.median(motion.tracks[one[0]].points[:, :17, 0])))
        return [codes for _, codes in known]

    def _chunks(
        self, source: PictureSource | FilmSource, performances: list[Performance], begun: int, total: int
    ) -> Iterator[FrameChunk]:
        mask = feather(self.settings.feather)
        step = _step(self.settings.batch or (1 if self.host.device == "cpu" else _AT_ONCE))
        self.host.step(begun, total, STAGE)
        start, done = begun, []
        for pixels, faces in source.frames(begun, total, step):
            done.extend(self._made(pixels, faces, performances, start + len(done), mask))
            stop = start + len(done)
            if len(done) == WINDOW_FRAMES or stop == total:
                yield FrameChunk(np.stack(done), start)
                start, done = stop, []
            else:
                self.host.step(stop, total, STAGE, done[-1])

    def _made(
        self,
        pixels: np.ndarray,
        faces: list[FaceFrames],
        performances: list[Performance],
        start: int,
        mask: np.ndarray,
    ) -> list[np.ndarray]:
        """The finished frames, uint8."""
        n, settings = len(pixels), self.settings
        crops = []
        for face, performance in zip(faces, performances, strict=True):
            points = performance.points(start, start + n, face.rest, self.networks)
            crops.append(self.networks.render(face.look, face.rest.points, points))
        frames = []
        for i in range(n):
            if not settings.paste_back:
                frames.append(np.concatenate([_crop(pixels[i], f, c, i) for f, c in zip(faces, crops, strict=True)], 1))
                continue
            frame = np.array(pixels[i])
            for face, made in zip(faces, crops, strict=True):
                share = float(face.presence[min(i, len(face.presence) - 1)])
                if share > 0:
                    weight = mask if share == 1 else (mask * share).astype(np.uint8)
                    matrix = face.matrices[min(i, len(face.matrices) - 1)]
                    paste(frame, made[i], matrix, weight, match=settings.colour_match, out=frame)
            frames.append(frame)
        return frames

    def _codes(self, motion: Motion, person: int) -> np.ndarray | None:
        return find_codes(motion, self.networks.codes_name, person, templates=self.settings.weights == "people")

    def _say_what_is_unusual(self, character: Character, motion: Motion, shown: Timeline) -> None:
        settings, note = self.settings, self.host.note
        warning = crop_warning(settings.crop_factor)
        if warning is not None:
            note(warning)
        if not settings.stitching and settings.paste_back:
            note("Without stitching the shoulders move along and can break at the edge of the pasted square.")
        if character.film is None:
            note_other_faces(character, settings, self.host)
            return
        own, driver = length_seconds(character.film.motion.timeline), length_seconds(motion.timeline)
        if shown.num_frames < character.film.motion.num_frames:
            note(f"The driver ends at {driver:.2f} s and the character's video at {own:.2f} s: the result ends with the driver; length=hold or length=ping-pong would go on.")  # fmt: skip
        elif driver > own + 1 / float(shown.rate) and motion.num_frames > 1:
            note(f"The driver is {driver:.2f} s long and the character's video {own:.2f} s: the rest of the driver is not used.")  # fmt: skip


def _step(batch: int) -> int:
    """Frames from the source at a time: as many as `batch`, or fewer so that a chunk ends where they do."""
    return max(n for n in range(1, WINDOW_FRAMES + 1) if WINDOW_FRAMES % n == 0 and n <= batch)


def _crop(pixels: np.ndarray, face: FaceFrames, made: np.ndarray, i: int) -> np.ndarray:
    """The square of 512 px alone: as made, or as it is where the source shows no face."""
    if face.presence[min(i, len(face.presence) - 1)] > 0:
        return made[i]
    return crop(pixels, face.matrices[min(i, len(face.matrices) - 1)], CROP_PX)
