"""How good is a finished video? Said section by section, with the figures, after the run and before it is shown.

    manifest -> what was asked (joints, times, sound) -> joints found again -> one pass over the pictures -> marks

The sibling of `check`, which looks at the driving video before. Memory does not grow with pixels: per frame a few
hundred numbers are kept. Joints found in a result are cached as a driving video's are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..core import DETECTORS, Host, InputError, Motion, NoPersonFound, TransferJob, UsageError
from ..sampling.colour import delta_e
from ..video import VideoFile, file_sha256, open_video
from .evidence_asked import NUM_JOINTS, Asked, joints_at, rebuild
from .evidence_figures import FIRST_SECONDS, look, pose_errors, section_figures
from .evidence_pictures import SEEN, Joints, look_at_pictures, region_colours
from .evidence_sections import Section, engine_borders, plan_report_sections
from .evidence_timing import FrameEvidence, SoundEvidence, compare_frames, compare_sound
from .manifest import job_of_manifest, manifest_path, read_manifest
from .motion_cache import load_or_extract
from .places import cache_folder
from .report_marks import Mark, judge_sections
from .result_report import ResultReport

FOUND_JOINTS, FOUND_SHARE = 6, 0.5
"""Somebody is in a frame with so many of the 17; a figure in fewer frames than this share is not recognised."""
_STILL_BACKGROUND = ("wan-animate", "mimic-motion", "animate-diff")
_OFF_LENGTH = 0.1  # a file that is so much longer or shorter than the manifest says is another film


def report_result(
    path: str | Path,
    host: Host,
    *,
    manifest: str | Path | None = None,
    detector: str | None = None,
    cache: Path | None = None,
) -> ResultReport:
    """Look at the finished video `path`, of which `manifest` tells (None: the one beside it).

    `detector` finds the joints in it, one of core's DETECTORS (None: the run's own). Raises InputError where there is
    no manifest or it tells of another video, UsageError where it is none, and what detectors raise.
    """
    path = Path(path)
    if detector is not None and detector not in DETECTORS:
        raise UsageError(f"There is no detector {detector!r}; there are {', '.join(DETECTORS)}.")
    source = open_video(path)
    told, job = _manifest_of(path, manifest_path(path) if manifest is None else Path(manifest))
    notes = _same_file(path, source, told)
    cache = cache or cache_folder()
    size = (source.info.width, source.info.height)
    asked = rebuild(job, told, host, cache)
    motion = _found_again(path, detector or job.detector, host, cache)
    found = None if motion is None else _body_of(motion)
    why_not = asked.missing.get("pose", "") or _not_recognised(found, asked, detector or job.detector)
    if why_not and found is not None and not _is_recognised(found):
        found = None  # what little was found is not the figure
    pictures = look_at_pictures(source, _where(found, asked, size), host, asked.room)
    shown = np.asarray(pictures.pts, np.float64) * float(source.info.time_base)
    sections, cuts = _sections(shown, source, told, asked)
    wanted = joints_at(asked, shown, size)
    errors = None
    if wanted is not None and not why_not:
        found = found or (np.zeros_like(wanted[0]), np.zeros_like(wanted[1]))
        n = min(len(shown), len(found[0]))
        errors = pose_errors((wanted[0][:n], wanted[1][:n]), (found[0][:n], found[1][:n]), size)
    first = look(pictures, 0, max(1, int(np.searchsorted(shown, shown[0] + FIRST_SECONDS))))
    figures = tuple(section_figures(s, pictures, errors, first, cuts) for s in sections)
    expected = None if _is_retimed(job) else asked.timeline
    frames = compare_frames(shown, float(source.info.time_base), expected, told["output"].get("num_frames"))
    sound = compare_sound(path, asked.sound, asked.sound_known, asked.missing.get("sound", "it is not known"))
    marks = judge_sections(sections, figures, still_background=_is_still(job))
    marks += _file_marks(frames, sound, sections)
    if why_not:
        notes.append(f"pose: not measured, {why_not}")
    if asked.missing.get("picture"):
        notes.append(f"look: not compared with the character's picture, {asked.missing['picture']}")
    return ResultReport(
        str(path), job.engine, len(shown), sections[-1].stop_seconds - sections[0].start_seconds,
        float(source.info.rate), size, sections, figures, frames, sound, tuple(marks), _from_picture(first, asked),
        "" if motion is None else motion.detector, tuple(notes),
        _part(_part(told, "engine"), "report"), wanted, found,
    )  # fmt: skip


def _manifest_of(path: Path, manifest: Path) -> tuple[Mapping[str, Any], TransferJob]:
    if not manifest.is_file():
        raise InputError(
            f"There is no manifest {manifest}; a run writes one beside its result, and --manifest FILE names another."
        )
    told = read_manifest(manifest)
    if "job" not in told:
        of = told["finishing"].get("video")
        raise InputError(
            f"{manifest} tells of finishing {of}, not of a run: report on that video, or give its manifest, "
            f"--manifest {of}.json."
        )
    if not isinstance(told.get("output"), dict) or not isinstance(told.get("inputs", {}), dict):
        raise UsageError(f"{manifest} is not a manifest of a finished run; it says nothing of its output.")
    return told, job_of_manifest(manifest)


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a manifest, which may come from anybody; empty where it is not there."""
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _same_file(path: Path, source: VideoFile, told: Mapping[str, Any]) -> list[str]:
    """A note where the file has changed; InputError where it is another film altogether."""
    output = told["output"]
    if output.get("sha256") == file_sha256(path):
        return []
    size, frames = (source.info.width, source.info.height), source.info.num_frames
    length = output.get("num_frames")
    other_length = frames and isinstance(length, int) and abs(frames - length) > max(2, _OFF_LENGTH * length)
    if list(size) != output.get("size") or other_length:
        its = "x".join(map(str, output.get("size") or ["?"]))
        raise InputError(
            f"The manifest tells of another video ({its}, {length} frames) than {path} ({size[0]}x{size[1]}, "
            f"{frames or '?'} frames); --manifest FILE names the right one."
        )
    return [f"file: {path.name} is not, or not any more, the file that the manifest tells of; it is measured as it is"]


def _found_again(path: Path, detector: str, host: Host, cache: Path) -> Motion | None:
    try:
        return load_or_extract(path, host, cache, detector=detector)[0]
    except NoPersonFound:
        return None


def _body_of(motion: Motion) -> Joints:
    return motion.main.points[:, :NUM_JOINTS], motion.main.scores[:, :NUM_JOINTS]


def _is_recognised(found: Joints) -> bool:
    return bool(((found[1] > SEEN).sum(1) >= FOUND_JOINTS).mean() >= FOUND_SHARE)


def _not_recognised(found: Joints | None, asked: Asked, detector: str) -> str:
    """Why the result cannot be judged by the joints found in it; '' where it can."""
    if found is not None and _is_recognised(found):
        return ""
    if asked.is_recognised and asked.points is not None:
        return ""  # the picture was recognised, the result is not: that is a finding
    who = "MediaPipe" if detector in ("auto", "mediapipe") else detector
    return f"{who} recognises no person in this figure, as it did not in the character's picture"


def _where(found: Joints | None, asked: Asked, size: tuple[int, int]) -> Callable[[int, float], list[Joints]]:
    """Where the figure may be at frame t, shown at so many seconds: as found first, then as asked for."""

    def at(frame: int, seconds: float) -> list[Joints]:
        known = []
        if found is not None and frame < len(found[0]):
            known.append((found[0][frame], found[1][frame]))
        wanted = joints_at(asked, np.array([seconds]), size)
        if wanted is not None:
            known.append((wanted[0][0], wanted[1][0]))
        return known

    return at


def _is_retimed(job: TransferJob) -> bool:
    return "interpolate" in job.finish


def _is_still(job: TransferJob) -> bool:
    if job.engine == "puppet":
        return job.settings.get("background", "keep") != "driving"
    return job.engine in _STILL_BACKGROUND


def _sections(
    shown: np.ndarray, source: VideoFile, told: Mapping[str, Any], asked: Asked
) -> tuple[tuple[Section, ...], set[int]]:
    """And the first frames behind cuts. Borders and cuts are frames of the run, so they go by its time stamps."""
    line = asked.timeline
    rate = float(source.info.rate)
    if line is not None:
        moments = line.pts.astype(np.float64) * float(line.time_base)
    else:
        moments = np.arange(int(told["output"].get("num_frames") or len(shown))) / rate + float(shown[0])
    borders = engine_borders(asked.spec.name, asked.settings, len(moments))
    cuts = [c for c in _part(told, "motion").get("cuts") or () if isinstance(c, int) and 0 < c < len(moments)]
    end = float(shown[-1]) + 1 / rate
    at_cuts = [float(moments[c]) for c in cuts]
    sections = plan_report_sections(
        shown, end, at_cuts, None if borders is None else [float(moments[b]) for b in borders]
    )
    return sections, {s.start for s in sections if s.begins == "cut"}


def _file_marks(frames: FrameEvidence, sound: SoundEvidence, sections: tuple[Section, ...]) -> list[Mark]:
    marks = []
    if not frames.ok:
        at = frames.missing_seconds[0] if frames.missing_seconds else None
        section = None
        if at is not None:
            section = next((s.index for s in sections if at < s.stop_seconds), len(sections) - 1)
        marks.append(Mark("frames", section, 10.0, frames.words()))
    if not sound.ok:
        marks.append(Mark("sound", None, 5.0, sound.words()))
    return marks


def _from_picture(first: Mapping[str, np.ndarray], asked: Asked) -> float | None:
    """Only where the result is on the character's own picture: elsewhere another light is meant."""
    character = asked.character
    if character is None or character.pose is None or asked.spec.canvas != "character":
        return None
    colours = region_colours(
        character.pixels, character.pose.points[0, :NUM_JOINTS], character.pose.scores[0, :NUM_JOINTS]
    )
    away = [float(delta_e(first[part], own)) for part, own in zip(("head", "trunk"), colours, strict=True)]
    known = [a for a in away if a == a]
    return round(max(known), 3) if known else None
