"""The types refuse what they are not, when they are made."""

from fractions import Fraction

import numpy as np
import pytest

from motion_transfer.core import (
    WHOLE_BODY,
    Character,
    FrameChunk,
    Motion,
    PoseTrack,
    SourceFile,
    Timeline,
    TransferJob,
    UsageError,
)


def a_track(frames=3, size=(64, 48)):
    return PoseTrack(np.zeros((frames, 133, 2), np.float32), np.ones((frames, 133), np.float32), size)


def test_the_skeleton_is_the_published_order():
    assert WHOLE_BODY.num_joints == 133
    for name, index in {"nose": 0, "left_wrist": 9, "left_big_toe": 17, "right_heel": 22, "face_0": 23,
                        "left_hand_wrist": 91, "left_hand_thumb_1": 92, "right_hand_wrist": 112,
                        "right_hand_little_4": 132}.items():  # fmt: skip
        assert WHOLE_BODY.index(name) == index


def test_mirroring_twice_changes_nothing_and_sides_change_names():
    mirror = WHOLE_BODY.mirror
    assert [mirror[mirror[j]] for j in range(133)] == list(range(133))
    for j, name in enumerate(WHOLE_BODY.joints):
        if "left" in name:
            assert WHOLE_BODY.joints[mirror[j]] == name.replace("left", "right")


def test_bones_form_one_tree_per_part_without_double_children():
    children = [b for _, b in WHOLE_BODY.bones if b > 90]
    assert len(children) == len(set(children)) == 40


def test_points_must_be_finite_and_scores_between_0_and_1():
    good = a_track()
    for points, scores in (
        (np.full_like(good.points, np.nan), good.scores),
        (good.points, good.scores * 2),
        (good.points, -good.scores),
        (good.points.astype(np.float64), good.scores),
        (good.points[:, :18], good.scores[:, :18]),
    ):
        with pytest.raises(ValueError):
            PoseTrack(points, scores, (64, 48))


def test_a_motion_refuses_tracks_of_another_length():
    timeline = Timeline.constant(4, Fraction(24))
    with pytest.raises(ValueError, match="length"):
        Motion((a_track(3),), timeline, SourceFile("a.mp4", "0"), "x")


def test_a_timeline_must_rise_and_keeps_its_stamps_when_cut():
    with pytest.raises(ValueError):
        Timeline(np.array([0, 2, 2], np.int64), Fraction(1, 24), Fraction(24))
    t = Timeline(np.array([5, 7, 10, 11], np.int64), Fraction(1, 1000), Fraction(30), 4)
    assert not t.is_constant
    part = t.cut(1, 3)
    assert part.pts.tolist() == [7, 10] and part.last_duration == 1
    assert t.cut(2, 4).last_duration == 4


def test_a_rate_of_29_97_is_constant_in_a_millisecond_time_base():
    pts = np.array([round(k * 1001 / 30) for k in range(300)], np.int64)
    assert Timeline(pts, Fraction(1, 1000), Fraction(30000, 1001)).is_constant


def test_values_print_shapes_not_pixels():
    chunk = FrameChunk(np.zeros((2, 4, 6, 3), np.uint8), 7)
    assert repr(chunk) == "FrameChunk(7..9, uint8 [2, 4, 6, 3])"
    assert "64x48" in repr(a_track())
    assert len(repr(Character(np.zeros((8, 8, 3), np.uint8), "0"))) < 80


def test_a_job_survives_json_and_refuses_what_is_not_one():
    job = TransferJob("me.png", "dance.mp4", "out.mp4", settings={"driving_smooth": 3.0}, seed=7)
    assert TransferJob.from_json(job.to_json()) == job
    for text in ("", "[]", "{}", '{"character": "a", "driving": "b", "output": "c", "weights": 1}'):
        with pytest.raises(UsageError):
            TransferJob.from_json(text)


@pytest.mark.parametrize(
    "change",
    [{"quality": "best"}, {"resolution": "4k"}, {"seed": -1}, {"seed": 1.5}, {"start_seconds": -1.0},
     {"start_seconds": 3.0, "stop_seconds": 2.0}],
)  # fmt: skip
def test_a_job_is_checked_when_made(change):
    with pytest.raises(UsageError):
        TransferJob("me.png", "dance.mp4", "out.mp4", **change)
