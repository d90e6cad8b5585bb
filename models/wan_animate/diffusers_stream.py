"""Blocks that stay in RAM and visit the device one after the other, the next one travelling while one works.

(diffusers' own group offloading needs accelerate; this needs torch alone, and keeps as many blocks at home on the
device as fit.) At most three visiting blocks are on the device: at work, just finished, on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

VISITORS = 3


class BlockStream:
    """Call `before(i)` and `after(i)` around block i, in order, again and again."""

    def __init__(self, blocks: Sequence[nn.Module], device: torch.device, num_resident: int = 0) -> None:
        """The first `num_resident` blocks move to `device` for good; the others keep their weights in RAM."""
        self.device, self.first = device, min(num_resident, len(blocks))
        for block in blocks[: self.first]:
            block.to(device)
        self._cuda = device.type == "cuda"
        self._homes = [
            [(p, _pinned(p.data) if self._cuda else p.data) for p in b.parameters()] for b in blocks[self.first :]
        ]
        for parameter, home in (pair for pairs in self._homes for pair in pairs):
            parameter.data = home
        self._road: Any = torch.cuda.Stream(device) if self._cuda else None
        self._arrived: dict[int, Any] = {}
        self._done: dict[int, Any] = {}

    @property
    def visiting(self) -> list[int]:
        """Blocks that are not at home now."""
        return [self.first + i for i in sorted({*self._arrived, *self._done})]

    def before(self, index: int) -> None:
        i = index - self.first
        if i < 0:
            return
        # Only what the device has truly finished with may go: without waiting here the host would run ahead and
        # queue every block at once.
        for old in [k for k in self._done if k != (i - 1) % len(self._homes) or k == i]:
            self._leave(old)
        self._fetch(i)
        if self._cuda:
            torch.cuda.current_stream(self.device).wait_event(self._arrived[i])
        following = (i + 1) % len(self._homes)  # behind the last block comes the first one of the next step
        if following not in self._done and following != i:
            self._fetch(following)

    def after(self, index: int) -> None:
        i = index - self.first
        if i < 0:
            return
        event = None
        if self._cuda:
            event = torch.cuda.Event()
            event.record(torch.cuda.current_stream(self.device))
        del self._arrived[i]
        self._done[i] = event

    def _fetch(self, i: int) -> None:
        if i in self._arrived:
            return
        if not self._cuda:
            for parameter, home in self._homes[i]:
                parameter.data = home.to(self.device, copy=True)
            self._arrived[i] = None
            return
        with torch.cuda.stream(self._road):
            for parameter, home in self._homes[i]:
                parameter.data = home.to(self.device, non_blocking=True)
            event = torch.cuda.Event()
            event.record(self._road)
        self._arrived[i] = event

    def _leave(self, i: int) -> None:
        event = self._done.pop(i)
        if event is not None:
            event.synchronize()
        for parameter, home in self._homes[i]:
            parameter.data = home


def _pinned(tensor: torch.Tensor) -> torch.Tensor:
    """In memory that the device can read while both work; as it is where the system gives no more of that."""
    try:
        return tensor.pin_memory()
    except RuntimeError:
        return tensor
