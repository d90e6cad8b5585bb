"""GFPGAN, RestoreFormer and CodeFormer, recognised and built by spandrel, called with what they were trained on.

spandrel's own call clamps to 0..1 and shifts to -1..1 for RestoreFormer alone; the other two would see half of their
range. So the network itself is called, -1..1 in and out. GFPGAN would also draw fresh noise at every call, which makes
a still face flicker; its stored noise is used.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..core import Host, InputError, MissingPackage
from .face_align import SIDE_PX
from .face_weights import require_consent

KNOWN = ("GFPGAN", "RestoreFormer", "CodeFormer")
_INSTALL = "pip install --no-deps spandrel einops"


class FaceRestorer:
    """One network, ready: `restore` gives a better face for an aligned one."""

    def __init__(self, network: torch.nn.Module, architecture: str, *, fidelity: float = 0.5, dtype: str = "auto") -> None:  # fmt: skip
        """`architecture` one of KNOWN; `fidelity` 0..1 is CodeFormer's `weight`; `dtype` auto, fp32 or bf16."""
        self.network, self.architecture = network.eval().requires_grad_(False), architecture
        self._words: dict[str, object] = {}
        if architecture == "GFPGAN":
            self._words["randomize_noise"] = False
        if architecture == "CodeFormer":
            self._words["weight"] = fidelity
        self._dtype = dtype

    def restore(self, crop: np.ndarray, host: Host) -> np.ndarray:
        """float32 `[512,512,3]` levels 0..255 of an aligned face uint8 `[512,512,3]`. One at a time: then its bits
        depend on nothing but itself."""
        device = torch.device(host.device)
        dtype = _dtype_for(self._dtype, device)
        self.network.to(device=device, dtype=dtype)
        # H W C -> 1 C H W, -1..1
        x = torch.from_numpy(np.ascontiguousarray(crop)).to(device).permute(2, 0, 1)[None].to(torch.float32)
        with torch.inference_mode():
            out = self.network((x / 127.5 - 1).to(dtype), **self._words)[0]
        out = (out[0].float().clamp(-1, 1) + 1) * 127.5
        out = out.permute(1, 2, 0).cpu().numpy()
        if out.shape != (SIDE_PX, SIDE_PX, 3):
            raise InputError(f"The restorer gave {list(out.shape)}, but a face of {SIDE_PX}x{SIDE_PX} px was asked for: it is none of {', '.join(KNOWN)} for that size.")  # fmt: skip
        if not np.isfinite(out).all():
            raise InputError(f"{self.architecture} gave no numbers in {dtype}; fp32 would do.")
        return out


def _dtype_for(wanted: str, device: torch.device) -> torch.dtype:
    """GFPGAN overflows in fp16, so bf16 is all the saving there is, and only on a GPU that computes in it."""
    if wanted == "bf16":
        return torch.bfloat16
    if wanted == "auto" and device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return torch.bfloat16
    return torch.float32


def open_restorer(path: Path, *, accepted: bool = False, fidelity: float = 0.5, dtype: str = "auto") -> FaceRestorer:
    """The network of a file, whatever it is called.

    MissingPackage without spandrel or torchvision, or for CodeFormer without spandrel_extra_arches; InputError for a
    damaged file or another kind of network, which is named; UsageError for CodeFormer without consent.
    """
    tensors = _tensors(path)
    spandrel = _spandrel()
    if _looks_like_codeformer(tensors):
        require_consent(accepted)
        _add_codeformer()
    try:
        found = spandrel.ModelLoader().load_from_state_dict(tensors)
    except spandrel.UnsupportedModelError:
        some = ", ".join(list(tensors)[:3])
        raise InputError(f"{path.name} is no face restorer that is known here (its {len(tensors)} tensors begin with {some}); {', '.join(KNOWN[:2])} would do.") from None  # fmt: skip
    except (RuntimeError, ValueError, KeyError, AssertionError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise InputError(f"{path.name} is damaged or of a size that is not known here: {why}.") from None
    name = str(found.architecture.name)
    if name not in KNOWN:
        purpose = {"SR": "enlarges pictures", "Restoration": "cleans pictures", "Inpainting": "fills holes"}
        does = purpose.get(str(found.purpose), "restores something else")
        raise InputError(f"{path.name} is {name}, which {does}, not a face restorer; {', '.join(KNOWN[:2])} would do.")
    return FaceRestorer(found.model, name, fidelity=fidelity, dtype=dtype)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """Tensor name -> tensor on the CPU, out of whatever wrapping the file has."""
    try:
        if path.suffix == ".safetensors":
            loaded: Any = load_file(str(path))
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100].rstrip(".")
        raise InputError(f"{path.name} cannot be read as weights ({why}); fetch it again.") from None
    except Exception as error:  # noqa: BLE001 -- unpickling has no error class of its own for what it refuses
        raise InputError(f"{path.name} is refused: it holds more than tensors ({type(error).__name__}).") from None
    for wrapping in ("params_ema", "params", "state_dict", "model_state_dict", "model", "net"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapping), Mapping):
            loaded = loaded[wrapping]
            break
    tensors = {str(k): v for k, v in loaded.items() if isinstance(v, torch.Tensor)} if isinstance(loaded, Mapping) else {}  # fmt: skip
    if not tensors:
        raise InputError(f"{path.name} holds no tensors by name, so it is no network.")
    # RestoreFormer's own training saved it inside of its trainer
    for prefix in ("module.", "netG.", "vqvae."):
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name[len(prefix) :]: value for name, value in tensors.items()}
    return tensors


def _looks_like_codeformer(tensors: Mapping[str, torch.Tensor]) -> bool:
    return "position_emb" in tensors and any(name.startswith("ft_layers.") for name in tensors)


def _spandrel() -> Any:
    for package in ("spandrel", "torchvision", "einops"):
        if find_spec(package) is None:
            how = "torchvision (the one that belongs to your torch)" if package == "torchvision" else _INSTALL
            raise MissingPackage(f"Restoring faces needs {package}, which is not installed: {how}. ComfyUI brings all of it.")  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("spandrel")
    except Exception as error:  # noqa: BLE001 -- a torchvision that does not fit torch raises what it likes
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise MissingPackage(f"Restoring faces needs spandrel, which does not load here ({why}); torch and torchvision must be of one release.") from None  # fmt: skip


def _add_codeformer() -> None:
    if find_spec("spandrel_extra_arches") is None:
        raise MissingPackage("CodeFormer needs spandrel_extra_arches, which is non-commercial too and not installed: pip install --no-deps spandrel_extra_arches.")  # fmt: skip
    with suppress(Exception):  # ComfyUI may have added them already, and its version may word that differently
        import_module("spandrel_extra_arches").install(ignore_duplicates=True)
