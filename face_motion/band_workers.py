"""Threads that each work on a band of a map by themselves, from the first transform to the last sum.

Torch splits every operation over its threads and waits for the slowest after each, thousands of times a frame: where
another program wants one of the processors, all wait for it every time. Bands are waited for once a convolution.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch

from .kept_memory import KeptMemory

MOST_WORKERS = 8
"""More would wait for the same memory: each of them reads all weights."""


class BandWorkers:
    def __init__(self, count: int) -> None:
        self.count = count
        self._own = threading.local()
        self._pool: ThreadPoolExecutor | None = None
        if count > 1:
            self._pool = _single_threads(count)

    def run(self, tasks: Iterable[Callable[[KeptMemory], None]]) -> None:
        """Each task in one thread, with memory that is that thread's own. Raises what a task raised."""
        if self._pool is None:
            for task in tasks:
                task(self._memory())
            return
        inference = torch.is_inference_mode_enabled()
        running = [self._pool.submit(self._alone, task, inference) for task in tasks]
        failed = [each.exception() for each in running]
        for error in failed:
            if error is not None:
                raise error

    def _alone(self, task: Callable[[KeptMemory], None], inference: bool) -> None:
        with torch.inference_mode(inference), torch.set_grad_enabled(not inference and torch.is_grad_enabled()):
            task(self._memory())

    def _memory(self) -> KeptMemory:
        if not hasattr(self._own, "memory"):
            self._own.memory = KeptMemory()
        return self._own.memory


_kept: dict[int, BandWorkers] = {}


def band_workers() -> BandWorkers:
    """As many as torch has threads now, at most `MOST_WORKERS`; made once."""
    count = min(torch.get_num_threads(), MOST_WORKERS)
    if count not in _kept:
        _kept[count] = BandWorkers(count)
    return _kept[count]


def _single_threads(count: int) -> ThreadPoolExecutor:
    """Threads in which torch uses no others. It takes the number of a thread's when that first asks for it."""
    before, ready = torch.get_num_threads(), threading.Barrier(count + 1)

    def alone() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()
        ready.wait()

    pool = ThreadPoolExecutor(count, thread_name_prefix="bands", initializer=alone)
    for _ in range(count):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(before)
    return pool
