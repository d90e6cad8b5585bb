"""Names of contents: equal for equal contents, different for everything that determines a frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from motion_transfer.core import Character, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.run.digests import array_digest, character_digest, digest_of, motion_digest


def a_motion(num_frames=5):
    random = np.random.default_rng(0)
    track = PoseTrack(
        random.uniform(0, 90, (num_frames, 133, 2)).astype(np.float32),
        random.uniform(0, 1, (num_frames, 133)).astype(np.float32),
        (100, 90),
    )
    return Motion((track,), Timeline.constant(num_frames, Fraction(25)), SourceFile("a.mp4", "0" * 64), "d-1")


def test_order_of_keys_and_memory_layout_do_not_matter():
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert array_digest(array) == array_digest(np.asfortranarray(array)) == array_digest(array.astype(">f4"))
    assert array_digest(array) != array_digest(array.reshape(4, 3))
    assert array_digest(array) != array_digest(array.astype(np.float64))
    assert array_digest(None) != array_digest(np.zeros((0,), np.uint8))


def test_a_motions_file_name_does_not_count():
    motion = a_motion()
    moved = replace(motion, source=replace(motion.source, path="elsewhere/b.mp4"))
    assert motion_digest(moved) == motion_digest(motion)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, detector="d-2"),
        lambda m: replace(m, cuts=(2,)),
        lambda m: replace(m, timeline=Timeline.constant(5, Fraction(24))),
        lambda m: replace(m, timeline=replace(m.timeline, last_duration=2)),
        lambda m: replace(m, tracks=(replace(m.main, points=m.main.points + np.float32(1e-3)),)),
        lambda m: replace(m, tracks=(m.main, m.main)),
        lambda m: replace(m, face_codes={"lmd": np.zeros((5, 20), np.float32)}),
        lambda m: replace(m, source=replace(m.source, sha256="1" * 64)),
    ],
)
def test_everything_else_in_a_motion_counts(change):
    assert motion_digest(change(a_motion())) != motion_digest(a_motion())


def test_pixels_cut_out_and_joints_of_a_character_count_but_not_its_name():
    plain = Character(np.zeros((8, 8, 3), np.uint8), "s")
    pose = a_motion(1).main
    variants = [
        plain,
        replace(plain, pixels=np.ones((8, 8, 3), np.uint8)),
        replace(plain, alpha=np.zeros((8, 8), np.uint8)),
        replace(plain, pose=replace(pose, size=(8, 8))),
    ]
    assert len({character_digest(v) for v in variants}) == len(variants)
    assert character_digest(replace(plain, name="other")) == character_digest(plain)
