"""LivePortrait's files on disk become tensors by the official names: safetensors or `.pth`, people or animals.

Pickles are opened with `weights_only` alone. A file is held against the layout before anything is built: what is
missing, unknown or of another shape is named, and a file that is one of the other networks is called by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...core import InputError, MissingWeights
from .layout import APPEARANCE, GENERATOR, MLP_IN_PTH, MOTION, TITLES, WARPING, shapes_of
from .weights import MLPS

LARGE = (APPEARANCE, MOTION, WARPING, GENERATOR)
_MLPS_TITLE = "file of the stitching and retargeting networks"


def load(paths: Mapping[str, Path]) -> dict[str, dict[str, Tensor]]:
    """Network -> tensor name -> float32 tensor on the CPU, of all seven; `paths` as `find_weights` gives them.

    Raises InputError: which file, what it is instead or what it lacks. MissingWeights: it is not there.
    """
    networks = {network: load_network(network, paths[network]) for network in LARGE}
    return networks | load_mlps(paths[MLPS])


def load_network(network: str, path: Path) -> dict[str, Tensor]:
    """The tensors of F, M, W or G."""
    return _fitting(network, _flat(_read(path)), path)


def load_mlps(path: Path) -> dict[str, dict[str, Tensor]]:
    """The tensors of the three small networks, which lie in one file."""
    found = _read(path)
    networks: dict[str, dict[str, Tensor]] = {}
    for network, part in MLP_IN_PTH.items():
        if isinstance(inner := found.get(part), Mapping):
            networks[network] = {str(n).removeprefix("module."): v for n, v in inner.items() if isinstance(v, Tensor)}
            continue
        prefix = f"{part}_module."
        networks[network] = {n[len(prefix) :]: v for n, v in _flat(found).items() if n.startswith(prefix)}
    if not any(networks.values()):
        raise InputError(f"{path.name} is not LivePortrait's {_MLPS_TITLE}: {_what(_flat(found))}.")
    return {network: _fitting(network, tensors, path) for network, tensors in networks.items()}


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise MissingWeights(f"{path} is not there.")
    size = f"{path.stat().st_size:,} bytes"
    try:
        if path.suffix == ".safetensors":
            with safe_open(str(path), framework="pt", device="cpu") as opened:
                return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100].rstrip(".")
        raise InputError(f"{path.name} ({size}) cannot be read as weights, as if it were cut off or no such file ({why}); fetch it again.") from None  # fmt: skip
    except Exception as error:  # noqa: BLE001 -- unpickling has no error class of its own for what it refuses
        raise InputError(f"{path.name} ({size}) is refused: it holds more than tensors ({type(error).__name__}).") from None  # fmt: skip
    if not isinstance(loaded, Mapping):
        raise InputError(f"{path.name} holds a {type(loaded).__name__}, not tensors by name.")
    return loaded


def _flat(found: Mapping[str, Any]) -> dict[str, Tensor]:
    return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}


def _fitting(network: str, tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    wanted, title = shapes_of(network), TITLES[network]
    # Some conversions leave the counters out, which nothing uses.
    missing = sorted(n for n in set(wanted) - set(tensors) if not n.endswith("num_batches_tracked"))
    unknown = sorted(set(tensors) - set(wanted))
    if len(missing) * 2 > len(wanted):
        raise InputError(f"{path.name} is not LivePortrait's {title}: {_what(tensors)}.")
    if missing or unknown:
        parts = [f"{word} {_few(names)}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
        raise InputError(f"{path.name} does not fit LivePortrait's {title}: {'; '.join(parts)}.")
    for name, value in tensors.items():
        if tuple(value.shape) != wanted[name]:
            raise InputError(f"{path.name} does not fit LivePortrait's {title}: {name} is {list(value.shape)}, not {list(wanted[name])}.")  # fmt: skip
    return {name: value.float() for name, value in tensors.items() if not name.endswith("num_batches_tracked")}


def _what(tensors: Mapping[str, Tensor]) -> str:
    """What a file is that is not what was asked for."""
    for network in LARGE:
        wanted = shapes_of(network)
        if sum(name in wanted for name in tensors) * 2 > len(wanted):
            return f"it is the {TITLES[network]}"
    if any(name.startswith(tuple(MLP_IN_PTH.values())) for name in tensors):
        return f"it is the {_MLPS_TITLE}"
    names = sorted(tensors)
    return f"it has {_few(names)}" if names else "it has no tensors by name"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
