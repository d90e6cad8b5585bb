"""The engine on a stub of its network: sections, hand-over, noise, and what is said of unusual inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stub_animate import SIZE, Lending, StubAnimate, a_character, a_motion

from motion_transfer.core import Character, Finished, MissingPackage, UsageError
from motion_transfer.models.animate_diff.engine import AnimateDiffEngine
from motion_transfer.models.animate_diff.spec import SPEC, AnimateDiffSettings
from motion_transfer.models.animate_diff.windows import FUSES
from motion_transfer.models.registry import engine_spec
from motion_transfer.run.host import LocalHost

SMALL = {"section": 32, "context_length": 8, "context_overlap": 2}


def opened(host=None, seed=3, **settings):
    host = host or Lending()
    return AnimateDiffEngine(AnimateDiffSettings(**settings), host, seed, host.backend), host


def made(frames, host=None, seed=3, after=None, **settings):
    engine, host = opened(host, seed, **settings)
    return list(engine.transfer(a_character(), a_motion(frames), after=after)), engine, host


@pytest.mark.parametrize("frames", [1, 7, 32, 33, 61, 100])
def test_every_frame_comes_once_whatever_the_length(frames):
    chunks, engine, host = made(frames, **SMALL)
    assert [c.start for c in chunks] == [0, *np.cumsum([c.num_frames for c in chunks])[:-1]]
    assert sum(c.num_frames for c in chunks) == frames
    assert all(c.pixels.shape[1:] == (SIZE[1], SIZE[0], 3) for c in chunks)
    assert engine.report["sections"] == len(chunks) == len(host.backend.sections)
    assert len(engine.report["seams"]) == len(chunks) - 1


def test_a_section_begins_from_the_last_frames_of_the_one_before():
    chunks, _, host = made(61, **SMALL)
    first, second = host.backend.sections[:2]
    assert first.num_known == 0 and second.num_known == 4
    handed = host.backend.encode(chunks[0].ahead)
    assert torch.equal(second.start[:4], handed) and not torch.equal(second.start[4], handed[3])
    # the network kept them, so that the two versions are one and the fade has nothing to hide
    assert max(chunks[-1].state["seams"]) < 1.0


def test_noise_belongs_to_a_frame_of_the_clip_not_to_its_section():
    _, _, host = made(61, **SMALL)
    a, b = host.backend.noises[:2]
    assert torch.equal(a[-4:], b[:4])
    base = a[:8].reshape(8, -1)
    for frame in torch.cat([a, b]).reshape(-1, base.shape[1]):
        assert (base == frame).all(1).any()
    _, _, plain = made(61, **SMALL, freenoise=False)
    assert not torch.equal(plain.backend.noises[0][-4:], plain.backend.noises[1][:4])
    assert torch.equal(plain.backend.noises[0][:8], a[:8])  # what ComfyUI draws for that seed


def test_temporal_consistency_off_means_windows_one_behind_the_other():
    _, _, host = made(20, **SMALL, temporal_consistency=False)
    rule = host.backend.sections[0].rule
    assert rule.windows(20) == [list(range(0, 8)), list(range(8, 16)), list(range(16, 20))]
    _, _, host = made(20, **SMALL)
    assert host.backend.sections[0].rule.fuse == "pyramid"


@pytest.mark.parametrize(("places", "asked", "used"), [(24, 32, 24), (32, 32, 32), (24, 16, 16), (None, 32, 32)])
def test_windows_are_cut_to_what_the_module_knows_and_that_is_said(places, asked, used):
    _, engine, host = made(40, Lending(StubAnimate(places=places)), context_length=asked)
    assert host.backend.sections[0].rule.length == engine.report["context_length"] == used
    notes = [n for n in host.told if "context_length" in n]
    assert len(notes) == (asked > used)
    if notes:
        assert notes[0] == "context_length is 32, but mm_stub (v2) knows 24 frames at once: 24 are used."


def test_going_on_after_any_section_gives_the_very_pixels():
    chunks, _, _ = made(100, **SMALL)
    for k in range(len(chunks) - 1):
        done = Finished(chunks[k].stop, np.zeros((0, SIZE[1], SIZE[0], 3), np.uint8), chunks[k].state, chunks[k].ahead)
        rest, _, host = made(100, after=done, **SMALL)
        assert len(host.backend.sections) == len(chunks) - 1 - k
        for a, b in zip(chunks[k + 1 :], rest, strict=True):
            assert a.start == b.start and np.array_equal(a.pixels, b.pixels) and a.state == b.state
    whole = Finished(100, np.zeros((0, SIZE[1], SIZE[0], 3), np.uint8), chunks[-1].state, None)
    assert made(100, after=whole, **SMALL)[0] == []


def test_seed_motion_and_character_change_the_frames():
    first = made(20, **SMALL)[0][0].pixels
    assert not np.array_equal(first, made(20, seed=4, **SMALL)[0][0].pixels)
    assert np.array_equal(first, made(20, **SMALL)[0][0].pixels)


def test_frames_without_a_person_are_named():
    engine, host = opened(**SMALL)
    list(engine.transfer(a_character(), a_motion(40, empty=[3, 10, 11, 12, 39])))
    (note,) = [n for n in host.told if "Nobody" in n]
    assert note.startswith("Nobody is seen in frames 3, 10-12, 39 of the motion") and "\n" not in note
    assert not [n for n in made(40, **SMALL)[2].told if "Nobody" in n]


def test_the_drawn_pose_is_the_characters_size_and_follows_the_motion():
    _, _, host = made(20, **SMALL)
    poses = host.backend.sections[0].poses
    assert poses.shape == (20, SIZE[1], SIZE[0], 3) and (poses.reshape(20, -1).max(1) > 0).all()
    assert not np.array_equal(poses[0], poses[10])


def test_no_joints_are_needed_where_nothing_is_retargeted():
    bare = replace(a_character(), pose=None)
    engine, _ = opened(**SMALL, retarget="none")
    assert next(iter(engine.transfer(bare, a_motion(9)))).num_frames == 9
    engine, _ = opened(**SMALL)
    with pytest.raises(UsageError, match="retarget=none"):
        list(engine.transfer(bare, a_motion(9)))
    assert SPEC.needs(AnimateDiffSettings(retarget="none")) == frozenset()


def test_a_cut_out_character_stands_on_white():
    seen = []
    host = Lending()
    host.backend.look_at = seen.append
    plain = a_character()
    alpha = np.zeros(plain.pixels.shape[:2], np.uint8)
    engine, _ = opened(host, **SMALL)
    list(engine.transfer(Character(plain.pixels, plain.sha256, alpha, plain.pose, has_background=False), a_motion(9)))
    assert (seen[0] == 255).all()


def test_a_loop_longer_than_a_section_is_told():
    assert any("will not loop" in n for n in made(61, **SMALL, schedule="looped")[2].told)
    assert not any("will not loop" in n for n in made(30, **SMALL, schedule="looped")[2].told)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"context_length": 8, "context_overlap": 8}, "an overlap of 4 would do"),
        ({"schedule": "looped", "fuse": "relative"}, "fuse=pyramid"),
        ({"context_length": 64}, "8 to 32 frames"),
        ({"motion_scale": 3}, "0.5 to 1.5"),
        ({"motion_module": "mm_v9"}, "mm_sd_v15_v2"),
    ],
)
def test_bad_settings_are_one_clear_line(words, line):
    with pytest.raises(UsageError, match=line) as refusal:
        AnimateDiffSettings.from_plain(words)
    assert "\n" not in str(refusal.value)


def test_all_fuses_can_be_chosen():
    for fuse in FUSES:
        assert AnimateDiffSettings(fuse=fuse, schedule="static").rule(32).fuse == fuse


def test_outside_comfyui_one_line_says_where_it_runs():
    spec = engine_spec("animate-diff")
    for call in (lambda: spec.identity(AnimateDiffSettings(), LocalHost()), lambda: spec.open(AnimateDiffSettings(), LocalHost(), 0)):  # fmt: skip
        with pytest.raises(MissingPackage, match="AnimateDiff runs in ComfyUI only") as refusal:
            call()
        assert "\n" not in str(refusal.value)


def test_a_picture_that_cannot_be_cut_into_latents_is_refused():
    engine, _ = opened(**SMALL)
    with pytest.raises(UsageError, match="divisible by 8"):
        list(engine.transfer(a_character((60, 96)), a_motion(9)))
