"""`motion-transfer report`: how good is a finished video, section by section, and what to try where it is not."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from ..words import add_running

HELP = "how good is a finished video? pose, look, flicker, seams, frames and sound, section by section"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("result", type=Path, metavar="RESULT", help="video that a run has made")
    words.add_argument("--manifest", type=Path, metavar="FILE", help="its manifest (RESULT.json)")
    words.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, units in their names")
    words.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE.png",
        help="write a picture: a frame of each section, asked and found joints",
    )
    words.add_argument("--detector", metavar="NAME", help="who finds the joints in the result (as in the run)")
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    """0 if nothing deserves a look, 3 if something does."""
    from ...run.places import write_beside
    from ...run.report import report_result
    from ...run.report_sheet import check_places, write_sheet
    from ..progress import Shown

    check_places(words.result, json_file=words.json, sheet=words.sheet, overwrite=words.overwrite)
    with Shown(quiet=words.quiet, cancel=cancel, weights_folders=tuple(words.weights), device=words.device) as host:
        report = report_result(
            words.result, host, manifest=words.manifest, detector=words.detector, cache=words.work_dir
        )
        if words.sheet is not None:
            write_sheet(report, words.sheet)
    if words.json is not None:
        write_beside(words.json, (report.to_json() + "\n").encode())
    print("\n".join(report.lines()))  # noqa: T201
    return 0 if report.ok else 3
