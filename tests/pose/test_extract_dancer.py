"""Extraction against the demo's dancer, whose every joint is known; and beside somebody else."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, SourceFile
from motion_transfer.pose.detector import open_detector
from motion_transfer.pose.extract import extract_motion
from motion_transfer.pose.mediapipe_import import has_solutions
from motion_transfer.video import open_video

pytestmark = pytest.mark.skipif(not has_solutions(), reason="MediaPipe 0.10.21 is not installed")
MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"


class Host:
    device = "cpu"

    def step(self, *_):
        pass

    def note(self, message):
        raise AssertionError(message)


@pytest.fixture(scope="module")
def detector():
    with open_detector() as opened:
        yield opened


@pytest.fixture(scope="module")
def truth():
    return np.load(MEDIA / "dancer_truth.npz")["points"]


def torso_px(truth):
    middle = truth[:, [5, 6]].mean(axis=1) - truth[:, [11, 12]].mean(axis=1)
    return float(np.median(np.hypot(*middle.T)))


def close(points, scores, truth, part, share):
    """Share of the points of `part` that are seen and within `share` of the torso's length."""
    away = np.hypot(*(points - truth)[:, part].transpose(2, 0, 1))
    return float(((away < share * torso_px(truth)) & (scores[:, part] > 0)).mean())


def check_against_truth(points, scores, truth):
    assert close(points, scores, truth, BODY, 0.05) >= 0.95
    assert close(points, scores, truth, LEFT_HAND, 0.10) >= 0.85
    assert close(points, scores, truth, RIGHT_HAND, 0.10) >= 0.85
    assert close(points, scores, truth, FACE, 0.05) >= 0.90
    assert close(points, scores, truth, FEET, 0.10) >= 0.90


@pytest.fixture(scope="module")
def first_frames():
    return next(open_video(MEDIA / "dancer.mp4").chunks(36)).pixels


def test_joints_are_where_the_dancer_has_them(detector, first_frames, truth):
    detector.reset()
    check_against_truth(*detector.detect(first_frames), truth[: len(first_frames)])


@pytest.mark.slow
def test_joints_are_where_the_dancer_has_them_throughout(detector, truth):
    source = open_video(MEDIA / "dancer.mp4")
    motion = extract_motion(source, SourceFile("dancer.mp4", ""), detector, Host())
    assert motion.num_frames == len(truth) and motion.cuts == ()
    check_against_truth(motion.main.points, motion.main.scores, truth)


def test_the_same_bits_however_the_frames_are_handed_over(detector, first_frames):
    frames = first_frames[:6]
    detector.reset()
    points, scores = detector.detect(frames)
    detector.reset()
    parts = [detector.detect(frames[a:b]) for a, b in ((0, 1), (1, 4), (4, 6))]
    assert np.concatenate([p for p, _ in parts]).tobytes() == points.tobytes()
    assert np.concatenate([s for _, s in parts]).tobytes() == scores.tobytes()


def with_somebody_else(frame, small):
    """The dancer on the left of a wide picture; on its right a smaller one in other colours."""
    height = frame.shape[0]
    wide = np.concatenate([frame[:, 300:980], frame[:, 300:980]], axis=1)
    half = cv2.resize(small[:, 300:980, ::-1], None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    wide[:, 680:] = frame[:1, :1]
    wide[height - half.shape[0] :, 760 : 760 + half.shape[1]] = half
    return np.ascontiguousarray(wide)


def test_the_main_person_is_kept_and_nobody_else_is_taken_for_them(detector, first_frames, truth):
    frames = np.stack([with_somebody_else(frame, first_frames[0]) for frame in first_frames[:12]])
    frames[6:9, :, :700] = frames[0, 0, 0]  # gone behind something
    detector.reset()
    points, scores = detector.detect(frames)
    there = np.array([True] * 6 + [False] * 3 + [True] * 3)
    assert (scores[:, BODY].mean(axis=1) > 0.5).tolist() == there.tolist()
    assert not scores[~there].any()
    shifted = truth[:12] - [300, 0]
    assert close(points[there], scores[there], shifted[there], BODY, 0.10) > 0.9


def test_left_is_the_persons_own_left(detector, first_frames, truth):
    mirrored = np.ascontiguousarray(first_frames[:1, :, ::-1])
    detector.reset()
    points, scores = detector.detect(mirrored)
    detector.reset()
    # A mirrored person's left arm is what was the right one.
    assert np.abs(points[0, 9, 0] - (1279 - truth[0, 10, 0])) < 0.1 * torso_px(truth[:1])
    assert scores[0, 9] > 0.5
