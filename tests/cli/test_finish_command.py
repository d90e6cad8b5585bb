"""`motion-transfer finish` and `run --finish` as a user types them; the flags against the finishers' own specs."""

from __future__ import annotations

import json

import pytest
from made_media import make_motion, write_clip, write_picture

from motion_transfer.cli.finish_words import FLAGS
from motion_transfer.cli.main import main
from motion_transfer.finishing.registry import finisher_names, finisher_spec
from motion_transfer.pose.motion_file import save_motion


@pytest.fixture
def place(tmp_path, monkeypatch):
    write_clip(tmp_path / "dance.mp4", num_frames=8)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_flags_are_the_finishers():
    known = {finisher: (flag, main) for flag, finisher, main, _, _ in FLAGS}
    assert set(known) == set(finisher_names())
    for name in finisher_names():
        spec = finisher_spec(name)
        assert known[name] == (spec.flag or spec.name, spec.main)
        options = {o.name: o for o in spec.settings.options()}
        assert spec.name == name and spec.summary.endswith(".") and spec.main in options
    for _, finisher, main_setting, _, told in FLAGS:
        option = next(o for o in finisher_spec(finisher).settings.options() if o.name == main_setting)
        default = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
        assert f"({default})" in told and all(choice in told for choice in option.choices), told


@pytest.mark.parametrize(
    ("words", "finish"),
    [
        (["--fps", "50"], {"interpolate": {"fps": 50.0}}),
        (["--fps"], {"interpolate": {"fps": 60.0}}),
        (["--set", "interpolate.fps=30"], {"interpolate": {"fps": 30.0}}),
        (["--fps", "30", "--set", "interpolate.fps=40"], {"interpolate": {"fps": 40.0}}),
    ],
)
def test_flags_and_settings_say_the_same(place, capsys, words, finish):
    assert main(["finish", "dance.mp4", "-o", "out.mp4", "--quiet", *words]) == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads((place / "out.mp4.json").read_text())["finishing"]["finish"] == finish


def test_it_says_what_it_made_and_the_manifest_makes_it_again(place, capsys):
    assert main(["finish", "dance.mp4", "--fps", "50"]) == 0
    assert capsys.readouterr().out.startswith("dance_finished.mp4: 16 frames in ")
    before = (place / "dance_finished.mp4").read_bytes()
    assert main(["rerun", "dance_finished.mp4.json", "-o", "again.mp4", "--quiet"]) == 0
    assert (place / "again.mp4").read_bytes() == before


def test_the_characters_picture_is_looked_at_when_it_is_named(place):
    write_picture(place / "me.png")
    line = ["finish", "dance.mp4", "-o", "out.mp4", "--quiet", "--match-colour", "1", "--character", "me.png"]
    assert main(line) == 0
    steps = json.loads((place / "out.mp4.json").read_text())["finishing"]["finish"]
    assert steps["match-colour"]["to"] == "character"
    assert main([*line, "--set", "match-colour.to=first frame", "--overwrite"]) == 0
    steps = json.loads((place / "out.mp4.json").read_text())["finishing"]["finish"]
    assert steps["match-colour"]["to"] == "first frame"


def test_a_transfer_is_finished_by_one_word(place, capsys):
    write_picture(place / "me.png")
    save_motion(make_motion(8), place / "dance.motion")
    line = ["run", "me.png", "dance.motion", "-o", "out.mp4", "--engine", "light", "--finish", "interpolate.fps=50"]
    assert main(line) == 0
    assert capsys.readouterr().out.startswith("out.mp4: 16 frames in ")


def test_the_list_names_every_finisher_and_setting(capsys):
    assert main(["finish", "--list"]) == 0
    told = capsys.readouterr().out
    for name in finisher_names():
        assert name in told and all(o.name in told for o in finisher_spec(name).settings.options())


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "at least one finisher"),
        (["--fps", "0.5"], 2, "takes 1 to 1000 frames/s"),
        (["--fps", "25"], 2, "has 25 frames/s already"),
        (["--fps", "many"], 2, "takes 1 to 1000 frames/s"),
        (["--set", "sparkle"], 2, "there are paste-back"),
        (["--set", "interpolate=60"], 2, "FINISHER.SETTING=VALUE"),
        (["--set", "interpolate.speed=2"], 2, "there are fps"),
        (["--paste-back", "box"], 2, "(--original)"),
        (["--fps", "50", "--character", "me.png"], 2, "--character is for --match-colour"),
        (["--fps", "50", "--original", "dance.mov"], 2, "--original is for --paste-back"),
        (["--paste-back", "--original", "dance.mov"], 3, "dance.mov"),
        (["--fps", "50", "-o", "dance.mp4"], 2, "is the video itself"),
        (["--fps", "50", "-o", "taken.mp4"], 3, "--overwrite"),
        (["--fps", "50", "--quality", "best"], 2, "best"),
    ],
)
def test_a_mistake_is_one_line(place, capsys, words, status, said):
    (place / "taken.mp4").write_bytes(b"precious")
    assert main(["finish", "dance.mp4", *words]) == status
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert sorted(p.name for p in place.iterdir()) == ["dance.mp4", "taken.mp4"]


@pytest.mark.parametrize(("name", "said"), [("none.mp4", "no such file"), ("me.txt", "this is text")])
def test_what_is_no_video_is_told(place, capsys, name, said):
    if name == "me.txt":
        (place / name).write_text("words, not frames")
    assert main(["finish", name, "--fps", "60"]) == 3
    assert said in capsys.readouterr().err
    assert main(["finish"]) == 2
