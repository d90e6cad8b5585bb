"""Rendering and encoding overlap; errors of either side come through; nothing handed over is lost."""

from __future__ import annotations

import threading
import weakref

import pytest

from motion_transfer.run.pieces import write_behind


class Item:
    def __init__(self, number):
        self.number = number


def test_every_item_is_written_once_in_order_on_another_thread():
    written = []
    write_behind((Item(k) for k in range(7)), lambda i: written.append((i.number, threading.current_thread().name)))
    assert [n for n, _ in written] == list(range(7))
    assert all(name.startswith("pieces") for _, name in written)


def test_the_next_is_made_while_the_last_is_written():
    made_second = threading.Event()

    def items():
        yield 1
        made_second.set()
        yield 2

    write_behind(items(), lambda item: made_second.wait(5) or pytest.fail("waited in vain"))


def test_at_most_two_items_live_at_once():
    alive: list[weakref.ref] = []

    def items():
        for k in range(6):
            item = Item(k)
            alive.append(weakref.ref(item))
            yield item
            del item
            assert sum(r() is not None for r in alive) <= 2  # one being written, one just let go of

    write_behind(items(), lambda item: None)


def test_an_error_of_the_writer_ends_the_source():
    made = []

    def items():
        for k in range(100):
            made.append(k)
            yield k

    def write(item):
        if item == 2:
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        write_behind(items(), write)
    assert made == [0, 1, 2, 3]


def test_what_was_handed_over_is_written_when_the_source_fails():
    written = []

    def items():
        yield 1
        yield 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_behind(items(), written.append)
    assert written == [1, 2]


def test_an_error_in_the_last_item_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        write_behind([1], lambda item: 1 // 0)
