"""Is this clip fit for motion transfer? Said before a minute is spent on it, with what to do about it.

One pass over the frames; the detector looks a few times a second. A finding warns and names its time;
whether it matters depends on the engine, so the verdict is given for each. Where another detector or one of several
people is asked for, the motion is extracted as for a run, which finds it in the cache, and judged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from ..core import EngineSpec, Host, InputError, NoPersonFound, PersonChoice, VideoSource
from ..models.registry import engine_names, engine_spec
from ..pose.cuts import CutFinder
from ..pose.detector import detector_for
from ..pose.mediapipe_import import has_solutions
from ..pose.people_glance import PeopleGlance
from ..video import glances, open_video
from .body_looks import BodyLooks
from .findings import Finding
from .judge_people import judge_people
from .judge_picture import judge_picture, judge_timing
from .known_people import KnownPeople
from .motion_cache import detector_is_there, detector_models, is_motion_file, load_or_extract
from .picture_measures import WIDTH_PX, PictureMeasures
from .places import cache_folder

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
        noun = "frame" if self.num_frames == 1 else "frames"
        head = f"{self.source}: {self.num_frames} {noun}, {self.seconds:.{1 if self.seconds >= 0.1 else 2}f} s, {self.rate:.5g} frames/s, {self.size[0]}x{self.size[1]}"
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
    detector: str = "auto",
    person: str = "auto",
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    cache: Path | None = None,
    open_source: Callable[[str | Path], VideoSource] | None = None,
) -> CheckReport:
    """Look at a driving video, or at a part of it, for `engine`, or for every engine.

    `detector` and `person` as for a run; `cache` holds the motion where these ask for one (None: the user's cache).
    Raises InputError when the file cannot be read as a video at all, and what `load_or_extract` raises.
    """
    if is_motion_file(path) and open_source is None:
        raise InputError(f"{path} is a motion, and a check looks at the video it was made of; give that.")
    opened = open_source or partial(open_video, start_seconds=start_seconds, stop_seconds=stop_seconds)
    source = opened(path)
    names = (engine,) if engine else engine_names()
    specs = [engine_spec(n) for n in names]
    with closing(_people(Path(path), host, detector, person, start_seconds, stop_seconds, cache)) as people:
        looks = _look(source, host, people)
    if not looks.pts:
        raise InputError(f"{path} holds no frames to check.")
    seconds = np.asarray(looks.pts, np.float64) * float(source.info.time_base)
    seconds -= seconds[0]
    size = (source.info.width, source.info.height)
    rate = float(source.info.rate)
    picture, body = looks.picture, looks.body
    findings = [
        *judge_timing(seconds, rate, looks.cuts, picture),
        *judge_people(body, seconds, size, is_chosen=person != "auto"),
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


class _People(Protocol):
    """Who is in the frames of a clip, given in order."""

    def look(self, body: BodyLooks, frame: int, picture: Callable[[], np.ndarray]) -> None:
        """Adds what is seen in this frame; `picture()` is uint8 `[H,W,3]` RGB."""
        ...

    def forget(self) -> None:
        """The next frame has nothing to do with the one before (a cut)."""
        ...

    def close(self) -> None: ...


def _people(
    path: Path, host: Host, detector: str, person: str, start: float, stop: float | None, cache: Path | None
) -> _People:
    choice = PersonChoice.parse(person)
    quick = detector in ("auto", "mediapipe") and choice.kind == "auto"
    if quick and has_solutions():  # asked first: whoever asks for the device loads torch
        return _Glances()
    name = detector_for(detector, host.find_weights, host.device)
    if quick and name in ("auto", "mediapipe") and detector_models(host) is None:
        return _Glances()
    detector_is_there(detector, person, host)
    try:
        motion, _ = load_or_extract(
            path, host, cache or cache_folder(), start_seconds=start, stop_seconds=stop, detector=name, person=person
        )
    except NoPersonFound:
        if choice.kind != "auto":
            raise
        motion = None
    return KnownPeople(motion)


class _Glances:
    """MediaPipe's quick looks."""

    def __init__(self) -> None:
        self._glance = PeopleGlance()
        self.forget, self.close = self._glance.forget, self._glance.close

    def look(self, body: BodyLooks, frame: int, picture: Callable[[], np.ndarray]) -> None:
        _look_at_people(body, self._glance, frame, picture())


def _look(source: VideoSource, host: Host, people: _People) -> Looks:
    looks = Looks()
    rate, total = float(source.info.rate), source.info.num_frames or 0
    a_second = float(np.clip(LOOKS / max(1e-3, total / rate), *LOOKS_PER_SECOND)) if total else LOOKS_PER_SECOND[1]
    look_every = max(1, round(rate / a_second))
    looks.picture.frames_per_stride = max(2, round(rate))
    looks.picture.frames_per_step = max(1, round(rate / MEASURES_PER_SECOND))
    cut_finder = CutFinder()
    for glance in glances(source, WIDTH_PX):
        is_cut = cut_finder.feed(glance.small)
        if is_cut:
            looks.picture.forget_the_frame_before()
            people.forget()
        if glance.index % look_every == 0 or is_cut:
            people.look(looks.body, glance.index, glance.picture)
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
