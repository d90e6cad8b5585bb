"""Fixtures of the run and of the command line: a light engine, folders of their own, made media."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setattr(Path, "home", lambda: home)
    return home


@pytest.fixture(autouse=True)
def light_engine(monkeypatch):
    import light_engine

    from motion_transfer.models import registry

    monkeypatch.setitem(registry._SPECS, "light", "light_engine")
    return light_engine


@pytest.fixture
def same_detector(monkeypatch):
    """No network is loaded; the count of openings is kept."""
    from made_media import SameDetector

    from motion_transfer.run import motion_cache

    monkeypatch.setattr(SameDetector, "opened", 0)
    monkeypatch.setattr(motion_cache, "open_detector", lambda **_: SameDetector())
    monkeypatch.setattr(motion_cache, "detector_id", lambda **_: "same-1")
    return SameDetector


@pytest.fixture
def character(tmp_path):
    from made_media import write_picture

    return write_picture(tmp_path / "me.png")


@pytest.fixture
def clip(tmp_path):
    from made_media import write_clip

    return write_clip(tmp_path / "dance.mp4")


@pytest.fixture
def motion_file(tmp_path):
    """Of 23 frames."""
    from made_media import make_motion

    from motion_transfer.pose.motion_file import save_motion

    path = tmp_path / "dance.motion"
    save_motion(make_motion(23), path)
    return path
