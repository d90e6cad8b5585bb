"""The one route from a job to a finished video.

    plan -> character -> motion -> engine -> journal -> (finishing -> journal) -> join -> manifest

The only loop over frames is here. Engines do not know the journal, the journal knows no engine, and
this file knows neither codecs nor detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Cancelled, Character, Engine, FrameChunk, Host, Motion, Timeline, TransferJob, VideoSource
from ..video import encode_chunk, file_sha256, join_chunks, open_video
from .admission import Admitted, admit
from .character_film import prepare_character_film, shown_cuts
from .digests import character_digest, digest_of, motion_digest
from .driving_mask import find_driving_mask, open_driving_mask
from .enrichment import enriched
from .estimate import Foresight
from .finish_transfer import FinishedPieces, check_frames_to_come, engine_format, finish_key, finish_pieces
from .host import NotedHost
from .journal import Journal
from .lock import Lock
from .manifest import (
    MANIFEST_VERSION,
    input_hashes,
    manifest_path,
    versions,
)
from .motion_cache import Extraction, load_or_extract
from .pieces import write_behind
from .places import cache_folder, write_json
from .preflight import disk_suffices, may_replace, opaque_in_spite_of_alpha
from .prepare import prepare_character, working_size
from .result import Clock, RunResult, finished_already, stopped, tidy
from .sound import Sound, driving_film, find_film, find_sound

RENDER_VERSION = 1
"""Changed whenever the same frames are encoded or joined to another file."""
RENDERING = "frames"
"""Stage of `host.step`, the same word that engines use."""


def run(
    job: TransferJob,
    host: Host,
    *,
    work_dir: Path | None = None,
    overwrite: bool = False,
    keep_parts: bool = False,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Make the video that `job` describes, going on from where a broken run of the same job stopped.

    `work_dir` holds the cache and the journal; None: the user's cache folder, and a hidden folder beside
    the output. An output that exists is left alone unless `overwrite` is said; one that this very job made
    is simply returned. `say` hears in one line what the run will cost, before it is spent.

    Raises UsageError, InputError, MissingPackage, MissingWeights, and Cancelled, which says how much is kept.
    """
    noted = NotedHost(host, commercial_use_only=job.commercial_use_only)
    admitted = admit(job, noted, work_dir=work_dir, overwrite=overwrite)
    with Lock(admitted.parts / "lock", admitted.plan.output):
        cache = work_dir or cache_folder()
        ahead = Foresight(admitted, job.quality, noted, cache, say=say)
        return _Run(job, admitted, noted, cache, ahead, overwrite, keep_parts).go()


@dataclass
class _Run:
    job: TransferJob
    admitted: Admitted
    host: NotedHost
    cache: Path
    ahead: Foresight
    overwrite: bool
    keep_parts: bool
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.plan, self.steps, self.parts = self.admitted.plan, self.admitted.steps, self.admitted.parts

    def go(self) -> RunResult:
        journal: Journal | None = None
        before = self.admitted.before
        try:
            character, motion = self._inputs()
            timeline = self.plan.spec.timeline(self.plan.settings, character, motion)
            sound = find_sound(self.job, motion, self.host.note, timeline)
            key = self._pieces_key(character, motion)
            check_frames_to_come(
                self.steps, self._canvas(motion) or character.size, timeline, shown_cuts(character, motion, timeline)
            )
            last_key = finish_key(key, self.steps, self.plan.format, self._mask_hash()) if self.steps else key
            result_key = digest_of(
                {
                    "pieces": last_key,
                    "container": self.plan.format.container,
                    "sound": None if sound is None else sound.key,
                }
            )
            if before is not None and before.get("result_key") == result_key and not self.overwrite:
                return self._already(before)
            journal = Journal(self.parts / key, suffix=self.plan.format.piece_suffix, overlap=self.plan.spec.overlap)
            may_replace(self.plan.output, overwrite=self.overwrite, known=bool(journal.pieces))
            reused = len(journal.pieces)
            self._render(journal, character, motion, timeline)
            made = FinishedPieces(journal, timeline, len(journal.pieces) - reused, reused)
            if self.steps:
                made = self._finishing(made, last_key, character, motion)
            with self.clock.stage("joining"):
                self._join(made.journal, made.timeline, sound)
            result = self._finish(journal, made, result_key, character, motion, sound)
            self._tidy()
            return result
        except Cancelled:
            raise stopped(0 if journal is None else journal.num_frames) from None
        finally:
            if journal is not None and not journal.pieces:
                journal.discard()

    def _inputs(self) -> tuple[Character, Motion]:
        job, plan = self.job, self.plan
        motion = self._motion() if plan.driving_is_motion else None  # read in a moment, where a film takes minutes
        with self.clock.stage("character"):
            self.host.step(0, 1, "character")
            multiple = plan.spec.size_multiple if plan.spec.canvas == "character" else 2
            if plan.character_is_film:
                character = prepare_character_film(job, multiple, self.cache, self.host)
            else:
                character = prepare_character(job, plan.needs, multiple, self.cache, self.host)
            self.host.step(1, 1, "character")
        motion = motion or self._motion(character)
        size = self._canvas(motion) or character.size
        disk_suffices(self.parts.parent, "lossless" if self.steps else job.quality, size, motion.num_frames)
        return character, motion

    def _motion(self, character: Character | None = None) -> Motion:
        job = self.job

        def before_extracting(extraction: Extraction) -> None:
            assert character is not None, "a motion file was extracted"
            info = extraction.video.info
            size = self._canvas_of((info.width, info.height)) or character.size
            self.ahead.tell(size, extraction.video.counted(), extraction=extraction)
            self.ahead.extracting(extraction)

        with self.clock.stage("motion"):
            motion = load_or_extract(
                Path(job.driving),
                self.host,
                self.cache,
                start_seconds=job.start_seconds,
                stop_seconds=job.stop_seconds,
                detector=job.detector,
                person=job.person,
                before_extracting=before_extracting,
            )[0]
        self.ahead.extracted(motion.num_frames)
        return motion

    def _pieces_key(self, character: Character, motion: Motion) -> str:
        """Everything that determines the frames and their encoding; nothing that does not."""
        spec, job = self.plan.spec, self.job
        return digest_of(
            {
                "character": character_digest(character),
                "motion": motion_digest(motion),
                "engine": [spec.name, spec.version, spec.window, spec.overlap],
                "settings": self.plan.settings.plain(),
                "seed": job.seed,
                "format": engine_format(self.plan.format, self.steps).key,
                "render": RENDER_VERSION,
                "versions": versions(),
                **self._more_of_the_key(motion),
            }
        )[:32]

    def _more_of_the_key(self, motion: Motion) -> dict[str, Any]:
        """For engines that load weights, or whose canvas is the driving video."""
        more: dict[str, Any] = {}
        if self.admitted.identity:
            more["identity"] = self.admitted.identity
        if self._canvas(motion) is not None:
            more["canvas"] = self._canvas(motion)
        if "driving_mask" in self.plan.needs and self.job.driving_mask is not None:
            more["driving_mask"] = file_sha256(Path(self.job.driving_mask))
        return more

    def _canvas(self, motion: Motion) -> tuple[int, int] | None:
        """Size of the finished video where the driving video gives it."""
        return self._canvas_of(motion.size)

    def _canvas_of(self, driving: tuple[int, int]) -> tuple[int, int] | None:
        spec = self.plan.spec
        return working_size(driving, self.job.resolution, spec.size_multiple) if spec.canvas == "driving" else None

    def _render(self, journal: Journal, character: Character, motion: Motion, timeline: Timeline) -> None:
        total = timeline.num_frames
        with self.clock.stage("rendering"):
            self.host.step(journal.num_frames, total, RENDERING)
            if journal.num_frames == total:
                return
            size = self._canvas(motion) or character.size
            self.ahead.tell(size, total, kept=journal.num_frames)
            inputs: dict[str, Any] = {"driving": self._driving_frames(motion)}
            if "driving_mask" in self.plan.needs:
                inputs["driving_mask"] = self._driving_mask(motion, inputs["driving"])
            if self._canvas(motion) is not None:
                inputs["canvas"] = self._canvas(motion)
            self.ahead.opening()
            engine = self.plan.spec.open(self.plan.settings, self.host, self.job.seed)
            self.ahead.opened()
            read = self.ahead.reads_film(motion.size, motion.num_frames, lambda: inputs["driving"])
            motion = enriched(motion, engine, read, self.cache, self.host)
            chunks = engine.transfer(character, motion, after=journal.finished(), **inputs)
            chunks = self.ahead.metered(chunks, size, total)
            with closing(_stepping(chunks, self.host, total)) as stepping:  # type: ignore[type-var]
                write_behind(stepping, lambda chunk: self._commit(journal, chunk, timeline.rate, engine))
        if journal.num_frames != total:
            raise RuntimeError(f"engine {self.plan.spec.name} made {journal.num_frames} of {total} frames")

    def _driving_frames(self, motion: Motion) -> VideoSource | None:
        if not self.plan.needs & {"driving_frames", "driving_if_there"}:
            return None
        path: Path | None = Path(self.job.driving)
        if self.plan.driving_is_motion:
            can_do_without = "driving_frames" not in self.plan.needs
            path = find_film(motion, path).path if can_do_without else driving_film(motion, path)
        return None if path is None else self._film(motion, path)

    def _film(self, motion: Motion, path: Path | None) -> VideoSource:
        source = motion.source
        path = path or Path(self.job.driving)
        return open_video(path, start_seconds=source.start_seconds, stop_seconds=source.stop_seconds)

    def _driving_mask(self, motion: Motion, driving: VideoSource | None) -> VideoSource | None:
        if self.job.driving_mask is not None:
            return open_driving_mask(Path(self.job.driving_mask), motion)
        return None if driving is None else find_driving_mask(motion, driving, self.cache, self.host)

    def _commit(self, journal: Journal, chunk: FrameChunk, rate: Fraction, engine: Engine) -> None:
        if chunk.alpha is not None and not self.plan.format.has_alpha:
            self.host.note(
                "The see-through background is shown black; another quality (`quality=alpha`) keeps it see-through."
            )
            chunk = _on_black(chunk)
        elif chunk.alpha is None and self.plan.format.has_alpha:
            self.host.note(opaque_in_spite_of_alpha(self.plan.spec))
        report = getattr(engine, "report", None)
        fmt = engine_format(self.plan.format, self.steps)
        journal.commit(chunk, lambda c, path: encode_chunk(c, path, fmt, rate), report)

    def _finishing(self, made: FinishedPieces, key: str, character: Character, motion: Motion) -> FinishedPieces:
        def original() -> VideoSource:
            if character.film is not None:
                return character.film.frames
            return self._film(
                motion, driving_film(motion, Path(self.job.driving)) if self.plan.driving_is_motion else None
            )

        beside = {"original": original, "mask": lambda: self._driving_mask(motion, None)}
        with self.clock.stage("finishing"):
            done = finish_pieces(
                made.journal,
                key,
                self.steps,
                self.plan.format,
                made.timeline,
                shown_cuts(character, motion, made.timeline),
                character,
                beside,
                self.host,
            )
        return replace(
            done,
            chunks_made=made.chunks_made + done.chunks_made,
            chunks_reused=made.chunks_reused + done.chunks_reused,
        )

    def _mask_hash(self) -> str:
        wanted = any("mask" in step.spec.needs(step.settings) for step in self.steps)
        return file_sha256(Path(self.job.driving_mask)) if wanted and self.job.driving_mask is not None else ""

    def _join(self, journal: Journal, timeline: Timeline, sound: Sound | None) -> None:
        self.host.step(0, 1, "joining")
        join_chunks(
            journal.files,
            self.plan.output,
            timeline=timeline,
            fmt=self.plan.format,
            audio=None if sound is None else sound.path,
            audio_trim=None if sound is None else sound.trim,
            metadata={"comment": f"Made with Motion Transfer, engine {self.plan.spec.name}, seed {self.job.seed}"},
        )

    def _finish(
        self,
        journal: Journal,
        pieces: FinishedPieces,
        result_key: str,
        character: Character,
        motion: Motion,
        sound: Sound | None,
    ) -> RunResult:
        made, reused, timeline = pieces.chunks_made, pieces.chunks_reused, pieces.timeline
        output, spec = self.plan.output, self.plan.spec
        path = manifest_path(output)
        write_json(
            path,
            {
                "manifest_version": MANIFEST_VERSION,
                "job": self.admitted.whole_job,
                "result_key": result_key,
                "versions": versions(),
                "inputs": {**input_hashes(self.job), "character": character.sha256, **self._film_hash(motion)},
                "output": {
                    "sha256": file_sha256(output),
                    "num_bytes": output.stat().st_size,
                    "size": list(pieces.journal.pieces[-1].size),
                    "num_frames": timeline.num_frames,
                    "rate": str(timeline.rate),
                    "sound": None if sound is None else str(sound.path.absolute()),
                },
                "character": {"size": list(character.size), "sha256": character.sha256},
                "motion": {
                    "source_sha256": motion.source.sha256,
                    "detector": motion.detector,
                    "size": list(motion.size),
                    "cuts": list(motion.cuts),
                },
                "engine": {"name": spec.name, "version": spec.version, "report": dict(journal.report)},
                "notes": self.host.notes,
                "run": {
                    "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "seconds": self.clock.seconds,
                    "chunks_made": made,
                    "chunks_reused": reused,
                    **({} if self.ahead.measured is None else {"measured": self.ahead.measured}),
                },
            },
        )
        return RunResult(
            output, path, timeline.num_frames, made, reused, dict(self.clock.seconds), tuple(self.host.notes)
        )

    def _film_hash(self, motion: Motion) -> dict[str, str]:
        """Of the film as it was when it was read; a `.motion` file is hashed as the file it is."""
        return {} if self.plan.driving_is_motion else {"driving": motion.source.sha256}

    def _already(self, before: dict[str, Any]) -> RunResult:
        """Tidies up after a late kill."""
        self._tidy()
        return finished_already(self.plan.output, before, self.clock, self.host)

    def _tidy(self) -> None:
        if not self.keep_parts:
            tidy(self.parts)


def _stepping(chunks: Iterator[FrameChunk], host: Host, total: int) -> Iterator[FrameChunk]:
    for chunk in chunks:
        yield chunk
        host.step(chunk.stop, total, RENDERING, chunk.pixels[-1])


def _on_black(chunk: FrameChunk) -> FrameChunk:
    assert chunk.alpha is not None
    weight = chunk.alpha[..., None].astype(np.uint16)
    return replace(chunk, pixels=((chunk.pixels * weight + 127) // 255).astype(np.uint8), alpha=None)
