"""ComfyUI's cancel button while its own code runs for us."""

from __future__ import annotations

from typing import Any

import comfy.model_management

from ..core import Cancelled


class Cancelling:
    """`with Cancelling():` ComfyUI's own interruption becomes our Cancelled, so that the journal is closed before the
    queue stops."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, comfy.model_management.InterruptProcessingException):
            comfy.model_management.interrupt_current_processing(True)  # raising it has cleared the flag
            raise Cancelled("Stopped.") from None
