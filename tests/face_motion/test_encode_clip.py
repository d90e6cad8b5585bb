"""A whole clip becomes codes, a batch at a time."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from stock_lmd import random_official

from motion_transfer.core import FACE, Cancelled, InputError, PoseTrack
from motion_transfer.face_motion.encode_clip import encode_clip
from motion_transfer.face_motion.lmd_encoder import LmdEncoder
from motion_transfer.pose.face_boxes import cut_face, steady_face_boxes
from motion_transfer.run.host import LocalHost
from motion_transfer.video.frame_list import FrameList

T, SIZE = 11, (96, 80)


@pytest.fixture(scope="module")
def encoder():
    return LmdEncoder(random_official(64))


@pytest.fixture
def clip():
    draw = np.random.default_rng(0)
    frames = draw.integers(0, 256, (T, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    points = np.zeros((T, 133, 2), np.float32)
    points[:, FACE] = draw.uniform(20, 60, (1, 68, 2)) + np.arange(T)[:, None, None]
    scores = np.zeros((T, 133), np.float32)
    scores[:, FACE] = 0.9
    return frames, PoseTrack(points, scores, SIZE)


def test_every_frame_has_the_code_of_its_own_crop(encoder, clip):
    frames, track = clip
    steps = []
    host = LocalHost(on_step=lambda done, total, stage: steps.append((done, total, stage)))
    name, codes = encode_clip(FrameList(frames, Fraction(30)), track, encoder, host, batch=4)
    boxes, _ = steady_face_boxes(track, 30)
    expected = encoder.encode(np.stack([cut_face(f, b, 64) for f, b in zip(frames, boxes, strict=True)]))
    assert name == encoder.encoder_id and codes.dtype == np.float32
    assert np.allclose(codes, expected, rtol=0, atol=1e-4 * np.abs(expected).max())  # other batches, other roundings
    assert steps == [(4, T, "face"), (8, T, "face"), (T, T, "face")]


def test_frames_without_a_face_are_bridged(encoder, clip):
    frames, track = clip
    scores = track.scores.copy()
    scores[5] = 0
    _, codes = encode_clip(FrameList(frames, 30), PoseTrack(track.points, scores, SIZE), encoder, LocalHost())
    assert np.allclose(codes[5], (codes[4] + codes[6]) / 2, atol=1e-4 * np.abs(codes).max())


def test_a_clip_without_faces_gets_the_code_of_no_face_and_a_note(encoder, clip):
    frames, track = clip
    notes: list[str] = []
    bare = PoseTrack(track.points, np.zeros_like(track.scores), SIZE)
    _, codes = encode_clip(FrameList(frames, 30), bare, encoder, LocalHost(on_note=notes.append))
    assert np.array_equal(codes, np.repeat(encoder.no_face()[None], T, axis=0)) and "No frame" in notes[0]


def test_a_shorter_video_and_a_cancel_end_it(encoder, clip):
    frames, track = clip
    with pytest.raises(InputError, match="only 6 frames and the motion 11"):
        encode_clip(FrameList(frames[:6], 30), track, encoder, LocalHost())
    host = LocalHost()
    host.cancel.set()
    with pytest.raises(Cancelled):
        encode_clip(FrameList(frames, 30), track, encoder, host)
