"""Motion templates: what the authors write is read, and what an enemy writes is refused and runs nothing."""

from __future__ import annotations

import os
import pickle
import struct
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import portrait_goldens as goldens
import pytest
from test_portrait_transfer import made_up_motion

from motion_transfer.core import WHOLE_BODY, BadMotionFile, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.face_motion.array_pickle import read_arrays
from motion_transfer.face_motion.portrait_motion import PortraitMotion
from motion_transfer.face_motion.portrait_template import (
    CODE_LENGTH,
    ENCODER,
    pack,
    read_template,
    template_from,
    unpack,
)


def as_the_authors_write(motion, rate=25, old_names=False, ratios=True):
    key, mark = ("R_d", "c_d_") if old_names else ("R", "c_")
    frames = [
        {"scale": motion.scale[k : k + 1], key: motion.rotation[k : k + 1], "exp": motion.expression[k : k + 1], "t": motion.translation[k : k + 1]}
        for k in range(motion.num_frames)
    ]  # fmt: skip
    content = {"n_frames": motion.num_frames, "output_fps": rate, "motion": frames}
    if ratios:
        content[f"{mark}eyes_lst"] = [np.full((1, 2), 0.3, np.float32) for _ in frames]
        content[f"{mark}lip_lst"] = [np.full((1, 1), 0.1, np.float32) for _ in frames]
    return content


def same(a: PortraitMotion, b: PortraitMotion):
    values = zip(a.__dict__.items(), b.__dict__.values(), strict=True)
    return all((v is None and w is None) or np.array_equal(v, w) for (_, v), w in values)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("old_names", [False, True])
def test_templates_of_every_protocol_and_both_sets_of_names_are_read(protocol, old_names, tmp_path):
    motion = made_up_motion(7, 1)
    path = tmp_path / "made.pkl"
    path.write_bytes(pickle.dumps(as_the_authors_write(motion, 30, old_names), protocol=protocol))
    read = read_template(path)
    assert read.rate == 30 and same(read.motion.cut(0, 7), read.motion)
    assert np.array_equal(read.motion.rotation, motion.rotation) and np.array_equal(read.motion.scale, motion.scale)
    assert np.array_equal(read.motion.expression, motion.expression)
    assert np.allclose(read.motion.eye_ratio, 0.3) and read.motion.lip_ratio.shape == (7, 1)


def test_arrays_are_read_as_the_usual_reader_reads_them():
    arrays = {
        "columns": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        "other_order": np.arange(5, dtype=">f4"),
        "whole": np.arange(4),
        "few": [np.float32(1.5), np.int64(-7), True, None, "text", 2**70],
    }
    for protocol in (2, 4, 5):
        data = pickle.dumps(arrays, protocol=protocol)
        usual, ours = pickle.loads(data), read_arrays(data, "x")  # our own bytes
        for name in ("columns", "other_order", "whole"):
            assert np.array_equal(usual[name], ours[name]) and usual[name].shape == ours[name].shape
        assert usual["few"] == ours["few"]


def test_templates_without_ratios_are_read_and_go_through_codes_unchanged():
    motion = template_from(pickle.dumps(as_the_authors_write(made_up_motion(5, 2), ratios=False))).motion
    assert motion.eye_ratio is None and same(unpack(pack(motion)), motion)
    motion = template_from(pickle.dumps(as_the_authors_write(made_up_motion(5, 3)))).motion
    assert pack(motion).shape == (5, CODE_LENGTH) and same(unpack(pack(motion)), motion)


def test_codes_fit_into_a_motion():
    codes = pack(made_up_motion(4, 4))
    track = PoseTrack(np.zeros((4, WHOLE_BODY.num_joints, 2), np.float32), np.zeros((4, 133), np.float32), (64, 64))
    motion = Motion(
        (track,), Timeline.constant(4, Fraction(25)), SourceFile("a.mp4", "0" * 64), "none", face_codes={ENCODER: codes}
    )
    assert same(unpack(motion.face_codes[ENCODER]), made_up_motion(4, 4))
    with pytest.raises(BadMotionFile, match=r"float32 \[T,79\], not float32 \[4, 78\]"):
        unpack(codes[:, 1:])
    with pytest.raises(BadMotionFile, match="no rotation"):
        unpack(2 * codes)


class Runs:
    """Calls something when a usual reader reads it."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def global_(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


NDARRAY = global_("numpy.core.multiarray", "_reconstruct") + global_("numpy", "ndarray") + b"K\x00\x85C\x01b\x87R"


def hostile(touched):
    """Pickles that run a command, reach a function by another way, change what the reader is made of, or fill memory."""
    run = f"open({str(touched)!r}, 'w').close()"
    wide = (
        b"("
        + b"K\x01" * 2000
        + b"lq\x000"
        + b"".join(
            b"(" + b"h" + bytes([k]) + (b"h" + bytes([k])) * 1999 + b"lq" + bytes([k + 1]) + b"0" for k in range(3)
        )
    )
    return {
        "system": pickle.dumps(Runs(os.system, f"touch {touched}")),
        "eval": pickle.dumps({"motion": [Runs(eval, run)]}),
        "exec in a frame": pickle.dumps({"motion": [{"scale": Runs(exec, run)}], "n_frames": 1}),
        "open": pickle.dumps(Runs(open, str(touched), "w")),
        "protocol 0": pickle.dumps(Runs(os.system, f"touch {touched}"), protocol=0),
        "dotted name": b"\x80\x04" + text("numpy") + text("core.multiarray.os.system") + b"\x93" + text(run) + b"\x85R.",
        "attribute of an allowed name": b"\x80\x04" + text("numpy") + text("ndarray.tofile") + b"\x93" + text(str(touched)) + b"\x85R.",
        "numpy's own loader": b"\x80\x04" + global_("numpy", "load") + text(str(touched)) + b"\x85R.",
        "numpy's runner": b"\x80\x04" + global_("numpy.testing._private.utils", "runstring") + text(run) + b"}\x86R.",
        "import": b"\x80\x04" + global_("builtins", "__import__") + text("os") + b"\x85R.",
        "getattr": b"\x80\x04" + global_("builtins", "getattr") + text("a") + text("upper") + b"\x86R.",
        "INST": b"(S'" + run.encode() + b"'\nios\nsystem\n.",
        "OBJ": b"(" + global_("os", "system") + b"S'" + run.encode() + b"'\no.",
        "NEWOBJ": b"\x80\x04" + global_("numpy", "ndarray") + b")\x81.",
        "NEWOBJ_EX": b"\x80\x04" + global_("numpy", "ndarray") + b")}\x92.",
        "persistent id": b"\x80\x04" + text(run) + b"Q.",
        "extension": b"\x80\x02\x82\x01.",
        "codec that is no text": b"\x80\x04" + global_("_codecs", "encode") + text("x") + text("zip") + b"\x86R.",
        "changes a function": b"\x80\x04" + global_("numpy.core.multiarray", "_reconstruct") + b"}" + text("__code__") + text("x") + b"sb.",
        "changes defaults": b"\x80\x04" + global_("numpy.core.multiarray", "_reconstruct") + b"N}" + text("__defaults__") + b")s\x86b.",
        "calls a value": b"\x80\x04" + text("print") + text("x") + b"\x85R.",
        "calls an array": b"\x80\x04" + NDARRAY + b")R.",
        "array of objects": pickle.dumps({"motion": [np.array([Runs(os.system, f"touch {touched}")], dtype=object)]}),
        "objects by type": pickle.dumps(np.array([{}, 1], dtype=object)),
        "records": pickle.dumps(np.zeros(3, [("a", "f4"), ("b", "f8")])),
        "set": pickle.dumps({1, 2}),
        "class": pickle.dumps(Fraction(1, 3)),
        "path": pickle.dumps(Path("/etc/passwd")),
        "claims many bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        "claims a far memory cell": b"\x80\x04]r" + struct.pack("<I", 0xFFFFFFFF) + b"j" + struct.pack("<I", 7) + b".",
        "claims a large shape": b"\x80\x04" + NDARRAY + b"(K\x01\x8a\x05\xff\xff\xff\xff\x7f\x85" + global_("numpy", "dtype") + text("f4") + b"\x89\x88\x87R(K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89C\x04aaaatb.",
        "lists of lists of lists": b"\x80\x04" + wide + b"h\x03.",
        "holds itself": b"\x80\x04]q\x00h\x00a.",
        "deep": b"\x80\x04" + b"(" * 50_000 + b"l" * 50_000 + b".",
        "cut off": pickle.dumps({"motion": [1, 2, 3]})[:-4],
        "empty": b"",
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "a zip": b"PK\x03\x04" + bytes(200),
    }  # fmt: skip


NAMES = tuple(hostile(Path("nowhere")))


@pytest.mark.parametrize("name", NAMES)
def test_hostile_pickles_run_nothing_and_are_refused_in_one_line(name, tmp_path):
    touched = tmp_path / "touched"
    data = hostile(touched)[name]
    path = tmp_path / "hostile.pkl"
    path.write_bytes(data)
    started = time.process_time()
    with pytest.raises(BadMotionFile) as refused:
        read_template(path)
    assert not touched.exists()
    assert time.process_time() - started < 5
    said = str(refused.value)
    assert "\n" not in said and "hostile.pkl" in said and len(said) < 400


def test_the_hostile_pickles_would_run_in_the_usual_reader(tmp_path):
    """Were they harmless there, the test above would show nothing."""
    for name in ("system", "eval", "exec in a frame", "open", "protocol 0"):
        touched = tmp_path / name.replace(" ", "_")
        opened = pickle.loads(hostile(touched)[name])
        if name == "open":
            opened.close()
        assert touched.exists(), name


def test_a_refusal_names_what_was_asked_for():
    with pytest.raises(BadMotionFile, match=r"asks for '(posix|nt)\.system'"):
        template_from(pickle.dumps(Runs(os.system, "true")))


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda c: c.pop("motion"), "lacks the list of frames"),
        (lambda c: c.update(n_frames=9), "says it has 9 frames and holds 3"),
        (lambda c: c.update(output_fps=0), "0 frames a second"),
        (lambda c: c["motion"][1].pop("exp"), r"frame 1: 'exp' is \[21, 3\] numbers, not nothing"),
        (lambda c: c["motion"][2].update(t=np.zeros((1, 4))), r"frame 2: 't' is \[3\] numbers, not \[1, 4\]"),
        (lambda c: c["motion"][0].update(t=np.full((1, 3), np.nan)), "not finite"),
        (lambda c: c["motion"][0].update(R=np.ones((1, 3, 3))), "no rotation"),
        (lambda c: c["motion"][0].update(R=-np.eye(3)[None]), "no rotation"),
        (lambda c: c["motion"][0].update(scale=np.zeros((1, 1))), "not above 0"),
        (lambda c: c.update(c_lip_lst=[0.1]), "1 rows of 'c_lip_lst' for 3 frames"),
        (lambda c: c["motion"].__setitem__(0, 5), "frame 0"),
    ],
)
def test_templates_that_say_something_impossible_are_refused(change, said):
    content = as_the_authors_write(made_up_motion(3, 5))
    change(content)
    with pytest.raises(BadMotionFile, match=said):
        template_from(pickle.dumps(content))


def test_a_missing_template_is_said_in_one_line(tmp_path):
    with pytest.raises(BadMotionFile, match=r"nowhere\.pkl cannot be read"):
        read_template(tmp_path / "nowhere.pkl")


def test_every_recorded_template_is_read_and_comes_back_from_its_codes():
    templates, notes = goldens.recorded("driving_templates")
    for name, note in notes.items():
        driver = goldens.driver(templates, name)
        written = pickle.dumps(as_the_authors_write(driver, note["fps"], ratios=False))
        read = template_from(written)
        assert read.rate == note["fps"] and read.motion.num_frames == note["frames"]
        assert np.array_equal(read.motion.expression, driver.expression)
        assert same(unpack(pack(driver)), driver)
