"""A run that is only looked at: what it would cost, or why it cannot work. Reads headers and one picture."""

from __future__ import annotations

import json
from pathlib import Path

from ..core import Host, Motion, TransferJob
from ..video import open_video, read_character
from .admission import Admitted, admit
from .estimate import Foresight
from .host import NotedHost
from .manifest import changed_inputs, is_of_job, manifest_path
from .motion_cache import Extraction, find_motion
from .places import cache_folder
from .preflight import disk_suffices
from .prepare import size_to_make, working_size


def look_ahead(job: TransferJob, host: Host, *, work_dir: Path | None = None, overwrite: bool = False) -> str:
    """One line: frames, time, disk. What clearly does not fit into memory is noted to the host.

    Raises what the run would raise before it looks for joints: UsageError, InputError, MissingPackage, MissingWeights.
    """
    noted = NotedHost(host, commercial_use_only=job.commercial_use_only)
    admitted = admit(job, noted, work_dir=work_dir, overwrite=overwrite)
    plan, cache = admitted.plan, work_dir or cache_folder()
    if is_of_job(admitted.before, admitted.whole_job) and not changed_inputs(manifest_path(plan.output)):
        return f"{plan.output} is finished already; nothing is left to do."
    found = find_motion(
        Path(job.driving), noted, cache, start_seconds=job.start_seconds, stop_seconds=job.stop_seconds,
        detector=job.detector, person=job.person,
    )  # fmt: skip
    size, num_frames = _character_size(job, admitted), _num_frames(found)
    if plan.spec.canvas == "driving":
        size = working_size(_film_size(found), job.resolution, plan.spec.size_multiple)
    if num_frames is not None:
        disk_suffices(admitted.parts.parent, "lossless" if admitted.steps else job.quality, size, num_frames)
    ahead = Foresight(admitted, job.quality, noted, cache)
    for note in ahead.memory_notes(size, num_frames):
        noted.note(note)
    extraction = found if isinstance(found, Extraction) else None
    kept = 0 if extraction is not None or admitted.steps else _kept_frames(admitted.parts, num_frames)
    line = ahead.estimate(size, num_frames, extraction=extraction).line()
    return f"{line} Up to {kept} of the frames are there from a run that was stopped." if kept else line


def _character_size(job: TransferJob, admitted: Admitted) -> tuple[int, int]:
    """Of the finished frames where the character gives it."""
    spec = admitted.plan.spec
    multiple = spec.size_multiple if spec.canvas == "character" else 2
    if admitted.plan.character_is_film:
        info = open_video(job.character).info
        return working_size((info.width, info.height), job.resolution, multiple)
    return size_to_make(job, read_character(job.character, mask=job.mask), multiple)


def _num_frames(found: Motion | Extraction) -> int | None:
    return found.num_frames if isinstance(found, Motion) else found.video.counted()


def _film_size(found: Motion | Extraction) -> tuple[int, int]:
    return found.size if isinstance(found, Motion) else (found.video.info.width, found.video.info.height)


def _kept_frames(parts: Path, num_frames: int | None) -> int:
    """The most that any journal of this output holds; which of them is this job's is known when it runs."""
    most = 0
    for record in parts.glob("*/piece-*.json"):
        try:
            most = max(most, int(json.loads(record.read_bytes())["stop"]))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return most if num_frames is None else min(most, num_frames)
