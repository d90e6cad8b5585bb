"""The engines, in order. Looking at the list loads no engine; a spec is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from ..core import EngineSpec, UsageError

# Name -> module that holds its SPEC, relative to this package; after a colon another name in it.
_SPECS = {
    "puppet": ".puppet.spec",
    "wan-animate": ".wan_animate.spec:MOVE",
    "wan-animate-replace": ".wan_animate.spec:REPLACE",
    "live-portrait": ".live_portrait.spec",
    "animate-diff": ".animate_diff.spec",
    "mimic-motion": ".mimic_motion.spec",
}


def engine_names() -> tuple[str, ...]:
    return tuple(_SPECS)


def engine_spec(name: str) -> EngineSpec:
    """UsageError names the engines that exist."""
    if name not in _SPECS:
        raise UsageError(f"There is no engine {name!r}; there are {', '.join(_SPECS)}.")
    module, _, attribute = _SPECS[name].partition(":")
    return getattr(import_module(module, __package__), attribute or "SPEC")
