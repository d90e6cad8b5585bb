"""Frames between frames by the FILM or RIFE model of an INTERP_MODEL wire: one pair at a time, at any moment in between.

Core's own node holds the whole clip in memory and knows whole multiples only; the model does not ask for either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import comfy.model_management
import numpy as np
import torch

from ..core import UsageError
from .interruption import Cancelling
from .model_digest import add_weights

_WEIGHTS = ("weight", "bias", "beta")


class ComfyBetween:
    """A `Between` (see finishing/interpolator) around what Load Frame Interpolation Model gives."""

    def __init__(self, patcher: Any) -> None:
        model = getattr(patcher, "model", None)
        if not callable(getattr(model, "extract_features", None)):
            raise UsageError(
                f"interp_model is a {type(model or patcher).__name__}; "
                "FILM or RIFE from Load Frame Interpolation Model is needed."
            )
        self._patcher: Any = patcher
        self._model: Any = model
        self._seen: tuple[np.ndarray, Any] | None = None
        self._fingerprint = ""

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            h = hashlib.sha256(type(self._model).__name__.encode())
            h.update(f"{self._patcher.model_dtype()} {torch.__version__}".encode())
            add_weights(h, self._model.state_dict(), _WEIGHTS)
            self._fingerprint = h.hexdigest()[:32]
        return self._fingerprint

    def between(self, before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        with Cancelling(), torch.inference_mode():
            dtype, device = self._patcher.model_dtype(), self._patcher.load_device
            needed = self._model.memory_used_forward((1, *before.shape), dtype)
            comfy.model_management.load_models_gpu([self._patcher], memory_required=needed)
            first, second = self._on_device(before, dtype, device), self._on_device(after, dtype, device)
            features = {"img0": self._features(before, first), "img1": self._model.extract_features(second)}
            self._seen = (after, features["img1"])
            made = self._at(first, second, [float(s) for s in shares], features)
            height, width = before.shape[:2]
            pixels = made[:, :, :height, :width].float().clamp(0, 1).mul(255).round().to(torch.uint8)
            return pixels.permute(0, 2, 3, 1).cpu().numpy()

    def _at(self, first: Any, second: Any, shares: list[float], features: dict[str, Any]) -> torch.Tensor:
        """One moment at a time: as little memory as can be, and the same pixels whatever else was asked for."""
        made = []
        for share in shares:
            if hasattr(self._model, "forward_multi_timestep"):
                made.append(self._model.forward_multi_timestep(first, second, [share], cache=features))
            else:
                moment = torch.full_like(first[:, :1], share)
                made.append(self._model(first, second, timestep=moment, cache=features))
        return torch.cat(made)

    def _features(self, frame: np.ndarray, on_device: torch.Tensor) -> Any:
        """Those of the pair before, where this frame was its second."""
        if self._seen is not None and np.array_equal(self._seen[0], frame):
            return self._seen[1]
        return self._model.extract_features(on_device)

    def _on_device(self, frame: np.ndarray, dtype: torch.dtype, device: Any) -> torch.Tensor:
        """`[1,3,H,W]` 0..1, grown by reflection to what the model's levels need."""
        align = int(getattr(self._model, "pad_align", 1))
        height, width = frame.shape[:2]
        padding = ((0, -height % align), (0, -width % align), (0, 0))
        # numpy's reflection takes any width; torch's needs the frame to be larger than its border.
        padded = np.pad(frame, padding, mode="reflect" if min(height, width) > align else "edge")
        return torch.from_numpy(padded).to(device=device, dtype=dtype).div_(255).permute(2, 0, 1)[None]
