"""`motion-transfer run`: a character and a driving video become a finished video."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..finish_words import part, steps_of
from ..words import add_casting, add_commercial, add_running, add_trim, frames, setting

if TYPE_CHECKING:
    from ...core import TransferJob
    from ...run.route import RunResult

HELP = "make a video of CHARACTER doing what the person in DRIVING does"

_QUALITIES = "high, medium, low, lossless, alpha"
_RESOLUTIONS = "source, 480p, 720p, 1080p"
SUFFIXES = {"alpha": ".mov", "lossless": ".mkv"}

# Argument -> field of the job. What is not given stays with the job's own default.
_FIELDS = {
    "engine": "engine",
    "seed": "seed",
    "quality": "quality",
    "resolution": "resolution",
    "mask": "mask",
    "character_pose": "character_pose",
    "driving_mask": "driving_mask",
    "audio": "audio_file",
    "detector": "detector",
    "person": "person",
    "start": "start_seconds",
    "stop": "stop_seconds",
}


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument(
        "character", nargs="?", metavar="CHARACTER", help="picture of the character; for live-portrait also a video"
    )
    words.add_argument("driving", nargs="?", metavar="DRIVING", help="driving video, or a .motion file made of one")
    words.add_argument(
        "-o", "--output", metavar="OUT", help="file to write; without it <character>_<driving>.mp4 beside the character"
    )
    words.add_argument("--engine", metavar="NAME", help="'motion-transfer engines' lists them (puppet)")
    words.add_argument(
        "--mode", choices=("move", "replace"), help="for wan-animate: move the picture, or replace the driver"
    )
    words.add_argument(
        "--set", type=setting, action="append", default=[], metavar="KEY=VALUE", help="a setting of the engine"
    )
    words.add_argument("--seed", type=int, metavar="N", help="for engines that draw from noise (0)")
    words.add_argument("--quality", metavar="WORD", help=f"{_QUALITIES} (high)")
    words.add_argument("--resolution", metavar="WORD", help=f"short side, never enlarged: {_RESOLUTIONS} (source)")
    words.add_argument("--mask", metavar="FILE", help="picture whose white is the character")
    words.add_argument("--character-pose", metavar="FILE", help="the character's joints: OpenPose JSON or .motion")
    words.add_argument(
        "--driving-mask", metavar="FILE", help="for replacing: film or picture whose white is the driver"
    )
    sound = words.add_mutually_exclusive_group()
    sound.add_argument("--no-audio", action="store_true", help="leave the driving video's sound out")
    sound.add_argument("--audio", metavar="FILE", help="take the sound of this file instead")
    words.add_argument(
        "--finish", type=part, action="append", default=[], metavar="NAME[.KEY=VALUE]",
        help="finish the frames in the same run: interpolate.fps=60, restore-faces ... ('motion-transfer finish --list')",
    )  # fmt: skip
    add_trim(words)
    add_casting(words)
    words.add_argument("--job", type=Path, metavar="FILE", help="a job as JSON, in place of all of the above but -o")
    add_commercial(words)
    words.add_argument("--keep-parts", action="store_true", help="keep the pieces after the video is finished")
    words.add_argument(
        "--estimate", action="store_true", help="say what it would cost in time, memory and disk, and do nothing"
    )
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    if words.estimate:
        return say_estimate(job_of(words), words, cancel)
    return run_job(job_of(words), words, cancel, keep_parts=words.keep_parts)


def run_job(job: TransferJob, words: argparse.Namespace, cancel: threading.Event, *, keep_parts: bool = False) -> int:
    """Run it with progress on the terminal, and say what was made."""
    from ...run.route import run
    from ..progress import Shown

    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        result = run(
            job,
            host,
            work_dir=words.work_dir,
            overwrite=words.overwrite,
            keep_parts=keep_parts,
            say=None if words.quiet else _say,
        )
    if not words.quiet:
        print(summary(result))  # noqa: T201
    return 0


def say_estimate(job: TransferJob, words: argparse.Namespace, cancel: threading.Event) -> int:
    """What the run would say of itself before it begins; nothing is extracted or made."""
    from ...run.look_ahead import look_ahead
    from ..progress import Shown

    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        line = look_ahead(job, host, work_dir=words.work_dir, overwrite=words.overwrite)
    print(line)  # noqa: T201
    return 0


def _say(line: str) -> None:
    if sys.stderr is not None:  # None in a program without a terminal
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def summary(result: RunResult) -> str:
    total = sum(result.seconds.values())
    again = f", {result.chunks_reused} of {result.chunks_made + result.chunks_reused} pieces from before"
    return f"{result.output}: {frames(result.num_frames)} in {total:.1f} s{again if result.chunks_reused else ''}"


def job_of(words: argparse.Namespace) -> TransferJob:
    """The job that the words describe. UsageError if they contradict each other or leave something out."""
    from ...core import InputError, TransferJob, UsageError

    given: dict[str, Any] = {f: getattr(words, a) for a, f in _FIELDS.items() if getattr(words, a) is not None}
    if words.mode is not None:
        given["engine"] = _engine_of_mode(given.get("engine", "wan-animate"), words.mode)
    if words.no_audio:
        given["audio"] = False
    if words.commercial_use_only:
        given["commercial_use_only"] = True
    if words.set:
        given["settings"] = dict(words.set)
    if words.finish:
        given["finish"] = steps_of(argparse.Namespace(), words.finish)
    if words.job is not None:
        extra = [*given, *(n for n in ("character", "driving") if getattr(words, n) is not None)]
        if extra:
            raise UsageError(f"--job says all but the output; leave out {', '.join(sorted(extra))}.")
        try:
            text = words.job.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot read the job {words.job}: {(error.strerror or str(error)).lower()}.") from None
        except UnicodeDecodeError:
            raise UsageError(f"{words.job} is not a job: it is not text.") from None
        return with_output(TransferJob.from_json(text), words.output)
    if words.character is None or words.driving is None:
        raise UsageError("run needs CHARACTER and DRIVING (or --job FILE); 'motion-transfer run --help' shows how.")
    output = words.output or default_output(words.character, words.driving, given.get("quality", "high"))
    return TransferJob(character=words.character, driving=words.driving, output=output, **given)


def _engine_of_mode(engine: str, mode: str) -> str:
    """'wan-animate' with mode 'replace' is 'wan-animate-replace'; each mode is an engine of its own."""
    from ...core import UsageError
    from ...models.registry import engine_names

    plain = engine.removesuffix("-replace")
    if f"{plain}-replace" not in engine_names():
        raise UsageError(f"The engine {engine} has no modes; --mode is for wan-animate.")
    return plain if mode == "move" else f"{plain}-replace"


def with_output(job: TransferJob, output: str | None) -> TransferJob:
    from dataclasses import replace

    return job if output is None else replace(job, output=output)


def default_output(character: str, driving: str, quality: str) -> str:
    """Beside the character, named after both, in a container that holds the quality."""
    path = Path(character)
    return str(path.with_name(f"{path.stem}_{Path(driving).stem}{SUFFIXES.get(quality, '.mp4')}"))
