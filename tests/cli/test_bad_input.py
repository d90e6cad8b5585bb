"""Whatever is wrong: one clear line on standard error, the right exit status, and a folder as it was before."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_media import make_motion, write_clip, write_picture
from PIL import Image

from motion_transfer.cli.main import main
from motion_transfer.core import CannotWrite, NoPersonFound
from motion_transfer.models.live_portrait.expression import Expression
from motion_transfer.models.live_portrait.made_motion import motion_of_faces
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run.places import writing

USAGE, INPUT = 2, 3


def png_header_only(width, height):
    """A picture that claims a size and holds no pixels."""

    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def hostile(path, **changes):
    """A true `.motion` file with its header changed."""
    save_motion(make_motion(5), path)
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    for name, change in changes.items():
        change(header) if name == "change" else None
    path.write_bytes(safetensors(header, whole[8 + length :]))


def first_array(header):
    return header[next(k for k in header if k != "__metadata__")]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A folder with good inputs and many bad ones."""
    tmp_path = tmp_path_factory.mktemp("made")
    write_picture(tmp_path / "me.png")
    write_clip(tmp_path / "dance.mp4")
    save_motion(make_motion(9), tmp_path / "dance.motion")
    save_motion(make_motion(1, size=(97, 129)), tmp_path / "pose.motion")
    save_motion(motion_of_faces([Expression()] * 3, 25), tmp_path / "head.motion")
    clip = (tmp_path / "dance.mp4").read_bytes()
    picture = (tmp_path / "me.png").read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "empty.motion").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("This is a letter, not a film.\n" * 20)
    (tmp_path / "text.png").write_text("This is a letter, not a picture.\n" * 20)
    (tmp_path / "text.motion").write_text("This is a letter, not a motion.\n" * 20)
    (tmp_path / "noise.mp4").write_bytes(bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8)))
    (tmp_path / "cut.mp4").write_bytes(clip[: len(clip) // 2])
    (tmp_path / "cut.png").write_bytes(picture[: len(picture) // 2])
    (tmp_path / "zip.mp4").write_bytes(b"PK\x03\x04" + bytes(500))
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "huge.png").write_bytes(png_header_only(16000, 16000))
    (tmp_path / "bomb.png").write_bytes(png_header_only(2**30, 2**30))
    Image.new("RGBA", (128, 128), (200, 10, 10, 0)).save(tmp_path / "clear.png")
    Image.new("L", (97, 129), 0).save(tmp_path / "black-mask.png")
    Image.new("L", (300, 20), 255).save(tmp_path / "wide-mask.png")
    whole = (tmp_path / "dance.motion").read_bytes()
    (tmp_path / "cut.motion").write_bytes(whole[: len(whole) - 100])
    flipped = bytearray(whole)
    flipped[-200:] = b"\xff" * 200  # not a number, in every joint of the end
    (tmp_path / "flipped.motion").write_bytes(bytes(flipped))
    hostile(tmp_path / "shape.motion", change=lambda h: first_array(h).update(shape=[2**40, 133, 2]))
    hostile(tmp_path / "dtype.motion", change=lambda h: first_array(h).update(dtype="F64"))
    hostile(tmp_path / "offsets.motion", change=lambda h: first_array(h).update(data_offsets=[0, 2**50]))
    hostile(tmp_path / "bare.motion", change=lambda h: h.pop("__metadata__"))
    (tmp_path / "header.motion").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    (tmp_path / "pickle.motion").write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.")
    (tmp_path / "foreign.motion").write_bytes(
        safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4))
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "taken.mkv").write_bytes(b"somebody else's")
    (tmp_path / "job.json").write_text('{"character": 5, "driving": "dance.motion", "output": "o.mkv"}')
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "manifest.json").write_text('{"manifest_version": 1, "job": {}}')
    (tmp_path / "cut.json").write_text('{"character": ')
    (tmp_path / "extra.json").write_text('{"character": "a", "driving": "b", "output": "c", "speed": 2}')
    return tmp_path


@pytest.fixture
def place(made_once, tmp_path, same_detector):
    """The test's own copy."""
    return shutil.copytree(made_once, tmp_path / "place")


def listing(folder):
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*")}


LIGHT = "run me.png dance.motion -o out.mkv --engine light"

TABLE = [
    # command line, exit status, words of the message
    ("run none.png dance.motion -o out.mkv", INPUT, "no character picture none.png"),
    ("run me.png none.mp4 -o out.mkv", INPUT, "no driving video none.mp4"),
    ("run me.png none.motion -o out.mkv", INPUT, "none.motion"),
    ("run empty.png dance.motion -o out.mkv", INPUT, "empty"),
    ("run me.png empty.mp4 -o out.mkv", INPUT, "empty"),
    ("run me.png empty.motion -o out.mkv", INPUT, "empty.motion"),
    ("run text.png dance.motion -o out.mkv", INPUT, "text"),
    ("run me.png text.mp4 -o out.mkv", INPUT, "text"),
    ("run me.png text.motion -o out.mkv", INPUT, "text.motion"),
    ("run me.png noise.mp4 -o out.mkv", INPUT, "not a video"),
    ("run me.png zip.mp4 -o out.mkv", INPUT, "not a video"),
    ("run me.png cut.mp4 -o out.mkv --engine light", INPUT, "cut.mp4"),
    ("run cut.png dance.motion -o out.mkv --engine light", INPUT, "damaged"),
    ("run dot.png dance.motion -o out.mkv --engine light", INPUT, "1x1"),
    ("run huge.png dance.motion -o out.mkv --engine light", INPUT, "megapixels"),
    ("run bomb.png dance.motion -o out.mkv --engine light", INPUT, "megapixels"),
    ("run clear.png dance.motion -o out.mkv --engine light", INPUT, "transparent"),
    ("run me.png dance.motion -o out.mkv --engine light --mask black-mask.png", INPUT, "black"),
    ("run me.png dance.motion -o out.mkv --engine light --mask wide-mask.png", INPUT, "300x20"),
    ("run me.png dance.motion -o out.mkv --engine light --mask none.png", INPUT, "no mask none.png"),
    ("run dance.mp4 dance.motion -o out.mkv --engine light", INPUT, "video, not a picture"),
    ("run me.png me.png -o out.mkv --engine light", INPUT, "still picture"),
    ("run dance.mp4 me.png -o out.mkv --engine light", INPUT, "picture comes first, the driving video second"),
    ("run dance.motion me.png -o out.mkv --engine light", INPUT, "picture comes first, the driving video second"),
    ("run folder dance.motion -o out.mkv --engine light", INPUT, "is a folder"),
    ("run me.png folder.mp4 -o out.mkv --engine light", INPUT, "is a folder"),
    ("run me.png cut.motion -o out.mkv --engine light", INPUT, "cut.motion"),
    ("run me.png flipped.motion -o out.mkv --engine light", INPUT, "flipped.motion"),
    ("run me.png shape.motion -o out.mkv --engine light", INPUT, "shape.motion"),
    ("run me.png dtype.motion -o out.mkv --engine light", INPUT, "dtype.motion"),
    ("run me.png offsets.motion -o out.mkv --engine light", INPUT, "offsets.motion"),
    ("run me.png bare.motion -o out.mkv --engine light", INPUT, "bare.motion"),
    ("run me.png header.motion -o out.mkv --engine light", INPUT, "header.motion"),
    ("run me.png pickle.motion -o out.mkv --engine light", INPUT, "pickle.motion"),
    ("run me.png foreign.motion -o out.mkv --engine light", INPUT, "foreign.motion"),
    (LIGHT + " --set step=101", USAGE, "0 to 100 px"),
    (LIGHT + " --set step=1.5", USAGE, "whole number"),
    (LIGHT + " --set step=many", USAGE, "'many'"),
    (LIGHT + " --set blend=nan", USAGE, "0 to 1"),
    (LIGHT + " --set stride=1", USAGE, "no setting 'stride'"),
    ("run me.png dance.motion -o out.mp4 --set driving_smooth=11", USAGE, "0 to 10"),
    ("run me.png dance.motion -o out.mkv --engine wizard", USAGE, "no engine 'wizard'; there are puppet"),
    (LIGHT + " --quality best", USAGE, "high, medium, low"),
    (LIGHT + " --resolution 4k", USAGE, "480p, 720p, 1080p"),
    (LIGHT + " --seed -1", USAGE, "seed is -1"),
    ("run me.png dance.motion -o out.txt --engine light", USAGE, ".mp4"),
    ("run me.png dance.motion -o out --engine light", USAGE, ".mp4"),
    ("run me.png dance.motion -o out.mp4 --engine light --quality alpha", USAGE, ".mov"),
    ("run me.png dance.mp4 -o out.webm --engine light", USAGE, "webm"),
    (LIGHT + " --start 3 --stop 2", USAGE, "must come after start"),
    (LIGHT + " --start 3", USAGE, "the motion is 0.36 s long"),
    ("run me.png dance.mp4 -o out.mkv --engine light --start 30", INPUT, "no frame from 30 s"),
    ("run me.png dance.motion -o folder --engine light", INPUT, "is a folder"),
    ("run me.png dance.motion -o none/out.mkv --engine light", INPUT, "does not exist"),
    ("run me.png dance.motion -o me.png/out.mkv --engine light", INPUT, "me.png"),
    ("run me.png dance.motion -o taken.mkv --engine light", INPUT, "--overwrite"),
    (LIGHT + " --work-dir me.png", INPUT, "it is a file"),
    (LIGHT + " --work-dir me.png/work", INPUT, "cannot be the work folder"),
    ("run me.png dance.mp4 -o dance.mp4 --engine light --overwrite", USAGE, "driving video itself"),
    ("run me.png dance.mp4 -o ./folder/../dance.mp4 --engine light", USAGE, "driving video itself"),
    (LIGHT + " --audio none.wav", INPUT, "no audio file none.wav"),
    (LIGHT + " --audio text.mp4", INPUT, "text"),
    ("run me.png dance.motion -o out.mp4 --character-pose none.json", INPUT, "none.json"),
    ("run me.png dance.motion -o out.mp4 --character-pose text.motion", INPUT, "text.motion"),
    ("run me.png head.motion -o out.mp4 --character-pose pose.motion", INPUT, "drives the engine live-portrait"),
    ("run me.png", USAGE, "CHARACTER and DRIVING"),
    ("run --job job.json", USAGE, "character is 5"),
    ("run --job list.json", USAGE, "JSON object"),
    ("run --job cut.json", USAGE, "not JSON"),
    ("run --job extra.json", USAGE, "no speed"),
    ("run --job none.json", INPUT, "none.json"),
    ("run --job manifest.json", USAGE, "motion-transfer rerun"),
    ("run me.png --job job.json", USAGE, "leave out character"),
    ("run --job dance.mp4", USAGE, "not text"),
    ("rerun none.json", INPUT, "none.json"),
    ("rerun list.json", USAGE, "not a manifest"),
    ("rerun dance.mp4", USAGE, "not a manifest"),
    ("extract none.json --rate 24", INPUT, "no file none.json"),
    ("extract list.json", USAGE, "say it (--rate 24"),
    ("extract list.json --rate 24", INPUT, "no 'people'"),
    ("extract list.json --rate 0", USAGE, "1 to 1000 frames/s"),
    ("extract dance.mp4 -o x.motion --rate 24", USAGE, "knows when its frames are shown"),
    ("run me.png list.json -o out.mkv --engine light", INPUT, "extract list.json', given their frame rate"),
    ("extract none.mp4", INPUT, "none.mp4"),
    ("extract dance.mp4 -o x.mp4", USAGE, ".motion"),
    ("extract dance.mp4 -o none/x.motion", INPUT, "does not exist"),
    ("extract dance.mp4 -o dance.motion", INPUT, "--overwrite"),
    ("extract dance.mp4 -o x.motion --start 2 --stop 1", USAGE, "must come after start"),
    ("extract dance.motion -o dance.motion --overwrite", USAGE, "itself"),
    ("check none.mp4", INPUT, "none.mp4"),
    ("check dance.motion", INPUT, "looks at the video it was made of"),
    ("check text.mp4", INPUT, "text"),
    ("check dance.mp4 --engine wizard", USAGE, "no engine 'wizard'"),
]


@pytest.mark.parametrize(("line", "status", "words"), TABLE, ids=[row[0] for row in TABLE])
def test_one_clear_line_the_right_status_and_nothing_half_written(place, monkeypatch, capsys, line, status, words):
    monkeypatch.chdir(place)
    before = listing(place)
    assert main(line.split()) == status
    told = capsys.readouterr()
    lines = told.err.splitlines()
    errors = [said for said in lines if said.startswith("error: ")]
    assert len(errors) == 1 and lines[-1] == errors[0], told.err
    assert words in errors[0] and "Traceback" not in told.err and told.out == ""
    assert "unexpected" not in errors[0]
    assert listing(place) == before


def test_the_table_is_as_long_as_promised():
    assert len(TABLE) >= 30 and len({row[0] for row in TABLE}) == len(TABLE)


def test_nobody_in_the_driving_video(place, monkeypatch, capsys, same_detector):
    monkeypatch.chdir(place)
    monkeypatch.setattr(
        same_detector,
        "detect",
        lambda self, f: (np.zeros((len(f), 133, 2), np.float32), np.zeros((len(f), 133), np.float32)),
    )
    before = listing(place)
    assert main(["run", "me.png", "dance.mp4", "-o", "out.mkv", "--engine", "light"]) == INPUT
    assert "Nobody was found" in capsys.readouterr().err and listing(place) == before


def test_nobody_in_the_picture(place, monkeypatch, capsys):
    from motion_transfer.run import prepare

    def nobody(character, note, **_):
        raise NoPersonFound("Nobody was found in the picture.")

    monkeypatch.chdir(place)
    monkeypatch.setattr(prepare, "find_character_pose", nobody)
    before = listing(place)
    assert main(["run", "me.png", "dance.motion", "-o", "out.mp4"]) == INPUT
    assert capsys.readouterr().err == "error: Nobody was found in the picture.\n" and listing(place) == before


@pytest.mark.parametrize("where", ["piece", "join", "manifest"])
def test_a_full_disk_leaves_no_half_file_and_the_next_run_goes_on(place, monkeypatch, capsys, where):
    from motion_transfer.run import route

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(place)
    before = set(listing(place))
    with monkeypatch.context() as patch:
        if where == "manifest":
            true_replace = Path.replace
            patch.setattr(Path, "replace", lambda s, t: full() if str(t).endswith("mkv.json") else true_replace(s, t))
        elif where == "join":
            from motion_transfer.video import beside

            true = beside.os.replace
            patch.setattr(beside.os, "replace", lambda a, b: full() if str(b) == "out.mkv" else true(a, b))
        else:
            true_encode = route.encode_chunk
            patch.setattr(route, "encode_chunk", lambda c, *a: full() if c.start >= 4 else true_encode(c, *a))
        assert main(LIGHT.split()) == INPUT
    told = capsys.readouterr().err
    ahead, error = told.splitlines()
    assert ahead.startswith("9 frames") and "disk is full" in error
    new = {name for name in set(listing(place)) - before if not name.startswith(".out.mkv.parts")}
    assert new == ({"out.mkv"} if where == "manifest" else set())
    assert main(LIGHT.split()) == 0
    assert "pieces from before" in capsys.readouterr().out
    assert set(listing(place)) - before == {"out.mkv", "out.mkv.json"}


def test_a_device_without_room_is_told(place, monkeypatch, capsys):

    if not Path("/dev/full").exists():
        pytest.skip("only Linux has /dev/full")

    device = Path("/dev/full")
    with pytest.raises(CannotWrite, match="disk is full"), writing(device), device.open("wb", buffering=0) as file:
        file.write(b"x")


def test_a_reader_that_goes_away_is_no_error(monkeypatch):

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return number

    number = os.open(os.devnull, os.O_WRONLY)
    monkeypatch.setattr(sys, "stdout", Gone())
    try:
        assert main(["engines", "--json"]) == 0
    finally:
        os.close(number)


@pytest.mark.parametrize(
    "line",
    ["", "dance", "run --frobnicate", "run a b --seed x", "run a b --set step", "run a b --start soon", "run a b --start -3",
     "run a b --no-audio --audio x.wav", "extract", "check", "models extra"],
)  # fmt: skip
def test_words_that_are_not_understood_end_with_2(capsys, line):
    assert main(line.split()) == USAGE
    told = capsys.readouterr()
    assert told.err.startswith("error: ") and told.err.count("\n") == 1 and told.out == ""
    assert "--help' shows how" in told.err or "'models get'" in told.err


def test_our_own_mistakes_are_one_line_and_a_hint(place, monkeypatch, capsys):
    from motion_transfer.run import route

    def slip(*_):
        raise KeyError("slip")

    monkeypatch.chdir(place)
    monkeypatch.setattr(route, "motion_digest", slip)
    assert main(LIGHT.split()) == 1
    assert capsys.readouterr().err == "error: unexpected KeyError: 'slip' Say --debug to see where it came from.\n"
    assert main([*LIGHT.split(), "--debug"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told and "slip" in told.splitlines()[-1]
