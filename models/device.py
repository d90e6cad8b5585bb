"""Which device networks run on where nobody says: the first GPU that torch can use, else the processor."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ..core import UsageError

AUTO = "auto"


def best_device() -> str:
    """'cuda:0', 'mps' or 'cpu', as torch names them; 'cpu' where torch is not installed."""
    if not _has_torch():
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def checked_device(name: str) -> str:
    """The device that is meant by what a user typed. UsageError: no such device here."""
    if name == AUTO:
        return best_device()
    if name == "cpu" or not _has_torch():
        return name if name == "cpu" else _refuse(name, "torch is not installed")
    import torch

    try:
        kind = torch.device(name).type
    except RuntimeError:  # torch would list every kind that it was ever built for
        return _refuse(name)
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return _refuse(name, (str(error).splitlines() or ["torch knows none"])[0].partition(". ")[0].rstrip(".")[:120])
    return name if kind != "meta" else _refuse(name, "nothing is computed there")


def devices() -> list[str]:
    """What may be asked for here, the best first behind 'auto'."""
    found = [AUTO]
    if _has_torch():
        import torch

        found += [f"cuda:{k}" for k in range(torch.cuda.device_count())]
        found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "cpu"]


def _refuse(name: str, why: str = "") -> str:
    reason = f" ({why})" if why else ""
    raise UsageError(f"There is no device {name!r} here{reason}; {' or '.join(devices())} would do.")


def _has_torch() -> bool:
    if "torch" in sys.modules:
        return sys.modules["torch"] is not None
    return find_spec("torch") is not None
