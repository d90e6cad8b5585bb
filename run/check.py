"""Is this clip fit for motion transfer? Said before a minute is spent on it, with what to do about it.

One pass over the frames; the detector looks a few times a second. A finding warns and names its time;
whether it matters depends on the engine, so the verdict is given for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ..core import EngineSpec, Host, InputError, VideoSource
from ..models.registry import engine_names, engine_spec
from ..pose.cuts import CutFinder
from ..pose.detector import Detector, open_detector
from ..pose.other_people import OtherPeople
from ..video import open_video
from .body_looks import BodyLooks
from .findings import Finding, judge_body, judge_people, judge_picture, judge_timing
from .picture_measures import PictureMeasures

LOOKS_PER_SECOND = 4.0  # how often the detector looks
BYSTANDERS_PER_SECOND = 1.0
DECODE_FRAMES = 16

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
    picture, body, pts, cuts, others = _look(source, host)
    if not pts:
        raise InputError(f"{path} holds no frames to check.")
    seconds = np.asarray(pts, np.float64) * float(source.info.time_base)
    seconds -= seconds[0]
    size = (source.info.width, source.info.height)
    rate = float(source.info.rate)
    findings = [
        *judge_timing(seconds, rate, cuts, picture),
        *judge_people(body, others, seconds, size),
        *judge_body(body, seconds, size),
        *judge_picture(picture, seconds, cuts, body, size),
    ]
    findings.sort(key=lambda f: ({"stop": 0, "warn": 1, "tell": 2}[f.level], f.start_seconds))
    verdicts = tuple(_verdict(s, findings) for s in specs)
    measures = {**picture.summary(), **body.summary()}
    return CheckReport(
        str(path), float(seconds[-1]) + 1 / rate, len(seconds), rate, size, tuple(findings), verdicts, measures
    )


def _look(
    source: VideoSource, host: Host
) -> tuple[PictureMeasures, BodyLooks, list[int], list[int], list[tuple[int, tuple[float, float, float, float]]]]:
    picture, body, cut_finder = PictureMeasures(), BodyLooks(), CutFinder()
    pts: list[int] = []
    others: list[tuple[int, tuple[float, float, float, float]]] = []
    rate = float(source.info.rate)
    look_every, others_every = max(1, round(rate / LOOKS_PER_SECOND)), max(1, round(rate / BYSTANDERS_PER_SECOND))
    total = source.info.num_frames or 0
    with open_detector() as detector, OtherPeople() as bystanders:
        for index, stamp, frame in _frames(source):
            is_cut = cut_finder.feed(frame)
            if is_cut:
                picture.forget_the_frame_before()
            if index % look_every == 0 or is_cut:
                _see(detector, frame, index, body)
            if index % others_every == 0:
                box = bystanders.find(frame, body.box())
                if box is not None:
                    others.append((index, box))
            picture.feed(frame, body.box())
            pts.append(stamp)
            if index % 8 == 0:
                host.step(index, max(total, index + 1), "check")
    return picture, body, pts, list(cut_finder.cuts()), others


def _frames(source: VideoSource) -> Iterator[tuple[int, int, np.ndarray]]:
    for chunk in source.chunks(DECODE_FRAMES):
        for k in range(chunk.num_frames):
            stamp = int(chunk.pts[k]) if chunk.pts is not None else chunk.start + k
            yield chunk.start + k, stamp, chunk.pixels[k]


def _see(detector: Detector, frame: np.ndarray, index: int, body: BodyLooks) -> None:
    detector.reset()  # looks are a quarter of a second apart: nothing is to be followed from one to the next
    points, scores = detector.detect(frame[None])
    body.frames.append(index)
    body.points.append(points[0])
    body.scores.append(scores[0])


def _verdict(spec: EngineSpec, findings: list[Finding]) -> Verdict:
    stops = [f for f in findings if f.level == "stop" or f.code in spec.refuses]
    cares = [f for f in findings if f.level == "warn" and f.code not in spec.tolerates]
    word: Word = "unfit" if stops else "with care" if cares else "good"
    return Verdict(spec.name, word, tuple(dict.fromkeys(f.code for f in (stops or cares))))
