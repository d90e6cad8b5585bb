"""Which of onnxruntime's execution providers serves a device, and why one does not: never silently the processor.

Facts: onnxruntime's documentation of execution providers; the reports of networks that ran on the processor without
anybody knowing (Wan preprocessing nodes, controlnet_aux) come from two packages hiding each other, the package
without CUDA, and libraries that do not fit.
"""

from __future__ import annotations

import contextlib
import io
from importlib import metadata
from typing import Any

from ..core import MissingPackage

CPU = "CPUExecutionProvider"
_SERVES = {
    "cuda": ("CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider"),
    "privateuseone": ("DmlExecutionProvider",),  # torch-directml's name
    "mps": ("CoreMLExecutionProvider",),
    "xpu": ("DmlExecutionProvider", "OpenVINOExecutionProvider"),
}
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-rocm", "onnxruntime-silicon")


def import_onnxruntime(needed_by: str) -> Any:
    """The module; MissingPackage says what to install, or that what is installed is broken."""
    try:
        import onnxruntime
    except ImportError as error:
        if installed_packages():
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
            raise MissingPackage(
                f"{needed_by} needs onnxruntime, which is installed ({', '.join(installed_packages())}) but does not "
                f"load: {reason}"
            ) from None
        raise MissingPackage(
            f"{needed_by} needs onnxruntime: pip install onnxruntime-gpu (NVIDIA), onnxruntime-directml (Windows, other "
            f"cards) or onnxruntime (processor); one of them, not two."
        ) from None
    if not hasattr(onnxruntime, "InferenceSession"):  # what is left when one of two packages was removed
        raise MissingPackage(
            f"{needed_by} needs onnxruntime, whose folder is there but empty: pip install --force-reinstall the one you "
            f"want (onnxruntime-gpu or onnxruntime)."
        )
    return onnxruntime


def installed_packages() -> list[str]:
    """The packages that share the folder `onnxruntime`; more than one hide each other."""
    found = []
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.distribution(package)
            found.append(package)
    return found


def provider_for(runtime: Any, device: str) -> tuple[str, str]:
    """The provider that serves `device`, and '' or the reason why it is only the processor's."""
    kind = device.split(":")[0]
    if kind == "cpu":
        return CPU, ""
    offered = runtime.get_available_providers()
    wanted = _SERVES.get(kind, ())
    for provider in wanted:
        if provider in offered:
            return provider, ""
    packages = installed_packages()
    if len(packages) > 1:
        return CPU, (
            f"{' and '.join(packages)} are both installed and hide each other; pip uninstall -y {' '.join(packages)}, "
            f"then pip install {next((p for p in packages if p != 'onnxruntime'), packages[0])}"
        )
    if not wanted:
        return CPU, f"onnxruntime has no provider for {kind!r}"
    cure = "; pip uninstall -y onnxruntime, then pip install onnxruntime-gpu" if kind == "cuda" else ""
    return CPU, f"{' or '.join(packages) or 'onnxruntime'} was built without {wanted[0]}{cure}"


def provider_options(provider: str, device: str, file_bytes: int) -> dict[str, str]:
    """For `InferenceSession`, as strings."""
    _, _, number = device.partition(":")
    index = number if number.isdigit() else "0"
    if provider in ("CUDAExecutionProvider", "ROCMExecutionProvider"):
        return {
            "device_id": index,
            # Grow by what is asked for, not to the next power of two, and leave room for the models that come after.
            "arena_extend_strategy": "kSameAsRequested",
            "gpu_mem_limit": str((2 << 30) + 2 * file_bytes),
            # The exhaustive search runs anew for every new number of people.
            "cudnn_conv_algo_search": "HEURISTIC",
        }
    if provider in ("DmlExecutionProvider", "MIGraphXExecutionProvider"):
        return {"device_id": index}
    return {}


def load_libraries(runtime: Any, provider: str) -> str:
    """Let onnxruntime find the CUDA libraries that torch or pip brought; returns what it complains about, or ''."""
    preload = getattr(runtime, "preload_dlls", None)
    if provider != "CUDAExecutionProvider" or preload is None:
        return ""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            preload()
    except Exception as error:  # noqa: BLE001 - the session tells whether it works; this is only help
        return str(error)
    failures = [line for line in said.getvalue().splitlines() if line.startswith("Failed")]
    return failures[0] if failures else ""
