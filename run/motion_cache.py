"""The motion of a driving video: loaded from a `.motion` file, found in the cache, or extracted and kept there.

The cache is keyed by the video's content, the part asked for and the detector, never by its name. Where the
detector follows everybody, one entry serves every choice of person; MediaPipe follows one, so whoever was pointed
at is part of the key. An entry that cannot be read is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core import (
    BadMotionFile,
    Host,
    InputError,
    MissingPackage,
    MissingWeights,
    Motion,
    MotionTransferError,
    NoPersonFound,
    PersonChoice,
    SourceFile,
    UnreadableVideo,
    UsageError,
    VideoSource,
    WeightFile,
)
from ..pose.detector import detector_for, detector_id, follows_everybody, has_solutions, open_detector
from ..pose.extract import extract_motion
from ..pose.followed_people import is_glimpse
from ..pose.motion_file import load_motion, save_motion
from ..pose.networks import network_ids, open_finder, open_pose_network
from ..pose.top_down import extract_people, top_down_id
from ..video import VideoFile, file_sha256, open_video
from .casting import check_one_person, choice_key, chosen, read_choice, show_whom
from .digests import digest_of

EXTRACTION_VERSION = 1
"""Changed whenever the same video gives other joints."""

_TASK_MODEL = WeightFile(
    "MediaPipe pose landmarker", "pose_landmarker.task", "mediapipe", "google/mediapipe", None, None, "Apache-2.0", True
)
_HALF_MILLISECOND = 0.0005  # people give decimal seconds; stamps may be rounded to 1 ms


def detector_models(host: Host) -> Path | None:
    """The folder of the user's own MediaPipe model files, where the installed MediaPipe brings none."""
    if has_solutions():
        return None
    try:
        return host.find_weights(_TASK_MODEL).parent
    except MissingWeights:
        return None


def detector_version(models: Path | None, name: str = "auto") -> str:
    """Which detector of one person would be opened, without opening it; 'none' where there is none to open."""
    try:
        return detector_id(name=name, models=models)
    except (MissingPackage, MissingWeights):
        return "none"


def detector_is_there(detector: str, person: str, host: Host) -> None:
    """What can be told without loading anything: MissingWeights, MissingPackage, UsageError."""
    name = detector_for(detector, host.find_weights, host.device)
    if follows_everybody(name):
        network_ids(name, host.find_weights, host.device)
    else:
        check_one_person("MediaPipe", PersonChoice.parse(person))


def is_motion_file(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ".motion"


@dataclass(frozen=True)
class Extraction:
    """A motion that is not kept anywhere yet."""

    video: VideoFile
    source: SourceFile
    way: _OnePerson | _Everybody

    @property
    def detector(self) -> str:
        return str(self.way.keys[0]["detector"])

    @property
    def device(self) -> str:
        """As torch names it."""
        return self.way.host.device if isinstance(self.way, _Everybody) else "cpu"


def load_or_extract(
    path: Path,
    host: Host,
    cache: Path,
    *,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    detector: str = "auto",
    person: str | PersonChoice = "auto",
    before_extracting: Callable[[Extraction], None] | None = None,
) -> tuple[Motion, bool]:
    """The motion, and whether it had to be extracted now.

    `detector` is one of core's DETECTORS; a `.motion` file needs none. `person` says who comes first among several
    people; a `.motion` file keeps its order where that is 'auto'. `before_extracting` hears of what is about to cost
    time. Raises UnreadableVideo, UnreadableImage, BadMotionFile, NoPersonFound, UsageError, MissingPackage, MissingWeights, Cancelled.
    """
    before = _state_of(path)
    found = find_motion(
        path, host, cache, start_seconds=start_seconds, stop_seconds=stop_seconds, detector=detector, person=person
    )
    if isinstance(found, Motion):
        return found, False
    if before_extracting is not None:
        before_extracting(found)
    motion = found.way.extract(found.video, found.source)
    if _state_of(path) != before:  # else the motion of one film would be kept under the name of another
        raise UnreadableVideo(f"{path} was changed by another program while it was read; start again when it is done.")
    for key, kept in zip(found.way.keys, found.way.kept(motion), strict=False):
        _keep(_entry(cache, found.source, key), kept, host)
    return found.way.cast(motion), True


def find_motion(
    path: Path,
    host: Host,
    cache: Path,
    *,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    detector: str = "auto",
    person: str | PersonChoice = "auto",
) -> Motion | Extraction:
    """As `load_or_extract`, but where nothing is kept, it says what would have to be extracted."""
    choice = read_choice(person)
    if is_motion_file(path):
        if not path.is_file():
            raise BadMotionFile(f"There is no motion file {path}.")
        return chosen(trim(load_motion(path), start_seconds, stop_seconds), choice)
    video = open_video(path, start_seconds=start_seconds, stop_seconds=stop_seconds)
    choice.check_within((video.info.width, video.info.height))  # before minutes go into everybody's joints
    source = SourceFile(str(path.absolute()), file_sha256(path), video.info.has_audio, start_seconds, stop_seconds)
    name = detector_for(detector, host.find_weights, host.device)
    way = _Everybody(name, choice, host) if follows_everybody(name) else _OnePerson(name, choice, host)
    known = _known(cache, source, way, choice)
    return Extraction(video, source, way) if known is None else known


@dataclass
class _OnePerson:
    """MediaPipe: follows one person, the one pointed at where somebody is."""

    name: str
    choice: PersonChoice
    host: Host

    def __post_init__(self) -> None:
        check_one_person("MediaPipe", self.choice)
        self.models = detector_models(self.host)
        place = {"choice": choice_key(self.choice)} if self.choice.is_place else {}
        self.keys = [{"detector": detector_version(self.models, self.name), **place}]

    def extract(self, video: VideoSource, source: SourceFile) -> Motion:
        with open_detector(name=self.name, models=self.models) as detector:
            show_whom(detector, self.name, self.choice, video)
            return extract_motion(video, source, detector, self.host)

    def kept(self, motion: Motion) -> list[Motion]:
        return [motion]

    def cast(self, motion: Motion) -> Motion:
        return motion


@dataclass
class _Everybody:
    """A finder and a pose network: follows everybody, whoever is chosen afterwards."""

    name: str
    choice: PersonChoice
    host: Host

    def __post_init__(self) -> None:
        self.networks = network_ids(self.name, self.host.find_weights, self.host.device)
        self.keys: list[dict[str, object]] = [{"detector": top_down_id(self.networks)}]
        if self.choice.is_place:  # somebody seen for a moment only is kept where they are pointed at
            self.keys.append({**self.keys[0], "choice": choice_key(self.choice)})

    def extract(self, video: VideoSource, source: SourceFile) -> Motion:
        host, find = self.host, self.host.find_weights
        with (
            closing(open_finder("auto", find, host.device, note=host.note)) as finder,
            closing(open_pose_network(self.name, find, host.device, note=host.note)) as network,
        ):
            host.note(f"Joints by {self.name} on {network.provider}, people found on {finder.provider}.")
            return extract_people(video, source, finder, network, host, networks=self.networks, keep=self.choice)

    def kept(self, motion: Motion) -> list[Motion]:
        """What serves every choice, and, where this one means nobody in it, what was kept for this choice only."""
        regular = replace(motion, tracks=tuple(t for t in motion.tracks if not is_glimpse(t)) or motion.tracks)
        try:
            chosen(regular, self.choice)
        except (NoPersonFound, UsageError):
            return [regular, motion]
        return [regular]

    def cast(self, motion: Motion) -> Motion:
        return chosen(motion, self.choice)


def _known(cache: Path, source: SourceFile, way: _OnePerson | _Everybody, choice: PersonChoice) -> Motion | None:
    """From the first entry in which the person is."""
    for key in way.keys:
        motion = _read(_entry(cache, source, key), source)
        if motion is not None:
            try:
                return way.cast(motion)
            except NoPersonFound:
                if key is way.keys[-1]:
                    raise
    return None


def _keep(entry: Path, motion: Motion, host: Host) -> None:
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        save_motion(motion, entry)
    except (OSError, InputError) as error:
        host.note(f"The motion could not be kept for the next run ({error}).")


def _state_of(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def trim(motion: Motion, start_seconds: float, stop_seconds: float | None) -> Motion:
    """The frames shown from `start_seconds` until before `stop_seconds`, counted from the motion's first frame.

    As when a film is opened in part, stamps are counted from the first frame that is kept.
    """
    if start_seconds == 0 and stop_seconds is None:
        return motion
    timeline = motion.timeline
    shown = (timeline.pts - timeline.pts[0]) * float(timeline.time_base)
    first = int(np.searchsorted(shown, start_seconds - _HALF_MILLISECOND))
    last = motion.num_frames if stop_seconds is None else int(np.searchsorted(shown, stop_seconds - _HALF_MILLISECOND))
    if first >= last:
        seconds = float(shown[-1]) + float(1 / timeline.rate)
        raise UsageError(
            f"No frame lies between {start_seconds:g} s and "
            f"{'the end' if stop_seconds is None else f'{stop_seconds:g} s'}; the motion is {seconds:.2f} s long."
        )
    kept, source = timeline.cut(first, last), motion.source
    if first > 0:
        kept = replace(kept, pts=kept.pts - kept.pts[0])
    ends = [s for s in (source.stop_seconds, _after(source.start_seconds, stop_seconds)) if s is not None]
    return replace(
        motion,
        source=replace(
            source, start_seconds=source.start_seconds + start_seconds, stop_seconds=min(ends) if ends else None
        ),
        tracks=tuple(t.cut(first, last) for t in motion.tracks),
        timeline=kept,
        cuts=tuple(c - first for c in motion.cuts if first < c < last),
        face_codes={name: codes[first:last] for name, codes in motion.face_codes.items()},
    )


def _after(start_seconds: float, seconds: float | None) -> float | None:
    return None if seconds is None else start_seconds + seconds


def _entry(cache: Path, source: SourceFile, key: Mapping[str, object]) -> Path:
    asked = {
        "video": source.sha256,
        "start": float(source.start_seconds),
        "stop": None if source.stop_seconds is None else float(source.stop_seconds),
        "extraction": EXTRACTION_VERSION,
        **key,
    }
    return cache / "motions" / f"{digest_of(asked)}.motion"


def _read(entry: Path, source: SourceFile) -> Motion | None:
    try:
        # The same film may lie elsewhere today, so the name is the one of this run.
        return replace(load_motion(entry), source=source) if entry.is_file() else None
    except (OSError, MotionTransferError):
        return None
