"""An engine's Settings as ComfyUI inputs: name, range, default and tooltip come from the one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from ..core import Option, Settings
from ..core.settings import Plain
from ..models.registry import engine_names, engine_spec


def model_input() -> io.DynamicCombo.Input:
    """The Model list: each engine brings its own settings along."""
    options = [
        io.DynamicCombo.Option(spec.title, [setting_input(o) for o in spec.settings.options()])
        for spec in (engine_spec(name) for name in engine_names())
    ]
    return io.DynamicCombo.Input(
        "model", options=options, tooltip="The engine that makes the frames; its own settings appear below."
    )


def engine_of(model: Mapping[str, Any]) -> tuple[str, dict[str, Plain]]:
    """Engine name and settings from what the Model list hands to `execute`."""
    values = dict(model)
    title = values.pop("model")
    for name in engine_names():
        if engine_spec(name).title == title:
            return name, values
    raise ValueError(f"no engine is titled {title!r}")


def setting_input(option: Option) -> io.Input:
    """One setting as a widget."""
    words: dict[str, Any] = {"tooltip": option.help, "advanced": option.advanced or None}
    if option.kind == "switch":
        return io.Boolean.Input(option.name, default=bool(option.default), **words)
    if option.kind == "text":
        lines = option.name in ("prompt", "negative")  # others are a word or a few numbers
        return io.String.Input(option.name, default=str(option.default), multiline=lines, **words)
    if option.kind == "choice":
        return io.Combo.Input(option.name, options=list(option.choices), default=str(option.default), **words)
    if option.kind == "whole":
        return io.Int.Input(
            option.name, default=int(option.default), min=int(option.minimum or 0), max=int(option.maximum or 0),
            step=int(option.step or 1), **words,
        )  # fmt: skip
    return io.Float.Input(
        option.name, default=float(option.default), min=float(option.minimum or 0), max=float(option.maximum or 0),
        step=float(option.step or 0.05), **words,
    )  # fmt: skip


def settings_inputs(settings: type[Settings]) -> list[io.Input]:
    """All of an engine's settings, for a node of its own."""
    return [setting_input(o) for o in settings.options()]
