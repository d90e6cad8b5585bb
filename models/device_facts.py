"""What a device of torch's is: the chip's name, and how much memory is free on it. Imports torch for GPUs alone."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def device_title(device: str) -> str:
    """Which chip that is, for people and to tell machines apart: the GPU's name, or the processor's and its cores."""
    if device.startswith("cuda"):
        import torch

        try:
            return torch.cuda.get_device_name(device)
        except (RuntimeError, AssertionError):  # what is wrong with it is said by who computes there
            return device
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chip = f"{_processor()}, {cores} core{'' if cores == 1 else 's'}"
    return chip if device == "cpu" else f"{device.partition(':')[0]} of {chip}"


def free_device_bytes(device: str) -> int | None:
    """Memory of a GPU that nobody holds; None for what has no memory of its own, and where it cannot be told."""
    if not device.startswith("cuda"):
        return None
    import torch

    try:
        return int(torch.cuda.mem_get_info(device)[0])
    except (RuntimeError, AssertionError):
        return None


def _processor() -> str:
    try:  # Linux tells the kind alone (x86_64) where others name the model
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model") and value.strip():
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "processor"
