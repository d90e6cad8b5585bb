"""The engine above a stub of the network: how many frames, from what, and the same again after every break."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from mimic_inputs import SIZE, Lender, a_character, a_motion, face, standing, waving
from stub_mimic import StubBackend

from motion_transfer.core import FACE, Cancelled, Finished, NoPersonFound, UsageError
from motion_transfer.models.mimic_motion import engine as engine_module
from motion_transfer.models.mimic_motion.engine import MimicMotionEngine
from motion_transfer.models.mimic_motion.poses import Poses
from motion_transfer.models.mimic_motion.spec import SPEC, MimicMotionSettings
from motion_transfer.pose.draw import draw_pose
from motion_transfer.sampling.sections import plan_sections

SMALL = {"tile": "16", "section": 32}


def engine(backend=None, seed=3, **settings):
    backend = backend or StubBackend()
    host = Lender(backend)
    return MimicMotionEngine(MimicMotionSettings.from_plain({**SMALL, **settings}), host, seed, backend)


def whole(num_frames, *, made=None, **settings):
    made = made or engine(**settings)
    return list(made.transfer(a_character(), a_motion(num_frames))), made


@pytest.mark.parametrize("num_frames", [1, 2, 15, 16, 17, 31, 32, 33, 70])
@pytest.mark.parametrize("settings", [{}, {"overlap": 1}, {"temporal_consistency": False}, {"tile": "72", "decode_chunk": 5}])  # fmt: skip
def test_as_many_frames_come_out_as_went_in(num_frames, settings):
    chunks, made = whole(num_frames, **settings)
    assert [i for c in chunks for i in range(c.start, c.stop)] == list(range(num_frames))
    assert all(c.pixels.dtype == np.uint8 and c.pixels.shape[1:] == (SIZE[1], SIZE[0], 3) for c in chunks)
    assert all(len(t) == min(made.settings.tile_frames, len(c.poses)) for c in made.backend.conditions for t in c.tiles)


@pytest.mark.parametrize("settings", [{}, {"overlap": 1}, {"guidance_start": 1.0}])
def test_a_run_that_goes_on_behind_any_section_gives_the_very_same_pixels(settings):
    chunks, first = whole(100, **settings)
    assert len(chunks) >= 4
    for k in range(1, len(chunks) + 1):
        last = chunks[k - 1]
        after = Finished(last.stop, last.pixels[:0], json.loads(json.dumps(last.state)), last.ahead)
        again = engine(**settings)
        rest = list(again.transfer(a_character(), a_motion(100), after=after))
        assert [c.start for c in rest] == [c.start for c in chunks[k:]]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(rest, chunks[k:], strict=True))
        if k == len(chunks):
            assert again.backend.calls == []
        else:
            assert again.report == first.report
            assert len([c for c in again.backend.calls if c[0] == "sample"]) == len(chunks) - k


def test_what_a_section_is_told():
    chunks, made = whole(55, seed=9, guidance_start=1.0, reference_strength=0.8)
    first, second = made.backend.conditions
    assert chunks[0].start == 0 and first.pose_strength == pytest.approx(0.9)
    own = draw_pose(standing(), np.full(133, 0.9, np.float32), SIZE, "mimicmotion")
    assert np.array_equal(first.poses[0], own) and np.array_equal(second.poses[0], own)
    assert np.array_equal(first.poses[-5:], second.poses[1:6]), "five frames are shared"
    assert first.tiles[0] == tuple(range(16)) and all(t[0] == 0 for t in second.tiles)
    assert first.guidance[0] == 1.0 and second.guidance[-1] == 3.0
    assert torch.equal(first.guidance[-5:], second.guidance[1:6])
    assert torch.equal(made.backend.noises[0][-5:], made.backend.noises[1][1:6])
    samples = [c for c in made.backend.calls if c[0] == "sample"]
    assert samples[0][2] == 9 and samples[1][2] != 9
    # The reference is decoded with the first frames, as the original does it, and dropped.
    assert [c[1] for c in made.backend.calls if c[0] == "decode"][:4] == [8, 8, 8, 7]
    assert made.report["guidance"] == [1.0, 3.0] and made.report["sections"] == 2 and made.report["tile"] == 16


def test_the_reference_is_dropped_and_every_frame_is_its_own():
    """Without noise and tint each frame is the reference with its own pose."""

    class Plain(StubBackend):
        def sample(self, condition, noise, seed, on_step):
            at = torch.arange(len(condition.poses)).float().view(-1, 1, 1, 1)
            return (at / 255).expand(noise.shape).clone()

        def decode(self, latents):
            return super().decode(latents) - 0.01 * len(latents)

    chunks = list(engine(Plain()).transfer(a_character(), a_motion(20)))
    assert np.concatenate([c.pixels for c in chunks])[:, 0, 0, 0].tolist() == list(range(1, 21))


@pytest.mark.parametrize("tile", ["16", "72"])
def test_sections_are_never_shorter_than_a_tile_where_the_clip_is_not(tile):
    settings = MimicMotionSettings.from_plain({"tile": tile, "section": 32})
    for n in range(1, 400):
        sections = plan_sections(n, settings.section_frames, settings.shared_frames)
        assert all(s.num_frames + 1 >= min(n + 1, settings.tile_frames) for s in sections)


def test_guidance_and_tiles_follow_the_settings():
    assert MimicMotionSettings().guidance == 2.0 and MimicMotionSettings(reference_strength=0.5).guidance == 2.25
    assert MimicMotionSettings().tile_frames == 72 and MimicMotionSettings(version="1").tile_frames == 16
    assert MimicMotionSettings(version="1", tile="72").tile_frames == 72
    assert MimicMotionSettings(temporal_consistency=False).overlap_frames == 1
    for values, word in (({"reference_strength": 0}, "0.05 to 2"), ({"guidance_start": 0.5}, "1 or more"), ({"tile": "20"}, "72, 16")):  # fmt: skip
        with pytest.raises(UsageError, match=word) as refusal:
            MimicMotionSettings.from_plain(values)
        assert "\n" not in str(refusal.value)


def test_a_tile_longer_than_the_clip_is_said_once_in_one_line():
    _, made = whole(5, tile="72")
    (line,) = made.host.notes
    assert "72 frames is longer than the clip of 5" in line and "\n" not in line
    assert whole(5, tile="auto")[1].host.notes == []


def test_frames_without_a_person_are_counted_and_nobody_at_all_is_refused():
    track = waving(20)
    scores = track.scores.copy()
    scores[7:10] = 0
    made = engine()
    list(made.transfer(a_character(), a_motion(20, track=replace(track, scores=scores))))
    (line,) = made.host.notes
    assert "3 of 20 frames" in line and "frame 7" in line and "\n" not in line
    with pytest.raises(NoPersonFound, match="None of the 20 frames"):
        list(made.transfer(a_character(), a_motion(20, track=replace(track, scores=np.zeros_like(scores)))))
    with pytest.raises(NoPersonFound, match="no person was found in its picture"):
        list(made.transfer(a_character(scores=0.0), a_motion(20)))
    with pytest.raises(NoPersonFound, match="`character_pose`"):
        list(made.transfer(replace(a_character(), pose=None), a_motion(20)))


def test_sizes_that_the_network_cannot_halve_are_refused_with_one_that_works():
    with pytest.raises(UsageError, match="64x128 would do"):
        list(engine().transfer(a_character((96, 128)), a_motion(4)))


@pytest.mark.parametrize("retarget", ["ours", "mimicmotion", "none"])
@pytest.mark.parametrize("points", ["all", "none", "moved"])
def test_every_way_of_drawing_gives_a_figure_with_or_without_face_points(retarget, points):
    settings = MimicMotionSettings(retarget=retarget, face_points=points)
    poses = Poses(settings, a_motion(12), a_character())
    out = np.zeros((12, SIZE[1], SIZE[0], 3), np.uint8)
    poses.draw(0, 12, out)
    part = np.zeros((3, SIZE[1], SIZE[0], 3), np.uint8)
    poses.draw(5, 8, part)
    assert (out.reshape(12, -1).max(1) > 60).all() and np.array_equal(part, out[5:8])
    without = Poses(replace(settings, face_points="none"), a_motion(12), a_character())
    assert np.array_equal(out[3], without._drawn(without.track(3, 4), 0)) == (points == "none")


def test_moved_points_are_the_characters_own_face_turned_as_the_driver():
    """The driver's face is wide and low, leans over and turns away; the character's is long and narrow."""
    num = 30
    track = waving(num)
    points = track.points.copy()
    lean = 0.5 * np.sin(np.arange(num) / 5)
    away = 0.6 + 0.4 * np.cos(np.arange(num) / 7)
    wide = face(8.0, aspect=0.9)
    for t in range(num):
        c, s = np.cos(lean[t]), np.sin(lean[t])
        points[t, FACE] = points[t, 0] + (wide * [away[t], 1]) @ np.array([[c, s], [-s, c]])
    character = a_character()
    own = character.pose.points[0].copy()
    own[FACE] = own[0] + face(6.0, aspect=1.6)
    character = replace(character, pose=replace(character.pose, points=own[None].astype(np.float32)))
    settings = MimicMotionSettings(face_points="moved", driving_smooth=0)
    moved = Poses(settings, a_motion(num, track=replace(track, points=points)), character).track(0, num).points[:, FACE]
    rest = face(6.0, aspect=1.6).astype(np.float64)
    for t in (0, 8, 20):  # seen from the front, leaning: the character's own shape
        if away[t] < 0.95:
            continue
        eyes, nose = moved[t, 45] - moved[t, 36], moved[t, 33] - moved[t, 27]
        shape = np.linalg.norm(eyes) / np.linalg.norm(nose)
        want = np.linalg.norm(rest[45] - rest[36]) / np.linalg.norm(rest[33] - rest[27])
        assert shape == pytest.approx(want, rel=0.06)
        assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(np.degrees(lean[t]), abs=2)
    turned = int(away.argmin())
    narrow = np.linalg.norm(moved[turned, 45] - moved[turned, 36])
    assert narrow < 0.35 * np.linalg.norm(moved[0, 45] - moved[0, 36]), "a face that turns away gets narrower"


def test_stopping_in_the_middle_of_a_section_stops_at_once():
    made = engine()
    made.host.stop_at = 40
    seen = []
    with pytest.raises(Cancelled):
        for chunk in made.transfer(a_character(), a_motion(100)):
            seen.append(chunk.stop)
    assert seen and seen[-1] < 60
    steps = [done for done, _, _ in made.host.steps]
    assert steps == sorted(steps) and all(total == 100 for _, total, _ in made.host.steps)


def test_memory_does_not_grow_with_the_clip(monkeypatch):
    """But for the joints, some kilobytes a frame, which are not looked at here."""

    class Light:
        size = SIZE

        def __init__(self, *given):
            pass

        def reference(self):
            return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)

        def draw(self, start, stop, out):
            out[:, 0, 0, 0] = 255

    monkeypatch.setattr(engine_module, "Poses", Light)

    def peak(num_frames):
        made = engine(StubBackend(remembers=False))
        motion, character = a_motion(num_frames), a_character()
        tracemalloc.start()
        for _chunk in made.transfer(character, motion):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(40)
    assert peak(640) < 1.10 * peak(160)


def test_the_spec_says_what_it_is():
    assert (
        SPEC.order == "joint" and SPEC.size_multiple == 64 and SPEC.needs(MimicMotionSettings()) == {"character_pose"}
    )
    assert not any(w.commercial_use for w in SPEC.weights) and all("Stability" in w.licence for w in SPEC.weights)
    assert "Stability" in next(o.help for o in MimicMotionSettings.options() if o.name == "version")
