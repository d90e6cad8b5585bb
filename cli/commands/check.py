"""`motion-transfer check`: is this driving video fit for motion transfer, and what to do where it is not."""

from __future__ import annotations

import argparse
import threading

from ..option_names import as_options
from ..words import add_casting, add_place, add_trim

HELP = "is this driving video fit for motion transfer? what to fix"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("driving", metavar="DRIVING", help="driving video")
    words.add_argument("--engine", metavar="NAME", help="judge for this engine only")
    add_casting(words)
    add_trim(words)
    words.add_argument("--json", action="store_true", help="the report as JSON")
    words.add_argument("--quiet", action="store_true", help="no progress")
    add_place(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    """0 if the clip will do, 3 if it is unfit for an engine that was asked about."""
    from ...models.registry import engine_spec
    from ...run.check import check_driving_video
    from ..progress import Shown

    if words.engine is not None:
        engine_spec(words.engine)
    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        report = check_driving_video(
            words.driving, host, engine=words.engine, detector=words.detector or "auto", person=words.person or "auto",
            start_seconds=words.start or 0.0, stop_seconds=words.stop, cache=words.work_dir,
        )  # fmt: skip
    print(report.to_json() if words.json else as_options("\n".join(report.lines())))  # noqa: T201
    return 0 if report.ok else 3
