"""Does a run clearly not fit into memory? Lower bounds against what is free, said before work begins.

Counted is only what is certain: the frames that lie in memory together, and the numbers of the largest network on the
device that computes with it. Nothing is said of what may fit: the rest of a network's needs is not known here.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core import EngineSpec, Host, WeightFile
from ..models.device_facts import free_device_bytes
from .host import NotedHost
from .prepare import SHORT_SIDES, working_size

_PIECES_HELD = 2  # the one that is made and the one that is written, see `run/pieces`
_COLOURS = 3
_ELEMENT_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}  # by the setting `dtype`
_STORED_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
_LONGEST_HEADER = 100 << 20  # as the format's own readers


class WatchedHost(NotedHost):
    """Remembers which weight files were asked for; all else is the other host's."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.found: list[Path] = []

    def find_weights(self, weights: WeightFile) -> Path:
        path = super().find_weights(weights)
        self.found.append(path)
        return path


def memory_notes(
    spec: EngineSpec,
    settings: Mapping[str, Any],
    size: tuple[int, int],
    num_frames: int | None,
    files: Sequence[Path],
    device: str,
) -> list[str]:
    """What clearly does not fit: asked, found, what would work. Empty where it fits or nobody can tell."""
    notes = [frames_note(spec, settings, size, num_frames, free_ram_bytes())]
    if files:
        on_card = device.startswith("cuda") and settings.get("offload", "none") == "none"
        free = free_device_bytes(device) if on_card else free_ram_bytes() if device == "cpu" else None
        notes.append(network_note(spec, settings, files, free, "GPU memory" if on_card else "RAM"))
    return [note for note in notes if note]


def frames_note(
    spec: EngineSpec, settings: Mapping[str, Any], size: tuple[int, int], num_frames: int | None, free: int | None
) -> str:
    """'' unless the frames of two pieces alone are more than what is free."""
    held = min(n for n in (_frames_of_a_piece(spec, settings), num_frames) if n is not None)
    needed = frames_bytes(size, held)
    if free is None or needed <= free:
        return ""
    would = [
        word
        for word in ("1080p", "720p", "480p")
        if SHORT_SIDES[word] < min(size) and frames_bytes(working_size(size, word, spec.size_multiple), held) <= free
    ]
    would_do = f"a smaller size (`resolution={would[0]}`) would do" if would else "other programs may have to be closed"
    return (
        f"{spec.title} holds {held} frames of {size[0]}x{size[1]} twice, {gigabytes(needed)} of RAM, and "
        f"{gigabytes(free)} are free: {would_do}."
    )


def frames_bytes(size: tuple[int, int], num_frames: int) -> int:
    """Of the pieces that lie in memory together."""
    return _PIECES_HELD * num_frames * size[0] * size[1] * _COLOURS


def _frames_of_a_piece(spec: EngineSpec, settings: Mapping[str, Any]) -> int:
    """At least so many; some engines let the user choose fewer."""
    chosen = (settings.get(name) for name in ("window", "section"))
    return max(1, min([spec.window, *(n for n in chosen if isinstance(n, int) and not isinstance(n, bool))]))


def network_note(
    spec: EngineSpec, settings: Mapping[str, Any], files: Sequence[Path], free: int | None, where: str
) -> str:
    """'' unless the largest network alone is more than what is free."""
    dtype = str(settings.get("dtype", ""))
    sizes = {path: needed for path in files if (needed := network_bytes(path, dtype)) is not None}
    if free is None or not sizes:
        return ""
    path, needed = max(sizes.items(), key=lambda one: one[1])
    if needed <= free:
        return ""
    options = {option.name: option for option in spec.settings.options()}
    would = []
    if where != "RAM" and "offload" in options and "group" in options["offload"].choices:
        would.append("the rest of it in RAM (`offload=group`)")
    if dtype == "fp32":
        would.append("half precision (`dtype=bf16`)")
    would_do = " or ".join(would) or "a device with more memory, or another engine, such as puppet,"
    return (
        f"{path.name} takes {gigabytes(needed)} of {where} at least, and {gigabytes(free)} are free: "
        f"{would_do} would work; so it will probably end for want of memory."
    )


def network_bytes(path: Path, dtype: str) -> int | None:
    """Bytes of the numbers in a safetensors file, or a folder's, once they are `dtype` ('fp32' ...; else as stored, or
    halved where that is wider than 16 bits). None where the file does not tell."""
    if path.is_dir():
        parts = [network_bytes(part, dtype) for part in sorted(path.glob("*.safetensors"))]
        return sum(n for n in parts if n is not None) or None
    if path.suffix != ".safetensors":
        return None
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length <= _LONGEST_HEADER else {}
        total = 0
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            stored = _STORED_BYTES.get(tensor["dtype"])
            one = 0 if stored is None else _ELEMENT_BYTES.get(dtype, min(stored, 2))
            total += end - begin if stored is None else (end - begin) // stored * one
        return total or None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None  # what is wrong with the file is said by who opens it


def gigabytes(num_bytes: int) -> str:
    """'640 MB', '12 GB', '1.5 GB'."""
    if num_bytes < 1e9:
        return f"{max(1, round(num_bytes / 1e6))} MB"
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes < 10e9 else f"{num_bytes / 1e9:.0f} GB"


def free_ram_bytes() -> int | None:
    """What can be had at once, swap with it: never less than there is. None where the system does not tell."""
    if find_spec("psutil") is not None:
        try:
            import psutil

            return int(psutil.virtual_memory().available + psutil.swap_memory().free)
        except (ImportError, OSError, RuntimeError):  # containers may hide what it reads
            pass
    return {"linux": _of_linux, "win32": _of_windows}.get(sys.platform, _all_of_it)()


def _of_linux() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        told = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines)}
        return told["MemAvailable"] + told["SwapFree"]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _of_windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows headers."""

        _fields_ = [
            ("dwLength", ctypes.c_ulong),
            ("dwMemoryLoad", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page_total", "page_free", "own", "own_free", "more")),
        ]  # fmt: skip

    status = Status(dwLength=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return None
    return max(int(status.free), int(status.page_free))


def _all_of_it() -> int | None:
    """Where only the whole memory can be asked for: what is more than that fits in no case."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
