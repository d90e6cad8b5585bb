"""The finishers, in the order in which they work. Looking at the list loads none; a spec is imported when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from ..core import UsageError
from .finisher import FinisherSpec

# Name -> module that holds its SPEC, relative to this package. The order is the order of work: first what fits frames
# into other frames, last what makes more of them.
_SPECS = {
    "paste-back": ".paste_back",
    "settle-flicker": ".settle_flicker",
    "restore-faces": ".restore_faces",
    "match-colour": ".match_colour",
    "interpolate": ".interpolate",
}


def finisher_names() -> tuple[str, ...]:
    return tuple(_SPECS)


def finisher_spec(name: str) -> FinisherSpec:
    """UsageError names the finishers that exist."""
    if name not in _SPECS:
        raise UsageError(f"There is no finishing {name!r}; there are {', '.join(_SPECS)}.")
    return import_module(_SPECS[name], __package__).SPEC


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names in the order in which they work, however they were given. UsageError for a name that is none."""
    wanted = {finisher_spec(name).name for name in names}
    return tuple(name for name in _SPECS if name in wanted)
