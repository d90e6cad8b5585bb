"""What cannot lie in memory is said before a run, with what could."""

from __future__ import annotations

import json

from route_jobs import a_job

from motion_transfer.models.registry import engine_spec
from motion_transfer.run import memory_ahead
from motion_transfer.run.host import LocalHost
from motion_transfer.run.route import run

PUPPET = engine_spec("puppet")


def test_frames_that_cannot_lie_in_memory_are_told_with_a_size_that_can():
    size, needed = (3000, 2000), 2 * 32 * 3000 * 2000 * 3
    assert memory_ahead.frames_bytes(size, 32) == needed
    assert memory_ahead.frames_note(PUPPET, {}, size, 240, needed) == ""
    assert memory_ahead.frames_note(PUPPET, {}, size, 240, None) == ""
    assert memory_ahead.frames_note(PUPPET, {}, size, 4, needed - 1) == ""  # four frames are no 32
    note = memory_ahead.frames_note(PUPPET, {}, size, 240, needed - 1)
    assert (
        "32 frames of 3000x2000 twice, 1.2 GB of RAM, and 1.2 GB are free: a smaller size (`resolution=1080p`)" in note
    )
    assert "`resolution=480p`" in memory_ahead.frames_note(PUPPET, {}, size, 240, 100_000_000)
    assert "programs may have to be closed" in memory_ahead.frames_note(PUPPET, {}, size, 240, 1000)
    assert memory_ahead.frames_note(PUPPET, {"window": 4}, size, 240, needed // 8) == ""


def weights_file(path, **tensors):
    """A safetensors file of which only the header is there: name -> (type, bytes)."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (kind, size) in tensors.items():
        header[name] = {"dtype": kind, "shape": [size], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


def test_a_network_is_counted_in_the_type_that_it_is_computed_in(tmp_path):
    one = weights_file(tmp_path / "one.safetensors", a=("F32", 4000), b=("F8_E4M3", 1000), c=("I64", 80))
    assert memory_ahead.network_bytes(one, "fp32") == 4000 + 4000 + 80
    assert memory_ahead.network_bytes(one, "bf16") == 2000 + 2000 + 80
    assert memory_ahead.network_bytes(one, "auto") == 2000 + 1000 + 80  # the least that it can be
    weights_file(tmp_path / "two.safetensors", a=("BF16", 600))
    assert memory_ahead.network_bytes(tmp_path, "bf16") == 4080 + 600
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 40)
    (tmp_path / "x.pth").write_bytes(b"PK")
    assert memory_ahead.network_bytes(tmp_path / "x.safetensors", "") is None
    assert memory_ahead.network_bytes(tmp_path / "x.pth", "") is None


def test_a_network_that_cannot_lie_on_the_device_is_told_with_what_would_work(tmp_path, monkeypatch):
    wan, size = engine_spec("wan-animate"), (640, 480)
    file = weights_file(tmp_path / "wan.safetensors", a=("BF16", 30_000_000_000))
    monkeypatch.setattr(memory_ahead, "free_ram_bytes", lambda: 20_000_000_000)
    monkeypatch.setattr(memory_ahead, "free_device_bytes", lambda device: 24_000_000_000)

    def notes(device, **settings):
        return memory_ahead.memory_notes(wan, {"dtype": "bf16", **settings}, size, 77, [file], device)

    (told,) = notes("cuda:0", offload="none")
    assert told.startswith("wan.safetensors takes 30 GB of GPU memory at least, and 24 GB are free: ")
    assert "`offload=group`" in told and "bf16" not in told
    assert notes("cuda:0", offload="auto") == [] == notes("cuda:0", offload="group") == notes("mps", offload="none")
    (told,) = notes("cpu", offload="auto", dtype="fp32")
    assert "60 GB of RAM" in told and "`dtype=bf16`" in told and "offload" not in told
    assert memory_ahead.memory_notes(wan, {}, size, 77, [], "cpu") == []  # the host lends its models


def test_the_note_comes_before_the_first_frame_and_once(tmp_path, character, motion_file, monkeypatch):
    monkeypatch.setattr(memory_ahead, "free_ram_bytes", lambda: 1000)
    told = []
    host = LocalHost(on_note=told.append, on_step=lambda done, total, stage: told.append(stage))
    made = run(a_job(tmp_path, character, motion_file), host)
    assert [word for word in told if "of RAM" in word] == list(made.notes) and len(made.notes) == 1
    assert told.index(made.notes[0]) < len(told) - 1 - told[::-1].index("frames")


def test_free_memory_is_told_in_bytes():
    free = memory_ahead.free_ram_bytes()
    assert free is not None and 1 << 24 < free < 1 << 48


# The puppet itself.
