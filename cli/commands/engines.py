"""`motion-transfer engines`: what can be asked of each engine."""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..words import wide_console

if TYPE_CHECKING:
    from rich.table import Table

    from ...core import EngineSpec, Option

HELP = "list the engines, with every setting, its range and its default"


def add(words: argparse.ArgumentParser) -> None:
    words.add_argument("--json", action="store_true", help="as JSON")


def go(words: argparse.Namespace, cancel: threading.Event) -> int:
    from ...models.registry import engine_names, engine_spec

    specs = [engine_spec(name) for name in engine_names()]
    if words.json:
        print(json.dumps([_plain(spec) for spec in specs], indent=2))  # noqa: T201
        return 0
    from rich import box
    from rich.table import Table

    console = wide_console()
    for spec in specs:
        console.print(f"[bold]{spec.name}[/bold]  {spec.title}; licence {spec.licence}", soft_wrap=True)
        console.print(spec.summary, soft_wrap=True, markup=False)
        table = Table("setting", "takes", "default", "what it does", box=box.SIMPLE, pad_edge=False)
        for option in spec.settings.options():
            table.add_row(option.name, option.allowed, default_of(option), option.help)
        console.print(table)
        if spec.weights:
            console.print(_weights(spec))
    return 0


def _weights(spec: EngineSpec) -> Table:
    from rich import box
    from rich.table import Table

    table = Table("weights", "licence", "commercial use", box=box.SIMPLE, pad_edge=False)
    for weights in spec.weights:
        table.add_row(weights.file, weights.licence, "yes" if weights.commercial_use else "no")
    return table


def default_of(option: Option) -> str:
    value = option.default
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _plain(spec: EngineSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "summary": spec.summary,
        "version": spec.version,
        "licence": spec.licence,
        "window": spec.window,
        "settings": [asdict(option) for option in spec.settings.options()],
        "weights": [asdict(weights) for weights in spec.weights],
    }
