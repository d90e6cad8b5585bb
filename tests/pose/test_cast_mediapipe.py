"""MediaPipe follows whoever is pointed at: two dancers side by side in one picture, made of the demo's clip."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import NoPersonFound, PersonChoice
from motion_transfer.pose import mediapipe_import
from motion_transfer.pose.detector import open_detector
from motion_transfer.video import open_video

pytestmark = pytest.mark.skipif(not mediapipe_import.has_solutions(), reason="MediaPipe 0.10.21 is not installed")
CLIP = Path(__file__).resolve().parents[2] / "demo" / "media" / "dancer.mp4"
NUM_FRAMES = 5


@pytest.fixture(scope="module")
def two_dancers():
    """uint8 `[5,360,460,3]`: the dancer at the left; at the right a smaller one in blue, mirrored, somewhat later."""
    pixels = next(open_video(CLIP).chunks(NUM_FRAMES + 8)).pixels[:, :, 400:860]
    small = np.stack([cv2.resize(p, (230, 360), interpolation=cv2.INTER_AREA) for p in pixels])
    other = small[8:, :, ::-1, [1, 2, 0]]
    smaller = np.stack([cv2.resize(p, (196, 306), interpolation=cv2.INTER_AREA) for p in other])
    both = np.concatenate([small[:NUM_FRAMES], np.empty_like(small[:NUM_FRAMES])], axis=2)
    both[:, :, 230:] = np.median(other[0].reshape(-1, 3), axis=0).astype(np.uint8)
    both[:, 54:, 247:443] = smaller
    return both


@pytest.fixture(scope="module")
def detector():
    with open_detector("mediapipe") as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "is_right"),
    [("auto", False), ("point:115,180@0", False), ("point:345,210@0", True), ("box:240,60,450,355@4", True)],
)
def test_whoever_is_pointed_at_is_followed_from_the_first_frame_on(two_dancers, detector, text, is_right):
    choice = PersonChoice.parse(text)
    if choice.is_place:
        detector.choose(two_dancers[choice.frame], choice, choice.frame)
    points, scores = detector.detect(two_dancers)
    hips = points[:, [11, 12], 0].mean(axis=1)
    assert (scores[:, [11, 12]] > 0.5).all() and ((hips > 230) == is_right).all()


def test_a_mask_means_the_one_it_covers_and_a_cut_does_not_lose_them(two_dancers, detector):
    mask = np.zeros((36, 46), bool)
    mask[6:, 24:45] = True
    detector.choose(two_dancers[2], PersonChoice.parse("mask:who.png@2").with_mask(mask), 2)
    points, scores = zip(*detector.follow((f, t == 3) for t, f in enumerate(two_dancers)), strict=True)
    assert all(s[11] > 0.5 and p[11, 0] > 230 for p, s in zip(points, scores, strict=True))


def test_nobody_at_the_place_is_told_with_what_would_do(two_dancers, detector):
    with pytest.raises(NoPersonFound, match=r"Nobody was found at point:5,5@0"):
        detector.choose(two_dancers[0], PersonChoice.parse("point:5,5@0"), 0)
