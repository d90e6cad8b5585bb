"""One run per output; a killed run's lock holds nobody up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from motion_transfer.core import CannotWrite
from motion_transfer.run.lock import Lock


def test_a_second_run_is_told_who_is_writing(tmp_path):
    path = tmp_path / ".out.parts" / "lock"
    with Lock(path, tmp_path / "out.mp4"):
        with pytest.raises(CannotWrite, match=rf"process {os.getpid()}\) is writing .*out\.mp4"):
            Lock(path, tmp_path / "out.mp4").__enter__()
        assert path.exists()
    assert list(tmp_path.iterdir()) == []
    with Lock(path, tmp_path / "out.mp4"):
        pass


def test_a_folder_with_pieces_in_it_stays(tmp_path):
    path = tmp_path / ".out.parts" / "lock"
    with Lock(path, tmp_path / "out.mp4"):
        (tmp_path / ".out.parts" / "piece").write_bytes(b"1")
    assert [p.name for p in (tmp_path / ".out.parts").iterdir()] == ["piece"]


def test_a_process_holds_it_until_it_is_killed(tmp_path):
    path = tmp_path / ".out.parts" / "lock"
    code = textwrap.dedent(f"""
        from pathlib import Path
        from motion_transfer.run.lock import Lock
        with Lock(Path({str(path)!r}), Path("out.mp4")):
            print("held", flush=True)
            input()
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline().strip() == b"held"
        with pytest.raises(CannotWrite, match=f"process {holder.pid}"):
            Lock(path, tmp_path / "out.mp4").__enter__()
        holder.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        holder.wait()
    assert path.exists()  # nobody tidied up
    with Lock(path, tmp_path / "out.mp4"):
        assert path.read_text() == str(os.getpid())


def test_a_stale_file_with_the_number_of_a_living_process_holds_nobody_up(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lock").write_text("1")  # init is always alive
    with Lock(tmp_path / "parts" / "lock", tmp_path / "out.mp4"):
        pass
