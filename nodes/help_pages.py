"""The tables of the help pages, made from the schemas, so that they cannot drift from the nodes.

A page is `web/docs/<node id>/<language>.md`. Prose is written by hand; what stands between the two marks
is replaced by `refresh`. Chinese words come from `locales/zh/nodeDefs.json`, which ComfyUI shows as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy_api.latest import io

COMFYUIS_OWN = ("sampler_name", "scheduler")
"""Lists that differ from one ComfyUI to the next."""
BEGIN, END = "<!-- made from the schema -->", "<!-- end -->"
WORDS = {
    "en": {"inputs": "Inputs", "outputs": "Outputs", "name": "Name", "value": "Value", "meaning": "What it does", "default": "default", "optional": "optional", "only": "with"},
    "zh": {"inputs": "输入", "outputs": "输出", "name": "名称", "value": "取值", "meaning": "作用", "default": "默认", "optional": "可选", "only": "仅"},
}  # fmt: skip


def refresh(page: str, schema: io.Schema, language: str, locale: dict[str, Any]) -> str:
    """The page with its tables as the schema has them today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables(schema, language, locale)}\n{END}{after}"


def tables(schema: io.Schema, language: str, locale: dict[str, Any]) -> str:
    """Markdown: one row per input (those of each engine too) and per output."""
    words, known = WORDS[language], locale.get(schema.node_id, {}) if language != "en" else {}
    rows = [
        f"## {words['inputs']}",
        "",
        f"| {words['name']} | {words['value']} | {words['meaning']} |",
        "|---|---|---|",
    ]
    told: dict[tuple[str, str, str], list[str]] = {}
    for entry, only in every_input(schema):
        said = known.get("inputs", {}).get(entry.id, {})
        mark = f" ({words['optional']})" if entry.optional else ""
        name = f"**{said.get('name') or entry.id}**{mark} `{entry.id}`"
        told.setdefault((name, _value(entry, words), said.get("tooltip") or entry.tooltip or ""), []).append(only)
    for (name, value, meaning), engines in told.items():  # engines that share a setting share its row
        condition = f" ({words['only']} {', '.join(engines)})" if engines != [""] else ""
        rows.append(f"| {name} | {value} | {meaning}{condition} |")
    rows += ["", f"## {words['outputs']}", "", f"| {words['name']} | {words['meaning']} |", "|---|---|"]
    for k, output in enumerate(schema.outputs):
        said = known.get("outputs", {}).get(str(k), {})
        rows.append(
            f"| **{said.get('name') or output.display_name or output.id}** | {said.get('tooltip') or output.tooltip} |"
        )
    return "\n".join(rows)


def every_input(schema: io.Schema) -> list[tuple[io.Input, str]]:
    """Each input with the engine's title that brings it along, '' for the node's own."""
    found: list[tuple[io.Input, str]] = []
    for entry in schema.inputs:
        found.append((entry, ""))
        if isinstance(entry, io.DynamicCombo.Input):
            found += [(inner, option.key) for option in entry.options for inner in option.inputs]
    return found


def every_input_path(schema: io.Schema) -> list[str]:
    """`name`, and `model[Engine title].name` for what an engine brings along: what saved workflows refer to."""
    holder = next((e.id for e in schema.inputs if isinstance(e, io.DynamicCombo.Input)), "")
    return [f"{holder}[{only}].{entry.id}" if only else entry.id for entry, only in every_input(schema)]


def _value(entry: Any, words: dict[str, str]) -> str:
    get = (lambda n: entry.words.get(n)) if hasattr(entry, "words") else (lambda n: getattr(entry, n, None))
    options = get("options")
    if entry.id in COMFYUIS_OWN:
        return f"`COMBO`; {words['default']} {get('default')}"
    if options:
        listed = ", ".join(str(getattr(o, "key", o)) for o in options) if entry.id != "file" else ".motion, .pkl"
        return listed + (f"; {words['default']} {get('default')}" if get("default") is not None else "")
    if get("min") is not None:
        return f"{get('min'):g} to {get('max'):g}; {words['default']} {get('default'):g}"
    if get("default") is not None:
        return f"{words['default']} {'; '.join(str(get('default')).splitlines())}"
    kinds = get("io_types") or get("types")
    return " / ".join(_kind(k) for k in kinds) if kinds else _kind(entry)


def _kind(entry: Any) -> str:
    kind = entry.get_io_type() if hasattr(entry, "get_io_type") else getattr(entry, "io_type", None)
    if kind is None:
        kind = getattr(entry, "__name__", str(entry)).upper()
    return f"`{kind}`"


def read_locale(root: Path, language: str) -> dict[str, Any]:
    path = root / "locales" / language / "nodeDefs.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
