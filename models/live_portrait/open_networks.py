"""The networks from their files, with what tells them from others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...core import Host
from .layout import MOTION
from .load import load
from .motion_codes import codes_name
from .networks import PortraitNetworks, cpu_has_bfloat16
from .spec import LivePortraitSettings
from .weights import find_weights, names_and_marks

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def chosen_dtype(asked: str, device: str, note: Callable[[str], None]) -> torch.dtype:
    """What W and G compute in: of `auto` float16 on a GPU, else float32, which a processor has a fast way for.

    A processor that would only imitate the precision asked for computes float32 too, and `note` is told.
    """
    if asked == "auto":
        return torch.float16 if device.startswith("cuda") else torch.float32
    dtype = _DTYPES[asked]
    imitated = dtype == torch.float16 or (dtype == torch.bfloat16 and not cpu_has_bfloat16())
    if device.startswith("cpu") and imitated:
        note(f"This processor does not multiply {asked}; LivePortrait computes in fp32, exactly and faster.")
        return torch.float32
    return dtype


def open_networks(settings: LivePortraitSettings, host: Host) -> Any:
    """`PortraitNetworks` with `fingerprint`, which names the files, and `codes_name`, under which motion is kept that
    they read. Raises MissingWeights, InputError for a file that is another one."""
    paths = find_weights(host, animals=settings.weights == "animals")
    tensors = load(paths)
    dtype = chosen_dtype(settings.dtype, host.device, host.note)
    networks: Any = PortraitNetworks(tensors, dtype, settings.batch or None, host.note)
    networks.codes_name = codes_name(tensors[MOTION])
    networks.fingerprint = names_and_marks(paths)
    return networks
