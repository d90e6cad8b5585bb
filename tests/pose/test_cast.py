"""Casting: the words for a choice, the automatic rule, and who is meant by a click, a box or a mask at a frame."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from crowds import walk

from motion_transfer import core
from motion_transfer.core import (
    Motion,
    NoPersonFound,
    PersonChoice,
    PoseTrack,
    SourceFile,
    Timeline,
    UsageError,
)
from motion_transfer.pose.cast import choose_person, chosen_index, main_index, people

SIZE = (832, 480)


def track(joints):
    there = ~np.isnan(joints).any(axis=(1, 2))
    joints = np.where(there[:, None, None], joints, 0).astype(np.float32)
    return PoseTrack(np.ascontiguousarray(joints[..., :2]), np.ascontiguousarray(joints[..., 2]), SIZE)


@pytest.fixture(scope="module")
def motion():
    """1: large and central; 2: a child at the right; 3: walks in at frame 60, at the left."""
    a = walk(1, "adult", 400, 430, 96, wave=False)
    b = walk(2, "child", 640, 650, 96, px_per_m=175)
    c = walk(3, "adult", 100, 140, 96, px_per_m=180)
    c[:60] = np.nan
    codes = {"encoder": np.ones((96, 20), np.float32)}
    return Motion(
        (track(a), track(b), track(c)), Timeline.constant(96, Fraction(24)), SourceFile("clip.mp4", "0"), "made", (48,), codes
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("auto", PersonChoice()),
        ("2", PersonChoice("index", index=2)),
        ("point:640,200@48", PersonChoice("point", numbers=(640, 200), frame=48)),
        ("point:640.5,200", PersonChoice("point", numbers=(640.5, 200))),
        ("box:500,80,780,700@2.5s", PersonChoice("box", numbers=(500, 80, 780, 700), seconds=2.5)),
        ("mask:C:\\me@home\\who.png@48", PersonChoice("mask", mask_file="C:\\me@home\\who.png", frame=48)),
        ("mask:me@home/who.png", PersonChoice("mask", mask_file="me@home/who.png")),
    ],
)
def test_the_words_are_read_and_written_the_same(text, choice):
    assert PersonChoice.parse(text) == choice
    assert PersonChoice.parse(str(choice)) == choice


@pytest.mark.parametrize(
    "text",
    ["", "all", "-1", "0", "99", "1.5", "point", "point:", "point:1", "point:1,2,3", "point:a,b", "point:nan,3",
     "point:1,2@", "point:1,2@x", "point:1,2@2.5", "point:1,2@-3", "box:1,2,3", "box:5,5,5,9", "box:9,2,3,8", "mask:",
     "mask:@4", "face:1,2"],
)  # fmt: skip
def test_other_words_are_refused_in_one_line_with_what_would_work(text):
    with pytest.raises(UsageError) as told:
        PersonChoice.parse(text)
    assert "\n" not in str(told.value) and len(str(told.value)) > 20


def test_everybody_is_listed_with_presence_time_and_size(motion):
    listed = people(motion)
    assert [p.number for p in listed] == [1, 2, 3]
    assert [round(p.presence, 3) for p in listed] == [1, 1, 0.375]
    assert (listed[2].first_seconds, listed[2].last_seconds) == (60 / 24, 95 / 24)
    assert listed[0].height_px > 1.3 * listed[1].height_px
    assert 390 < (listed[0].box[0] + listed[0].box[2]) / 2 < 440
    assert str(listed[2]).startswith("3: seen in 38 % of the frames, 2.5 to 4.0 s")


def test_the_main_person_is_large_long_there_and_central(motion):
    a, b, c = motion.tracks
    assert [main_index(t) for t in ((a, b, c), (b, a, c), (c, b, a))] == [0, 1, 2]
    near_border = PoseTrack(a.points + np.float32([380, 0]), a.scores, SIZE)
    assert main_index((near_border, a)) == 1
    short = PoseTrack(a.points, np.where(np.arange(96)[:, None] < 20, a.scores, 0).astype(np.float32), SIZE)
    assert main_index((short, a)) == 1 and main_index((short, b)) == 1


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("auto", 0), ("1", 0), ("2", 1), ("3", 2),
        ("point:415,300@10", 0), ("point:645,330@10", 1), ("point:120,250@70", 2), ("point:645,330@0.4s", 1),
        ("point:120,250@90", 2), ("point:105,250@55", 2),  # five frames before they come in
        ("box:560,180,740,470@10", 1), ("box:330,100,500,470@10", 0), ("box:10,60,230,470@80", 2),
    ],
)  # fmt: skip
def test_who_is_meant(motion, text, who):
    assert chosen_index(motion, PersonChoice.parse(text)) == who


def around(motion, who, frame, joints, grown):
    """The box around some joints of a person, as a face or hand detector draws it; px, x0 y0 x1 y1."""
    points = motion.tracks[who].points[frame, joints]
    low, high = points.min(axis=0), points.max(axis=0)
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 2.0) * grown
    return tuple(np.concatenate([centre - half, centre + half]).tolist())


@pytest.mark.parametrize("grown", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("joints", [core.FACE, core.LEFT_HAND, core.RIGHT_HAND])
@pytest.mark.parametrize(("who", "frame"), [(0, 10), (1, 10), (2, 80)])
def test_a_box_around_a_face_or_a_hand_means_whose_it_is(motion, who, frame, joints, grown):
    box = around(motion, who, frame, joints, grown)
    assert chosen_index(motion, PersonChoice("box", numbers=box, frame=frame)) == who


def test_a_box_on_the_body_without_a_joint_in_it_means_whose_body_it_is(motion):
    hips, knees = (motion.tracks[1].points[10, k] for k in ([11, 12], [13, 14]))
    x, y = (hips.mean(axis=0) + knees.mean(axis=0)) / 2
    assert chosen_index(motion, PersonChoice("box", numbers=(x - 2, y - 2, x + 2, y + 2), frame=10)) == 1


def test_of_two_who_stand_before_each_other_the_face_says_who_is_meant(motion):
    """The child stands before the adult, its face on the adult's trunk: both boxes of people hold it."""
    adult, child, _ = motion.tracks
    there = np.float32(adult.points[10, 5:13].mean(axis=0) - child.points[10, 0])
    before = PoseTrack(child.points + there, child.scores, SIZE)
    both = replace(motion, tracks=(adult, before), face_codes={})
    for who in (0, 1):
        box = around(both, who, 10, core.FACE, 1.3)
        assert chosen_index(both, PersonChoice("box", numbers=box, frame=10)) == who
        whole = around(both, who, 10, slice(0, 17), 1.1)
        assert chosen_index(both, PersonChoice("box", numbers=whole, frame=10)) == who


def test_a_box_around_everything_means_nobody_small_in_it(motion):
    """It holds all joints of the child, who fills less than a tenth of it."""
    alone = replace(motion, tracks=motion.tracks[1:2], face_codes={})
    with pytest.raises(NoPersonFound):
        chosen_index(alone, PersonChoice.parse("box:0,0,832,480@10"))


def test_a_mask_of_any_size_means_whose_joints_it_covers(motion):
    mask = np.zeros((48, 83), bool)
    mask[15:, 56:74] = True
    choice = PersonChoice.parse("mask:who.png@10").with_mask(mask)
    assert chosen_index(motion, choice) == 1
    with pytest.raises(NoPersonFound, match=r"Nobody is at mask:who\.png@10"):
        chosen_index(motion, choice.with_mask(np.zeros((48, 83), bool)))
    with pytest.raises(UsageError, match="not read"):
        chosen_index(motion, PersonChoice.parse("mask:who.png@10"))


@pytest.mark.parametrize("text", ["point:5000,10", "point:10,480@3", "point:-1,10@10", "box:832,0,900,480@10"])
def test_a_place_outside_the_picture_is_told_with_the_pictures_size(motion, text):
    with pytest.raises(UsageError, match=r"is outside the picture, which has 832x480 px: x goes from 0 to 831, y from"):
        choose_person(motion, PersonChoice.parse(text))
    PersonChoice.parse("box:800,400,2000,2000@10").check_within(motion.size)  # reaches out, and is in it too


@pytest.mark.parametrize("text", ["point:20,20@10", "point:120,250@40", "point:120,250@47", "box:0,0,60,60@3"])
def test_nobody_at_the_place_is_told_with_who_there_is(motion, text):
    with pytest.raises(NoPersonFound, match=r"Nobody is at .*; there are 1: seen in 100 %.*; 2: .*; 3: seen in 38 %"):
        choose_person(motion, PersonChoice.parse(text))


@pytest.mark.parametrize(
    ("text", "told"),
    [("4", "no person 4; the motion has 3"), ("point:9,9@96", "frame 96, but the clip ends with frame 95"),
     ("point:9,9@4.1s", "at 4.1 s, but the clip is 4.00 s long")],
)  # fmt: skip
def test_numbers_and_moments_that_there_are_not(motion, text, told):
    with pytest.raises(UsageError, match=told):
        choose_person(motion, PersonChoice.parse(text))


def test_the_chosen_one_comes_first_and_nobody_is_lost(motion):
    chosen = choose_person(motion, PersonChoice.parse("3"))
    assert [id(t) for t in chosen.tracks] == [id(motion.tracks[k]) for k in (2, 0, 1)]
    assert chosen.num_frames == 96 and chosen.cuts == motion.cuts and chosen.timeline is motion.timeline
    alone = choose_person(motion, PersonChoice.parse("3"), alone=True)
    assert [id(t) for t in alone.tracks] == [id(motion.tracks[2])]


def test_face_codes_stay_with_the_person_they_were_read_from(motion):
    assert choose_person(motion, PersonChoice.parse("auto")).face_codes == motion.face_codes
    assert choose_person(motion, PersonChoice.parse("2")).face_codes == {}


def test_seconds_mean_the_frame_that_is_shown_then():
    timeline = Timeline(np.array([90, 190, 290, 590], np.int64), Fraction(1, 1000), Fraction(10))
    at = {t: PersonChoice("point", numbers=(1, 1), seconds=t).at(timeline) for t in (0, 0.0996, 0.19, 0.3, 0.49, 0.55)}
    assert at == {0: 0, 0.0996: 1, 0.19: 1, 0.3: 2, 0.49: 2, 0.55: 3}
