"""Seconds and peak memory of work on one device, and one line where its memory is too small."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

Work = Callable[[], Any]


class Meter:
    """Times and memory on one device."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.cuda = device, device.type == "cuda"

    def now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def median(self, work: Work, rounds: int) -> float:
        """Of `rounds` calls, after one that is not counted."""
        took = []
        for _ in range(1 + rounds):
            start = self.now()
            work()
            took.append(self.now() - start)
        return statistics.median(took[1:])

    def begin(self) -> None:
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak_gb(self) -> float:
        return torch.cuda.max_memory_allocated(self.device) / 1e9 if self.cuda else float("nan")


def attempt(what: str, work: Work, meter: Meter) -> dict:
    """What the work gives; {} with one line where the device has too little memory for it."""
    try:
        return work()
    except torch.cuda.OutOfMemoryError as error:
        print(f"{what} does not fit into the memory of {device_name(meter.device)}: {str(error).splitlines()[0]}", file=sys.stderr)  # fmt: skip
        return {}


def device_name(device: torch.device) -> str:
    if device.type != "cuda":
        return "the CPU"
    card = torch.cuda.get_device_properties(device)
    return f"{card.name} ({card.total_memory / 1e9:.1f} GB)"
