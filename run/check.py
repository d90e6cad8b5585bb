"""Is this clip fit for motion transfer? Said before a minute is spent on it, with what to do about it.

One pass over the frames; the detector looks a few times a second. A finding warns and names its time;
whether it matters depends on the engine, so the verdict is given for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ..core import EngineSpec, Host, InputError, VideoSource
from ..models.registry import engine_names, engine_spec
from ..pose.cuts import CutFinder
from ..pose.people_glance import PeopleGlance
from ..video import glances, open_video
from .body_looks import BodyLooks
from .findings import Finding
from .judge_people import judge_people
from .judge_picture import judge_picture, judge_timing
from .picture_measures import WIDTH_PX, PictureMeasures

LOOKS = 32  # at the main person, if that makes no more and no fewer a second than these
LOOKS_PER_SECOND = (1.0, 4.0)
OTHERS_EVERY, OTHERS_SELDOM = 2, 4  # looks between searches for others; the longer where none was in
OTHERS_AFTER = 5  # searches in a row
MEASURES_PER_SECOND = 12  # of camera and sharpness

Word = Literal["good", "with care", "unfit"]


@dataclass(frozen=True)
class Verdict:
    """What one engine will make of the clip."""

    engine: str
    word: Word
    because: tuple[str, ...] = ()
    """Codes of the findings that matter to this engine."""


@dataclass(frozen=True)
class CheckReport:
    """Everything the check found. `ok` is False when the first engine asked for should not be run."""

    source: str
    seconds: float
    num_frames: int
    rate: float
    size: tuple[int, int]
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(v.word != "unfit" for v in self.verdicts)

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "ok": self.ok}, indent=2)

    def lines(self) -> list[str]:
        """For a terminal: the clip, each finding with time, reason and advice, then the verdicts."""
        head = f"{self.source}: {self.num_frames} frames, {self.seconds:.1f} s, {self.rate:.5g} frames/s, {self.size[0]}x{self.size[1]}"
        lines = [head]
        if not self.findings:
            lines.append("Nothing to mend.")
        for f in self.findings:
            lines.append(f"[{f.level}] {f.code}{f.when}: {f.reason} {f.advice}")
        for v in self.verdicts:
            lines.append(f"{v.engine}: {v.word}{' (' + ', '.join(v.because) + ')' if v.because else ''}")
        return lines


def check_driving_video(
    path: str | Path,
    host: Host,
    *,
    engine: str | None = None,
    open_source: Callable[[str | Path], VideoSource] = open_video,
) -> CheckReport:
    """Look at a driving video for `engine`, or for every engine.

    Raises InputError when the file cannot be read as a video at all.
    """
    source = open_source(path)
    names = (engine,) if engine else engine_names()
    specs = [engine_spec(n) for n in names]
    looks = _look(source, host)
    if not looks.pts:
        raise InputError(f"{path} holds no frames to check.")
    seconds = np.asarray(looks.pts, np.float64) * float(source.info.time_base)
    seconds -= seconds[0]
    size = (source.info.width, source.info.height)
    rate = float(source.info.rate)
    picture, body = looks.picture, looks.body
    findings = [
        *judge_timing(seconds, rate, looks.cuts, picture),
        *judge_people(body, seconds, size),
        *judge_picture(picture, seconds, looks.cuts),
    ]
    findings.sort(key=lambda f: ({"stop": 0, "warn": 1, "tell": 2}[f.level], f.start_seconds))
    verdicts = tuple(_verdict(s, findings) for s in specs)
    measures = {**picture.summary(), **body.summary()}
    return CheckReport(
        str(path), float(seconds[-1]) + 1 / rate, len(seconds), rate, size, tuple(findings), verdicts, measures
    )


@dataclass
class Looks:
    """All that one pass over the frames leaves: numbers, no pixels."""

    picture: PictureMeasures = field(default_factory=PictureMeasures)
    body: BodyLooks = field(default_factory=BodyLooks)
    pts: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)


def _look(source: VideoSource, host: Host) -> Looks:
    looks = Looks()
    rate, total = float(source.info.rate), source.info.num_frames or 0
    a_second = float(np.clip(LOOKS / max(1e-3, total / rate), *LOOKS_PER_SECOND)) if total else LOOKS_PER_SECOND[1]
    look_every = max(1, round(rate / a_second))
    looks.picture.frames_per_stride = max(2, round(rate))
    looks.picture.frames_per_step = max(1, round(rate / MEASURES_PER_SECOND))
    cut_finder = CutFinder()
    with PeopleGlance() as people:
        for glance in glances(source, WIDTH_PX):
            is_cut = cut_finder.feed(glance.small)
            if is_cut:
                looks.picture.forget_the_frame_before()
                people.forget()
            if glance.index % look_every == 0 or is_cut:
                _look_at_people(looks.body, people, glance.index, glance.picture())
            looks.picture.feed(glance.small, glance.luma(), looks.body.box())
            looks.pts.append(glance.pts)
            if glance.index % 8 == 0:
                host.step(glance.index, max(total, glance.index + 1), "check")
    looks.cuts = list(cut_finder.cuts())
    return looks


def _look_at_people(body: BodyLooks, people: PeopleGlance, frame: int, pixels: np.ndarray) -> None:
    main = people.main(pixels)
    if main is None and body.misses & (body.misses + 1) == 0:  # 1st, 2nd, 4th, 8th ... time in a row: it is dear
        main = people.far_away(pixels)
    body.add(frame, main)
    rare = body.searches_in_vain >= OTHERS_AFTER
    if main is not None and body.since_search >= (OTHERS_SELDOM if rare else OTHERS_EVERY):
        body.add_others(frame, main, people.others(pixels, main))


def _verdict(spec: EngineSpec, findings: list[Finding]) -> Verdict:
    stops = [f for f in findings if f.level == "stop" or f.code in spec.refuses]
    cares = [f for f in findings if f.level == "warn" and f.code not in spec.tolerates]
    word: Word = "unfit" if stops else "with care" if cares else "good"
    return Verdict(spec.name, word, tuple(dict.fromkeys(f.code for f in (stops or cares))))
