"""Retargeting on its own: the motion that a character would do, as a file, a picture and words, before any rendering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import Character, Host, Motion, TransferJob, UnreadableVideo, UsageError
from ..pose.motion_file import save_motion
from ..pose.pose_report import PoseReport, pose_report
from ..pose.ratios import read_ratios, write_ratios
from ..pose.retarget import modes_at, plan_retarget
from ..pose.retarget_preview import preview_moments, retarget_strip
from ..pose.retargeted import Retargeted
from ..video import check_place, glances, open_video, write_image
from .motion_cache import is_motion_file, load_or_extract
from .places import cache_folder
from .preflight import input_is_there, may_replace
from .prepare import prepare_character

PREVIEW_WIDTH_PX = 640
MOST_LOOKED_AT = 3000  # frames; beyond, the film is not read again only to be seen behind the skeletons


@dataclass(frozen=True)
class RetargetRequest:
    """What was asked; see `pose.retarget.plan_retarget`."""

    character: Path
    driving: Path
    mode: str = "ours"
    place: str = "character"
    match: str = "height"
    ratios: str = ""
    """As `pose.ratios.read_ratios` reads them."""
    fit: bool = False
    smooth: float = 2.0
    factor: float = 1.0
    mask: Path | None = None
    character_pose: Path | None = None
    start_seconds: float = 0.0
    stop_seconds: float | None = None
    detector: str = "auto"
    person: str = "auto"


@dataclass(frozen=True)
class RetargetResult:
    """Made by `retarget`."""

    plan: Retargeted
    report: PoseReport
    written: list[Path]

    def lines(self) -> list[str]:
        """For people: the ratios, as they can be given back, and the report."""
        plan = self.plan
        on = "the driving video" if plan.reference is None else "the character's picture"
        told = [f"retargeted ({plan.mode}) onto {on}, {plan.size[0]}x{plan.size[1]}"]
        if plan.ratios:
            told += [
                "ratios, character over driver:",
                *(f"  {line}" for line in write_ratios(plan.ratios).splitlines()),
            ]
        return [*told, "report, '!' deserves a look:", *self.report.lines()]


def retarget(
    asked: RetargetRequest,
    host: Host,
    *,
    output: Path | None = None,
    preview: Path | None = None,
    compare: bool = False,
    pictures: int = 6,
    overwrite: bool = False,
    work_dir: Path | None = None,
) -> RetargetResult:
    """The plan, its report, and what was written: the motion at `output` and the strip at `preview`.

    `compare` shows every mode in the strip, not only the one asked for.
    """
    ratios = read_ratios(asked.ratios)
    if output is not None and not is_motion_file(output):
        raise UsageError(f"A motion is written to a .motion file, not to {output}; {output.with_suffix('.motion')}?")
    if preview is not None and preview.suffix.lower() != ".png":
        raise UsageError(f"A preview is written to a .png file, not to {preview}; {preview.with_suffix('.png')}?")
    for what, path in (
        ("character picture", asked.character),
        ("driving video", asked.driving),
        ("mask", asked.mask),
        ("character's pose file", asked.character_pose),
    ):
        if path is not None:
            input_is_there(what, path)
    for path in (output, preview):
        if path is not None:
            for given in (asked.driving, asked.character):
                if path.exists() and path.samefile(given):
                    raise UsageError(f"The output {path} is an input itself; choose another name.")
            check_place(path)
            may_replace(path, overwrite=overwrite, known=False)
    cache = work_dir or cache_folder()
    motion, _ = load_or_extract(
        asked.driving,
        host,
        cache,
        start_seconds=asked.start_seconds,
        stop_seconds=asked.stop_seconds,
        detector=asked.detector,
        person=asked.person,
    )
    character = _character(asked, cache, host)
    plan = _plan(asked, motion, character, asked.mode, ratios)
    written = []
    if output is not None:
        save_motion(plan.moved(motion), output)
        written.append(output)
    if preview is not None:
        plans = {plan.mode: plan}
        if compare:
            others = [m for m in modes_at(asked.place) if m != plan.mode]
            plans |= {m: _plan(asked, motion, character, m, {}) for m in others}
        moments = preview_moments(motion.num_frames, pictures)
        seen = _driver_pixels(asked, moments, motion.num_frames)
        write_image(preview, retarget_strip(character.pixels, plans, pictures, seen))
        written.append(preview)
    return RetargetResult(plan, pose_report(plan), written)


def _character(asked: RetargetRequest, cache: Path, host: Host) -> Character:
    job = TransferJob(
        character=str(asked.character),
        driving=str(asked.driving),
        output="none",  # a job has one; this one only tells how the character is read
        mask=None if asked.mask is None else str(asked.mask),
        character_pose=None if asked.character_pose is None else str(asked.character_pose),
    )
    return prepare_character(job, {"character_pose"}, 2, cache, host)


def _plan(
    asked: RetargetRequest, motion: Motion, character: Character, mode: str, ratios: Mapping[str, float]
) -> Retargeted:
    assert character.pose is not None
    return plan_retarget(
        motion.main,
        character.pose,
        rate=motion.timeline.rate,
        cuts=motion.cuts,
        smooth=asked.smooth,
        factor=asked.factor if mode in ("ours", asked.mode) else 1.0,
        mode=mode,
        place=asked.place,
        match=asked.match,
        ratios=ratios,
        fit=asked.fit,
    )


def _driver_pixels(asked: RetargetRequest, moments: list[int], num_frames: int) -> list[np.ndarray] | None:
    """The driver's own frames, where the film is at hand and short enough to be read once more."""
    if is_motion_file(asked.driving) or num_frames > MOST_LOOKED_AT:
        return None
    film = open_video(asked.driving, start_seconds=asked.start_seconds, stop_seconds=asked.stop_seconds)
    wanted, seen = set(moments), {}
    try:
        for glance in glances(film, PREVIEW_WIDTH_PX):
            if glance.index in wanted:
                seen[glance.index] = glance.small.copy()
            if glance.index >= moments[-1]:
                break
    except UnreadableVideo:
        return None  # the motion is known all the same; the skeletons stand on grey
    return [seen[t] for t in moments] if len(seen) == len(moments) else None
