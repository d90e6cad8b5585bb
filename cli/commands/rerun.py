"""`motion-transfer rerun`: the run that a manifest tells of, once more."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from ..words import add_running
from .run import run_job, with_output

HELP = "run again what a manifest (<output>.json) tells of; the result is the same to the bit"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("manifest", type=Path, metavar="MANIFEST", help="the JSON file beside a finished video")
    words.add_argument("-o", "--output", metavar="OUT", help="write here instead of the place in the manifest")
    add_running(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...run.manifest import changed_inputs, job_of_manifest, read_manifest

    for path in changed_inputs(words.manifest):
        print(  # noqa: T201
            f"note: {path} is not the file any more that the manifest tells of; the result will differ.",
            file=sys.stderr,
        )
    if "finishing" in read_manifest(words.manifest):
        return _finish_again(words, cancel)
    return run_job(with_output(job_of_manifest(words.manifest), words.output), words, cancel)


def _finish_again(words: argparse.Namespace, cancel: threading.Event) -> int:
    from dataclasses import replace

    from ...run.finish import request_of_manifest
    from .finish import finish_shown

    asked = request_of_manifest(words.manifest)
    return finish_shown(asked if words.output is None else replace(asked, output=words.output), words, cancel)
