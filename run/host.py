"""The hosts of this floor: a plain one for scripts and the command line, and one that listens to another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Cancelled, Host, WeightFile
from ..models.device import AUTO, checked_device
from .places import models_folder
from .weight_search import find_weight_file
from .weights import only_commercial, refuse_non_commercial

Step = Callable[[int, int, str], None]
"""done, total, stage."""


class LocalHost:
    """This machine, without ComfyUI. Set `cancel` from anywhere and the run stops at its next step."""

    def __init__(
        self,
        *,
        on_step: Step | None = None,
        on_note: Callable[[str], None] | None = None,
        cancel: threading.Event | None = None,
        weights_folders: Sequence[Path] = (),
        device: str = AUTO,
        commercial_use_only: bool | None = None,
    ) -> None:
        """`device` as torch names it; 'auto' is the first GPU, found when somebody asks for it.

        `commercial_use_only` refuses weights that may not be used commercially; None: as the environment says.
        """
        self._commercial_use_only = only_commercial(False) if commercial_use_only is None else commercial_use_only
        self.cancel = cancel or threading.Event()
        self.weights_folders = (*weights_folders, models_folder())
        self._on_step = on_step
        self._on_note = on_note
        self._wanted, self._device = device, ""

    @property
    def device(self) -> str:
        """UsageError where the device that was asked for is not there."""
        self._device = self._device or checked_device(self._wanted)
        return self._device

    def find_weights(self, weights: WeightFile) -> Path:
        """In each folder as ComfyUI lays them out (`<folder>/<file>`, and below), and for the bare file."""
        if self._commercial_use_only:
            refuse_non_commercial(weights)
        folders = [folder / weights.folder for folder in self.weights_folders]
        return find_weight_file(
            weights,
            folders,
            self.weights_folders,
            command="motion-transfer models get {}",
            otherwise=", or say where else to look (`weights_folders`).",
        )

    def lend(self, what: str) -> Any | None:
        """Nothing: engines load their own."""
        return None

    @contextmanager
    def on_device(self, module: Any) -> Iterator[Any]:
        yield module

    def step(self, done: int, total: int, stage: str, preview: np.ndarray | None = None) -> None:
        if self.cancel.is_set():
            raise Cancelled("Stopped.")
        if self._on_step is not None:
            self._on_step(done, total, stage)

    def note(self, message: str) -> None:
        if self._on_note is not None:
            self._on_note(message)


class NotedHost:
    """Passes everything on to another host and remembers the notes, each said once.

    With `commercial_use_only` it refuses weights that may not be used commercially, whoever asks for them.
    """

    def __init__(self, host: Host, *, commercial_use_only: bool = False) -> None:
        self.notes: list[str] = []
        self._host = host
        self._commercial_use_only = only_commercial(commercial_use_only)

    @property
    def device(self) -> str:
        return self._host.device

    def find_weights(self, weights: WeightFile) -> Path:
        if self._commercial_use_only:
            refuse_non_commercial(weights)
        return self._host.find_weights(weights)

    def lend(self, what: str) -> Any | None:
        return self._host.lend(what)

    def on_device(self, module: Any) -> Any:
        return self._host.on_device(module)

    def step(self, done: int, total: int, stage: str, preview: np.ndarray | None = None) -> None:
        self._host.step(done, total, stage, preview)

    def note(self, message: str) -> None:
        if message not in self.notes:
            self.notes.append(message)
            self._host.note(message)
