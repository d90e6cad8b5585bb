"""The demo's media against the scripts that drew them: truth, pictures, planted feet."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from demo.characters import CHARACTERS  # noqa: E402
from demo.dancer.__main__ import make_frame  # noqa: E402
from demo.dancer.body import dancer_at  # noqa: E402
from demo.dancer.choreography import FRAMES_PER_SECOND, NUM_FRAMES, beat_of_frame  # noqa: E402
from demo.dancer.figure import FOREARM, HIP_HALF, SHANK, THIGH, UPPER_ARM  # noqa: E402
from demo.dancer.render import Camera  # noqa: E402
from demo.dancer.truth import project_joints  # noqa: E402
from motion_transfer.core import LEFT_HAND, RIGHT_HAND, WHOLE_BODY  # noqa: E402

MEDIA = ROOT / "demo" / "media"


@pytest.fixture(scope="module")
def truth():
    with np.load(MEDIA / "dancer_truth.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def figures():
    return [dancer_at(beat_of_frame(k)) for k in range(NUM_FRAMES)]


def test_the_truth_has_the_shape_that_is_promised(truth):
    assert truth["points"].shape == (NUM_FRAMES, 133, 2) and truth["points"].dtype == np.float32
    assert truth["visible"].shape == (NUM_FRAMES, 133) and truth["visible"].dtype == bool
    assert truth["contact"].shape == (NUM_FRAMES, 2) and truth["contact"].dtype == bool
    assert float(truth["fps"]) == FRAMES_PER_SECOND


def test_the_script_gives_the_committed_joints(truth):
    for frame in range(0, NUM_FRAMES, 12):
        xy, _ = project_joints(*dancer_at(beat_of_frame(frame)), Camera())
        # Stored as float32; libm of another system may differ in the last bits.
        np.testing.assert_allclose(truth["points"][frame], xy, atol=1e-3)


def test_the_script_draws_the_committed_frame(truth):
    frame = 101
    picture, points, visible, contact = make_frame(frame)
    with av.open(str(MEDIA / "dancer.mp4")) as clip:
        stored = next(f for k, f in enumerate(clip.decode(video=0)) if k == frame).to_ndarray(format="rgb24")
    error = np.abs(picture.astype(float) - stored)
    # x264 at crf 19: measured mean 1.4 levels, 99.9 % of all values within 22; the frame before: 4.3 and 171.
    assert error.mean() < 2.2
    assert np.quantile(error, 0.999) < 40
    np.testing.assert_allclose(points, truth["points"][frame], atol=1e-3)
    assert (visible == truth["visible"][frame]).mean() > 0.98
    assert (contact == truth["contact"][frame]).all()


def test_the_clip_is_as_long_as_its_truth_and_has_sound():
    with av.open(str(MEDIA / "dancer.mp4")) as clip:
        video, audio = clip.streams.video[0], clip.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (1280, 720, FRAMES_PER_SECOND)
        assert video.frames == NUM_FRAMES
        assert audio.codec_context.name == "aac" and audio.layout.name == "stereo"
        seconds = float(audio.duration * audio.time_base)
        # AAC comes in packets of 1024 samples, and its first one is a lead-in.
        assert abs(seconds - NUM_FRAMES / FRAMES_PER_SECOND) < 0.06
    assert (MEDIA / "dancer.mp4").stat().st_size < 2_500_000


def test_planted_feet_do_not_move(figures):
    for side in ("left", "right"):
        before = None
        planted = 0
        for pose, fig in figures:
            now = fig.joints[side + "_ankle"] if pose.feet[side].contact else None
            if before is not None and now is not None:
                assert (now == before).all()
                planted += 1
            before = now
        assert planted > NUM_FRAMES / 2


def test_bones_keep_their_length(figures):
    for _, fig in figures:
        for side in ("left", "right"):
            for a, b, length in (
                ("hip", "knee", THIGH),
                ("knee", "ankle", SHANK),
                ("shoulder", "elbow", UPPER_ARM),
                ("elbow", "wrist", FOREARM),
            ):
                bone = np.linalg.norm(fig.joints[f"{side}_{a}"] - fig.joints[f"{side}_{b}"])
                assert bone == pytest.approx(length, abs=1e-9)
        hips = np.linalg.norm(fig.joints["left_hip"] - fig.joints["right_hip"])
        assert hips == pytest.approx(2 * HIP_HALF, abs=1e-9)


def test_the_dance_runs_smoothly_and_loops(truth):
    points = truth["points"][:, :17]
    stride = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    # The fastest joint, a wrist, makes 46 px a frame; a slip in a key would be a jump of hundreds.
    assert stride.max() < 60
    assert np.linalg.norm(points[-1] - points[0], axis=-1).max() < 60


def test_the_whole_dancer_is_in_the_picture(truth):
    assert (truth["points"] >= 4).all()
    assert (truth["points"] <= np.array([1275, 715])).all()


@pytest.mark.parametrize("name", CHARACTERS)
def test_characters_have_their_joints_inside_themselves(name):
    stored = json.loads((MEDIA / f"{name}_truth.json").read_text(encoding="utf-8"))
    points = np.array(stored["points"])
    picture = cv2.imread(str(MEDIA / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    assert stored["order"] == WHOLE_BODY.name and points.shape == (133, 2)
    assert stored["size"] == [picture.shape[1], picture.shape[0]]
    assert (points > 0).all() and (points < stored["size"]).all()
    if picture.shape[2] == 4:
        on_figure = picture[np.rint(points[:, 1]).astype(int), np.rint(points[:, 0]).astype(int), 3] > 0
        assert on_figure.all()
    left, right = points[LEFT_HAND], points[RIGHT_HAND]
    assert (left[:, 0] > right[:, 0]).all()  # seen from the front, the left hand is on the viewer's right


def test_the_mascot_is_drawn_again_as_committed():
    picture, joints = CHARACTERS["mascot"]()
    stored = cv2.imread(str(MEDIA / "mascot.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    assert picture.shape == stored.shape
    # Another OpenCV build may round an edge otherwise; a changed drawing differs by far more.
    assert np.abs(picture.astype(int) - stored).mean() < 0.1
    truth = json.loads((MEDIA / "mascot_truth.json").read_text(encoding="utf-8"))
    np.testing.assert_allclose(joints.points(), truth["points"], atol=0.006)  # stored to two places
