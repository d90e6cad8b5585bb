"""LivePortrait's networks for the nodes: found in ComfyUI's folders, kept between runs, given back their place on the GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core import Host
from ..core.settings import Plain
from ..models.live_portrait.spec import NETWORKS, LivePortraitSettings, need_packages
from ..models.live_portrait.weights import find_weights, names_and_marks

WORKING_BYTES = 2 << 30
"""Room on the GPU for the networks and a few frames on their way through them."""
_kept: dict[tuple[str, ...], Any] = {}
"""The networks of the last run, half a gigabyte: a slider that is moved reads no file again."""


def lend_models(engine: str, settings: Mapping[str, Plain], host: Host) -> dict[str, Any]:
    """The networks that the files make. MissingWeights before any work."""
    return {NETWORKS: NetworksFromFiles(LivePortraitSettings.from_plain(settings), host)}


class NetworksFromFiles:
    """Stands for `PortraitNetworks`, which it loads when they are first needed; a finished run needs none."""

    def __init__(self, settings: LivePortraitSettings, host: Host) -> None:
        need_packages("torch", "safetensors")
        self._settings, self._host = settings, host
        self.fingerprint = names_and_marks(find_weights(host, animals=settings.weights == "animals"))
        self._opened: Any = None

    def to(self, device: Any) -> NetworksFromFiles:
        import comfy.model_management
        import torch

        if torch.device(str(device)).type != "cpu":  # what other nodes left there makes room, as for any model
            comfy.model_management.free_memory(WORKING_BYTES, torch.device(str(device)))
        self._networks.to(device)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._networks, name)

    @property
    def _networks(self) -> Any:
        if self._opened is None:
            self._opened = self._load()
        return self._opened

    def _load(self) -> Any:
        from ..models.live_portrait.open_networks import open_networks

        asked = self._settings
        key = (self.fingerprint, asked.dtype, self._host.device)
        if key not in _kept:
            _kept.clear()
            _kept[key] = open_networks(asked, self._host)
        networks = _kept[key]
        networks.at_once = asked.batch or None
        return networks
