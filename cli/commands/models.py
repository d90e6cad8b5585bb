"""`motion-transfer models`: every weight file, what it may be used for, whether it is here; fetched and verified on demand."""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import asdict
from typing import Any

from ..words import add_commercial, add_weights, wide_console

HELP = "list the weight files of all engines and detectors; 'models get NAME' fetches, 'models verify' compares hashes"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("action", nargs="?", choices=("list", "get", "verify"), default="list", help="list (default), get, or verify")  # fmt: skip
    words.add_argument("names", nargs="*", metavar="NAME", help="for get: an engine, a detector or a file of the list")
    words.add_argument("--json", action="store_true", help="as JSON")
    add_commercial(words)
    add_weights(words)


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...core import UsageError
    from ...run.host import LocalHost

    if bool(words.names) != (words.action == "get"):
        raise UsageError("'models get' takes the names of what to fetch, such as dwpose; list and verify take none.")
    # What is here is told and compared whatever its licence.
    host = LocalHost(
        weights_folders=tuple(words.weights), cancel=cancel, on_note=print, commercial_use_only=False
    )  # fmt: skip
    return {"list": _list, "get": _get, "verify": _verify}[words.action](words, host)


def _list(words: argparse.Namespace, host: Any) -> int:
    from ...run.weights import all_weights

    found = [f for f in all_weights(host) if f.commercial_use or not words.commercial_use_only]
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
    console = wide_console()
    console.print(table)
    folders = ", ".join(str(folder) for folder in host.weights_folders)
    console.print(f"Looked for in {folders}; --weights DIR names another.", markup=False, soft_wrap=True)
    return 0


def _get(words: argparse.Namespace, host: Any) -> int:
    from ...run.download import asked_for, fetch
    from ...run.weights import only_commercial, refuse_non_commercial

    meant = [asked_for(name) for name in words.names]  # all names first: a typo costs nothing
    wanted = list(dict.fromkeys(weights for files, _ in meant for weights in files))
    spared = [weights.file for _, files in meant for weights in files if weights not in wanted]
    for weights in wanted if only_commercial(words.commercial_use_only) else ():
        refuse_non_commercial(weights)
    if len(wanted) > 1:  # said before the disk is filled
        size = f"about {sum(weights.num_bytes or 0 for weights in wanted) / 1e9:.1f} GB"
        print(f"{len(wanted)} files, {size}, into {host.weights_folders[0]}")  # noqa: T201
    if spared:
        print(f"Only for other settings, so not fetched unless named: {', '.join(dict.fromkeys(spared))}")  # noqa: T201
    for weights in wanted:
        terms = "" if weights.commercial_use else ", mind its terms for commercial use"
        print(f"{weights.file} from {weights.repository} ({weights.licence}{terms})")  # noqa: T201
        for path in fetch(weights, host.weights_folders[0], host):
            print(f"  {path}")  # noqa: T201
    return 0


def _verify(words: argparse.Namespace, host: Any) -> int:
    from ...run.download import verify

    told = verify(host, host.weights_folders[0])
    if words.json:
        print(json.dumps([{**asdict(v), "path": str(v.path)} for v in told], indent=2))  # noqa: T201
    else:
        for v in told:
            print(f"{v.verdict:8} {v.path}: {v.said}")  # noqa: T201
        if not told:
            print("No weight file is here.")  # noqa: T201
    return 3 if any(v.verdict == "damaged" for v in told) else 0
