"""The example programs as somebody meets them who has mistyped a name or not started ComfyUI."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("aiohttp")
ROOT = Path(__file__).resolve().parent.parent
MEDIA = ROOT / "demo" / "media"


def said(*words: str) -> str:
    program = [sys.executable, str(ROOT / "examples" / "queue_over_api.py"), *words]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode != 0 and done.stdout == ""
    return done.stderr


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path):
    with socket.socket() as taken:  # bound and not listening: nobody answers, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{taken.getsockname()[1]}"
        told = said(
            str(MEDIA / "mascot.png"), str(MEDIA / "dancer.mp4"), "-o", str(tmp_path / "o.mp4"), "--server", server
        )
    assert told == f"No ComfyUI answers at {server}: start it, or name another with --server HOST:PORT.\n"


def test_a_file_that_is_not_there_is_told_before_anything_is_sent(tmp_path):
    told = said("none.png", str(MEDIA / "dancer.mp4"), "-o", str(tmp_path / "o.mp4"))
    assert told.splitlines()[-1].endswith("there is no file none.png") and "Traceback" not in told
