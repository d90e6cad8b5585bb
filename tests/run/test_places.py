"""Files appear whole or not at all, in the folders that each system has for them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from motion_transfer.core import CannotWrite
from motion_transfer.run import places
from motion_transfer.run.places import write_beside, write_json


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": "ä"})
    write_json(path, {"b": 2})
    assert path.read_text(encoding="utf-8") == '{\n  "b": 2\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EIO, "error")]
)
def test_what_the_disk_refuses_is_one_clear_line_and_leaves_nothing(tmp_path, monkeypatch, number, words):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def refuse(self, target):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CannotWrite, match=words) as told:
        write_beside(path, b"new")
    assert "\n" not in str(told.value) and str(path) in str(told.value)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("system", "variables", "cache", "models"),
    [
        ("linux", {}, ".cache/motion-transfer", ".local/share/motion-transfer/models"),
        ("darwin", {}, "Library/Caches/motion-transfer", "Library/Application Support/motion-transfer/models"),
        ("win32", {}, "AppData/Local/motion-transfer", "AppData/Local/motion-transfer/models"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, ".cache/motion-transfer", ".local/share/motion-transfer/models"),
    ],
)
def test_each_system_has_its_folders(monkeypatch, tmp_path, system, variables, cache, models):
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(places.sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert places.cache_folder() == tmp_path / cache
    assert places.models_folder() == tmp_path / models


def test_the_user_may_move_the_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(places.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert places.cache_folder() == tmp_path / "elsewhere" / "motion-transfer"
