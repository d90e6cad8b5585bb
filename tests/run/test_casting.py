"""Who drives, through the doors of a run: detectors by name, choices by word, one extraction for all of them."""

import json

import numpy as np
import pytest
from coloured_people import BlockFinder, BlockPose, write_two_people
from made_media import SameDetector, make_motion

from motion_transfer.core import (
    MissingWeights,
    NoPersonFound,
    PersonChoice,
    TransferJob,
    UnreadableImage,
    UsageError,
)
from motion_transfer.pose import detector as detectors
from motion_transfer.pose.detector import detector_for
from motion_transfer.pose.motion_file import save_motion
from motion_transfer.run import motion_cache
from motion_transfer.run.host import LocalHost
from motion_transfer.run.motion_cache import load_or_extract
from motion_transfer.run.route import run
from motion_transfer.video import write_image


@pytest.fixture
def networks(monkeypatch):
    """Networks of a few lines in place of DWPose; how often they were opened."""
    monkeypatch.setattr(BlockPose, "opened", 0)

    def opened(name, find_file, device, *, note=None):
        BlockPose.opened += 1
        return BlockPose()

    monkeypatch.setattr(motion_cache, "open_finder", lambda name, find, device, *, note=None: BlockFinder())
    monkeypatch.setattr(motion_cache, "open_pose_network", opened)
    monkeypatch.setattr(motion_cache, "network_ids", lambda name, find, device, **_: f"blocks + {name}")
    return BlockPose


@pytest.fixture
def film(tmp_path):
    return write_two_people(tmp_path / "two.mp4")


def middle(motion):
    return float(motion.main.points[0, :17, 0].mean())


def test_one_extraction_serves_every_choice(film, tmp_path, networks):
    notes = []
    host = LocalHost(on_note=notes.append)

    def cast(person, detector="dwpose"):
        return load_or_extract(film, host, tmp_path / "cache", detector=detector, person=person)

    motion, was_made = cast("auto")
    assert was_made and len(motion.tracks) == 2 and motion.num_frames == 32 and middle(motion) < 80
    assert motion.detector == "blocks + dwpose/people-1"
    assert notes == ["Joints by dwpose on StubExecutionProvider, people found on StubExecutionProvider."]
    for person, is_blue in (("1", False), ("2", True), ("point:128,60@8", True), ("box:30,10,80,90@0.2s", False)):
        motion, was_made = cast(person)
        assert not was_made and len(motion.tracks) == 2 and (middle(motion) > 100) == is_blue
    mask = np.zeros((96, 160, 3), np.uint8)
    mask[:, 110:] = 255
    write_image(tmp_path / "who.png", mask)
    assert middle(cast(f"mask:{tmp_path / 'who.png'}@3")[0]) > 100
    assert networks.opened == 1
    assert cast("auto", "vitpose-h")[1] and networks.opened == 2  # other networks, another motion


def test_a_place_where_nobody_is_is_told_at_once_the_second_time(film, tmp_path, networks):
    for _ in range(2):
        with pytest.raises(NoPersonFound, match=r"Nobody is at point:5,5@0 .* 1: seen in 100 %"):
            load_or_extract(film, LocalHost(), tmp_path / "cache", detector="dwpose", person="point:5,5@0")
    assert networks.opened == 1


def test_a_place_outside_the_picture_is_refused_before_anybody_is_looked_for(film, tmp_path, networks):
    with pytest.raises(UsageError, match="which has 160x96 px"):
        load_or_extract(film, LocalHost(), tmp_path / "cache", detector="dwpose", person="point:5000,10")
    assert networks.opened == 0


def test_a_motion_file_keeps_its_order_unless_somebody_is_asked_for(film, tmp_path, networks):
    motion, _ = load_or_extract(film, LocalHost(), tmp_path / "cache", detector="dwpose", person="2")
    save_motion(motion, tmp_path / "two.motion")
    again, _ = load_or_extract(tmp_path / "two.motion", LocalHost(), tmp_path / "cache")
    assert middle(again) == middle(motion) > 100
    other, _ = load_or_extract(tmp_path / "two.motion", LocalHost(), tmp_path / "cache", person="2")
    assert middle(other) < 80
    part, _ = load_or_extract(
        tmp_path / "two.motion", LocalHost(), tmp_path / "cache", start_seconds=0.4, person="point:128,60@3"
    )
    assert part.num_frames == 22 and middle(part) > 100


class Shown(SameDetector):
    """Remembers whom it was shown."""

    shown: list = []  # noqa: RUF012

    def choose(self, frame, choice, index):
        type(self).shown.append((frame.shape, frame.dtype, str(choice), index))


def test_mediapipe_is_shown_whom_to_follow_in_that_frame_and_keeps_it_apart(film, tmp_path, same_detector, monkeypatch):
    monkeypatch.setattr(motion_cache, "open_detector", lambda **_: Shown())
    monkeypatch.setattr(Shown, "shown", [])
    cache = tmp_path / "cache"
    assert load_or_extract(film, LocalHost(), cache)[1] and Shown.shown == []
    for person, index in (("point:128,60@8", 8), ("point:128,60@0.5s", 12)):
        for was_made in (True, False):
            assert load_or_extract(film, LocalHost(), cache, person=person)[1] == was_made
        assert Shown.shown.pop() == ((96, 160, 3), np.uint8, person, index) and not Shown.shown
    assert not load_or_extract(film, LocalHost(), cache, person="1")[1]  # the main person, known from the first time
    with pytest.raises(UsageError, match="frame 32, but the clip ends with frame 31"):
        load_or_extract(film, LocalHost(), cache, person="point:1,1@32")


@pytest.mark.parametrize("person", ["2", "64"])
def test_mediapipe_has_no_second_person(film, tmp_path, same_detector, person):
    with pytest.raises(UsageError, match=rf"Person {person} .* MediaPipe follows one person.* dwpose"):
        load_or_extract(film, LocalHost(), tmp_path / "cache", person=person)
    assert same_detector.opened == 0


def test_a_detector_that_cannot_be_shown_anybody_says_so(film, tmp_path, same_detector):
    with pytest.raises(UsageError, match=r"mediapipe-tasks cannot be shown whom to follow.*dwpose"):
        load_or_extract(
            film, LocalHost(), tmp_path / "cache", detector="mediapipe-tasks", person="point:1,1@0"
        )  # fmt: skip


def test_auto_is_mediapipe_unless_it_is_missing_and_files_of_others_are_here(monkeypatch):
    def nothing(weights):
        raise MissingWeights(weights.file)

    monkeypatch.setattr(detectors, "mediapipe_version", lambda: (0, 10, 21))
    here = detector_for("auto", lambda weights: weights.file, "cpu")
    assert here == "auto"  # MediaPipe is installed, whatever else there is
    monkeypatch.setattr(detectors, "mediapipe_version", lambda: None)
    assert detector_for("auto", nothing, "cpu") == "auto"  # and opening it tells how to install it
    monkeypatch.setattr(detectors, "network_ids", lambda name, find, device: find(name) and "")

    def only_vitpose(name):
        if name != "vitpose-b":
            raise MissingWeights(name)
        return name

    assert detector_for("auto", only_vitpose, "cpu") == "vitpose-b"
    monkeypatch.setattr(detectors, "find_spec", lambda name: None)
    assert detector_for("auto", only_vitpose, "cpu") == "auto"  # nothing to run them with


def test_a_run_is_driven_by_whom_the_job_names_and_says_so(tmp_path, film, character, networks):
    write_image(tmp_path / "who.png", np.pad(np.full((80, 40, 3), 255, np.uint8), ((8, 8), (110, 10), (0, 0))))
    made = []
    for name, person in (("a", "auto"), ("b", "2"), ("c", f"mask:{tmp_path / 'who.png'}@1")):
        job = TransferJob(
            str(character), str(film), str(tmp_path / f"{name}.mp4"), "light", detector="dwpose", person=person
        )
        made.append(run(job, LocalHost(), work_dir=tmp_path / "work"))
    told = [json.loads(result.manifest.read_text()) for result in made]
    assert [t["job"]["person"] for t in told] == ["auto", "2", f"mask:{tmp_path / 'who.png'}@1"]
    assert {t["job"]["detector"] for t in told} == {"dwpose"} and networks.opened == 1
    keys = [t["result_key"] for t in told]
    assert keys[0] != keys[1] and keys[1] == keys[2]  # the same person by number and by mask


def test_what_cannot_work_is_refused_before_the_character_is_prepared(tmp_path, film, character, monkeypatch):
    monkeypatch.setattr("motion_transfer.run.route.prepare_character", None)
    for more, error, said in (
        ({"detector": "vitpose-h"}, MissingWeights, "yolox_l.onnx"),
        ({"person": "2"}, UsageError, "MediaPipe follows one person"),
        ({"detector": "dwpose", "person": "mask:nowhere.png@0"}, UnreadableImage, "no mask of the person nowhere.png"),
    ):
        job = TransferJob(str(character), str(film), str(tmp_path / "o.mp4"), "light", **more)
        with pytest.raises(error, match=said):
            run(job, LocalHost(), work_dir=tmp_path / "work")


@pytest.mark.parametrize(
    ("more", "said"),
    [({"detector": "openpose"}, "detector is 'openpose'; there are auto, mediapipe"), ({"person": "left"}, "chooses nobody"),
     ({"person": 2}, "person is 2; it must be a text"), ({"detector": ""}, "not empty")],
)  # fmt: skip
def test_a_job_is_checked_when_made(more, said):
    with pytest.raises(UsageError, match=said):
        TransferJob("a", "b", "c", **more)


def test_a_mask_that_is_black_everywhere_is_told(tmp_path):
    write_image(tmp_path / "black.png", np.zeros((20, 20, 3), np.uint8))
    save_motion(make_motion(5), tmp_path / "m.motion")
    with pytest.raises(UnreadableImage, match="black everywhere"):
        load_or_extract(tmp_path / "m.motion", LocalHost(), tmp_path, person=f"mask:{tmp_path / 'black.png'}")
    assert PersonChoice.parse("mask:x.png").mask is None
