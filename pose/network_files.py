"""What identifies a file of weights without reading all of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .onnx_network import data_files, onnx_file

DECODING_VERSION = 1
"""Changed whenever the same network output gives other boxes or joints."""
_ENDS_BYTES = 1 << 16


def file_id(name: str, path: Path) -> str:
    """Such as 'dwpose/1/dw-ll_ucoco_384.onnx/134399116/9f3c...': name, size and both ends of the file, and of the
    weights beside it. Some milliseconds; the same on every machine and provider."""
    path = onnx_file(path)
    files = [path]
    if path.suffix == ".onnx":
        files += [path.parent / other for other in data_files(path)]
    digest = hashlib.sha256()
    num_bytes = 0
    for file in files:
        try:
            size = file.stat().st_size
            with file.open("rb") as data:
                digest.update(data.read(_ENDS_BYTES))
                data.seek(max(size - _ENDS_BYTES, 0))
                digest.update(data.read(_ENDS_BYTES))
        except OSError:  # told when the network is opened
            size = 0
        digest.update(f"{file.name}/{size}/".encode())
        num_bytes += size
    return f"{name}/{DECODING_VERSION}/{path.name}/{num_bytes}/{digest.hexdigest()[:16]}"
