"""The package's one public function: a video from Python, with the same words as on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..core import Host, TransferJob
from ..core.settings import Plain
from .host import LocalHost
from .route import RunResult, run


def transfer(
    character: str | os.PathLike[str],
    driving: str | os.PathLike[str],
    engine: str = "puppet",
    *,
    output: str | os.PathLike[str],
    seed: int = 0,
    quality: str = "high",
    resolution: str = "source",
    mask: str | os.PathLike[str] | None = None,
    character_pose: str | os.PathLike[str] | None = None,
    audio: bool = True,
    audio_file: str | os.PathLike[str] | None = None,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    detector: str = "auto",
    person: str = "auto",
    driving_mask: str | os.PathLike[str] | None = None,
    commercial_use_only: bool = False,
    finish: Mapping[str, Mapping[str, Plain]] | None = None,
    overwrite: bool = False,
    work_dir: str | os.PathLike[str] | None = None,
    host: Host | None = None,
    **settings: Plain,
) -> RunResult:
    """A video of `character` doing what the person in `driving` does.

    `settings` are the engine's own, such as `driving_smooth=2`; `motion-transfer engines` lists them. `finish`
    names what is done to the frames afterwards, such as `{"interpolate": {"fps": 60}}`.
    Raises a MotionTransferError (`motion_transfer.core`) whose message says what would work.
    """
    job = TransferJob(
        character=os.fspath(character),
        driving=os.fspath(driving),
        output=os.fspath(output),
        engine=engine,
        settings=settings,
        seed=seed,
        quality=quality,
        resolution=resolution,
        mask=None if mask is None else os.fspath(mask),
        character_pose=None if character_pose is None else os.fspath(character_pose),
        audio=audio,
        audio_file=None if audio_file is None else os.fspath(audio_file),
        start_seconds=start_seconds,
        stop_seconds=stop_seconds,
        detector=detector,
        person=person,
        driving_mask=None if driving_mask is None else os.fspath(driving_mask),
        commercial_use_only=commercial_use_only,
        finish=finish or {},
    )
    return run(job, host or LocalHost(), work_dir=None if work_dir is None else Path(work_dir), overwrite=overwrite)
