"""The engine above a stub of the network: how many frames, from what, and the same again after every break."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from made_inputs import SIZE, Lender, a_character, a_film, a_mask, a_motion, standing
from stub_backend import StubBackend

from motion_transfer.core import Cancelled, Finished, InputError, UsageError
from motion_transfer.models.wan_animate.engine import WanAnimateEngine
from motion_transfer.models.wan_animate.spec import MOVE, REPLACE, WanAnimateSettings
from motion_transfer.sampling.noise import window_noise


def engine(mode="move", backend=None, seed=3, **settings):
    backend = backend or StubBackend()
    host = Lender(backend)
    words = {"window": 17, **settings}
    return WanAnimateEngine(mode, WanAnimateSettings.from_plain(words), host, seed, backend)


def inputs(mode, num_frames, size=SIZE):
    given = {"driving": a_film(num_frames, size), "driving_mask": a_mask(num_frames, size), "canvas": size}
    return given if mode == "replace" else {}


def whole(mode, num_frames, *, made=None, **settings):
    made = made or engine(mode, **settings)
    return list(made.transfer(a_character(), a_motion(num_frames), **inputs(mode, num_frames))), made


@pytest.mark.parametrize("mode", ["move", "replace"])
@pytest.mark.parametrize("num_frames", [1, 2, 16, 17, 18, 33, 50])
@pytest.mark.parametrize(("overlap", "tail"), [("1", "ping-pong"), ("5", "short"), ("5", "hold")])
def test_as_many_frames_come_out_as_went_in(mode, num_frames, overlap, tail):
    chunks, _ = whole(mode, num_frames, overlap=overlap, tail=tail)
    assert [i for c in chunks for i in range(c.start, c.stop)] == list(range(num_frames))
    assert all(c.pixels.dtype == np.uint8 and c.pixels.shape[1:] == (SIZE[1], SIZE[0], 3) for c in chunks)


@pytest.mark.parametrize("mode", ["move", "replace"])
@pytest.mark.parametrize("overlap", ["1", "5"])
def test_a_run_that_goes_on_at_any_window_gives_the_very_same_pixels(mode, overlap):
    chunks, first = whole(mode, 60, overlap=overlap)
    assert len(chunks) >= 4
    for k in range(1, len(chunks)):
        done = np.concatenate([c.pixels for c in chunks[:k]])
        tail = done[-min(MOVE.overlap, len(done)) :]
        after = Finished(len(done), tail, json.loads(json.dumps(chunks[k - 1].state)))
        again = engine(mode, overlap=overlap)
        rest = list(again.transfer(a_character(), a_motion(60), after=after, **inputs(mode, 60)))
        assert [c.start for c in rest] == [c.start for c in chunks[k:]]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(rest, chunks[k:], strict=True))
        assert rest[-1].state == chunks[-1].state and again.report == first.report
        assert len([c for c in again.backend.calls if c[0] == "sample"]) == len(chunks) - k
    nothing = engine(mode, overlap=overlap)
    after = Finished(60, chunks[-1].pixels[-5:], chunks[-1].state)
    assert list(nothing.transfer(a_character(), a_motion(60), after=after, **inputs(mode, 60))) == []
    assert nothing.backend.calls == []


def test_the_windows_before_a_break_count():
    """The test above would be empty if a window did not depend on the one before."""
    chunks, _ = whole("move", 40, drift_lock="off")
    tail = np.zeros_like(chunks[0].pixels[-5:])
    other = engine(drift_lock="off")
    rest = list(other.transfer(a_character(), a_motion(40), after=Finished(chunks[0].stop, tail, chunks[0].state)))
    assert not np.array_equal(rest[0].pixels, chunks[1].pixels)


def test_what_a_window_is_told_when_moving():
    _, made = whole("move", 29, overlap="5", seed=9)
    first, second = made.backend.conditions
    assert first.known.shape == (20, 6, SIZE[1] // 8, SIZE[0] // 8) and first.pose.shape[:2] == (16, 5)
    assert (first.known[:4, 0] == 1).all() and (first.known[:4, 1:] == 0).all()
    assert first.known[4:7, 1:].abs().max() < 1e-6  # grey is 0 of -1..1
    assert (second.known[:4, :3] == 1).all() and (second.known[:4, 3:] == 0).all()
    assert torch.equal(first.known[4:, 0], second.known[4:, 0])
    assert first.face_codes.shape == (17, 20)
    # 12 further: the second window begins with five frames of the first.
    assert torch.equal(first.face_codes[12:], second.face_codes[:5])
    samples = [c for c in made.backend.calls if c[0] == "sample"]
    assert samples[0][2] == 9 and samples[1][2] != 9
    assert [c for c in made.backend.calls if c[0] == "look_at"] == [("look_at", (SIZE[1], SIZE[0], 3))]
    # Reference, grey and pose of the first window; carried frames and pose of the second.
    assert [c[1] for c in made.backend.calls if c[0] == "encode"] == [1, 17, 17, 17, 17]


def test_what_a_window_is_told_when_replacing():
    _, made = whole("replace", 30, mask_grow="0", mask_blocks="0", drift_lock="off")
    first, second = made.backend.conditions
    inside = np.zeros((SIZE[1], SIZE[0]), bool)
    inside[SIZE[1] // 4 : SIZE[1] * 3 // 4, SIZE[0] // 3 : SIZE[0] * 2 // 3] = True
    assert torch.equal(first.known[0, 1] == 0, torch.from_numpy(inside[::8, ::8]))
    assert (second.known[:4, 1] == 1).all()
    black = first.known[4:7, 2][:, torch.from_numpy(inside[::8, ::8])]
    assert (black == -1).all()
    # Blue tells the frame: latent 1 of the first window holds frames 1 to 4, the stub keeps the last.
    outside = first.known[6, 2, 0, 0]
    assert float((outside + 1) / 2 * 255) == pytest.approx(7 * 4, abs=0.01)


def test_frames_outside_the_mask_are_the_driving_videos():
    chunks, _ = whole("replace", 40, backend=StubBackend(shift=(0.02, -0.01, 0.015)), drift_lock="colour")
    made = np.concatenate([c.pixels for c in chunks])
    film = np.concatenate([c.pixels for c in a_film(40).chunks(40)])
    corner = (slice(None), slice(0, 16), slice(0, 16))  # the stub's pixels are 8 x 8 blocks
    apart = made[corner].mean((1, 2)) - film[corner].mean((1, 2))
    # In between latents the stub runs evenly, and so does the film, but where its blue starts anew at 200.
    assert np.abs(apart[:28, :2]).max() < 2


@pytest.mark.parametrize("mode", ["colour", "full"])
def test_a_decoder_that_shifts_colours_is_held_by_the_lock(mode):
    drifting = {"shift": (4 / 255, -2 / 255, 3 / 255), "noise": 0.0}
    locked = whole("move", 16 * 20 + 1, backend=StubBackend(**drifting), drift_lock=mode)[1].report
    assert locked["windows"] == 20
    assert locked["drift_de_mean"] < 1.0
    assert locked["seam_to_frame_jump"] <= 1.2


def test_the_same_decoder_drifts_without_the_lock():
    drifting = {"shift": (4 / 255, -2 / 255, 3 / 255), "noise": 0.0}
    free = whole("move", 16 * 20 + 1, backend=StubBackend(**drifting), drift_lock="off")[1].report
    assert free["drift_de_mean"] > 5 and free["seam_to_frame_jump"] > 1.2


def test_noise_depends_on_seed_and_window_only():
    shape = (16, 6, SIZE[1] // 8, SIZE[0] // 8)
    seen = []

    class Listening(StubBackend):
        def sample(self, condition, noise, seed, on_step):
            seen.append(noise)
            return super().sample(condition, noise, seed, on_step)

    whole("move", 40, backend=Listening(), seed=5)
    assert [torch.equal(n, window_noise(5, k, shape)) for k, n in enumerate(seen)] == [True] * 3


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"pose_strength": 0.5}, {"face_strength": 0}, {"driving_smooth": 9}, {"retarget": "none"}]
)
def test_settings_change_the_picture(change):
    a = whole("move", 10)[0][0].pixels
    b = whole("move", 10, **change)[0][0].pixels
    assert not np.array_equal(a, b)


def test_progress_grows_with_every_step_and_a_cancel_keeps_finished_windows():
    made = engine(backend=StubBackend(steps=4))
    made.host.stop_at = 30
    kept = []
    with pytest.raises(Cancelled):
        for chunk in made.transfer(a_character(), a_motion(60)):
            kept.append(chunk)
    assert [c.stop for c in kept] == [17]
    done = [d for d, total, stage in made.host.steps]
    assert done == sorted(done) and len(set(done)) >= 7
    assert {(t, s) for _, t, s in made.host.steps} == {(60, "frames")}


def test_without_codes_the_face_is_left_to_the_model_and_that_is_said():
    made = engine()
    motion = made.enrich(a_motion(10, codes=False), None)
    assert motion.face_codes == {}
    assert len(made.host.notes) == 1 and "driving video is gone" in made.host.notes[0]
    list(made.transfer(a_character(), motion))
    assert made.backend.conditions[0].face_codes is None and made.report["face"] == "none"


def test_codes_that_are_there_are_not_read_again():
    made = engine()
    motion = a_motion(10)
    assert made.enrich(motion, None) is motion and made.host.notes == []
    silent = engine(face_strength=0)
    assert silent.enrichment == "" and silent.enrich(a_motion(10, codes=False), None).face_codes == {}


def test_a_character_without_a_face_and_a_short_motion_are_said():
    made = engine()
    list(made.transfer(a_character(face=False), a_motion(5)))
    assert [n.split(",")[0] for n in made.host.notes] == [
        "The motion has 5 frames and a window 17: the rest is made and thrown away; tail=short would be faster.",
        "No face was found in the character's picture",
    ]
    assert all("\n" not in n for n in made.host.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"canvas": (833, 480)}, ("divisible by 16", "833x480", "832x480 would do")),
        ({"driving_mask": a_mask(30, (64, 128))}, ("mask", "64x128", "96x128", "same shape")),
        ({"driving_mask": a_mask(12)}, ("mask", "ends after 12 frames")),
        ({"driving": a_film(12)}, ("video", "ends after 12 frames")),
        ({"driving": None}, ("driving video itself",)),
    ],
)
def test_what_cannot_be_replaced_is_refused_in_one_line(change, words):
    made = engine("replace")
    with pytest.raises((InputError, UsageError)) as refusal:
        list(made.transfer(a_character(), a_motion(30), **{**inputs("replace", 30), **change}))
    assert all(word in str(refusal.value) for word in words) and "\n" not in str(refusal.value)
    assert not [c for c in made.backend.calls if c[0] == "sample"]


def test_without_a_mask_the_driver_is_found_around_the_joints():
    """This film shows nobody, so the joints' own shape stands in for what the network sees."""
    made = engine("replace", mask_grow=0, mask_blocks=0)
    given = {**inputs("replace", 5), "driving_mask": None}
    list(made.transfer(a_character(), a_motion(5), **given))
    free = made.backend.conditions[0].known[0, 1] == 0
    at = np.rint(standing()[[0, 5, 6, 11, 12]] / 8).astype(int)
    assert free[at[:, 1], at[:, 0]].sum() >= 3 and 0.02 < float(free.float().mean()) < 0.5


def test_an_empty_mask_is_refused_and_an_inverted_one_noted():
    from motion_transfer.video import FrameList

    made = engine("replace")
    black = FrameList(np.zeros((30, SIZE[1], SIZE[0], 3), np.uint8), 25)
    with pytest.raises(InputError, match=r"black in all of frames 0 to 16; white is to mark the driver"):
        list(made.transfer(a_character(), a_motion(30), **{**inputs("replace", 30), "driving_mask": black}))
    white = FrameList(np.full((30, SIZE[1], SIZE[0], 3), 255, np.uint8), 25)
    list(made.transfer(a_character(), a_motion(30), **{**inputs("replace", 30), "driving_mask": white}))
    assert any("covers 100%" in n for n in made.host.notes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"guidance": 0.5}, ("guidance", "0.5", "1 to 10")),
        ({"window": 78}, ("78", "77 would do")),
        ({"window": 300}, ("window", "300", "17 to 81")),
        ({"overlap": 3}, ("overlap", "1, 5")),
        ({"solver": "euler"}, ("solver", "unipc, dpm++")),
        ({"steps": 0}, ("steps", "1 to 100")),
        ({"colour": 1}, ("colour", "steps, guidance")),
    ],
)
def test_wrong_settings_are_refused_in_one_line(settings, words):
    with pytest.raises(UsageError) as refusal:
        WanAnimateSettings.from_plain(settings)
    assert all(word in str(refusal.value) for word in words) and "\n" not in str(refusal.value)


def test_needs_follow_from_the_settings():
    plain = WanAnimateSettings()
    assert MOVE.needs(plain) == {"character_pose", "driving_if_there"}
    assert REPLACE.needs(plain) == {"character_pose", "driving_frames", "driving_mask"}
    assert MOVE.needs(WanAnimateSettings(retarget="none", face_strength=0)) == frozenset()
    with pytest.raises(UsageError, match="retarget=ours"):
        REPLACE.needs(WanAnimateSettings(retarget="wan"))


def test_a_finished_part_of_other_settings_is_refused():
    with pytest.raises(UsageError, match="frame 20"):
        list(
            engine().transfer(
                a_character(), a_motion(40), after=Finished(20, np.zeros((5, 128, 96, 3), np.uint8), None)
            )
        )
