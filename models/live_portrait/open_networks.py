"""The networks from their files, with what tells them from others."""

from __future__ import annotations

from typing import Any

import torch

from ...core import Host
from .layout import MOTION
from .load import load
from .motion_codes import codes_name
from .networks import PortraitNetworks, best_dtype, cpu_has_bfloat16
from .spec import LivePortraitSettings
from .weights import find_weights, names_and_marks

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def open_networks(settings: LivePortraitSettings, host: Host) -> Any:
    """`PortraitNetworks` with `fingerprint`, which names the files, and `codes_name`, under which motion is kept that
    they read. Raises MissingWeights, InputError for a file that is another one."""
    paths = find_weights(host, animals=settings.weights == "animals")
    tensors = load(paths)
    dtype = _DTYPES.get(settings.dtype) or best_dtype(host.device)
    if dtype != torch.float32 and host.device.startswith("cpu") and not (dtype == torch.bfloat16 and cpu_has_bfloat16()):  # fmt: skip
        host.note(
            f"This processor does not multiply {settings.dtype}; LivePortrait computes in fp32, which is faster here."
        )
        dtype = torch.float32
    networks: Any = PortraitNetworks(tensors, dtype, settings.batch or None, host.note)
    networks.codes_name = codes_name(tensors[MOTION])
    networks.fingerprint = names_and_marks(paths)
    return networks
