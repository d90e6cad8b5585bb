"""The Host that ComfyUI is: its device, its model folders, its progress bar, its cancel button."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import folder_paths
import numpy as np
from PIL import Image

from ..core import Cancelled, MotionTransferError, WeightFile
from ..run.weight_search import find_weight_file
from ..run.weights import only_commercial, refuse_non_commercial
from .input_names import as_inputs

PREVIEW_PX = 512


class ComfyHost:
    """Made at the start of one node's `execute`."""

    def __init__(self, lent: Mapping[str, Any] | None = None, *, commercial_use_only: bool = False) -> None:
        self._commercial_use_only = only_commercial(commercial_use_only)
        self._bar = comfy.utils.ProgressBar(1)
        self._lent = dict(lent or {})
        self.notes: list[str] = []

    @property
    def device(self) -> str:
        return str(comfy.model_management.get_torch_device())

    def find_weights(self, weights: WeightFile) -> Path:
        """In ComfyUI's own folders, with the user's extra paths."""
        if self._commercial_use_only:
            refuse_non_commercial(weights)
        models = Path(folder_paths.models_dir)
        try:
            folders = [Path(folder) for folder in folder_paths.get_folder_paths(weights.folder)]
        except KeyError:
            folders = []
        standard = models / weights.folder
        folders += [standard] if standard not in folders else []
        # Other packs' own weights lie under custom_nodes/, beside `models` or wherever the user keeps packs.
        packs = [Path(folder).parent / "models" for folder in folder_paths.get_folder_paths("custom_nodes")]
        command = f'motion-transfer models get {{}} --weights "{models}"'
        return find_weight_file(
            weights, folders, [models, *packs], command=command, otherwise=", then press R in ComfyUI."
        )

    def lend(self, what: str) -> Any | None:
        """What came in on the node's wires."""
        return self._lent.get(what)

    def lend_also(self, what: Mapping[str, Any]) -> None:
        """For what needs this host to be found, such as models in ComfyUI's folders."""
        self._lent.update(what)

    @contextmanager
    def on_device(self, module: Any) -> Iterator[Any]:
        device = comfy.model_management.get_torch_device()
        offload = comfy.model_management.unet_offload_device()
        module.to(device)
        try:
            yield module
        finally:
            module.to(offload)

    def step(self, done: int, total: int, stage: str, preview: np.ndarray | None = None) -> None:
        # Asked, not thrown: the run closes its journal first, `answer` throws afterwards.
        if comfy.model_management.processing_interrupted():
            raise Cancelled("Stopped.")
        picture = None if preview is None else ("JPEG", Image.fromarray(preview), PREVIEW_PX)
        self._bar.update_absolute(done, max(total, 1), picture)

    def say(self, line: str) -> None:
        """What a run will cost, before it is spent; for the log alone."""
        logging.info("[motion transfer] %s", line)

    def note(self, message: str) -> None:
        message = as_inputs(message)
        self.notes.append(message)
        logging.info("[motion transfer] %s", message)


@contextmanager
def comfy_host(lent: Mapping[str, Any] | None = None, *, commercial_use_only: bool = False) -> Iterator[ComfyHost]:
    """A host for one `execute`; our Cancelled becomes ComfyUI's own interruption at the very end.

    Errors name ComfyUI's inputs when they leave it.
    """
    try:
        yield ComfyHost(lent, commercial_use_only=commercial_use_only)
    except Cancelled:
        comfy.model_management.throw_exception_if_processing_interrupted()
        raise
    except MotionTransferError as error:
        error.args = (as_inputs(str(error)),)
        raise
