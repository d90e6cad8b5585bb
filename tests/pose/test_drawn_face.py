"""Faces that are lights on a screen, on the demo's robot whose joints are known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import FACE
from motion_transfer.pose.drawn_face import find_drawn_face

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"


def test_lights_on_a_dark_screen_are_eyes_and_mouth():
    """Its pupils were taken for eyes and the shadow under its chin for a mouth, which opened there."""
    picture = cv2.cvtColor(cv2.imread(str(MEDIA / "robot.png"), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    share = picture[..., 3:] / 255
    pixels = np.rint(picture[..., :3] * share + 127 * (1 - share)).astype(np.uint8)
    truth = np.array(json.loads((MEDIA / "robot_truth.json").read_text(encoding="utf-8"))["points"])[:, :2]
    head = truth[[3, 4]]
    face = find_drawn_face(pixels, head.mean(0), float(np.linalg.norm(head[0] - head[1])) / 1.9)
    assert face is not None
    known = truth[FACE]
    for part in (slice(36, 42), slice(42, 48)):
        assert np.hypot(*(face[part].mean(0) - known[part].mean(0))) < 4  # px of a head 400 px wide
        assert 0.8 < np.ptp(face[part][:, 0]) / np.ptp(known[part][:, 0]) < 1.25
    mouth, there = face[48:60], known[48:60]
    assert np.hypot(*((mouth.min(0) + mouth.max(0)) / 2 - (there.min(0) + there.max(0)) / 2)) < 8
    assert 0.8 < np.ptp(mouth[:, 0]) / np.ptp(there[:, 0]) < 1.25  # the mouth, not the tongue in it
    assert (face[17:27, 1] < face[36:48, 1].min()).all()
