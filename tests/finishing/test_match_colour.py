"""Colours come to the picture's, calmly, and never wobble."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from motion_transfer.core import Character, FrameChunk, Timeline, UsageError
from motion_transfer.finishing.finisher import Clip
from motion_transfer.finishing.match_colour import (
    MatchColour,
    MatchColourSettings,
    colour_map,
    colours_of,
    recoloured,
)
from motion_transfer.run.host import LocalHost
from motion_transfer.sampling.colour import delta_e

SIZE = (96, 64)


def picture(seed: int = 0, low: int = 60, high: int = 200) -> np.ndarray:
    rough = np.random.default_rng(seed).integers(low, high, (8, 12, 3), dtype=np.uint8)
    return cv2.resize(rough, SIZE, interpolation=cv2.INTER_LINEAR)


def tinted(pixels: np.ndarray, gain: tuple[float, float, float]) -> np.ndarray:
    return np.clip(np.rint(pixels * np.array(gain)), 0, 255).astype(np.uint8)


def matched(pixels: np.ndarray, character: np.ndarray | None = None, cuts: tuple[int, ...] = (), rate: int = 24, **settings: object) -> np.ndarray:  # fmt: skip
    whom = None if character is None else Character(character, "0" * 64)
    clip = Clip(SIZE, Timeline.constant(len(pixels), Fraction(rate)), cuts, whom)
    finisher = MatchColour(MatchColourSettings(**settings), LocalHost(device="cpu"))  # type: ignore[arg-type]
    finisher.begin(clip, finisher.survey(clip, iter([FrameChunk(pixels, 0)])))
    halves = [(0, len(pixels) // 2), (len(pixels) // 2, len(pixels))]
    return np.concatenate([finisher.finish(FrameChunk(pixels[a:b], a), a, b).pixels for a, b in halves if b > a])


def away(a: np.ndarray, b: np.ndarray) -> float:
    """Mean distance of two pictures for the eye; 2 is the least that people see."""
    return float(delta_e(a / 255, b / 255).mean())


def test_a_tinted_clip_comes_back_to_the_picture():
    wanted = picture()
    bad = np.repeat(tinted(wanted, (1.12, 1.0, 0.85))[None], 6, axis=0)
    out = matched(bad, wanted, to="character", over="clip", strength=1.0)
    before, after = away(bad[0], wanted), away(out[0], wanted)
    print(f"\ntinted clip: {before:.1f} -> {after:.1f} delta E")
    assert before > 10 and after < 2  # no more than people see


def test_the_map_gives_the_mean_and_the_spread_that_are_wanted():
    have, wanted = picture(1, 90, 160), picture(2)
    out = recoloured(have, colour_map(colours_of(have), colours_of(wanted), 1.0))
    got, goal = colours_of(out), colours_of(wanted)
    assert np.abs(got[:3] - goal[:3]).max() < 1.0  # of 100
    had = np.sqrt(np.diag(colours_of(have)[3:].reshape(3, 3)))
    spread, wanted_spread = (np.sqrt(np.diag(v[3:].reshape(3, 3))) for v in (got, goal))
    assert (np.abs(spread - wanted_spread) < np.abs(had - wanted_spread)).all()


def test_nothing_is_stretched_without_end():
    flat, rich = np.full((8, 8, 3), 120, np.uint8), picture(3, 0, 255)
    stretch = colour_map(colours_of(flat), colours_of(rich), 1.0)[:, :3]
    assert np.linalg.eigvalsh(stretch).max() <= 1.6 + 1e-9


def test_a_clip_that_matches_stays_as_it_is():
    wanted = picture()
    same = np.repeat(wanted[None], 4, axis=0)
    assert np.array_equal(matched(same, wanted, to="character", over="clip"), same)
    assert np.array_equal(matched(same), same)
    assert np.array_equal(matched(tinted(same, (1.1, 1, 1)), wanted, to="character", strength=0.0), tinted(same, (1.1, 1, 1)))  # fmt: skip


def test_a_slow_drift_is_taken_back_to_the_beginning():
    frames = np.stack([tinted(picture(), (1 + 0.2 * t / 239, 1.0, 1 - 0.2 * t / 239)) for t in range(240)])
    out = matched(frames, seconds=2.0, strength=1.0)
    before, after = away(frames[-30], frames[0]), away(out[-30], out[0])
    print(f"\ndrift of 10 s: {before:.1f} -> {after:.1f} delta E")
    assert before > 10 and after < 3


def test_one_odd_frame_moves_nothing_and_nothing_wobbles():
    rng = np.random.default_rng(4)
    frames = np.stack([np.clip(tinted(picture(), (1.1, 1, 0.9)) + rng.normal(0, 8, (*SIZE[::-1], 3)), 0, 255).astype(np.uint8) for _ in range(48)])  # fmt: skip
    frames[24] = 255 - frames[24]
    for over in ("clip", "shot", "drift"):
        out = matched(frames, picture(), to="character", over=over, strength=1.0)
        light_in, light_out = frames.mean((1, 2, 3)), out.mean((1, 2, 3))
        calm = np.delete(np.arange(47), [23, 24])
        assert np.abs(np.diff(light_out)[calm]).max() < np.abs(np.diff(light_in)[calm]).max() + 0.15  # of 255
    assert not np.array_equal(out, frames)


def test_each_shot_has_its_own_map_and_a_cut_parts_them():
    wanted = picture()
    frames = np.concatenate([np.repeat(tinted(wanted, g)[None], 10, axis=0) for g in ((1.15, 1, 1), (1, 1, 0.88))])
    out = matched(frames, wanted, cuts=(10,), to="character", over="shot", strength=1.0)
    assert away(out[0], wanted) < 2 and away(out[10], wanted) < 2
    drift = matched(frames, wanted, cuts=(10,), to="character", over="drift", strength=1.0)
    assert np.array_equal(drift[:10], matched(frames[:10], wanted, to="character", over="drift", strength=1.0))


def test_a_cut_out_character_is_matched_by_what_is_seen_of_it():
    wanted, alpha = picture(5), np.zeros(SIZE[::-1], np.uint8)
    alpha[:, :48] = 255
    whom = wanted.copy()
    whom[:, 48:] = (0, 255, 0)
    assert np.allclose(colours_of(whom, alpha), colours_of(wanted[:, :47]), atol=12)
    assert not np.allclose(colours_of(whom), colours_of(wanted[:, :47]), atol=12)


def test_a_picture_that_nobody_named_is_asked_for_in_one_line():
    with pytest.raises(UsageError, match="none is given"):
        matched(np.repeat(picture()[None], 3, axis=0), to="character")
