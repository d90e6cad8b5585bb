"""A transfer job: everything that determines a finished video, as plain values.

JSON in and out, so that a command line, a batch line, a queue, another machine and the manifest of a
finished run all speak of the same thing. Objects do not travel between processes; this does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .errors import UsageError
from .person_choice import PersonChoice
from .settings import Plain

QUALITIES = ("high", "medium", "low", "lossless", "alpha")
DETECTORS = ("auto", "mediapipe", "mediapipe-tasks", "dwpose", "vitpose-s", "vitpose-b", "vitpose-l", "vitpose-h")
"""Who finds the joints in a driving video; `pose.detector` says what each one is."""
RESOLUTIONS = ("source", "480p", "720p", "1080p")


@dataclass(frozen=True)
class TransferJob:
    """Paths, engine, settings, seed. Checked when made; paths are looked at when the job runs."""

    character: str
    """Picture of the character, or a film of it for engines that take one."""
    driving: str
    """Driving video, or a `.motion` file extracted from one."""
    output: str
    """File to be written; its suffix chooses the container."""
    engine: str = "puppet"
    settings: Mapping[str, Plain] = field(default_factory=dict)
    """The engine's own settings; what is not named has its default."""
    seed: int = 0
    quality: str = "high"
    """high, medium, low (H.264), lossless (FFV1 or lossless H.264), alpha (keeps transparency)."""
    resolution: str = "source"
    """Short side of the finished video: source, 480p, 720p, 1080p. Never enlarges."""
    mask: str | None = None
    """Picture whose white is the character; None: alpha channel, else segmentation."""
    character_pose: str | None = None
    """OpenPose JSON or `.motion` with the character's joints, where detection fails; None: detect."""
    audio: bool = True
    """Copy the driving video's sound."""
    audio_file: str | None = None
    """Take the sound of this file instead, from its beginning."""
    start_seconds: float = 0.0
    stop_seconds: float | None = None
    """Part of the driving video to use."""
    detector: str = "auto"
    """Who finds the joints in the driving video, one of DETECTORS; nothing to a `.motion` file."""
    person: str = "auto"
    """Who of several people drives, in the words of `PersonChoice`; frames and seconds count from the start."""
    driving_mask: str | None = None
    """Video or picture whose white is the driver, for engines that replace; None: segmentation."""
    commercial_use_only: bool = False
    """Refuse weights whose licence does not allow commercial use, before any work. Changes no pixel."""
    finish: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    """What is done to the finished frames: finisher -> its settings, such as {'interpolate': {'fps': 60}}."""

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.quality not in QUALITIES:
            raise UsageError(f"quality is {self.quality!r}; there are {', '.join(QUALITIES)}.")
        if self.resolution not in RESOLUTIONS:
            raise UsageError(f"resolution is {self.resolution!r}; there are {', '.join(RESOLUTIONS)}.")
        if self.detector not in DETECTORS:
            raise UsageError(f"detector is {self.detector!r}; there are {', '.join(DETECTORS)}.")
        PersonChoice.parse(self.person)
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            raise UsageError(f"seed is {self.seed!r}, but takes a whole number from 0 to 2^63 - 1.")
        if not self.start_seconds >= 0:
            raise UsageError(f"start is {self.start_seconds} s; it cannot lie before the clip begins (0).")
        if self.stop_seconds is not None and not self.stop_seconds > self.start_seconds:
            raise UsageError(f"stop ({self.stop_seconds} s) must come after start ({self.start_seconds} s).")

    def _check_kinds(self) -> None:
        """A job may come from anybody's JSON."""
        for name in ("character", "driving", "output", "engine", "quality", "resolution", "detector", "person"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise UsageError(f"{name} is {getattr(self, name)!r}; it must be a text that is not empty.")
        for name in ("mask", "character_pose", "audio_file", "driving_mask"):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), str):
                raise UsageError(f"{name} is {getattr(self, name)!r}; it must be a path or nothing.")
        for name in ("audio", "commercial_use_only"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is {getattr(self, name)!r}, but takes true or false.")
        if not isinstance(self.settings, Mapping):
            raise UsageError(f"settings are {self.settings!r}, but must be names with values.")
        if not isinstance(self.finish, Mapping) or not all(isinstance(s, Mapping) for s in self.finish.values()):
            raise UsageError(f"finish is {self.finish!r}, but takes finishers with their settings.")
        for name in ("start_seconds", "stop_seconds"):
            value = getattr(self, name)
            if value is None and name == "stop_seconds":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) == float("inf"):
                raise UsageError(f"{name} is {value!r}, but takes a number of seconds.")

    def to_json(self) -> str:
        values = asdict(self)
        if not self.finish:  # a job that does not use it is the job that it was before there was any
            del values["finish"]
        return json.dumps(values, indent=2, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TransferJob:
        """UsageError for anything that is not such a job."""
        try:
            values: Any = json.loads(text)
        except ValueError as error:
            raise UsageError(f"This is not JSON: {error}.") from None
        if not isinstance(values, dict):
            raise UsageError(f"A job is a JSON object, not {type(values).__name__}.")
        if "manifest_version" in values:
            raise UsageError("This is the manifest of a finished video and not a job; motion-transfer rerun takes it.")
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UsageError(f"A job has no {', '.join(unknown)}; it has {', '.join(sorted(known))}.")
        missing = [n for n in ("character", "driving", "output") if n not in values]
        if missing:
            raise UsageError(f"The job lacks {', '.join(missing)}.")
        return cls(**values)
