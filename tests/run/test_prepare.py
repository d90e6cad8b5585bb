"""The character at its working size, with joints and cut-out found once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_media import make_motion, make_track, write_picture

from motion_transfer.core import BadMotionFile, Character, InputError, PoseTrack, TransferJob
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.pose.openpose_json import write_openpose_json
from motion_transfer.run import prepare
from motion_transfer.run.host import LocalHost
from motion_transfer.run.prepare import fit, prepare_character
from motion_transfer.video import write_image


def picture(width, height, alpha=None):
    y, x = np.mgrid[:height, :width]
    return Character(np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8), "s", alpha)


@pytest.mark.parametrize(
    ("size", "resolution", "multiple", "wanted"),
    [
        ((100, 80), "source", 2, (100, 80)),
        ((101, 81), "source", 2, (102, 82)),
        ((1000, 2000), "480p", 2, (480, 960)),
        ((1001, 2000), "480p", 2, (480, 960)),  # 959.04 rounds to 959, which grows by one
        ((2000, 1000), "720p", 2, (1440, 720)),
        ((300, 200), "1080p", 2, (300, 200)),  # never enlarged
        ((1920, 1080), "source", 16, (1920, 1072)),
        ((833, 480), "source", 16, (832, 480)),
    ],
)
def test_sizes(size, resolution, multiple, wanted):
    fitted = fit(picture(*size), resolution, multiple, blend=True)
    assert fitted.size == wanted


def test_an_even_picture_of_the_right_size_is_untouched():
    given = picture(100, 80, np.full((80, 100), 7, np.uint8))
    fitted = fit(given, "source", 2, blend=True)
    np.testing.assert_array_equal(fitted.pixels, given.pixels)
    np.testing.assert_array_equal(fitted.alpha, given.alpha)


def test_an_odd_side_grows_by_its_own_border():
    given = picture(101, 81)
    fitted = fit(given, "source", 2, blend=True)
    np.testing.assert_array_equal(fitted.pixels[:81, :101], given.pixels)
    np.testing.assert_array_equal(fitted.pixels[:81, 101], given.pixels[:, 100])
    np.testing.assert_array_equal(fitted.pixels[81, :101], given.pixels[80])


def test_colours_under_transparent_pixels_do_not_bleed_when_scaled():
    pixels = np.zeros((960, 960, 3), np.uint8)
    pixels[:, :481] = (200, 100, 50)  # the character; what lies beside it is black and transparent
    alpha = np.zeros((960, 960), np.uint8)
    alpha[:, :481] = 255
    fitted = fit(Character(pixels, "s", alpha), "480p", 2, blend=True)
    seen = fitted.alpha > 0
    assert (fitted.pixels[seen] == (200, 100, 50)).all() and 0 < fitted.alpha[0, 240] < 255
    plain = fit(Character(pixels, "s", alpha), "480p", 2, blend=False)  # a mask on a photo: the picture is the picture
    assert 0 < plain.pixels[0, 240, 0] < 200


@pytest.fixture
def found(monkeypatch):
    """Counts what detection and segmentation were asked."""
    calls = {"pose": 0, "alpha": 0}

    def find(character, note, **_):
        calls["pose"] += 1
        note("joints were guessed")
        track = make_track(1)
        return PoseTrack(track.points, track.scores, character.size)

    def cut(character):
        calls["alpha"] += 1
        assert character.pose is not None  # known joints help
        return np.full(character.pixels.shape[:2], 200, np.uint8)

    monkeypatch.setattr(prepare, "find_character_pose", find)
    monkeypatch.setattr(prepare, "cut_out", cut)
    return calls


NEEDS = frozenset({"character_pose", "character_alpha"})


def a_job(path, **more):
    return TransferJob(character=str(path), driving="d.motion", output="o.mp4", **more)


def test_what_was_found_is_found_once(tmp_path, found):
    path = write_picture(tmp_path / "me.png", alpha=False)
    notes = []
    first, second = (
        prepare_character(a_job(path), NEEDS, 2, tmp_path / "c", LocalHost(on_note=notes.append)) for _ in "12"
    )
    assert found == {"pose": 1, "alpha": 1} and notes == ["joints were guessed"] * 2  # said again, as it is still so
    np.testing.assert_array_equal(first.alpha, second.alpha)
    np.testing.assert_array_equal(first.pose.points, second.pose.points)
    np.testing.assert_array_equal(first.pose.scores, second.pose.scores)
    prepare_character(a_job(path, resolution="480p"), NEEDS, 2, tmp_path / "c", LocalHost())
    assert found["pose"] == 1  # the picture is smaller than 480p: the same pixels
    for entry in (tmp_path / "c" / "characters").iterdir():
        entry.write_bytes(entry.read_bytes()[:99])
    prepare_character(a_job(path), NEEDS, 2, tmp_path / "c", LocalHost())
    assert found["pose"] == 2  # a damaged entry is made again


def test_only_what_is_needed_is_looked_for(tmp_path, found):
    path = write_picture(tmp_path / "me.png", alpha=True)
    prepare_character(a_job(path), frozenset(), 2, tmp_path / "c", LocalHost())
    assert found == {"pose": 0, "alpha": 0} and not (tmp_path / "c").exists()
    prepare_character(a_job(path), NEEDS, 2, tmp_path / "c", LocalHost())
    assert found == {"pose": 1, "alpha": 0}  # the file brings its own cut-out


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, found):
    path = write_picture(tmp_path / "me.png", alpha=False)
    (tmp_path / "c").write_bytes(b"a file where a folder should be")
    assert prepare_character(a_job(path), NEEDS, 2, tmp_path / "c", LocalHost()).pose is not None


@pytest.mark.parametrize("suffix", [".motion", ".json"])
def test_a_given_pose_is_moved_with_the_picture(tmp_path, found, suffix):
    write_image(tmp_path / "me.png", picture(1920, 960).pixels)
    track = make_track(1, size=(1920, 960))
    if suffix == ".motion":
        save_motion(replace(make_motion(1), tracks=(track,)), tmp_path / "pose.motion")
    else:
        write_openpose_json(track, tmp_path / "pose.json")
    job = a_job(tmp_path / "me.png", resolution="480p", character_pose=str(tmp_path / f"pose{suffix}"))
    pose = prepare_character(job, frozenset({"character_pose"}), 2, tmp_path / "c", LocalHost()).pose
    assert found["pose"] == 0 and pose is not None and pose.size == (960, 480)
    wrist = 9  # a joint that both formats keep
    np.testing.assert_allclose(pose.points[0, wrist], (track.points[0, wrist] + 0.5) / 2 - 0.5, atol=1e-3)


def test_only_joints_that_were_found_are_settled_in_the_cut_out(tmp_path, found, monkeypatch):
    moved = []
    monkeypatch.setattr(prepare, "settled_shoulders", lambda pose, alpha: moved.append(alpha.shape) or pose)
    write_image(tmp_path / "me.png", picture(192, 96).pixels)
    save_motion(replace(make_motion(1), tracks=(make_track(1, size=(192, 96)),)), tmp_path / "pose.motion")
    given = a_job(tmp_path / "me.png", character_pose=str(tmp_path / "pose.motion"))
    prepare_character(given, NEEDS, 2, tmp_path / "c", LocalHost())
    assert not moved
    prepare_character(a_job(tmp_path / "me.png"), NEEDS, 2, tmp_path / "c", LocalHost())
    assert moved == [(96, 192)]


def test_a_pose_of_another_picture_is_refused(tmp_path, found):
    path = write_picture(tmp_path / "me.png")
    save_motion(make_motion(1, size=(400, 200)), tmp_path / "pose.motion")
    job = a_job(path, character_pose=str(tmp_path / "pose.motion"))
    with pytest.raises(InputError, match=r"400x200.*97x129"):
        prepare_character(job, NEEDS, 2, tmp_path / "c", LocalHost())
    (tmp_path / "pose.motion").write_bytes(b"no")
    with pytest.raises(BadMotionFile):
        prepare_character(job, NEEDS, 2, tmp_path / "c", LocalHost())


def test_without_mediapipe_the_jobs_detector_looks_at_the_picture(tmp_path, monkeypatch):
    opened = []

    class Network:
        module, id, provider = None, "stub", "stub"

        def __init__(self, name):
            opened.append(name)

        def close(self):
            opened.append("closed")

    def find(character, note, *, otherwise):
        look = otherwise()
        assert (look is None) == (not opened)
        return make_track(1, character.size)

    monkeypatch.setattr(prepare, "has_solutions", lambda: False)
    monkeypatch.setattr(prepare, "network_ids", lambda name, *_: f"file of {name}")
    monkeypatch.setattr(prepare, "open_finder", lambda name, *_, **__: Network("finder"))
    monkeypatch.setattr(prepare, "open_pose_network", lambda name, *_, **__: Network(name))
    monkeypatch.setattr(prepare, "find_character_pose", find)
    character = write_picture(tmp_path / "me.png")
    asked = {"character": str(character), "driving": "d.motion", "output": "o.mp4"}
    needs = frozenset({"character_pose"})
    for detector, networks in (("vitpose-b", ["finder", "vitpose-b", "closed", "closed"]), ("mediapipe", [])):
        opened.clear()
        job = TransferJob(**asked, detector=detector)
        made = prepare_character(job, needs, 2, tmp_path / "cache", LocalHost())
        assert made.pose is not None and opened == networks
        opened.clear()
        prepare_character(job, needs, 2, tmp_path / "cache", LocalHost())  # kept under the network's name
        assert opened == []
