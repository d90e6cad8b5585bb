"""Files that appear whole or not at all: written beside their place under another name, then renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .formats import cannot_write


@contextlib.contextmanager
def written_beside(output: str | Path) -> Iterator[Path]:
    """A path in the output's folder to write to; on leaving without an error it becomes the output.

    On any error the half-written file is removed, and an OSError becomes CannotWrite. The data is on the disk
    before the name is: a power cut leaves the old file or the new one.
    """
    output = Path(output)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(output)
        except OSError as error:
            raise cannot_write(output, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
