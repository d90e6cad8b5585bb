"""OpenPose JSON in all the dialects of its neighbours, and out again as controlnet_aux itself writes it."""

import copy
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_transfer.core import FACE, FEET, LEFT_HAND, RIGHT_HAND, BadMotionFile, CannotWrite, PoseTrack, UsageError
from motion_transfer.pose.openpose_json import (
    motion_from_pose_keypoint,
    pose_keypoint_from_motion,
    read_openpose_json,
    write_openpose_json,
)

DATA = Path(__file__).parent / "data"
GOLDEN_FRAMES = [0, 23]
ROUNDED = 0.002  # px; the golden file keeps three decimals, the points are float32


@pytest.fixture(scope="module")
def adult() -> PoseTrack:
    points = np.load(DATA / "draw_keypoints.npz")["adult"].astype(np.float32)
    return PoseTrack(points[..., :2].copy(), np.clip(points[..., 2], 0, 1), (832, 480))


@pytest.fixture(scope="module")
def golden():
    return json.loads((DATA / "cnaux_pose_keypoint.json").read_text())


def as_motion(track):
    """A motion with one person, made without a file."""
    from motion_transfer.core import Motion, SourceFile, Timeline

    return Motion((track,), Timeline.constant(track.num_frames, Fraction(24)), SourceFile("", ""), "test")


def test_export_is_what_controlnet_aux_writes(adult, golden):
    frames = pose_keypoint_from_motion(as_motion(adult))
    for index, theirs in zip(GOLDEN_FRAMES, golden["adult"], strict=True):
        ours = frames[index]
        assert (ours["canvas_width"], ours["canvas_height"]) == (theirs["canvas_width"], theirs["canvas_height"])
        assert len(ours["people"]) == len(theirs["people"]) == 1
        for part, values in theirs["people"][0].items():
            mine = ours["people"][0][part]
            assert (mine is None) == (values is None), part
            if values is not None:
                assert np.array(mine)[2::3].tolist() == np.array(values)[2::3].tolist(), part
                assert np.abs(np.array(mine) - values).max() < ROUNDED, part


def test_import_of_controlnet_aux_gives_the_points_that_it_was_made_from(adult, golden):
    track = motion_from_pose_keypoint(golden["adult"], Fraction(24)).main
    for k, index in enumerate(GOLDEN_FRAMES):
        seen = adult.scores[index] >= 0.3
        seen[FEET] = False  # controlnet_aux writes no feet
        assert (track.scores[k] == seen).all()
        assert np.abs(track.points[k] - adult.points[index])[seen].max() < ROUNDED


def test_two_people_of_controlnet_aux_are_two_tracks_and_the_larger_one_is_first(golden):
    frame = golden["two_people"]
    motion = motion_from_pose_keypoint([frame, frame], Fraction(24))
    assert len(motion.tracks) == 2 and motion.num_frames == 2
    heights = [np.ptp(t.points[0, :17][t.scores[0, :17] > 0], axis=0).max() for t in motion.tracks]
    assert heights[0] >= heights[1]


@pytest.mark.parametrize("confidence", ["binary", "score"])
def test_out_and_in_again(adult, tmp_path, confidence):
    write_openpose_json(adult, tmp_path / "a.json", confidence=confidence)
    track = read_openpose_json(tmp_path / "a.json")
    assert track.size == adult.size and track.num_frames == adult.num_frames
    if confidence == "score":
        assert np.abs(track.scores - adult.scores).max() < 1e-6
        seen = adult.scores > 0
    else:
        assert (track.scores == (adult.scores >= 0.3)).all()
        seen = adult.scores >= 0.3
    assert np.abs(track.points - adult.points)[seen].max() < 1e-3  # float32 text and back


def test_a_folder_takes_and_gives_one_file_per_frame(adult, tmp_path):
    write_openpose_json(adult.cut(0, 12), tmp_path, confidence="score")
    assert len(list(tmp_path.iterdir())) == 12
    track = read_openpose_json(tmp_path)
    assert np.abs(track.points - adult.points[:12])[adult.scores[:12] > 0].max() < 1e-3


def test_files_are_taken_by_number_not_by_letter(adult, tmp_path):
    frames = pose_keypoint_from_motion(as_motion(adult))
    for i in range(12):
        (tmp_path / f"frame_{i}.json").write_text(json.dumps(frames[i]))
    track = read_openpose_json(tmp_path)
    assert np.abs(track.points[10] - adult.points[10])[track.scores[10] > 0].max() < 1e-3


def test_a_single_frame_is_a_track_of_one(adult, tmp_path, golden):
    (tmp_path / "a.json").write_text(json.dumps(golden["adult"][0]))
    assert read_openpose_json(tmp_path / "a.json").num_frames == 1


def test_relative_units_become_pixels(adult, golden):
    frame = copy.deepcopy(golden["adult"][0])
    for part in frame["people"][0].values():
        for k in range(0, len(part), 3):
            part[k], part[k + 1] = part[k] / 832, part[k + 1] / 480
    track = motion_from_pose_keypoint([frame], Fraction(24)).main
    expected = motion_from_pose_keypoint(golden["adult"][:1], Fraction(24)).main
    assert np.abs(track.points - expected.points).max() < ROUNDED


def test_relative_units_without_a_canvas_are_refused_and_a_given_size_helps(tmp_path):
    body = [0.5, 0.5, 1.0] * 18
    (tmp_path / "a.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": body}]}))
    with pytest.raises(BadMotionFile, match="canvas_width"):
        read_openpose_json(tmp_path / "a.json")
    track = read_openpose_json(tmp_path / "a.json", size=(200, 100))
    assert track.size == (200, 100) and track.points[0, 0].tolist() == [100, 50]


def test_hands_named_the_wrong_way_go_to_the_nearer_wrist(adult, golden):
    frames = copy.deepcopy(golden["adult"])
    for frame in frames:
        person = frame["people"][0]
        person["hand_left_keypoints_2d"], person["hand_right_keypoints_2d"] = (
            person["hand_right_keypoints_2d"],
            person["hand_left_keypoints_2d"],
        )
    expected = motion_from_pose_keypoint(golden["adult"], Fraction(24)).main
    track = motion_from_pose_keypoint(frames, Fraction(24)).main
    assert (track.points == expected.points).all() and (track.scores == expected.scores).all()


@pytest.mark.parametrize("relative", [False, True])
def test_cores_sdpose_is_read_whole_with_its_scores_and_its_hands_put_right(adult, relative):
    # Made by ComfyUI's own `nodes_sdpose._to_openpose_frames` of frames 0 and 22; it names the left hand "right".
    frames = json.loads((DATA / "sdpose_keypoints.json").read_text())
    if relative:
        for frame in frames:
            for part in frame["people"][0].values():
                part[::3] = [x / 832 for x in part[::3]]
                part[1::3] = [y / 480 for y in part[1::3]]
    track = motion_from_pose_keypoint(frames, Fraction(24)).main
    assert np.abs(track.points - adult.points[[0, 22]]).max() < ROUNDED
    assert np.abs(track.scores - adult.scores[[0, 22]]).max() < 1e-3
    assert (
        0 < track.scores[1, LEFT_HAND].max() < 0.3 and track.scores[1, FEET].min() > 0.5
    )  # hidden hand; feet came along


def test_body_25_brings_its_feet():
    body = np.zeros((25, 3))
    for k in range(25):
        body[k] = [100 + k, 200 + 2 * k, 0.5]
    frame = {"people": [{"pose_keypoints_2d": body.ravel().tolist()}], "canvas_width": 640, "canvas_height": 480}
    track = motion_from_pose_keypoint([frame], Fraction(24)).main
    # nose, left eye, left shoulder, right hip, left ankle; left big toe .. right heel
    for joint, openpose in ((0, 0), (1, 16), (5, 5), (12, 9), (15, 14), (17, 19), (18, 20), (19, 21), (22, 24)):
        assert track.points[0, joint].tolist() == [100 + openpose, 200 + 2 * openpose]
    assert (track.scores[0, :23] == 0.5).all() and not track.scores[0, 23:].any()


def test_null_parts_are_unseen(golden):
    frame = copy.deepcopy(golden["adult"][0])
    frame["people"][0].update(face_keypoints_2d=None, hand_left_keypoints_2d=None, hand_right_keypoints_2d=[])
    scores = motion_from_pose_keypoint([frame], Fraction(24)).main.scores[0]
    assert scores[:17].any() and not scores[FACE].any() and not scores[LEFT_HAND].any() and not scores[RIGHT_HAND].any()


def test_people_are_linked_whatever_their_order_in_a_frame(adult):
    frames = []
    for i in range(20):
        here = pose_keypoint_from_motion(as_motion(adult.cut(i, i + 1)))[0]
        other = copy.deepcopy(here["people"][0])
        for part in other.values():
            for k in range(0, len(part or []), 3):
                part[k], part[k + 1] = part[k] * 0.5 + 400, part[k + 1] * 0.5  # half as large, elsewhere
        people = [here["people"][0], other]
        frames.append({**here, "people": people[::-1] if i % 3 else people})
    motion = motion_from_pose_keypoint(frames, Fraction(24))
    assert len(motion.tracks) == 2
    seen = motion.main.scores[:, :17] > 0
    assert np.abs(motion.main.points[:, :17] - adult.points[:20, :17])[seen].max() < 1e-3


def test_a_frame_with_nobody_is_unseen(golden):
    empty = {"people": [], "canvas_width": 832, "canvas_height": 480}
    motion = motion_from_pose_keypoint([empty, golden["adult"][0], empty], Fraction(24))
    assert motion.main.scores.any(axis=1).tolist() == [False, True, False]
    again = pose_keypoint_from_motion(motion)
    assert [len(f["people"]) for f in again] == [0, 1, 0]


BODY = [1.0, 2.0, 1.0] * 18
BAD = {
    "nothing": ([], "no frames"),
    "a number": ([3], "no 'people'"),
    "animals": ([{"animals": [], "version": "ap10k"}], "animals"),
    "nobody": ([{"people": []}], "nobody in them"),
    "people is a dict": ([{"people": {}}], "no 'people'"),
    "person is a list": ([{"people": [[1, 2, 3]]}], "JSON object"),
    "17 points": ([{"people": [{"pose_keypoints_2d": BODY[:51]}]}], "51 numbers, but 54"),
    "text among numbers": ([{"people": [{"pose_keypoints_2d": ["x", *BODY[1:]]}]}], "not a number"),
    "truth among numbers": ([{"people": [{"pose_keypoints_2d": [True, *BODY[1:]]}]}], "not a number"),
    "not finite": ([{"people": [{"pose_keypoints_2d": [float("nan"), *BODY[1:]]}]}], "not finite"),
    "confidence not finite": ([{"people": [{"pose_keypoints_2d": [1, 1, float("nan"), *BODY[3:]]}]}], "not finite"),
    "far away": ([{"people": [{"pose_keypoints_2d": [1e12, *BODY[1:]]}]}], "far away"),
    "beyond floats": ([{"people": [{"pose_keypoints_2d": [10**400, *BODY[1:]]}]}], "beyond all measure"),
    "no canvas to speak of": ([{"people": [], "canvas_width": 0, "canvas_height": 5}], "canvas is 0x5"),
    "canvas in words": ([{"people": [], "canvas_width": "wide", "canvas_height": 5}], "canvas is 'wide'"),
    "canvas changes": (
        [{"people": [], "canvas_width": 9, "canvas_height": 9}, {"people": [], "canvas_width": 8, "canvas_height": 9}],
        "was 9x9",
    ),
    "crowd": ([{"people": [{}] * 1000}], "1000 people"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path, name):
    content, words = BAD[name]
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(BadMotionFile, match=words) as refused:
        read_openpose_json(tmp_path / "a.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100000, b"null", b"3"])
def test_what_is_no_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BadMotionFile):
        read_openpose_json(tmp_path / "a.json")


def test_missing_places_are_told(adult, tmp_path):
    with pytest.raises(BadMotionFile, match="There is no file"):
        read_openpose_json(tmp_path / "none.json")
    with pytest.raises(BadMotionFile, match=r"no \.json"):
        read_openpose_json(tmp_path)
    with pytest.raises(CannotWrite):
        write_openpose_json(adult, tmp_path / "none" / "a.json")
    with pytest.raises(UsageError, match="binary, score"):
        write_openpose_json(adult, tmp_path / "a.json", confidence="maybe")
    assert not list(tmp_path.iterdir())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_odd_values_never_do_harm(golden, tmp_path, data):
    frames = copy.deepcopy(golden["adult"])
    person = frames[0]["people"][0]
    where = data.draw(st.sampled_from(["frame", "person", "number"]))
    if where == "number":
        part = person[data.draw(st.sampled_from(sorted(k for k, v in person.items() if v)))]
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(_JSON)
    else:
        target = frames[0] if where == "frame" else person
        target[data.draw(st.sampled_from(sorted(target)))] = data.draw(_JSON)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(frames))
    try:
        track = read_openpose_json(path)
    except BadMotionFile as refused:
        assert "\n" not in str(refused)
    else:
        assert np.isfinite(track.points).all()
