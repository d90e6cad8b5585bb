"""All faces of a still picture: two portraits side by side, one of them small, and a picture of nobody."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.pose.mediapipe_import import has_solutions
from motion_transfer.pose.still_faces import find_faces
from motion_transfer.video import read_character

PICTURE = Path(__file__).resolve().parents[2] / "demo" / "media" / "heroine.png"


@pytest.mark.skipif(not has_solutions(), reason="the MediaPipe that is installed brings no models")
def test_faces_are_found_from_left_to_right_whatever_their_size():
    whole = read_character(PICTURE)
    white = np.where(whole.alpha[..., None] > 127, whole.pixels, 255).astype(np.uint8) if whole.alpha is not None else whole.pixels  # fmt: skip
    one = cv2.resize(white, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    height, width = one.shape[:2]
    group = np.full((height, 2 * width, 3), 255, np.uint8)
    group[:, width:] = one
    small = cv2.resize(one, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    group[: height // 2, : width // 2] = small
    alone, both = find_faces(one), find_faces(group)
    assert len(alone) == 1 and len(both) == 2
    middles = [face.mean(axis=0) for face in both]
    own = alone[0].mean(axis=0)
    face_px = float(np.ptp(alone[0], axis=0).max())
    # the detector places a face anew in every framing: within a tenth of its size
    assert np.abs(middles[1] - own - (width, 0)).max() < 0.1 * face_px
    assert np.abs(middles[0] - own / 2).max() < 0.1 * face_px
    assert len(find_faces(group, thorough=False)) == 1  # the small one is a 32nd of the picture
    assert find_faces(np.full((120, 160, 3), 128, np.uint8)) == []
