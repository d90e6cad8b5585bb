"""Rendering and encoding side by side: while one piece is being written, the next is already rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def write_behind(items: Iterable[T], write: Callable[[T], None]) -> None:
    """Give every item to `write`, in order, on one other thread, never more than one item behind.

    So at most two items live at once. An error of either side ends both; an item that was handed over is
    still written when the source fails or the user stops, because it is finished work.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pieces") as thread:
        pending: Future[None] | None = None
        try:
            for item in items:
                if pending is not None:
                    pending.result()
                pending = thread.submit(write, item)
                del item  # this frame would otherwise keep the written piece alive beside the next
        except BaseException as error:
            if pending is not None and pending.exception() is not None and pending.exception() is not error:
                raise error from pending.exception()
            raise
        if pending is not None:
            pending.result()
