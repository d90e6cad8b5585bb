"""Where things are put: the user's cache and models folder, and files that are written beside, then renamed."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core import CannotWrite

_APP = "motion-transfer"


def cache_folder() -> Path:
    """Where this user's programs keep what can be made again; not created here."""
    return _user_folder("LOCALAPPDATA", "Library/Caches", "XDG_CACHE_HOME", ".cache") / _APP


def models_folder() -> Path:
    """Where weight files are looked for when nobody names another folder; not created here."""
    return (
        _user_folder("LOCALAPPDATA", "Library/Application Support", "XDG_DATA_HOME", ".local/share") / _APP / "models"
    )


def _user_folder(windows: str, mac: str, xdg: str, plain: str) -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get(windows) or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / mac
    named = os.environ.get(xdg, "")
    return Path(named) if named.startswith("/") else home / plain  # the XDG rules ignore relative paths


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever goes wrong on the disk inside becomes one clear CannotWrite about `path`."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"Cannot write {path}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return "the disk is full. Free some space and start again; what is finished is kept."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "the place is read-only for you. Choose another folder (`output`)."
    if error.errno == errno.ENOTDIR:
        return "a part of the path is a file, not a folder."
    if error.errno == errno.ENOENT:
        return "the folder does not exist. Create it first."
    return f"{(error.strerror or str(error)).lower()}."


def write_beside(path: Path, data: bytes) -> None:
    """The whole file or nothing: written under another name in the same folder, then renamed. CannotWrite."""
    with writing(path):
        # Not tempfile: its files are for the owner's eyes only, and would stay so.
        beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            with beside.open("wb") as file:
                file.write(data)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """As `write_beside`, in a form that people can read and programs can compare."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_beside(path, (text + "\n").encode())
