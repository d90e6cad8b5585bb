"""Which FFmpeg does the work, for manifests and journals."""

from __future__ import annotations

import av


def library_versions() -> dict[str, str]:
    """Name and version of the FFmpeg libraries inside PyAV, such as 'libavcodec' and '62.11.100'."""
    return {name: ".".join(map(str, version)) for name, version in sorted(av.library_versions.items())}
