"""The detector's parts: how MediaPipe is found and kept quiet, windows on frames, the order of joints, whose hand it is."""

import gc
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from motion_transfer.core import FACE, WHOLE_BODY, MissingPackage, MissingWeights, UsageError
from motion_transfer.pose import mediapipe_import, regions
from motion_transfer.pose.detector import detector_id, open_detector
from motion_transfer.pose.mediapipe_order import (
    BODY_17_FROM_33,
    FACE_68_FROM_MESH,
    discount_outside,
    fill_body,
    small_toes,
)
from motion_transfer.pose.regions import Region, Shrunk

needs_mediapipe = pytest.mark.skipif(not mediapipe_import.has_solutions(), reason="MediaPipe 0.10.21 is not installed")


def in_a_new_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_nothing_loads_mediapipe_before_a_detector_is_opened():
    code = (
        "import sys, motion_transfer.pose.extract, motion_transfer.pose.mediapipe_holistic, "
        "motion_transfer.pose.mediapipe_tasks, motion_transfer.pose.motion_file, motion_transfer.pose.openpose_json\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('mediapipe', 'matplotlib', 'torch', 'av')])"
    )
    done = in_a_new_python(code)
    assert done.stdout.strip() == "[]", done.stderr


@needs_mediapipe
def test_opening_and_detecting_says_nothing_on_the_terminal():
    code = (
        "import numpy as np\n"
        "from motion_transfer.pose.detector import open_detector\n"
        "with open_detector() as d:\n"
        "    points, scores = d.detect(np.zeros((2, 90, 160, 3), np.uint8))\n"
        "    assert points.shape == (2, 133, 2) and not scores.any()\n"
    )
    done = in_a_new_python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_noise_is_dropped_and_true_words_are_kept(capfd):
    with mediapipe_import.quiet():
        os.write(2, b"W0000 00:00 inference_feedback_manager.cc:114] Feedback manager requires a model\n")
        os.write(2, b"E0000 something truly went wrong\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "E0000 something truly went wrong\nafter\n"


def test_words_are_kept_when_something_fails(capfd):
    with pytest.raises(KeyError), mediapipe_import.quiet():
        os.write(2, b"the reason\n")
        raise KeyError
    assert capfd.readouterr().err == "the reason\n"


def test_an_unknown_detector_is_refused_with_those_that_exist():
    with pytest.raises(UsageError, match="auto, mediapipe, mediapipe-tasks"):
        open_detector("openpose")


def test_missing_mediapipe_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "version_info", (3, 11, 0, "final", 0))
    with pytest.raises(MissingPackage, match=r'--no-deps mediapipe==0\.10\.21 .* "protobuf<5"'):
        open_detector()


def test_missing_mediapipe_on_python_3_13_is_told_with_what_works_there(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(major=3, minor=13, __ge__=lambda self, other: True))

    class Newer(tuple):
        major, minor = 3, 13

    monkeypatch.setattr(sys, "version_info", Newer((3, 13, 0, "final", 0)))
    with pytest.raises(MissingPackage, match=r"this is 3\.13\..*Python 3\.12.*pose_landmarker\.task.*\.motion file"):
        open_detector()


@pytest.mark.parametrize("version", ["0.10.30", "1.0.0", "0.9.3"])
def test_another_version_is_told_by_number(monkeypatch, version):
    monkeypatch.setattr(mediapipe_import.metadata, "version", lambda name: version)
    with pytest.raises(MissingPackage, match=rf"MediaPipe {version} is installed.*0\.10\.9 to 0\.10\.21"):
        open_detector("mediapipe")


@needs_mediapipe
def test_tasks_without_model_files_say_which_and_where(tmp_path):
    with pytest.raises(MissingWeights, match=r"pose_landmarker_full\.task.*https://"):
        open_detector("mediapipe-tasks", models=tmp_path)


@needs_mediapipe
def test_the_id_is_known_without_opening():
    assert detector_id().startswith("mediapipe-0.10.") and detector_id() == detector_id("mediapipe")


def dot_picture(x, y, width=200, height=120):
    """Black, with a soft dot at x, y."""
    gy, gx = np.mgrid[:height, :width]
    value = 255 * np.exp(-((gx - x) ** 2 + (gy - y) ** 2) / (2 * 2.0**2))
    return np.repeat(value[..., None], 3, axis=2).astype(np.uint8)


def centroid(crop):
    weight = crop[..., 0].astype(float)
    gy, gx = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return np.array([(gx * weight).sum(), (gy * weight).sum()]) / weight.sum()


@pytest.mark.parametrize(
    "region",
    [
        Region(60, 50, 64),
        Region(60, 50, 64, 0.7),
        Region(70, 40, 97.3, -2.1),
        Region(60, 50, 300, 0.3),
        Region(61, 47, 230, 3.0),
        Region(64.5, 44.1, 30.0, 1.5),
    ],
    ids=str,
)
def test_a_point_comes_back_to_where_it_was_cut_out(region):
    where = np.array([61.3, 47.8])
    crop = Shrunk(dot_picture(*where)).crop(region, 128)
    inside = (centroid(crop) + 0.5) / 128
    # A dot of 2 px, rounded to bytes and sampled at up to 5 px per step, has its middle known to some 0.15 px.
    assert np.abs(region.to_frame(inside) - where).max() < 0.15


def test_outside_the_frame_pixels_are_repeated_or_black():
    white = Shrunk(np.full((50, 60, 3), 255, np.uint8))
    assert (white.crop(Region(0, 0, 100), 32) == 255).all()
    assert white.crop(Region(0, 0, 100), 32, replicate=False)[0, 0].tolist() == [0, 0, 0]


def test_a_region_inside_a_region():
    outer = Region(100, 80, 50, 0.5)
    inner = Region(0.25, 0.75, 0.4, 0.2).within(outer)
    assert np.allclose(inner.centre, outer.to_frame(np.array([0.25, 0.75])))
    assert (inner.side, inner.turn) == (20, pytest.approx(0.7))


def test_windows_turn_with_what_they_show():
    assert regions.upward(np.array([0, 0]), np.array([0, -5])) == pytest.approx(0)
    assert regions.upward(np.array([0, 0]), np.array([5, 0])) == pytest.approx(np.pi / 2)
    assert regions.rightward(np.array([0, 0]), np.array([5, 0])) == pytest.approx(0)
    assert regions.rightward(np.array([0, 0]), np.array([5, 5])) == pytest.approx(np.pi / 4)
    body = regions.body_region(np.array([50.0, 50.0]), np.array([50.0, 10.0]), 1.0)
    assert (body.x, body.y, body.side, body.turn) == (50, 50, 80, pytest.approx(0))


def test_a_turned_hand_has_a_turned_window():
    rng = np.random.default_rng(0)
    hand = np.stack([np.linspace(-10, 10, 21), -np.arange(21.0) * 3], axis=1) + rng.normal(0, 1, (21, 2))
    upright = regions.hand_region_from_hand(hand)
    for angle in (0.4, 1.9, -2.5):
        c, s = np.cos(angle), np.sin(angle)
        turned = regions.hand_region_from_hand(hand @ np.array([[c, s], [-s, c]]) + [30, 40])
        assert turned.side == pytest.approx(upright.side)
        difference = (turned.turn - upright.turn - angle + np.pi) % (2 * np.pi) - np.pi
        assert difference == pytest.approx(0, abs=1e-9)


def test_joint_orders_agree_on_left_and_right():
    odd_is_left = [j for j in BODY_17_FROM_33 if j >= 11]
    assert [j % 2 for j in odd_is_left] == [1 if "left" in name else 0 for name in WHOLE_BODY.joints[5:17]]
    assert len(set(FACE_68_FROM_MESH)) == 68


def test_feet_are_where_the_foot_is_and_the_small_toe_is_half_believed():
    body = np.zeros((33, 2))
    body[[23, 24]] = [[60, 50], [40, 50]]  # left hip on the viewer's right
    body[[29, 30]] = [[61, 100], [39, 100]]
    body[[31, 32]] = [[62, 110], [38, 110]]
    left, right = small_toes(body)
    assert left[0] > 62 and right[0] < 38 and 100 < left[1] < 110
    points, scores = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
    fill_body(points, scores, body, np.full(33, 0.8))
    assert points[17].tolist() == [62, 110] and points[22].tolist() == [39, 100]
    assert scores[17] == pytest.approx(0.8) and scores[18] == pytest.approx(0.4)
    body[[23, 24]] = [[50, 50], [50, 50]]  # from the side
    assert small_toes(body)[0][0] == pytest.approx(62 - 0.2)


def test_points_beyond_the_border_lose_their_score():
    points = np.array([[0, 0], [99, 49], [-5, 10], [104, 10], [50, 60.0]])
    scores = np.ones(5)
    discount_outside(points, scores, (100, 50), 10)
    assert scores.tolist() == [1, 1, 0.5, 0.5, 0]


def body_at(left_wrist, right_wrist):
    from motion_transfer.pose.mediapipe_tracker import Body

    points = np.zeros((33, 2))
    points[15], points[16] = left_wrist, right_wrist
    return Body(points, np.ones(33), Region(0, 0, 400), np.zeros(64))


def hand_at(x, y, right_handed=0.5, size=30):
    from motion_transfer.pose.mediapipe_tracker import Hand

    points = np.stack([np.full(21, float(x)), y - np.linspace(0, size, 21)], axis=1)
    points[9] = [x, y - size]
    return Hand(points, 0.9, right_handed)


@pytest.mark.parametrize(
    ("left", "right", "keeps"),
    [
        (hand_at(100, 50), hand_at(200, 50), (True, True)),
        (hand_at(101, 50), hand_at(103, 50), (True, False)),  # the same hand, near the left wrist
        (hand_at(197, 50), hand_at(199, 50), (False, True)),
        (hand_at(150, 50, 0.95), hand_at(150, 50, 0.95), (False, True)),  # between both: what it looks like decides
        (hand_at(150, 50, 0.05), hand_at(150, 50, 0.05), (True, False)),
        (None, hand_at(200, 50), (False, True)),
        (None, None, (False, False)),
    ],
)
def test_one_hand_is_never_given_to_both_wrists(left, right, keeps):
    from motion_transfer.pose.mediapipe_tracker import settle_hands

    kept = settle_hands(left, right, body_at([100, 50], [200, 50]))
    assert tuple(hand is not None for hand in kept) == keeps


def test_hands_of_the_tasks_go_to_the_nearer_wrist_once_each():
    from motion_transfer.pose.mediapipe_tasks import assign_hands

    wrists = np.array([100.0, 50]), np.array([200.0, 50])
    near_right, near_left, nowhere = hand_at(195, 52).points, hand_at(104, 50).points, hand_at(500, 50).points
    assert assign_hands([near_right, near_left], *wrists, 40) == {True: 1, False: 0}
    assert assign_hands([near_right, nowhere], *wrists, 40) == {False: 0}
    assert assign_hands([near_left, near_left], *wrists, 40) == {True: 0}
    assert assign_hands([], *wrists, 40) == {}


@needs_mediapipe
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # MediaPipe's metadata writer leaves its files open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_tasks_find_the_same_body_as_the_wheel(tmp_path):
    """Bundles made of the wheel's own networks stand in for the user's model files."""
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    from motion_transfer.pose.mediapipe_tasks import TasksDetector
    from motion_transfer.video import open_video

    modules = Path(importlib.util.find_spec("mediapipe").origin).parent / "modules"

    def bundle(name, parts):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for inside, (source, mean, deviation) in parts.items():
                writer = metadata_writer.MetadataWriter(bytearray((modules / source).read_bytes()))
                writer.add_image_input([mean], [deviation])
                file.writestr(inside, writer.populate()[0])

    bundle(
        "pose_landmarker_full.task",
        {
            "pose_detector.tflite": ("pose_detection/pose_detection.tflite", 127.5, 127.5),
            "pose_landmarks_detector.tflite": ("pose_landmark/pose_landmark_full.tflite", 0.0, 255.0),
        },
    )
    bundle(
        "hand_landmarker.task",
        {
            "hand_detector.tflite": ("palm_detection/palm_detection_full.tflite", 0.0, 255.0),
            "hand_landmarks_detector.tflite": ("hand_landmark/hand_landmark_full.tflite", 0.0, 255.0),
        },
    )
    gc.collect()  # here, where the open files are forgiven
    media = Path(__file__).resolve().parents[2] / "demo" / "media"
    frames = next(open_video(media / "dancer.mp4").chunks(3)).pixels
    truth = np.load(media / "dancer_truth.npz")["points"][:3]
    torso = np.hypot(*(truth[0, [5, 6]].mean(axis=0) - truth[0, [11, 12]].mean(axis=0)))
    with TasksDetector(tmp_path) as detector:
        assert detector.id.endswith("tasks-1/pose_landmarker_full+hand_landmarker")
        points, scores = detector.detect(frames)
        detector.reset()
        again, _ = detector.detect(frames)
    assert (points == again).all()
    error = np.hypot(*(points - truth).transpose(2, 0, 1)) / torso
    assert (error[:, :17] < 0.1).mean() > 0.9  # coarse: the Tasks' own tracking is not ours to tune
    assert (error[:, 91:] < 0.1).mean() > 0.85
    assert (scores[:, 91:] > 0.5).all() and not scores[:, FACE].any()
