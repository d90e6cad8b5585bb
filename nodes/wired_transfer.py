"""A transfer by the models of the wires, as the engines' own nodes run it: finished videos, pictures where asked, a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, io

from ..core import TransferJob, UsageError
from ..core.settings import Plain
from ..run.manifest import manifest_path
from .comfy_host import ComfyHost, comfy_host
from .input_names import as_inputs
from .motion_transfer import QUALITY_WORDS, SUFFIX, job_name, motion_or_video_file
from .pictures import first_picture
from .places import lasting_folder, picture_file, spool_folder


def wired_outputs(report: str) -> list[io.Output]:
    """What every such node gives; `report` says what is in its report."""
    return [
        io.Video.Output(id="video", display_name="video", tooltip="The finished video with the driving video's sound and time stamps; ready for Save Video."),
        io.Image.Output(id="images", display_name="images", tooltip="The same frames as IMAGE, when also_images is on."),
        io.String.Output(id="report", display_name="report", tooltip=report),
    ]  # fmt: skip


def wired_job(
    title: str,
    engine: str,
    settings: Mapping[str, Plain],
    character: Any,
    driving: Any,
    *,
    seed: int,
    quality: str,
    resolution: str,
    driving_mask: Path | None = None,
) -> TransferJob:
    """The job that the node's inputs describe, but for its output. `title` names the engine to people.

    UsageError for a quality that keeps transparency, which networks that make whole pictures do not have.
    """
    word = QUALITY_WORDS[quality]
    if word == "alpha":
        raise UsageError(f"{title} makes whole pictures without transparency; High or Lossless would work.")
    path, start, stop = motion_or_video_file(driving)
    return TransferJob(
        character=str(picture_file(*first_picture(character))), driving=str(path), output="result", engine=engine,
        settings=settings, seed=seed, quality=word, resolution=resolution, start_seconds=start, stop_seconds=stop,
        driving_mask=None if driving_mask is None else str(driving_mask),
    )  # fmt: skip


def wired_transfer(
    title: str,
    job: TransferJob,
    lent_as: str,
    backend: Any,
    *,
    also_images: bool,
    before: Callable[[ComfyHost], None] | None = None,
) -> io.NodeOutput:
    """video, images and report of `job` made by `backend`, which the host lends as `lent_as`. `before` is run first,
    with the host, for what must be refused before any work.

    The file's name says all that is in it: a finished one is taken as it is, and one without its manifest is not whole.
    """
    from ..run.route import run  # here, for ComfyUI's start

    name = f"{lent_as}_{job_name(job)[:16]}_{backend.fingerprint[:16]}{SUFFIX.get(job.quality, '.mp4')}"
    output = spool_folder() / name
    with comfy_host({lent_as: backend}) as host:
        if before is not None:
            before(host)
        redo = output.exists() and not manifest_path(output).exists()
        result = run(replace(job, output=str(output)), host, work_dir=lasting_folder(), overwrite=redo, say=host.say)
    video = InputImpl.VideoFromFile(str(result.output))
    images = video.get_components().images if also_images else no_pictures(title)
    return io.NodeOutput(video, images, report_of(result.manifest))


def no_pictures(title: str, what: str = "pictures") -> Any:
    """What stands on an output that was not asked for: whoever needs it is told, nobody else is stopped."""
    from comfy_execution.graph_utils import ExecutionBlocker

    return ExecutionBlocker(
        f"{title} gives {what} only when its 'also_images' is on; the video output needs no memory."
    )


def report_of(manifest: Path) -> str:
    """What the run's manifest says of the engine, and its notes."""
    told = json.loads(manifest.read_text(encoding="utf-8"))
    notes = [as_inputs(note) for note in told["notes"]]
    known = {"engine": told["engine"], "output": told["output"], "run": told["run"], "notes": notes}
    return json.dumps(known, indent=2, ensure_ascii=False)
