"""Models for Motion Transfer, where nothing but the Model's name comes in: each engine's own module finds its files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..core import Host
from ..core.settings import Plain

# Engine -> module of this package whose lend_models(engine, settings, host) says what the host lends it.
_LENDERS = {
    "wan-animate": ".wan_files",
    "wan-animate-replace": ".wan_files",
    "animate-diff": ".animate_diff_files",
    "mimic-motion": ".mimic_files",
    "live-portrait": ".live_portrait_files",
}


def lend_models(engine: str, settings: Mapping[str, Plain], host: Host) -> dict[str, Any]:
    """What a host lends to `engine`, by the names that `Host.lend` is asked for; nothing to engines that need nothing.

    Raises MissingWeights before any work.
    """
    if engine not in _LENDERS:
        return {}
    return import_module(_LENDERS[engine], __package__).lend_models(engine, settings, host)
