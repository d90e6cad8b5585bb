"""`motion-transfer models`: every weight file, what it may be used for, and whether it is here."""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import asdict

from ..words import add_weights, wide_console

HELP = "list the weight files of all engines and of the built-in detector: licence, and found or not"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("--json", action="store_true", help="as JSON")
    add_weights(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...run.host import LocalHost
    from ...run.weights import all_weights

    found = all_weights(LocalHost(weights_folders=tuple(words.weights)))
    if words.json:
        print(json.dumps([{**asdict(f), "path": None if f.path is None else str(f.path)} for f in found], indent=2))  # noqa: T201
        return 0
    from rich import box
    from rich.table import Table

    table = Table("used by", "file", "MB", "licence", "commercial use", "found", box=box.SIMPLE, pad_edge=False)
    for f in found:
        size = "?" if f.num_bytes is None else f"{f.num_bytes / 1e6:.1f}"
        place = f"no; put it at {f.wanted}" if f.path is None else str(f.path)
        table.add_row(f.used_by, f.file, size, f.licence, "yes" if f.commercial_use else "no", place)
    wide_console().print(table)
    return 0
