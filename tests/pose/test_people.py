"""Following several people through crossings, drop-outs, hiding, late coming and leaving."""

import itertools

import numpy as np
import pytest
from crowds import box, seen_by_detector, switches, two_crossing, walk

from motion_transfer.pose.people import KEEP_LOST_FRAMES, PeopleTracker, box_of, oks, overlap

SEEDS = range(30)


def numbers_of(scene, tracker=None):
    tracker = tracker or PeopleTracker()
    return [tracker.step(people[..., :2], people[..., 2]) for people in scene.frames]


def largest_box(scene):
    """What is done without memory: the person of each frame whose box is largest."""
    followed = [
        who[int(np.argmax([np.prod(box(p)[2:] - box(p)[:2]) for p in people]))]
        for people, who in zip(scene.frames, scene.truth, strict=True)
        if who
    ]
    return sum(a != b for a, b in itertools.pairwise(followed))


@pytest.fixture(scope="module")
def crossings():
    return [two_crossing(seed) for seed in SEEDS]


def test_two_people_who_cross_keep_their_numbers_in_all_of_thirty_clips(crossings):
    hidden = sum(len(who) < 2 for scene in crossings for who in scene.truth)
    assert hidden > 30 * 12  # drop-outs and the one behind: there is something to get wrong
    found = [switches(numbers_of(scene), scene.truth) for scene in crossings]
    assert [count for count, _ in found] == [0] * len(SEEDS)
    assert [purity for _, purity in found] == [1.0] * len(SEEDS)


def test_the_largest_box_of_each_frame_would_change_the_person(crossings):
    changes = [largest_box(scene) for scene in crossings]
    assert min(changes) >= 2 and np.mean(changes) > 10


def test_three_people_one_late_one_leaving_keep_their_numbers():
    for seed in range(4):
        a = walk(seed, "adult", 640, 190, 96)
        b = walk(seed + 50, "child", 190, 640, 96, px_per_m=175, yaw=-1.35, wave=False)
        c = walk(seed + 90, "lanky", 300, 520, 96, px_per_m=150, yaw=1.2)
        b[70:], c[:24] = np.nan, np.nan  # b leaves, c comes
        scene = seen_by_detector([a, b, c], seed)
        assert switches(numbers_of(scene), scene.truth) == (0, 1.0)
        assert {who: n for here, ids in zip(scene.truth, numbers_of(scene), strict=True) for who, n in zip(here, ids, strict=True)}.keys() == {0, 1, 2}  # fmt: skip


def test_somebody_unseen_for_half_a_second_is_the_same_and_later_is_new():
    person = walk(3, "adult", 300, 420, 60, wave=False)
    for gap, same in ((KEEP_LOST_FRAMES - 1, True), (KEEP_LOST_FRAMES + 1, False)):
        tracker, numbers = PeopleTracker(), []
        for t in range(60):
            here = person[t][None] if not 20 <= t < 20 + gap else person[:0]
            numbers += tracker.step(here[..., :2], here[..., 2])
        assert (len(set(numbers)) == 1) == same


def test_after_a_cut_nobody_is_known_and_numbers_are_new():
    person, tracker = walk(3, "adult", 300, 320, 40), PeopleTracker()
    first = tracker.step(person[:1, :, :2], person[:1, :, 2])
    tracker.reset()
    assert tracker.step(person[1:2, :, :2], person[1:2, :, 2])[0] not in first


def test_the_units_do_not_matter(crossings):
    scene = crossings[0]
    small = type(scene)([people * [1 / 4000, 1 / 4000, 1] for people in scene.frames], scene.truth)
    assert numbers_of(small) == numbers_of(scene)


def test_predictions_go_on_at_the_same_speed():
    person = walk(5, "adult", 200, 500, 61, wave=False)  # 5 px a frame
    tracker = PeopleTracker()
    for t in range(40):
        tracker.step(person[t][None, :, :2], person[t][None, :, 2])
    (followed,), boxes = tracker.boxes_in(4)
    middle = (boxes[0, 0] + boxes[0, 2]) / 2
    now = tracker.boxes_in(0)[1][0]
    assert middle - (now[0] + now[2]) / 2 == pytest.approx(20, abs=4)  # legs swing, the torso goes on
    assert followed in tracker.here and not tracker.lost
    tracker.step(person[:0, :, :2], person[:0, :, 2])
    assert tracker.lost == [followed]


def test_likeness_of_joints_is_one_for_the_same_and_falls_with_distance():
    joints = walk(1, "adult", 300, 300, 40)[0]
    points, seen = joints[:, :2].astype(float), joints[:, 2] > 0.3
    area = float(np.prod(box_of(points, seen)[2:] - box_of(points, seen)[:2]))
    assert oks(points, seen, points, seen, area) == 1
    near, far = (oks(points, seen, points + d, seen, area) for d in (5, 60))
    assert 0.8 < near < 1 and far < 0.4
    nothing = np.zeros_like(seen)
    assert oks(points, seen, points, nothing, area) == 0
    hands = nothing.copy()
    hands[91:133] = True
    assert oks(points, hands, points, hands, area) == 1  # only hands are seen: they count instead


def test_overlap_of_boxes():
    assert overlap(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])) == pytest.approx(1 / 3)
    assert overlap(np.array([0, 0, 2, 2]), np.array([3, 0, 4, 2])) == 0
    assert overlap(np.array([1, 1, 1, 1]), np.array([1, 1, 1, 1])) == 0


def test_memory_does_not_grow_with_the_clip():
    person, tracker = walk(5, "adult", 200, 500, 40, wave=False), PeopleTracker()
    for t in range(2000):
        if t % 40 < 20:  # gone for longer than anybody is expected: a new number each time
            tracker.step(person[0][None, :, :2], person[0][None, :, 2])
        else:
            tracker.step(person[:0, :, :2], person[:0, :, 2])
        assert len(tracker.people) <= 1  # whoever is not expected any more is forgotten
