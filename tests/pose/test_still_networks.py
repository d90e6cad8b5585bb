"""The character's joints where there is no MediaPipe: a finder and a pose network look at the picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import Character, MissingPackage, NoPersonFound
from motion_transfer.pose import character_pose
from motion_transfer.pose.character_pose import find_character_pose
from motion_transfer.pose.still_networks import look_at_still

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"


def bundled(name):
    picture = cv2.imread(str(MEDIA / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    alpha = np.ascontiguousarray(picture[..., 3]) if picture.shape[2] == 4 else None
    truth = np.array(json.loads((MEDIA / f"{name}_truth.json").read_text())["points"], np.float32)
    return Character(np.ascontiguousarray(picture[..., 2::-1]), "0", alpha=alpha), truth


@pytest.fixture(autouse=True)
def no_mediapipe(monkeypatch):
    def missing():
        raise MissingPackage("Finding joints needs MediaPipe, which is not installed.")

    monkeypatch.setattr(character_pose, "StillWatcher", missing)


class Networks:
    """Knows the truth, in shares of the picture; the finder gives the boxes that it is told."""

    def __init__(self, joints, *boxes, sure=0.9):
        self.joints, self.boxes, self.sure = joints, np.array(boxes, np.float32).reshape(-1, 4), sure

    def find(self, frames):
        assert frames.dtype == np.uint8 and len(frames) == 1
        size = np.tile(frames.shape[2:0:-1], 2)
        return [(self.boxes * size, np.full(len(self.boxes), self.sure, np.float32))]

    def estimate(self, frames, boxes, frame_of):
        assert boxes.shape == (len(frame_of), 4)
        size = np.array(frames.shape[2:0:-1], np.float32)
        points = np.repeat((self.joints * size)[None], len(boxes), 0)
        centre = self.joints[:17].mean(0) * size
        inside = (boxes[:, :2] < centre).all(1) & (centre < boxes[:, 2:]).all(1)
        scores = np.repeat(np.where(inside, 0.9, 0.05)[:, None], 133, 1)
        return points.astype(np.float32), scores.astype(np.float32)


def looker(networks):
    return lambda: lambda picture: look_at_still(picture, networks, networks)


@pytest.mark.parametrize("boxes", [[(0.1, 0.02, 0.9, 0.98)], [], [(0.0, 0.0, 0.1, 0.1), (0.1, 0.02, 0.9, 0.98)]])
def test_the_networks_joints_are_taken(boxes):
    """Also where the finder sees nobody, as with drawings, or somebody else first."""
    character, truth = bundled("heroine")
    notes = []
    track = find_character_pose(character, notes.append, otherwise=looker(Networks(truth / character.size, *boxes)))
    assert not notes
    assert np.abs(track.points[0] - truth).max() < 2 and track.scores.min() > 0.8


def test_an_answer_that_is_no_body_gives_way_to_the_outline():
    character, truth = bundled("mascot")
    wrong = (truth * 0.1 + 5) / character.size  # a tiny body in the corner
    notes = []
    track = find_character_pose(character, notes.append, otherwise=looker(Networks(wrong)))
    error = 100 * np.linalg.norm(track.points[0, :17] - truth[:17], axis=1) / np.ptp(truth[:, 1])
    assert error.mean() < 6 and len(notes) == 1 and "silhouette" in notes[0] and "`character_pose`" in notes[0]


def test_without_networks_and_outline_what_is_missing_is_said():
    random = np.random.default_rng(0)
    noise = Character(random.integers(0, 256, (90, 90, 3), np.uint8), "0")
    with pytest.raises(MissingPackage, match="MediaPipe"):
        find_character_pose(noise)
    nobody = Networks(np.zeros((133, 2), np.float32))
    with pytest.raises(NoPersonFound, match="`character_pose`"):
        find_character_pose(noise, otherwise=looker(nobody))
