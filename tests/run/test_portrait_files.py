"""Templates, keyframes and edited portraits, on networks that take a millisecond each."""

from __future__ import annotations

import json
import os
import pickle
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.cli.main import main
from motion_transfer.core import (  # fmt: skip
    FACE,
    BadMotionFile,
    CannotWrite,
    Motion,
    PoseTrack,
    SourceFile,
    Timeline,
    TransferJob,
    UsageError,
)
from motion_transfer.models.live_portrait.expression import Expression
from motion_transfer.models.live_portrait.made_motion import motion_of_faces
from motion_transfer.models.live_portrait.motion_codes import TEMPLATE, unpack
from motion_transfer.models.live_portrait.spec import NETWORKS
from motion_transfer.pose.motion_file import load_motion, save_motion
from motion_transfer.run.host import LocalHost
from motion_transfer.run.portrait_files import edit_portrait, portrait_motion, write_face_motion, write_template
from motion_transfer.run.route import run

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "models" / "live_portrait"))
from portrait_stubs import StubNetworks  # noqa: E402

SIZE = (240, 320)


class LendingHost(LocalHost):
    def __init__(self, networks):
        super().__init__(device="cpu")
        self.networks = networks

    def lend(self, what):
        return self.networks if what == NETWORKS else None


@pytest.fixture
def portrait(tmp_path):
    """A bright face on a dark ground, and the file that says where it is."""
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    image[:, :, 1] += np.arange(SIZE[0], dtype=np.uint8)[None] // 4
    cv2.ellipse(image, (120, 140), (40, 55), 0, 0, 360, (220, 190, 170), -1)
    cv2.imwrite(str(tmp_path / "me.png"), image[..., ::-1])
    points, scores = np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32)
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[0, FACE] = np.stack([120 + 35 * np.cos(angle), 145 + 40 * np.sin(angle)], 1)
    points[0, FACE][36:48] += (0, -20)
    scores[0, FACE] = 1

    known = Motion((PoseTrack(points, scores, SIZE),), Timeline.constant(1, Fraction(25)), SourceFile("me", ""), "made")
    save_motion(known, tmp_path / "me.motion")
    return {"picture": tmp_path / "me.png", "character_pose": tmp_path / "me.motion"}


def template(frames=3):
    values = {"scale": np.ones((1, 1), np.float32), "R": np.eye(3, dtype=np.float32)[None], "exp": np.zeros((1, 21, 3), np.float32), "t": np.zeros((1, 3), np.float32)}  # fmt: skip
    return {"n_frames": frames, "output_fps": 20, "motion": [values] * frames}


def edited(portrait, **sliders):
    networks = StubNetworks()
    pixels, networks.region = edit_portrait(sliders=sliders, host=LendingHost(networks), **portrait)
    return pixels, networks


def test_sliders_at_rest_leave_the_picture_and_others_change_its_face_alone(portrait):
    before = cv2.imread(str(portrait["picture"]))[..., ::-1]
    still, networks = edited(portrait)
    assert networks.calls["render"] == 1
    inside = np.abs(still.astype(int) - before)
    assert inside.mean() < 1.0  # the square goes through 256 px and back
    moved, region = edited(portrait, move_x=1.0, zoom=1.2)[0], networks.region
    assert region.shape == before.shape[:2] and region.max() == 255 and 0.05 < (region > 0).mean() < 0.9
    assert np.array_equal(moved[region == 0], before[region == 0])
    assert np.abs(moved.astype(int) - still)[region == 255].max() > 20


def test_a_frame_of_a_keyframe_motion_is_the_edited_picture(portrait, tmp_path):
    """Nothing in the clip is at rest, and still the face is set against rest."""
    write_face_motion("0: smile=1, yaw=8\n0.16: smile=1, yaw=8", {}, tmp_path / "face.motion", rate=25)
    job = TransferJob(
        str(portrait["picture"]), str(tmp_path / "face.motion"), str(tmp_path / "out.mkv"), engine="live-portrait",
        quality="lossless", character_pose=str(portrait["character_pose"]), settings={"driving_smooth": 0},
    )  # fmt: skip
    made = run(job, LendingHost(StubNetworks()), work_dir=tmp_path / "work")
    assert made.num_frames == 5
    film = cv2.VideoCapture(str(made.output))
    picture, _ = edited(portrait, smile=1.0, yaw=8.0)
    for _ in range(5):
        assert np.array_equal(film.read()[1][..., ::-1], picture)
    assert json.loads(made.manifest.read_text())["notes"] == []


def test_strength_none_is_the_face_at_rest(portrait):
    assert np.array_equal(edited(portrait)[0], edited(portrait, smile=1.0, yaw=20.0, strength=0.0)[0])


def test_a_template_drives_a_portrait_and_its_film_is_not_asked_for(portrait, tmp_path, capsys):
    (tmp_path / "laugh.pkl").write_bytes(pickle.dumps(template()))
    assert main(["template", str(tmp_path / "laugh.pkl")]) == 0
    told = capsys.readouterr().out
    assert "laugh.motion: 3 frames" in told
    motion = load_motion(tmp_path / "laugh.motion")
    assert motion.timeline.rate == 20 and list(motion.face_codes) == [TEMPLATE]
    assert unpack(motion.face_codes[TEMPLATE]).rest is None
    job = TransferJob(str(portrait["picture"]), str(tmp_path / "laugh.motion"), str(tmp_path / "out.mkv"), engine="live-portrait", quality="lossless", character_pose=str(portrait["character_pose"]))  # fmt: skip
    assert run(job, LendingHost(StubNetworks()), work_dir=tmp_path / "work").num_frames == 3


class Hostile:
    def __reduce__(self):
        return (os.system, ("touch ran",))


def test_a_hostile_template_is_one_line_and_runs_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(template() | {"x": Hostile()}))
    assert main(["template", "bad.pkl"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("error: bad.pkl") and told.count("\n") == 1
    assert not (tmp_path / "ran").exists() and not (tmp_path / "bad.motion").exists()


def test_what_cannot_be_written_or_read_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.pkl").write_bytes(pickle.dumps(template()))
    with pytest.raises(BadMotionFile, match="There is no motion template"):
        write_template(Path("no.pkl"), Path("x.motion"))
    with pytest.raises(UsageError, match=r"x.motion\?"):
        write_template(Path("t.pkl"), Path("x.mp4"))
    write_template(Path("t.pkl"), Path("x.motion"), rate=10)
    assert load_motion("x.motion").timeline.rate == 10
    with pytest.raises(CannotWrite, match="exists already"):
        write_template(Path("t.pkl"), Path("x.motion"))
    with pytest.raises(UsageError, match="from 1 to 240, not 1000"):
        write_template(Path("t.pkl"), Path("x.motion"), rate=1000, overwrite=True)


def test_the_expression_command(portrait, tmp_path, monkeypatch, capsys):
    from motion_transfer.cli import progress

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "LocalHost", lambda **_: LendingHost(StubNetworks()))
    words = ["expression", "me.png", "--character-pose", "me.motion", "--quiet"]
    assert main([*words, "-o", "new.png", "--set", "smile=0.5", "--set", "yaw=10"]) == 0
    assert cv2.imread("new.png").shape == (SIZE[1], SIZE[0], 3)
    assert main([*words, "-o", "new.png"]) == 3
    assert main([*words, "-o", "other.png", "--set", "grin=1"]) == 2
    assert "There is no setting 'grin' here" in capsys.readouterr().err
    (tmp_path / "keys.txt").write_text("0: rest\n1: sliders\n")
    assert main(["expression", "-o", "x.motion", "--keyframes", "keys.txt", "--set", "smile=1", "--rate", "10"]) == 0
    assert load_motion("x.motion").num_frames == 11
    capsys.readouterr()
    (tmp_path / "rest.txt").write_text("0: rest\n")
    assert main(["expression", "-o", "rest.motion", "--keyframes", "rest.txt"]) == 0
    assert capsys.readouterr().out == "rest.motion: 1 frame, for --engine live-portrait\n"
    assert main(["expression", "-o", "x.png"]) == 2
    assert main([*words, "-o", "y.png", "--keyframes", "keys.txt"]) == 2


def test_the_template_command_counts_as_people_do(tmp_path, monkeypatch, capsys):
    from motion_transfer.run import portrait_files

    told = {}
    for count in (1, 2):
        motion = motion_of_faces([Expression()] * count, 25)
        monkeypatch.setattr(portrait_files, "write_template", lambda *_, made=motion, **__: made)
        assert main(["template", "one.pkl", "-o", str(tmp_path / "x.motion")]) == 0
        told[count] = capsys.readouterr().out.partition(": ")[2]
    assert told[1].startswith("1 frame, 0.04 s") and told[2].startswith("2 frames, 0.08 s")


def test_a_head_is_read_once_and_drives_without_its_film(portrait, tmp_path, monkeypatch):
    """The clip's person is the one of the picture, so that the same joints serve for both."""
    from motion_transfer.run import portrait_files

    video = tmp_path / "clip.mp4"
    picture = cv2.imread(str(portrait["picture"]))
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, SIZE)
    for t in range(6):
        writer.write(np.roll(picture, t, axis=1))
    writer.release()
    joints = load_motion(portrait["character_pose"])
    track = replace(joints.main, points=np.repeat(joints.main.points, 6, 0), scores=np.repeat(joints.main.scores, 6, 0))
    motion = replace(joints, tracks=(track,), timeline=Timeline.constant(6, Fraction(25)))
    monkeypatch.setattr(portrait_files, "load_or_extract", lambda *_, **__: (motion, True))
    networks = StubNetworks()
    read = portrait_motion(video, LendingHost(networks), cache=tmp_path / "cache")
    assert list(read.face_codes) == ["live-portrait/stub"] and networks.calls["motion"] == 6
    again = portrait_motion(video, LendingHost(networks), cache=tmp_path / "cache")
    assert networks.calls["motion"] == 6 and np.array_equal(
        *(m.face_codes["live-portrait/stub"] for m in (read, again))
    )
    save_motion(read, tmp_path / "head.motion")
    video.unlink()
    job = TransferJob(str(portrait["picture"]), str(tmp_path / "head.motion"), str(tmp_path / "out.mkv"), engine="live-portrait", quality="lossless", character_pose=str(portrait["character_pose"]))  # fmt: skip
    assert run(job, LendingHost(StubNetworks()), work_dir=tmp_path / "work").num_frames == 6
