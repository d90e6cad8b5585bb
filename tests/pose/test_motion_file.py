"""Saved motions come back bit for bit; whatever else is read ends as BadMotionFile, never as anything worse."""

import json
import os
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motion_transfer.core import BadMotionFile, CannotWrite, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.pose.motion_file import load_motion, save_motion


def make_motion(frames=3, people=1, faces=True, seed=0):
    rng = np.random.default_rng(seed)
    tracks = tuple(
        PoseTrack(
            rng.normal(300, 200, (frames, 133, 2)).astype(np.float32), rng.random((frames, 133), np.float32), (640, 361)
        )
        for _ in range(people)
    )
    timeline = Timeline(
        np.cumsum(rng.integers(1, 90, frames)).astype(np.int64) - 40, Fraction(1, 90000), Fraction(24000, 1001), 7
    )
    codes = {"lmd/1": rng.normal(size=(frames, 20)).astype(np.float32)} if faces else {}
    source = SourceFile("clips/日本 dance.mp4", "ab" * 32, True, 0.25, 1.75)
    return Motion(tracks, timeline, source, "mediapipe-0.10.21/followed-1", (1,) if frames > 1 else (), codes)


def assert_same(a: Motion, b: Motion):
    assert len(a.tracks) == len(b.tracks)
    for x, y in zip(a.tracks, b.tracks, strict=True):
        assert x.points.tobytes() == y.points.tobytes() and x.scores.tobytes() == y.scores.tobytes()
        assert (x.size, x.skeleton) == (y.size, y.skeleton)
    assert a.timeline.pts.tobytes() == b.timeline.pts.tobytes()
    for name in ("time_base", "rate", "last_duration"):
        assert getattr(a.timeline, name) == getattr(b.timeline, name)
    assert (a.source, a.detector, a.cuts) == (b.source, b.detector, b.cuts)
    assert {k: v.tobytes() for k, v in a.face_codes.items()} == {k: v.tobytes() for k, v in b.face_codes.items()}


@pytest.mark.parametrize(("frames", "people", "faces"), [(1, 1, False), (2, 1, True), (7, 3, True), (50, 1, False)])
def test_a_motion_comes_back_bit_for_bit(tmp_path, frames, people, faces):
    motion = make_motion(frames, people, faces)
    save_motion(motion, tmp_path / "a.motion")
    assert_same(load_motion(tmp_path / "a.motion"), motion)


def test_odd_floats_survive(tmp_path):
    motion = make_motion(2)
    motion.main.points[0, :4, 0] = [-0.0, 1e-45, 3e38 * 0, 1048575.9]
    save_motion(motion, tmp_path / "a.motion")
    assert load_motion(tmp_path / "a.motion").main.points.tobytes() == motion.main.points.tobytes()


def test_the_same_motion_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save_motion(make_motion(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_public_safetensors_library_reads_it(tmp_path):
    from safetensors.numpy import load_file

    motion = make_motion()
    save_motion(motion, tmp_path / "a.motion")
    assert load_file(tmp_path / "a.motion")["points_0"].tobytes() == motion.main.points.tobytes()


def test_nothing_half_written_is_left_and_an_old_file_survives_a_failure(tmp_path, monkeypatch):
    save_motion(make_motion(), tmp_path / "a.motion")
    before = (tmp_path / "a.motion").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        save_motion(make_motion(5), tmp_path / "a.motion")
    assert [p.name for p in tmp_path.iterdir()] == ["a.motion"]
    assert (tmp_path / "a.motion").read_bytes() == before


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(CannotWrite, match="No such file"):
        save_motion(make_motion(), tmp_path / "none" / "a.motion")


def test_a_motion_that_could_not_be_read_again_is_not_written(tmp_path):
    motion = make_motion()
    motion.main.points[0, 0, 0] = np.inf  # frozen dataclasses do not freeze arrays
    with pytest.raises(ValueError, match="finite"):
        save_motion(motion, tmp_path / "a.motion")
    assert not list(tmp_path.iterdir())


def parts(path: Path):
    whole = path.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def write(path: Path, header, data: bytes):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def changed_about(**changes):
    def change(header, data):
        about = json.loads(header["__metadata__"]["motion"])
        for key, value in changes.items():
            if key.startswith("source_"):
                about["source"][key[7:]] = value
            elif value is KeyError:
                del about[key]
            else:
                about[key] = value
        header["__metadata__"]["motion"] = json.dumps(about)
        return header, data

    return change


def changed_metadata(**changes):
    def change(header, data):
        header["__metadata__"].update(changes)
        return header, data

    return change


def changed_entry(name, **changes):
    def change(header, data):
        header[name].update(changes)
        return header, data

    return change


def without(name):
    def change(header, data):
        header.pop(name)
        return header, data

    return change


def with_value(name, value, index=0):
    """The first number of an array, replaced."""

    def change(header, data):
        start = header[name]["data_offsets"][0] + 4 * index
        return header, data[:start] + struct.pack("<f", value) + data[start + 4 :]

    return change


def with_twin(header, data):
    text = json.dumps(header)
    return (text[:-1] + ', "pts": ' + json.dumps(header["pts"]) + "}").encode(), data


def falling_stamps(header, data):
    start, stop = header["pts"]["data_offsets"]
    return header, data[:start] + np.arange((stop - start) // 8)[::-1].astype("<i8").tobytes() + data[stop:]


def wrapping_stamps(header, data):
    start, stop = header["pts"]["data_offsets"]
    stamps = np.array([-(2**63), 2**62, 2**63 - 1], "<i8")
    return header, data[:start] + stamps.tobytes() + data[stop:]


def huge(header, data):
    header["points_0"]["shape"] = [2**40, 133, 2]
    return header, data


def huge_and_placed(header, data):
    header["points_0"]["shape"] = [2**40, 133, 2]
    start = header["points_0"]["data_offsets"][0]
    header["points_0"]["data_offsets"] = [start, start + 2**40 * 133 * 8]
    return header, data


def empty_but_vast(header, data):
    header["cuts"] = {"dtype": "I64", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}
    return header, data


HOSTILE = {
    "shape beyond the file": (huge, "does not fit"),
    "place beyond the file": (huge_and_placed, "beyond the end"),
    "empty but vast": (empty_but_vast, "leave gaps|impossible shape|cuts"),
    "negative shape": (changed_entry("points_0", shape=[-3, -133, 2]), "makes no sense"),
    "fraction as shape": (changed_entry("points_0", shape=[3.0, 133, 2]), "makes no sense"),
    "truth as shape": (changed_entry("cuts", shape=[True]), "makes no sense"),
    "swapped place": (changed_entry("cuts", data_offsets=[8, 0]), "beyond the end"),
    "three offsets": (changed_entry("cuts", data_offsets=[0, 8, 8]), "makes no sense"),
    "half floats": (changed_entry("points_0", dtype="F16"), "only F32"),
    "type is a list": (changed_entry("points_0", dtype=["F32"]), "only F32"),
    "integers as points": (changed_entry("points_0", dtype="I64", shape=[3, 133, 1]), "points are float32"),
    "other joint count": (changed_entry("points_0", shape=[3, 266, 1]), "points are float32"),
    "extra key in entry": (changed_entry("pts", more=1), "entry of 'pts'"),
    "not a number": (with_value("points_0", float("nan")), "finite"),
    "infinite": (with_value("points_0", float("inf"), 5), "finite"),
    "score above one": (with_value("scores_0", 1.5), "between 0 and 1"),
    "score below zero": (with_value("scores_0", -0.1), "between 0 and 1"),
    "score is nan": (with_value("scores_0", float("nan"), 9), "finite"),
    "absurdly far": (with_value("points_0", 1e30), "absurdly far"),
    "face code is nan": (with_value("face:lmd/1", float("nan")), "finite"),
    "missing scores": (without("scores_0"), "leave gaps|belong to nothing"),
    "a name twice": (with_twin, "occurs twice"),
    "falling stamps": (falling_stamps, "rise"),
    "stamps that wrap around": (wrapping_stamps, "absurd|rise"),
    "newer version": (changed_metadata(version="2"), "newer version"),
    "much newer version": (changed_metadata(version="999999"), "newer version"),
    "version zero": (changed_metadata(version="0"), "never was"),
    "version in words": (changed_metadata(version="one"), "version is 'one'"),
    "version as digits of another script": (changed_metadata(version="\u0661"), "version is"),
    "no version": (changed_metadata(version=None), "version is"),
    "foreign format": (changed_metadata(format="pt"), "holds no motion"),
    "motion is no JSON": (changed_metadata(motion="{"), "says of itself"),
    "motion is a list": (changed_metadata(motion="[]"), "says of itself"),
    "motion nested deep": (changed_metadata(motion="[" * 100000), "says of itself|damaged"),
    "motion with NaN": (changed_metadata(motion='{"people": NaN}'), "says of itself"),
    "unknown skeleton": (changed_about(skeleton="smpl-24"), "skeleton is 'smpl-24'"),
    "no people": (changed_about(people=0), "0 people"),
    "a crowd": (changed_about(people=10**9), "people"),
    "true people": (changed_about(people=True), "people"),
    "two people, one there": (changed_about(people=2), "lacks points_1"),
    "zero size": (changed_about(size=[0, 10]), "picture size"),
    "vast size": (changed_about(size=[10**9, 10**9]), "picture size"),
    "size in words": (changed_about(size="640x361"), "picture size"),
    "size of one number": (changed_about(size=[640]), "picture size"),
    "zero time base": (changed_about(time_base=[1, 0]), "time base"),
    "negative rate": (changed_about(rate=[-24, 1]), "rate"),
    "no rate": (changed_about(rate=KeyError), "rate"),
    "endless number": (changed_about(last_duration=2**70), "last frame"),
    "duration below zero": (changed_about(last_duration=-1), "last frame"),
    "no detector": (changed_about(detector=None), "detector"),
    "no source": (changed_about(source=None), "where it comes from"),
    "source path is a number": (changed_about(source_path=3), "source"),
    "sound is a word": (changed_about(source_has_audio="yes"), "source"),
    "start is a word": (changed_about(source_start_seconds="0"), "part of the source"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_one_line(tmp_path, name):
    path = tmp_path / "a.motion"
    save_motion(make_motion(3), path)
    change, words = HOSTILE[name]
    write(path, *change(*parts(path)))
    with pytest.raises(BadMotionFile, match=words) as refused:
        load_motion(path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400 + len(str(path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\0" * 7,
        b"\0" * 8,
        b"\xff" * 8,
        b"PK\x03\x04" + b"x" * 100,
        b"not a motion at all, just text\n",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 1 << 19) + b"[" * (1 << 19),
        struct.pack("<Q", 1 << 40) + b"{}",
        struct.pack("<Q", 12) + b'{"a": 1e999}',
        struct.pack("<Q", 3) + b"\xff\xfe\xfd",
        struct.pack("<Q", 9000) + (b'{"a":' + b"9" * 8994 + b"}"),
    ],
    ids=lambda content: repr(content[:14]),
)
def test_what_is_no_motion_is_refused(tmp_path, content):
    path = tmp_path / "a.motion"
    path.write_bytes(content)
    with pytest.raises(BadMotionFile):
        load_motion(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(BadMotionFile, match="There is no motion file"):
        load_motion(tmp_path / "none.motion")
    with pytest.raises(BadMotionFile):
        load_motion(tmp_path)


def test_every_shortened_file_is_refused(tmp_path):
    path = tmp_path / "a.motion"
    save_motion(make_motion(2), path)
    whole = path.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for length in [*range(0, 64), *range(header - 3, header + 3), *range(header, len(whole), 331), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(BadMotionFile):
            load_motion(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(BadMotionFile, match="belong to nothing"):
        load_motion(path)


def test_a_claim_of_terabytes_costs_no_memory(tmp_path):
    path = tmp_path / "a.motion"
    save_motion(make_motion(3), path)
    write(path, *huge_and_placed(*parts(path)))
    tracemalloc.start()
    with pytest.raises(BadMotionFile):
        load_motion(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20  # the file has 16 kB; a header may have 1 MB


_WHOLE: list[bytes] = []


def whole_file(tmp_path_factory) -> bytes:
    if not _WHOLE:
        path = tmp_path_factory.mktemp("fuzz") / "a.motion"
        save_motion(make_motion(2), path)
        _WHOLE.append(path.read_bytes())
    return _WHOLE[0]


def load_or_refuse(path: Path) -> None:
    """Either refused, or a motion that is sound enough to be saved and read again."""
    try:
        motion = load_motion(path)
    except BadMotionFile as refused:
        assert "\n" not in str(refused)
        return
    assert isinstance(motion, Motion) and np.isfinite(motion.main.points).all()
    save_motion(motion, path)
    assert_same(load_motion(path), motion)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_do_harm(tmp_path_factory, tmp_path, data):
    whole = bytearray(whole_file(tmp_path_factory))
    header = 8 + struct.unpack("<Q", bytes(whole[:8]))[0]
    in_header = st.tuples(st.integers(0, header - 1), st.integers(0, 255))
    anywhere = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(in_header | anywhere, min_size=1, max_size=4)):
        whole[place] = value
    path = tmp_path / "a.motion"
    path.write_bytes(whole)
    load_or_refuse(path)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_other_values_in_the_header_never_do_harm(tmp_path_factory, tmp_path, data):
    path = tmp_path / "a.motion"
    path.write_bytes(whole_file(tmp_path_factory))
    header, content = parts(path)
    where = data.draw(st.sampled_from(["about", "source", "metadata", "entry", "top"]))
    about = json.loads(header["__metadata__"]["motion"])
    target = {
        "about": about,
        "source": about["source"],
        "metadata": header["__metadata__"],
        "entry": header[data.draw(st.sampled_from(["points_0", "scores_0", "pts", "cuts", "face:lmd/1"]))],
        "top": header,
    }[where]
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(_JSON)
    if where in ("about", "source"):
        header["__metadata__"]["motion"] = json.dumps(about)
    write(path, header, content)
    load_or_refuse(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes_never_do_harm(tmp_path, content):
    path = tmp_path / "a.motion"
    path.write_bytes(content)
    load_or_refuse(path)
