"""Motion Transfer: a character picture and a driving video become a video of that character doing that motion.

    import motion_transfer
    motion_transfer.transfer("me.png", "dance.mp4", output="out.mp4")

This file imports nothing when executed: ComfyUI, pytest and the command line all pass through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run.api import transfer as transfer

__version__ = "0.1.0"
WEB_DIRECTORY = "./web"
"""ComfyUI serves it: help pages."""


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls to learn of the nodes."""
    from .nodes.extension import MotionTransferExtension

    return MotionTransferExtension()


def __getattr__(name: str) -> Any:
    if name == "transfer":
        from .run.api import transfer

        return transfer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
