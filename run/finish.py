"""Finishing on its own: any finished video file through the finishers into another one, with its sound and timing.

    look for cuts -> surveys -> finishers -> journal -> join -> manifest

The same promises as a transfer: any length at flat memory, a broken run goes on at its last piece, the file is bit for
bit that of an unbroken run.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Cancelled, Host, InputError, UsageError, VideoSource
from ..core.settings import Plain
from ..finishing.finisher import Clip
from ..video import (
    VideoFile,
    check_audio_fits,
    check_place,
    file_sha256,
    join_chunks,
    open_video,
    output_format,
    read_character,
)
from .digests import digest_of
from .finish_frames import CUTS_VERSION, LOOKING, StillFrames, find_cuts_of, render
from .finish_steps import Step, beside_is_there, check_steps, open_chain, plain_steps, plan_steps
from .host import NotedHost
from .journal import Journal
from .lock import Lock
from .manifest import MANIFEST_VERSION, known_result, manifest_path, read_manifest, versions
from .places import write_beside, write_json, writing
from .preflight import disk_suffices, may_replace, parts_folder
from .result import Clock, RunResult, finished_already, stopped, tidy

RENDER_VERSION = 1
"""Changed whenever the same finished frames are encoded or joined to another file."""
_FILES = ("video", "character", "original", "mask")
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class FinishRequest:
    """Everything that determines the finished file, as plain values; JSON as it is."""

    video: str
    """The video to be finished."""
    output: str
    """File to be written; its suffix chooses the container."""
    finish: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    """Finisher -> its settings."""
    quality: str = "high"
    """One of core.QUALITIES."""
    audio: bool = True
    """Copy the video's sound."""
    start_seconds: float = 0.0
    stop_seconds: float | None = None
    """Part of the video to use."""
    character: str | None = None
    """Picture of the character, for finishers that compare with it."""
    original: str | None = None
    """The video that the frames belong to, frame for frame, for finishers that paste into it."""
    mask: str | None = None
    """White = the region that the frames are about: a picture, or a video frame for frame with `original`."""
    commercial_use_only: bool = False
    """Refuse weights whose licence does not allow commercial use, before any work. Changes no pixel."""


def finish(
    asked: FinishRequest,
    host: Host,
    *,
    work_dir: Path | None = None,
    overwrite: bool = False,
    keep_parts: bool = False,
) -> RunResult:
    """Make the finished video, going on from where a broken run of the same request stopped.

    Raises UsageError, InputError, MissingPackage, MissingWeights, and Cancelled, which says how much is kept.
    """
    noted = NotedHost(host, commercial_use_only=asked.commercial_use_only)
    output = Path(asked.output)
    fmt = output_format(output, asked.quality)
    if not asked.finish:
        raise UsageError("There is nothing to do: name at least one finisher, such as interpolate.")
    plan_steps(asked.finish)
    _files_work(asked, output)
    check_place(output)
    film = _film(asked, fmt.has_alpha)
    if asked.audio and film.info.has_audio:
        check_audio_fits(asked.video, output)
    steps = plan_steps(asked.finish, noted)
    beside_is_there(steps, asdict(asked))
    parts = parts_folder(output, work_dir)
    told = _told(asked, steps)
    before = known_result(output) if output.exists() and not overwrite else None
    known = before is not None and _no_matter(before.get("finishing")) == _no_matter(told)
    may_replace(output, overwrite=overwrite, known=parts.exists() or known)
    with Lock(parts / "lock", output):
        return _Finishing(asked, told, film, steps, fmt, noted, parts, overwrite, keep_parts).go(before)


def request_of_manifest(path: Path) -> FinishRequest:
    """What a manifest tells of, to be done again. UsageError if that was no finishing."""
    told = read_manifest(path).get("finishing")
    known = {f.name for f in fields(FinishRequest)}
    if not isinstance(told, dict) or not {"video", "output"} <= set(told) <= known:
        raise UsageError(f"{path} does not tell of a finishing that this version knows.")
    return FinishRequest(**told)


def _files_work(asked: FinishRequest, output: Path) -> None:
    for what in _FILES:
        given = getattr(asked, what)
        if given is None:
            continue
        if what != "video" and not Path(given).is_file():
            raise InputError(f"There is no file {given}, named as the {what}.")
        if output.exists() and Path(given).exists() and output.samefile(given):
            raise UsageError(f"The output {output} is the {what} itself; choose another name (`output`).")


def _film(asked: FinishRequest, alpha: bool) -> VideoFile:
    return open_video(asked.video, start_seconds=asked.start_seconds, stop_seconds=asked.stop_seconds, alpha=alpha)


def _told(asked: FinishRequest, steps: tuple[Step, ...]) -> dict[str, Any]:
    """The request with every setting named and every path absolute."""
    values: dict[str, Any] = asdict(asked) | {"finish": plain_steps(steps)}
    for what in (*_FILES, "output"):
        values[what] = None if values[what] is None else str(Path(values[what]).absolute())
    return values


def _no_matter(told: Any) -> Any:
    return {**told, "commercial_use_only": False} if isinstance(told, dict) else told


@dataclass
class _Finishing:
    asked: FinishRequest
    told: dict[str, Any]
    film: VideoFile
    steps: tuple[Step, ...]
    format: Any
    host: NotedHost
    parts: Path
    overwrite: bool
    keep_parts: bool
    clock: Clock = field(default_factory=Clock)

    def go(self, before: dict[str, Any] | None) -> RunResult:
        journal: Journal | None = None
        try:
            hashes = {what: file_sha256(getattr(self.asked, what)) for what in _FILES if getattr(self.asked, what)}
            source = {"film": hashes["video"], "part": [self.asked.start_seconds, self.asked.stop_seconds]}
            source_key = digest_of({**source, "alpha": self.format.has_alpha, "versions": versions()})[:32]
            wanted = {what for step in self.steps for what in step.spec.needs(step.settings)}
            key = digest_of(
                {
                    "source": source_key,
                    "steps": [step.key for step in self.steps],
                    "beside": {what: hashes[what] for what in sorted(wanted)},
                    "format": self.format.key,
                    "render": [RENDER_VERSION, CUTS_VERSION],
                }
            )[:32]
            result_key = digest_of({"pieces": key, "container": self.format.container, "sound": self._has_sound})
            if before is not None and before.get("result_key") == result_key and not self.overwrite:
                return self._already(before)
            clip = self._clip(source_key, wanted)
            with self.clock.stage("looking"):
                looks = self.parts / "surveys"
                chain = open_chain(self.steps, clip, self.film, source_key, looks, self.host)
            self.format.check_size(*chain.clip.size)
            disk_suffices(self.parts.parent, self.asked.quality, chain.clip.size, chain.clip.num_frames)
            journal = Journal(self.parts / key, suffix=self.format.piece_suffix)
            may_replace(Path(self.asked.output), overwrite=self.overwrite, known=bool(journal.pieces))
            reused = len(journal.pieces)
            with self.clock.stage("finishing"):
                render(chain, journal, self.format, self.host)
            with self.clock.stage("joining"):
                self._join(journal, chain.clip)
            result = self._tell(journal, chain.clip, clip.cuts, reused, result_key, hashes)
            self._tidy()
            return result
        except Cancelled:
            raise stopped(0 if journal is None else journal.num_frames) from None
        finally:
            if journal is not None and not journal.pieces:
                journal.discard()

    @property
    def _has_sound(self) -> bool:
        return self.asked.audio and self.film.info.has_audio

    def _clip(self, source_key: str, wanted: set[str]) -> Clip:
        """What is known of the frames; looks for cuts unless a broken run has found them."""
        info, timeline = self.film.info, self.film.timeline()
        size = (info.width, info.height)
        check_steps(self.steps, Clip(size, timeline))
        with self.clock.stage("cuts"):
            cuts = self._cuts(source_key, timeline.num_frames)
        asked = self.asked
        character = None if asked.character is None or "character" not in wanted else read_character(asked.character)
        original, mask = (
            self._beside(what, timeline.num_frames) if what in wanted else None for what in ("original", "mask")
        )
        return Clip(size, timeline, cuts, character, original, mask)

    def _cuts(self, source_key: str, total: int) -> tuple[int, ...]:
        path = self.parts / "surveys" / f"cuts-{digest_of({'of': source_key, 'cuts': CUTS_VERSION})[:32]}.npz"
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                return tuple(file["cuts"].tolist())
        except (OSError, ValueError, KeyError):
            pass  # not there yet
        self.host.step(0, total, LOOKING)
        cuts = find_cuts_of(self.film, total, self.host)
        data = io.BytesIO()
        np.savez(data, cuts=np.array(cuts, np.int64))
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, data.getvalue())
        return cuts

    def _beside(self, what: str, num_frames: int) -> VideoSource:
        path = Path(str(getattr(self.asked, what)))
        if path.suffix.lower() in _PICTURES:
            return StillFrames(read_character(path).pixels, num_frames, self.film.info.rate)
        video = open_video(path, start_seconds=self.asked.start_seconds, stop_seconds=self.asked.stop_seconds)
        found = video.timeline().num_frames
        if found != num_frames:
            raise InputError(
                f"{path} has {found} frames and {self.asked.video} {num_frames}; as the {what} it must have one for each."
            )
        return video

    def _join(self, journal: Journal, clip: Clip) -> None:
        self.host.step(0, 1, "joining")
        asked = self.asked
        trim = (
            None
            if asked.start_seconds == 0 and asked.stop_seconds is None
            else (asked.start_seconds, asked.stop_seconds)
        )
        join_chunks(
            journal.files,
            asked.output,
            timeline=clip.timeline,
            fmt=self.format,
            audio=asked.video if self._has_sound else None,
            audio_trim=trim if self._has_sound else None,
            metadata={"comment": "Finished with Motion Transfer: " + ", ".join(s.spec.name for s in self.steps)},
        )

    def _tell(
        self,
        journal: Journal,
        clip: Clip,
        cuts: tuple[int, ...],
        reused: int,
        result_key: str,
        hashes: Mapping[str, str],
    ) -> RunResult:
        output = Path(self.asked.output)
        path, made = manifest_path(output), len(journal.pieces) - reused
        write_json(
            path,
            {
                "manifest_version": MANIFEST_VERSION,
                "finishing": self.told,
                "result_key": result_key,
                "versions": versions(),
                "inputs": dict(hashes),
                "output": {
                    "sha256": file_sha256(output),
                    "num_bytes": output.stat().st_size,
                    "size": list(clip.size),
                    "num_frames": clip.num_frames,
                    "rate": str(clip.timeline.rate),
                    "sound": str(Path(self.asked.video).absolute()) if self._has_sound else None,
                },
                "source": {"rate": str(self.film.info.rate), "cuts": list(cuts)},
                "finishers": [
                    {"name": s.spec.name, "version": s.spec.version, "identity": s.identity} for s in self.steps
                ],
                "notes": self.host.notes,
                "run": {
                    "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "seconds": self.clock.seconds,
                    "chunks_made": made,
                    "chunks_reused": reused,
                },
            },
        )
        return RunResult(output, path, clip.num_frames, made, reused, dict(self.clock.seconds), tuple(self.host.notes))

    def _already(self, before: dict[str, Any]) -> RunResult:
        """Tidies up after a late kill."""
        self._tidy()
        return finished_already(Path(self.asked.output), before, self.clock, self.host)

    def _tidy(self) -> None:
        if not self.keep_parts:
            tidy(self.parts)
