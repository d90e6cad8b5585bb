"""The manifest of a finished run, `<output>.json`: what went in, what came out, and the job that makes it again."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from ..core import InputError, TransferJob, UsageError
from ..video import file_sha256
from .casting import absolute_choice

MANIFEST_VERSION = 1
_PACKAGES = {"numpy": "numpy", "scipy": "scipy", "pyav": "av", "mediapipe": "mediapipe", "safetensors": "safetensors"}
_NO_MATTER = {"commercial_use_only": False}  # of a job: changes nothing in the file
_INPUTS = ("character", "driving", "mask", "character_pose", "audio_file", "driving_mask")
_FINISHING_INPUTS = ("video", "character", "original", "mask")


def manifest_path(output: Path) -> Path:
    return output.with_name(output.name + ".json")


def complete_job(job: TransferJob, settings: Mapping[str, Any], finish: Mapping[str, Any]) -> TransferJob:
    """The job with every setting named and every path absolute, so that it means the same anywhere."""

    def absolute(path: str | None) -> str | None:
        return None if path is None else str(Path(path).absolute())

    return replace(
        job,
        character=str(Path(job.character).absolute()),
        driving=str(Path(job.driving).absolute()),
        output=str(Path(job.output).absolute()),
        mask=absolute(job.mask),
        character_pose=absolute(job.character_pose),
        audio_file=absolute(job.audio_file),
        person=absolute_choice(job.person),
        driving_mask=absolute(job.driving_mask),
        settings=dict(settings),
        finish=dict(finish),
    )


def input_hashes(job: TransferJob) -> dict[str, str]:
    """SHA-256 of every file that the job names as an input."""
    named = {f: getattr(job, f) for f in _INPUTS}
    return {what: file_sha256(Path(path)) for what, path in named.items() if path is not None}


def changed_inputs(path: Path) -> list[str]:
    """Files that a manifest tells of and that are other files by now; missing ones are for the run to tell."""
    values = read_manifest(path)
    told = values.get("inputs")
    job, inputs = (values["job"], _INPUTS) if "job" in values else (values["finishing"], _FINISHING_INPUTS)
    changed = []
    for what, sha256 in told.items() if isinstance(told, dict) else ():
        file = Path(str(job.get(what)))
        if what in inputs and file.is_file() and file_sha256(file) != sha256:
            changed.append(str(file))
    return changed


def versions() -> dict[str, str]:
    """Of this package and of everything whose version can change a pixel."""
    import cv2

    from .. import __version__
    from ..video.versions import library_versions

    found = {"motion_transfer": __version__, "python": platform.python_version(), "platform": sys.platform}
    for name, package in _PACKAGES.items():
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return {**found, "opencv": cv2.__version__, **library_versions()}


def job_as_dict(job: TransferJob) -> dict[str, Any]:
    return asdict(job)


def is_of_job(manifest: Mapping[str, Any] | None, job: Mapping[str, Any]) -> bool:
    """Whether a manifest tells of this very job (`job_as_dict`), be it of a time when jobs had fewer fields."""
    told = (manifest or {}).get("job")
    defaults = {f.name: f.default for f in fields(TransferJob) if f.default is not MISSING} | {"finish": {}}
    return isinstance(told, dict) and {**defaults, **told, **_NO_MATTER} == {**job, **_NO_MATTER}


def read_manifest(path: Path) -> dict[str, Any]:
    """UsageError if it is not a manifest, InputError if it is not there."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read the manifest {path}: {(error.strerror or str(error)).lower()}.") from None
    except ValueError:
        raise UsageError(f"{path} is not a manifest: it is not JSON.") from None
    if not isinstance(values, dict) or not isinstance(values.get("job", values.get("finishing")), dict):
        raise UsageError(f"{path} is not a manifest of a run; it has no job in it.")
    return values


def job_of_manifest(path: Path) -> TransferJob:
    """The job that made the video, to be run again."""
    values = read_manifest(path)
    if "job" not in values:
        raise UsageError(f"{path} tells of finishing a video, not of a run; it has no job in it.")
    return TransferJob.from_json(json.dumps(values["job"]))


def known_result(output: Path) -> dict[str, Any] | None:
    """The manifest beside `output`, if there is one and the file is still the one that it speaks of."""
    try:
        values = read_manifest(manifest_path(output))
        return values if values["output"]["sha256"] == file_sha256(output) else None
    except (InputError, UsageError, OSError, KeyError, TypeError):
        return None
