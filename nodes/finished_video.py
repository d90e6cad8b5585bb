"""A VIDEO through finishers and out again as a file: any length, resumed after a restart, with its sound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, io

from ..core.settings import Plain
from .comfy_host import comfy_host
from .places import lasting_folder, spool_folder, video_file

QUALITIES = {"High": "high", "Medium": "medium", "Low": "low", "Lossless": "lossless"}
_SUFFIX = {"lossless": ".mkv"}


def quality_input() -> io.Input:
    return io.Combo.Input("quality", options=list(QUALITIES), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV, for a video that goes on through other nodes.")  # fmt: skip


def commercial_input() -> io.Input:
    return io.Boolean.Input("commercial_use_only", default=False, optional=True, advanced=True, tooltip="Refuse weights whose licence does not allow commercial use, in one line and before any work.")  # fmt: skip


def finished_video(
    video: Any,
    finisher: str,
    settings: Mapping[str, Plain],
    quality: str,
    *,
    beside: Mapping[str, Path] | None = None,
    commercial_use_only: bool = False,
) -> io.NodeOutput:
    """The video (or the path of one) under one finisher; see `finished_by`."""
    return finished_by(
        video, {finisher: settings}, quality, beside=beside, commercial_use_only=commercial_use_only
    )  # fmt: skip


def finished_by(
    video: Any,
    steps: Mapping[str, Mapping[str, Plain]],
    quality: str,
    *,
    beside: Mapping[str, Path] | None = None,
    lent: Mapping[str, Any] | None = None,
    commercial_use_only: bool = False,
) -> io.NodeOutput:
    """The video (or the path of one) under the finishers of `steps`, in one pass.

    `beside`: files by the names of `FinishRequest`; `lent`: models of wires for the host to lend, by what they are for.
    """
    from ..run.digests import digest_of  # here, for ComfyUI's start
    from ..run.finish import FinishRequest, finish

    path, start, stop = (video, 0.0, None) if isinstance(video, Path) else video_file(video)
    word = QUALITIES[quality]
    files = {what: str(file) for what, file in (beside or {}).items()}
    state = [(str(p), Path(p).stat().st_size, Path(p).stat().st_mtime_ns) for p in (path, *files.values())]
    asked = {
        "files": state,
        "start": start,
        "stop": stop,
        "steps": {name: dict(settings) for name, settings in steps.items()},
        "lent": fingerprint_of(lent or {}),
        "quality": word,
    }
    output = spool_folder() / f"{'_'.join(steps)}_{digest_of(asked)[:32]}{_SUFFIX.get(word, '.mp4')}"
    request = FinishRequest(
        video=str(path), output=str(output), finish=steps, quality=word, start_seconds=start,
        stop_seconds=stop, commercial_use_only=commercial_use_only, character=files.get("character"),
        original=files.get("original"), mask=files.get("mask"),
    )  # fmt: skip
    with comfy_host(lent, commercial_use_only=commercial_use_only) as host:
        result = finish(request, host, work_dir=lasting_folder(), overwrite=True)
    return io.NodeOutput(InputImpl.VideoFromFile(str(result.output)))


def fingerprint_of(lent: Mapping[str, Any]) -> str:
    """Which models are lent, as a part of a file's name; empty without any."""
    return "".join(f"_{model.fingerprint[:16]}" for _, model in sorted(lent.items()))
