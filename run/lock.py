"""One run at a time per output: a lock that the operating system lets go of when its holder dies.

The file names the holder's process for the message only. Whether the lock is held is asked of the
system (flock, or a locked byte on Windows), so a process that was killed never leaves a stale one,
and a process number that was given to somebody else never looks like a running holder.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from ..core import CannotWrite
from .places import writing

_FAR = 1 << 30  # Windows cannot read a locked byte, so a byte far behind the text is locked


class Lock:
    """Held from `with` to the end of it. CannotWrite if another run holds it."""

    def __init__(self, path: Path, output: Path) -> None:
        self.path = path
        self._output = output
        self._number = -1

    def __enter__(self) -> Lock:
        with writing(self.path):
            self.path.parent.mkdir(exist_ok=True)
            while True:
                number = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                if not _try_lock(number):
                    holder = os.read(number, 32).decode("ascii", "replace").strip()
                    os.close(number)
                    raise CannotWrite(
                        f"Another run{' (process ' + holder + ')' if holder.isdigit() else ''} is writing "
                        f"{self._output}. Wait for it, stop it, or give this run another output (`output`)."
                    )
                if _is_still(number, self.path):
                    break
                os.close(number)  # the holder before us removed the file between our open and our lock
            os.ftruncate(number, 0)
            os.write(number, str(os.getpid()).encode())
        self._number = number
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.name == "nt":  # an open file cannot be removed there
            os.close(self._number)
            self._forget()
        else:
            self._forget()  # before letting go, so that nobody locks a file that is about to vanish
            os.close(self._number)
        self._number = -1

    def _forget(self) -> None:
        for remove in (self.path.unlink, self.path.parent.rmdir):  # the folder goes only if nothing is left in it
            try:
                remove()
            except OSError:
                return


def _try_lock(number: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(number, _FAR, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(number, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except PermissionError:
        if os.name == "nt":  # msvcrt says so when another process holds the byte
            os.lseek(number, 0, os.SEEK_SET)
            return False
        raise
    return True


def _is_still(number: int, path: Path) -> bool:
    """Whether the locked file is the one that lies at `path` now."""
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except FileNotFoundError:
        return False
