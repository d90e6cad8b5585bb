"""FACE_LANDMARKS as ComfyUI's own node gives them: who is who, and what is no such thing."""

from __future__ import annotations

import numpy as np
import pytest

from motion_transfer.core import FACE, NoPersonFound, UsageError
from motion_transfer.face_motion.landmark_faces import tracks_of_landmarks
from motion_transfer.pose.mediapipe_order import FACE_68_FROM_MESH


def face_at(x: float, y: float, size: float, score: float = 0.9) -> dict:
    rng = np.random.default_rng(4)
    return {"landmarks_xy": (rng.random((478, 2)) * size + [x, y]).astype(np.float32), "score": score}


def test_faces_are_followed_and_the_largest_comes_first():
    frames = [[face_at(200 + t, 50, 40), face_at(20, 60 + t, 90)] for t in range(4)]
    frames[1].reverse()
    frames[2] = frames[2][1:]  # the small face is not found once
    large, small = tracks_of_landmarks({"frames": frames, "image_size": (240, 320)})
    assert large.size == (320, 240) and large.num_frames == 4
    assert abs(large.points[1, FACE] - frames[1][0]["landmarks_xy"][FACE_68_FROM_MESH])[:17].max() < 1e-4
    assert (large.scores[:, FACE] > 0.8).all() and not large.scores[:, 5:17].any()
    assert small.scores[:, 40].tolist() == pytest.approx([0.9, 0.9, 0, 0.9], abs=1e-6)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (None, "lists of faces"),
        ({"frames": [1]}, "lists of faces"),
        ({"frames": [[]]}, "the size of their picture"),
        ({"frames": [[{}]], "image_size": (9, 9)}, r"frame 0 are \[0\]"),
        ({"frames": [[{"landmarks_xy": np.full((478, 2), np.nan)}]], "image_size": (9, 9)}, "finite px"),
        ({"frames": [], "image_size": (9, 9)}, "not 0"),
    ],
)
def test_what_is_no_face_is_told_in_one_line(payload, told):
    with pytest.raises(UsageError, match=told) as refused:
        tracks_of_landmarks(payload)
    assert "\n" not in str(refused.value)


def test_frames_without_any_face_are_told():
    with pytest.raises(NoPersonFound, match="None of the 2 frames"):
        tracks_of_landmarks({"frames": [[], []], "image_size": (9, 9)})
