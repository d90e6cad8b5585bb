"""Everybody in a clip, with stub networks: who is who, when the finder looks, late, never, brief, cut, and how much memory."""

import threading
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from crowds import walk
from stub_networks import COLOURS, Host, People, StubFinder, StubPose

from motion_transfer.core import (
    Cancelled,
    MissingWeights,
    NoPersonFound,
    PersonChoice,
    SourceFile,
    UnreadableVideo,
    VideoInfo,
)
from motion_transfer.pose.top_down import FIND_EVERY, extract_people

FILE = SourceFile("clip.mp4", "00")
SIZE = (832, 480)


def extract(people, *, finder=None, network=None, **more):
    return extract_people(people, FILE, finder or StubFinder(people), network or StubPose(people), Host(), **more)


def is_track_of(track, joints, *, least=0.9):
    """Whether wherever the track says something it is this person, and how often it should and does."""
    there, seen = ~np.isnan(joints).any(axis=(1, 2)), track.scores.any(axis=1)
    same = np.abs(track.points[seen] - joints[seen, :, :2]).max(axis=(1, 2)) < 1e-3
    return bool(same.all()) and (seen & there).sum() / there.sum() >= least


def crossing(seed=0, num_frames=96):
    return People(
        [
            walk(seed, "adult", 640, 190, num_frames),
            walk(seed + 50, "child", 190, 640, num_frames, px_per_m=175, yaw=-1.35, wave=False),
        ],
        SIZE,
    )


@pytest.mark.parametrize("seed", range(3))
def test_two_people_who_cross_are_two_tracks_of_the_clips_length(seed):
    people = crossing(seed)
    motion = extract(people)
    assert motion.num_frames == 96 and len(motion.tracks) == 2
    assert is_track_of(motion.tracks[0], people.joints[0])  # the larger one
    assert is_track_of(motion.tracks[1], people.joints[1], least=0.75)  # hidden for a while
    assert motion.detector == "stub-finder + stub-pose/people-1" and motion.source is FILE


def test_the_finder_looks_every_eighth_frame_while_all_goes_well():
    people = People([walk(1, "adult", 350, 450, 96, wave=False)], SIZE)
    finder, network = StubFinder(people), StubPose(people)
    motion = extract(people, finder=finder, network=network)
    assert finder.looks == list(range(0, 96, FIND_EVERY))
    assert network.calls == [(4, 4)] * 24  # four frames at a time
    assert is_track_of(motion.main, people.joints[0], least=1.0)


def test_the_finder_looks_at_every_cut_and_people_are_known_again_by_their_colours():
    a = walk(1, "adult", 250, 300, 60)
    b = walk(2, "child", 550, 600, 60, wave=False)
    a[30:, :, 0], b[30:, :, 0] = a[30:, :, 0] + 300, b[30:, :, 0] - 300  # they change places in the next shot
    people = People([a, b], SIZE, cuts=(30,))
    finder = StubFinder(people)
    motion = extract(people, finder=finder)
    assert motion.cuts == (30,) and 30 in finder.looks
    assert len(motion.tracks) == 2
    assert is_track_of(motion.tracks[0], a, least=1.0) and is_track_of(motion.tracks[1], b, least=1.0)


def test_the_finder_looks_again_when_somebody_is_lost_and_joints_are_weak():
    people = People([walk(1, "adult", 350, 450, 64, wave=False)], SIZE)
    finder = StubFinder(people)
    motion = extract(people, finder=finder, network=StubPose(people, blind=lambda t: 17 <= t < 20))
    assert finder.looks[:5] == [0, 8, 16, 20, 28]  # again at the next run, then as usual
    assert motion.main.scores[:, 5].astype(bool).tolist() == [not 17 <= t < 20 for t in range(64)]
    assert len(motion.tracks) == 1


def test_somebody_the_finder_overlooks_is_followed_by_their_joints():
    people = People([walk(1, "adult", 300, 500, 64, wave=False)], SIZE)
    motion = extract(people, finder=StubFinder(people, misses=lambda t: t > 0))
    assert is_track_of(motion.main, people.joints[0], least=1.0)


def test_somebody_missed_at_a_runs_end_keeps_a_box_for_a_while_although_the_finder_overlooks_them():
    people = People([walk(1, "adult", 300, 500, 64, wave=False)], SIZE)
    finder, network = StubFinder(people, misses=lambda t: t > 0), StubPose(people, blind=lambda t: t in (19, 20))
    motion = extract(people, finder=finder, network=network)
    assert motion.main.scores.any(axis=1).tolist() == [t not in (19, 20) for t in range(64)]


def test_a_jumping_person_keeps_a_box():
    joints = walk(1, "adult", 200, 600, 48, wave=False)  # 8 px a frame
    joints[..., 1] -= (80 * np.abs(np.sin(np.arange(48) / 3))).astype(np.float32)[:, None]
    motion = extract(People([joints], SIZE))
    assert is_track_of(motion.main, joints, least=0.95)


def test_somebody_who_comes_late_and_somebody_who_leaves():
    a, b = walk(1, "adult", 250, 300, 96), walk(2, "child", 550, 600, 96, wave=False)
    a[:37], b[60:] = np.nan, np.nan
    motion = extract(People([a, b], SIZE))
    assert motion.num_frames == 96 and len(motion.tracks) == 2
    for joints in (a, b):
        assert any(is_track_of(track, joints, least=0.93) for track in motion.tracks)  # found within four frames


def test_somebody_gone_for_long_is_the_same_person_when_dressed_the_same():
    joints = walk(1, "adult", 250, 500, 96)
    joints[30:70] = np.nan
    motion = extract(People([joints], SIZE))
    assert len(motion.tracks) == 1 and is_track_of(motion.main, joints, least=0.9)


@pytest.mark.parametrize("num_frames", [1, 2, 5, 9])
def test_short_clips_keep_their_person(num_frames):
    people = People([walk(1, "adult", 350, 450, 48)[:num_frames]], SIZE)
    motion = extract(people)
    assert motion.num_frames == num_frames and is_track_of(motion.main, people.joints[0], least=1.0)


def brief(frames=range(50, 56)):
    a, b = walk(1, "adult", 250, 300, 96), walk(2, "child", 550, 600, 96, wave=False)
    gone = np.ones(96, bool)
    gone[list(frames)] = False
    b[gone] = np.nan
    return People([a, b], SIZE)


def test_a_glimpse_is_a_mistake_unless_it_is_pointed_at():
    people = brief(range(48, 56))
    assert len(extract(people).tracks) == 1
    assert len(extract(people, keep=PersonChoice.parse("point:575,300@52")).tracks) == 2
    assert len(extract(people, keep=PersonChoice.parse("point:275,300@52")).tracks) == 1
    assert len(extract(people, keep=PersonChoice.parse("point:10,10@52")).tracks) == 1
    assert len(extract(people, keep=PersonChoice.parse("2")).tracks) == 1


def test_a_glimpse_is_kept_where_nobody_else_is():
    people = brief(range(48, 56))
    people.joints = [people.joints[1]]
    motion = extract(people)
    assert motion.num_frames == 96 and motion.main.scores.any(axis=1).sum() == 8


def test_nobody_at_all_is_told():
    people = People([np.full((30, 133, 3), np.nan, np.float32)], SIZE)
    with pytest.raises(NoPersonFound, match=r"30 frames of clip\.mp4 \(832x480\).*OpenPose JSON"):
        extract(people)


def test_a_box_without_a_body_is_nobody():
    people = People([walk(1, "adult", 350, 450, 48)], SIZE)
    with pytest.raises(NoPersonFound):
        extract(people, network=StubPose(people, blind=lambda t: True))


def test_no_frames_are_told():
    people = People([walk(1, "adult", 350, 450, 48)], SIZE)
    people.num_frames = 0
    with pytest.raises(UnreadableVideo, match="no frames"):
        extract(people)


def test_two_boxes_on_one_person_are_one_person():
    people = People([walk(1, "adult", 350, 450, 48)], SIZE)

    class Twice(StubFinder):
        def find(self, frames):
            return [(np.concatenate([b, b + 9]), np.concatenate([s, s])) for b, s in super().find(frames)]

    assert len(extract(people, finder=Twice(people)).tracks) == 1


@pytest.mark.parametrize("chunk_frames", [4, 8, 32])
def test_the_length_of_chunks_changes_nothing(chunk_frames):
    people = crossing()
    people.cuts = (38,)
    motion, again = extract(people), extract(people, chunk_frames=chunk_frames)
    for a, b in zip(motion.tracks, again.tracks, strict=True):
        assert (a.points == b.points).all() and (a.scores == b.scores).all()


def test_values_out_of_range_do_no_harm():
    people = People([walk(1, "adult", 350, 450, 48)], SIZE)

    class Odd(StubPose):
        def estimate(self, frames, boxes, frame_of):
            points, scores = super().estimate(frames, boxes, frame_of)
            points[:, 100], scores[:, 101], scores[:, 102] = np.nan, 1.7, -1
            return points, scores

    motion = extract(people, network=Odd(people))
    assert motion.main.scores[:, 100:103].tolist() == [[0, 1, 0]] * 48


def test_modules_are_lent_the_device_for_the_length_of_the_clip():
    people, lent = People([walk(1, "adult", 350, 450, 48)], SIZE), []

    class Lending(Host):
        def on_device(self, module):
            import contextlib

            @contextlib.contextmanager
            def lend():
                lent.append(("on", module))
                yield module
                lent.append(("off", module))

            return lend()

    finder, network = StubFinder(people), StubPose(people)
    network.module = "weights"
    extract_people(people, FILE, finder, network, Lending())
    assert lent == [("on", "weights"), ("off", "weights")]


@pytest.mark.parametrize("cancel_at", [0, 8, 40])
def test_cancelling_passes_through_and_leaves_no_thread(cancel_at):
    class Cancelling(Host):
        def step(self, done, total, stage, preview=None):
            if done >= cancel_at:
                raise Cancelled("stopped")

    people, before = crossing(), set(threading.enumerate())
    with pytest.raises(Cancelled):
        extract_people(people, FILE, StubFinder(people), StubPose(people), Cancelling())
    assert set(threading.enumerate()) == before


def test_progress_rises_to_the_end():
    people, host = crossing(), Host()
    extract_people(people, FILE, StubFinder(people), StubPose(people), host)
    done = [step[0] for step in host.steps]
    assert done == sorted(done) and done[0] == 0 and host.steps[-1] == (96, 96, "motion")


def test_networks_from_files_lead_through_a_clip(tmp_path):
    """ONNX files that answer fixed boxes and the brightest spot of each crop: two lamps, two 'people'."""
    pytest.importorskip("onnxruntime")
    import tiny_networks

    from motion_transfer.pose.networks import network_ids, open_finder, open_pose_network

    rows = np.zeros((1, 8400, 85), np.float32)
    for row in (6400 + 20 * 40 + 10, 6400 + 20 * 40 + 30):  # cells 10 and 30 of row 20, stride 16
        rows[0, row, :4], rows[0, row, 4:6] = [0, 0, np.log(8), np.log(12)], 0.95
    tiny_networks.detector(tmp_path / "yolox_l.onnx", rows)
    tiny_networks.dwpose(tmp_path / "dw-ll_ucoco_384.onnx")
    pixels = np.zeros((12, 640, 640, 3), np.uint8)
    for t in range(12):
        for x in (165, 485):
            pixels[t, 250 + 3 * t : 254 + 3 * t, x - 2 : x + 2] = 255

    class Lamps(People):
        def __init__(self):
            super().__init__([np.zeros((12, 133, 3))], (640, 640))

        def picture(self, t):
            return pixels[t]

    def find_file(weights):
        path = tmp_path / weights.file
        if not path.exists():
            raise MissingWeights(weights.file)
        return path

    finder, network = open_finder("auto", find_file, "cpu"), open_pose_network("dwpose", find_file, "cpu")
    shape = np.random.default_rng(0).uniform(-60, 60, (133, 2)).astype(np.float32)

    class Spread:
        """All joints are found on the lamp; a body has some size."""

        id, module = network.id, network.module

        def estimate(self, frames, boxes, frame_of):
            points, scores = network.estimate(frames, boxes, frame_of)
            return points + shape, scores

    ids = network_ids("dwpose", find_file, "cpu")
    motion = extract_people(Lamps(), FILE, finder, Spread(), Host(), networks=ids)
    network.close()
    finder.close()
    assert ids == f"{finder.id} + {network.id}" and motion.detector == f"{ids}/people-1"
    assert len(motion.tracks) == 2
    for track, x in zip(sorted(motion.tracks, key=lambda t: t.points[0, 5, 0]), (165, 485), strict=True):
        seen = track.scores.any(axis=1)
        assert seen.all()
        truth = np.stack([np.full(12, x - 0.5), 251.5 + 3 * np.arange(12)], axis=1)
        assert (
            np.abs(track.points[:, 5] - shape[5] - truth).max() < 3
        )  # the spot is four px wide, all of them equally bright


class Endless(People):
    """One person for as long as is asked; nothing of it is kept."""

    def __init__(self, num_frames):
        self.one = walk(1, "adult", 350, 450, 48, wave=False) * np.array([0.2, 0.2, 1], np.float32)
        super().__init__([self.one], (168, 96), colours=COLOURS)
        self.num_frames = num_frames
        self.joints = [self]
        self.info = VideoInfo(104, 100, Fraction(24), num_frames, Fraction(1, 24), "constant", False)

    def __getitem__(self, t):
        return self.one[abs(t % 94 - 47)]  # to and fro


def peak_beside_result(num_frames):
    people = Endless(num_frames)
    finder, network = StubFinder(people), StubPose(people)
    network.calls, finder.looks = Forgetful(), Forgetful()
    tracemalloc.start()
    motion = extract(people, finder=finder, network=network)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(motion.tracks) == 1 and motion.main.scores.any(axis=1).all()
    return (peak - 2 * (motion.main.points.nbytes + motion.main.scores.nbytes)) / 2**20


class Forgetful(list):
    def append(self, item):
        pass


@pytest.mark.slow
def test_ten_minutes_cost_no_more_than_ten_seconds_beside_the_result():
    """The joints are there twice for a moment: as they grow, and as the track; frames are not kept."""
    short, long = peak_beside_result(240), peak_beside_result(14400)
    assert long - short < 16, (short, long)  # MiB; ten minutes of 168x96 px would be 660
