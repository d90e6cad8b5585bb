"""Pieces of people joined again: after hiding, after cuts, by colours or by place; and OpenPose frames of a crowd."""

import numpy as np
import pytest
from crowds import switches, two_crossing, walk

from motion_transfer.pose.openpose_people import link_people
from motion_transfer.pose.people import SEEN
from motion_transfer.pose.reunite import Stretch, reunite


def colours(*bins):
    histogram = np.zeros(64)
    histogram[list(bins)] = 1 / len(bins)
    return histogram


RED, BLUE, REDDISH = colours(3, 4), colours(20, 21), colours(3, 5)
PERSON = walk(2, "adult", 300, 500, 60, wave=False)


def piece(start, stop, *, colour=None, shift=0.0, scale=1.0):
    """Frames start..stop of one walk, moved and enlarged."""
    joints = PERSON[np.arange(start, stop) % 60]
    return Stretch(start, joints[..., :2] * np.float32(scale) + np.float32(shift), joints[..., 2], colour)


def test_somebody_who_comes_back_dressed_the_same_is_the_same():
    pieces = [piece(0, 20, colour=RED), piece(50, 60, colour=REDDISH, shift=200)]
    assert reunite(pieces, 60) == [pieces]


def test_somebody_who_comes_back_dressed_otherwise_is_somebody_else():
    pieces = [piece(0, 20, colour=RED), piece(50, 60, colour=BLUE)]
    assert reunite(pieces, 60) == [[pieces[0]], [pieces[1]]]


def test_nobody_comes_back_three_times_as_large_within_a_shot():
    pieces = [piece(0, 20, colour=RED), piece(50, 60, colour=RED, scale=3)]
    assert len(reunite(pieces, 60)) == 2
    assert len(reunite(pieces, 60, cuts=(30,))) == 1  # after a cut: a closer view


@pytest.mark.parametrize(("stop", "shift", "same"), [(40, 30, True), (40, 900, False), (240, 0, False)])
def test_without_colours_place_and_time_decide(stop, shift, same):
    pieces = [piece(0, 20), piece(stop, stop + 10, shift=shift)]
    pieces[1].points += pieces[0].points[-1] - pieces[1].points[0] + np.float32(shift)
    assert (len(reunite(pieces, 300)) == 1) == same


def test_two_people_are_told_apart_by_colours_after_a_cut_where_they_changed_places():
    a, b = piece(0, 30, colour=RED), piece(0, 30, colour=BLUE, shift=300)
    c, d = piece(30, 60, colour=BLUE), piece(30, 60, colour=RED, shift=300)
    found = reunite([a, b, c, d], 60, cuts=(30,))
    assert sorted(map(len, found)) == [2, 2] and [a, d] in found and [b, c] in found


def test_pieces_that_overlap_are_never_one_person():
    found = reunite([piece(0, 30, colour=RED), piece(20, 50, colour=RED)], 60)
    assert len(found) == 2


def test_who_is_alone_in_two_shots_is_one_person_whatever_the_light():
    pieces = [piece(0, 30, colour=RED), piece(30, 60, colour=BLUE)]
    assert reunite(pieces, 60, cuts=(30,)) == [pieces]
    two = [*pieces, piece(31, 60, colour=REDDISH, shift=200)]
    assert len(reunite(two, 60, cuts=(30,))) == 2  # one of them wears what the first wore
    assert [two[0], two[2]] in reunite(two, 60, cuts=(30,))


@pytest.mark.parametrize("unit", [1.0, 1 / 832])
def test_two_people_who_cross_in_openpose_frames_stay_apart(unit):
    for seed in range(5):
        scene = two_crossing(seed)
        frames = [[(p[:, :2] * unit, (p[:, 2] > SEEN).astype(float)) for p in people] for people in scene.frames]
        points, scores = link_people(frames)
        assert points.shape == (2, 96, 133, 2)
        numbers = []
        for t, people in enumerate(frames):
            away = [[np.abs(points[k, t] - p).max() for k in range(2)] for p, _ in people]
            numbers.append([int(np.argmin(a)) for a in away])
        assert switches(numbers, scene.truth) == (0, 1.0)
        there = np.array([[k in who for k in (0, 1)] for who in scene.truth])
        assert (scores.any(axis=2).T.sum(axis=1) == there.sum(axis=1)).all()
