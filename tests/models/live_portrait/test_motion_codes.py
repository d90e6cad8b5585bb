"""Heads as face codes, through a `.motion` file and back, and the settings' own words."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motion_transfer.core import WHOLE_BODY, BadMotionFile, Motion, PoseTrack, SourceFile, Timeline, UsageError
from motion_transfer.face_motion.portrait_motion import PortraitMotion
from motion_transfer.models.live_portrait.motion_codes import (
    CODE_LENGTH,
    TEMPLATE,
    codes_name,
    find_codes,
    of_person,
    pack,
    unpack,
)
from motion_transfer.models.live_portrait.spec import SPEC, LivePortraitSettings
from motion_transfer.pose.motion_file import load_motion, save_motion


def a_head(frames, seed=0, ratios=True):
    random = np.random.default_rng(seed)
    return PortraitMotion(
        scale=random.uniform(1.2, 1.6, (frames, 1)).astype(np.float32),
        rotation=Rotation.from_rotvec(random.normal(0, 0.2, (frames, 3))).as_matrix().astype(np.float32),
        expression=random.normal(0, 0.02, (frames, 21, 3)).astype(np.float32),
        translation=random.normal(0, 0.05, (frames, 3)).astype(np.float32),
        eye_ratio=random.uniform(0, 0.4, (frames, 2)).astype(np.float32) if ratios else None,
        lip_ratio=random.uniform(0, 0.4, (frames, 1)).astype(np.float32) if ratios else None,
    )


def same(a, b):
    return all((v is None and w is None) or np.array_equal(v, w) for v, w in zip(a.__dict__.values(), b.__dict__.values(), strict=True))  # fmt: skip


@pytest.mark.parametrize("ratios", [True, False])
def test_codes_go_through_a_motion_file_without_losing_a_bit(tmp_path, ratios):
    head, seen = a_head(6, ratios=ratios), np.array([1, 1, 0, 0, 1, 1], bool)
    track = PoseTrack(np.zeros((6, 133, 2), np.float32), np.zeros((6, 133), np.float32), (64, 64), WHOLE_BODY)
    names = [codes_name({"a": np.ones(3)}), TEMPLATE, of_person(TEMPLATE, 1)]
    codes = {name: pack(head, seen) for name in names}
    motion = Motion((track,), Timeline.constant(6, Fraction(25)), SourceFile("a.mp4", "0" * 64), "none", (), codes)
    save_motion(motion, tmp_path / "a.motion")
    found = find_codes(load_motion(tmp_path / "a.motion"), names[0])
    assert found.shape == (6, CODE_LENGTH)
    back = unpack(found)
    assert same(back.motion, head) and np.array_equal(back.seen, seen)


def test_the_name_of_codes_is_that_of_the_network_s_numbers():
    numbers = {"a": np.arange(4.0), "b": np.ones((2, 2))}
    assert codes_name(numbers) == codes_name(dict(reversed(numbers.items())))
    assert codes_name(numbers) != codes_name({**numbers, "a": np.arange(4.0) + 1e-3})
    assert codes_name(numbers, 1) == f"{codes_name(numbers)}/2"


def test_a_template_stands_in_only_where_it_may():
    head = pack(a_head(3))
    track = PoseTrack(np.zeros((3, 133, 2), np.float32), np.zeros((3, 133), np.float32), (64, 64))
    motion = Motion((track,), Timeline.constant(3, Fraction(25)), SourceFile("a", "0"), "none", (), {TEMPLATE: head})
    assert find_codes(motion, "live-portrait/abc") is head
    assert find_codes(motion, "live-portrait/abc", templates=False) is None
    assert find_codes(motion, "live-portrait/abc", 1) is None


@pytest.mark.parametrize(
    "broken", [lambda c: c[:, :-1], lambda c: c * np.nan, lambda c: np.concatenate([c[:, :1], c[:, 1:10] * 2, c[:, 10:]], 1)]
)  # fmt: skip
def test_what_is_no_head_is_refused_in_one_line(broken):
    with pytest.raises(BadMotionFile) as refusal:
        unpack(broken(pack(a_head(4))))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"reference_frame": "last"}, "auto, first or a frame's number"),
        ({"faces": "0"}, "main, all, or different numbers"),
        ({"faces": "2,2"}, "main, all, or different numbers"),
        ({"face_box": "1,2,3"}, "x,y,width,height"),
        ({"face_box": "1,2,-3,4"}, "x,y,width,height"),
        ({"weights": "animals"}, "needs face_box"),
        ({"face_box": "1,2,3,4", "faces": "all"}, "take one of the two"),
        ({"retargeting_factor": 2.1}, "0 to 2"),
        ({"crop_factor": 0.4}, "0.5 to 2"),
    ],
)
def test_words_that_make_no_sense_are_refused(words, told):
    with pytest.raises(UsageError, match=told):
        LivePortraitSettings(**words)


def test_the_defaults_are_those_that_are_promised():
    plain = LivePortraitSettings().plain()
    assert (plain["retargeting_factor"], plain["paste_back"], plain["crop_factor"], plain["driving_smooth"]) == (1.0, True, 1.7, 2.0)  # fmt: skip
    assert plain["motion"] == "relative" and plain["stitching"] and not plain["lip_normalise"]
    assert LivePortraitSettings(faces="2,1").face_numbers == (2, 1)
    assert LivePortraitSettings(face_box="1,2,3,4").box == (1.0, 2.0, 3.0, 4.0)
    assert [o.name for o in LivePortraitSettings.options()][:4] == ["retargeting_factor", "paste_back", "crop_factor", "driving_smooth"]  # fmt: skip
    assert {w.licence for w in SPEC.weights} == {"MIT"} and all(w.commercial_use for w in SPEC.weights)
