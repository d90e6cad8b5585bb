"""Memory that a long clip no longer uses goes back to the system, so that its peak is that of a short one.

glibc raises its threshold for blocks of their own up to 32 MB as such blocks are freed; buffers of a dozen
frames then come from the heap, which only ever grows. Fixing the threshold keeps them apart: measured on ten
seconds of 720p, the peak falls from 775 to 638 MB at the same speed. A fixed 1 MB falls further and is half
as fast. Only the command does this, for its own process; a library or ComfyUI's server is left alone.
"""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # malloc.h
_OWN_BLOCK_BYTES = 8 << 20


def give_large_blocks_back() -> None:
    """Does nothing where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _OWN_BLOCK_BYTES)
