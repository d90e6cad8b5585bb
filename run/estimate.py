"""What a run will cost, said before it is spent, by what this machine took before; and the meter that learns it.

No number here is invented: where nothing alike was measured, that is what is said. Character, sound and joining take
moments and are not counted; nor is finishing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..core import EngineSpec, FrameChunk, Host
from ..models.device_facts import device_title
from .admission import Admitted
from .digests import digest_of
from .measured_speeds import Expected, MeasuredSpeeds, Took, Work, new_run
from .memory_ahead import gigabytes, memory_notes
from .motion_cache import EXTRACTION_VERSION, Extraction
from .preflight import disk_bytes

_USUAL_PACERS = ("steps", "dtype", "batch", "detail", "background")
"""Settings that change the speed of engines whose spec does not say which do."""
_LEARN_SECONDS = 5.0  # between two writes; the first and the last are always written
_WORTH_SAYING_SECONDS = 10.0  # that are left after the first chunk
_ATTENTION_POWER = 2.0  # of the pixels: how a network's time may grow at most; without one each pixel costs the same

_TO_RENDER, _FOR_JOINTS = " to render", " for the joints"
_UNKNOWN = {
    _TO_RENDER: "; how long rendering takes is said after the first frames",
    _FOR_JOINTS: "; how long the joints take is not known yet",
}

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Estimate:
    """The numbers of one line."""

    num_frames: int | None
    """None: only decoding can tell."""
    frames: Expected | None
    """What it takes to make those that are left."""
    joints: Expected | None = None
    extracts: bool = False
    """Whether joints must be found first."""
    kept: int = 0
    """Frames that a stopped run left."""
    disk: tuple[int, int] | None = None
    """Bytes needed at least, bytes free."""
    finishes: bool = False

    def line(self) -> str:
        """One line for people."""
        finishing = " Finishing is not counted." if self.finishes and (self.frames or self.joints) else ""
        return f"{self._head()}{self._time()}{self._space()}.{finishing}"

    def _head(self) -> str:
        if self.num_frames is None:
            return "The frames are counted when they are read"
        if self.kept:
            return f"{self.num_frames - self.kept} of {_frames(self.num_frames)} are still to be made"
        return _frames(self.num_frames)

    def _time(self) -> str:
        parts = {_TO_RENDER: self.frames, **({_FOR_JOINTS: self.joints} if self.extracts else {})}
        known = {what: part for what, part in reversed(parts.items()) if part is not None}
        if not known:
            return "; how long this machine takes per frame is said after the first ones"
        unknown = "".join(_UNKNOWN[what] for what in parts if what not in known)
        per_frame = " and ".join(f"{_pace(e.per_frame)}{what if self.extracts else ''}" for what, e in known.items())
        before = f" by what this machine did before{self._elsewhere(list(known.values()))}"
        if self.num_frames is None:
            return f"; {per_frame}{before}{unknown}"
        low, high = (sum(e.seconds[k] for e in known.values()) for k in (0, 1))
        if not unknown:
            return f", about {span(low, high)}{before} ({per_frame})"
        (whose,) = known
        return f", about {span(low, high)}{whose}{before} ({_pace(known[whose].per_frame)}){unknown}"

    def _elsewhere(self, known: list[Expected]) -> str:
        others = sorted({e.measured_at for e in known if e.per_frame[0] != e.per_frame[1]})
        return " at " + " and ".join(f"{w}x{h}" for w, h in others) if others else ""

    def _space(self) -> str:
        if self.disk is None:
            return ""
        return f"; at least {gigabytes(self.disk[0])} of the {gigabytes(self.disk[1])} that are free on the disk"


class Foresight:
    """For one run: says what it will cost, measures what it costs, keeps that for the next."""

    def __init__(
        self,
        admitted: Admitted,
        quality: str,
        host: Host,
        cache: Path,
        *,
        say: Say | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._admitted = admitted
        self._spec, self._settings = admitted.plan.spec, admitted.plan.settings.plain()
        self._quality = "lossless" if admitted.steps else quality
        self._host = host
        self._say = say
        self._clock = clock
        self._speeds = MeasuredSpeeds(cache)
        self._run = new_run()
        self._said = False
        self._is_news = False
        """Whether nothing was known of this engine's speed when the line was said."""
        self._extraction: tuple[Extraction, float] | None = None
        self._opening = self._started_seconds = 0.0
        self._reading: tuple[Work, int, float] | None = None
        self._took: Took | None = None

    # What will it cost?

    def estimate(
        self, size: tuple[int, int], num_frames: int | None, *, kept: int = 0, extraction: Extraction | None = None
    ) -> Estimate:
        """Of finished frames of `size`, of which `kept` are there; with the joints where they must be found first."""
        left = 1 if num_frames is None else num_frames - kept
        joints = None
        if extraction is not None:
            joints = self._speeds.expect(_joints(extraction), left)
            read = self._speeds.expect(self._reading_work(_size(extraction)), left)
            if joints is not None and read is not None:
                joints = _together(joints, read)
        folder = self._admitted.parts.parent
        disk = None if num_frames is None else disk_bytes(folder, self._quality, size, num_frames)
        return Estimate(
            num_frames,
            self._speeds.expect(self._rendering(size), left),
            joints,
            extraction is not None,
            kept,
            disk,
            bool(self._admitted.steps),
        )

    def memory_notes(self, size: tuple[int, int], num_frames: int | None) -> list[str]:
        """What clearly does not fit."""
        files = self._admitted.weights
        device = self._host.device if files else ""
        return memory_notes(self._spec, self._settings, size, num_frames, files, device)

    def tell(
        self, size: tuple[int, int], num_frames: int | None, *, kept: int = 0, extraction: Extraction | None = None
    ) -> None:
        """Say it, once a run: the line to whoever listens, what does not fit as a note."""
        if self._said:
            return
        self._said = True
        for note in self.memory_notes(size, num_frames):
            self._host.note(note)
        estimate = self.estimate(size, num_frames, kept=kept, extraction=extraction)
        self._is_news = estimate.frames is None
        if self._say is not None:
            self._say(estimate.line())

    # What does it cost?

    def extracting(self, extraction: Extraction) -> None:
        self._extraction = extraction, self._clock()

    def extracted(self, num_frames: int) -> None:
        """To be called whether or not something was extracted."""
        if self._extraction is not None:
            extraction, begun = self._extraction
            self._extraction = None
            self._speeds.learn(_joints(extraction), Took(0.0, num_frames, self._clock() - begun), self._run)

    def opening(self) -> None:
        """The engine is about to be opened."""
        self._opening = self._clock()

    def opened(self) -> None:
        self._started_seconds = self._clock() - self._opening

    def reads_film(self, size: tuple[int, int], num_frames: int, driving: Callable[[], T]) -> Callable[[], T]:
        """`driving`, which is asked for only where the engine must read the film itself."""

        def asked() -> T:
            self._reading = self._reading_work(size), num_frames, self._clock()
            return driving()

        return asked

    def metered(self, chunks: Iterator[FrameChunk], size: tuple[int, int], num_frames: int) -> Iterator[FrameChunk]:
        """The same chunks of frames of `size`, `num_frames` with those that were there before; what they take is
        learned on the way, also where it ends early."""
        work, last = self._rendering(size), self._clock()
        if self._reading is not None:
            read, frames_read, begun = self._reading
            self._speeds.learn(read, Took(0.0, frames_read, last - begun), self._run)
        learned_at, is_learned = last, True
        try:
            for chunk in chunks:
                now = self._clock()
                self._took = _longer(self._took, self._started_seconds, chunk.num_frames, now - last)
                is_first = self._took.more_frames == 0
                is_learned = is_first or now - learned_at >= _LEARN_SECONDS
                if is_learned:
                    self._speeds.learn(work, self._took, self._run)
                    learned_at = now
                if is_first:
                    self._tell_first(self._took, num_frames - chunk.stop)
                last = now
                yield chunk
        finally:
            if self._took is not None and not is_learned:
                self._speeds.learn(work, self._took, self._run)

    @property
    def measured(self) -> dict[str, float] | None:
        """Of the frames that this run rendered, for the manifest; None where there were none."""
        if self._took is None:
            return None
        frames = self._took.first_frames + self._took.more_frames
        seconds = self._took.first_seconds + self._took.more_seconds
        return {
            "frames": frames,
            "seconds_total": round(seconds + self._started_seconds, 3),
            "seconds_per_frame": round(self._took.per_frame, 5),
        }

    def _tell_first(self, took: Took, left: int) -> None:
        seconds = left * took.per_frame
        if self._say is not None and self._is_news and seconds >= _WORTH_SAYING_SECONDS:
            took_words = span(took.first_seconds, took.first_seconds)
            self._say(
                f"The first {_frames(took.first_frames)} took {took_words} ({_pace((took.per_frame, took.per_frame))}): "
                f"about {span(seconds, seconds)} or less for the other {left}, as the first hold what is prepared once."
            )

    # What is alike?

    def _rendering(self, size: tuple[int, int]) -> Work:
        spec, has_network = self._spec, bool(self._spec.weights)
        settings = {name: self._settings[name] for name in pacing(spec)}
        more = {"needs": sorted(self._admitted.plan.needs), "model": digest_of({"identity": self._admitted.identity})}
        return Work(
            f"frames by {spec.name}",
            spec.version,
            device_title(self._host.device if has_network else "cpu"),
            size,
            {**settings, **more},
            _ATTENTION_POWER if has_network else 1.0,
        )

    def _reading_work(self, size: tuple[int, int]) -> Work:
        rendering = self._rendering(size)
        return replace(rendering, task=f"what {self._spec.name} reads in a film", settings={})


def pacing(spec: EngineSpec) -> tuple[str, ...]:
    """Names of the settings that change how long a frame of this engine takes."""
    has = [option.name for option in spec.settings.options()]
    return tuple(name for name in (_USUAL_PACERS if spec.paced_by is None else spec.paced_by) if name in has)


def _joints(extraction: Extraction) -> Work:
    device = device_title(extraction.device)
    power = 1.0  # detectors look at pictures of one size, whatever the film's; reading the film goes with its pixels
    return Work("joints", f"{EXTRACTION_VERSION} {extraction.detector}", device, _size(extraction), {}, power)


def _size(extraction: Extraction) -> tuple[int, int]:
    return extraction.video.info.width, extraction.video.info.height


def _together(first: Expected, second: Expected) -> Expected:
    def added(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        return a[0] + b[0], a[1] + b[1]

    return Expected(added(first.seconds, second.seconds), added(first.per_frame, second.per_frame), first.measured_at)


def _longer(took: Took | None, started_seconds: float, num_frames: int, seconds: float) -> Took:
    if took is None:
        return Took(started_seconds, num_frames, seconds)
    return replace(took, more_frames=took.more_frames + num_frames, more_seconds=took.more_seconds + seconds)


def _frames(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


def _pace(seconds: tuple[float, float]) -> str:
    """'0.16 s a frame', '0.1 to 0.2 s a frame'."""
    low, high = (f"{s:.2g}" if s < 10 else f"{s:.0f}" for s in seconds)
    return f"{low if low == high else f'{low} to {high}'} s a frame"


def span(low_seconds: float, high_seconds: float) -> str:
    """'40 s', '12 min', '20 s to 2 min', 'a second'; no finer than it is known."""
    low, high = _rounded(low_seconds), _rounded(high_seconds)
    if low == high:
        return low
    number, unit = low.split(" ", 1) if low[0].isdigit() else (low, "")
    return f"{number if unit and high.endswith(' ' + unit) and ' ' not in unit else low} to {high}"


def _rounded(seconds: float) -> str:
    if seconds < 1.5:
        return "a second"
    if seconds < 20:
        return f"{seconds:.0f} s"
    if seconds < 120:
        return f"{round(seconds / 5) * 5} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
