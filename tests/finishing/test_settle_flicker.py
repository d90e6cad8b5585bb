"""Flicker of light goes, everything else stays: edges, cuts, slow light, and clips that do not flicker at all."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from motion_transfer.core import FrameChunk, InputError, Timeline
from motion_transfer.finishing.finisher import Clip
from motion_transfer.finishing.settle_flicker import SettleFlicker, SettleFlickerSettings
from motion_transfer.run.host import LocalHost

SIZE = (128, 96)
FRAMES = 48
RATE = 24


def scene(frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """A textured room and a darker textured square that walks through it with sharp edges, 2 px a frame."""
    rng = np.random.default_rng(seed)
    room = cv2.resize(rng.integers(70, 190, (12, 16, 3), dtype=np.uint8), SIZE, interpolation=cv2.INTER_CUBIC)
    walker = cv2.resize(rng.integers(30, 80, (6, 6, 3), dtype=np.uint8), (28, 28), interpolation=cv2.INTER_CUBIC)
    out = np.repeat(room[None], frames, axis=0)
    for t in range(frames):
        x = 5 + 2 * t
        out[t, 40:68, x : x + 28] = walker
    return out


def flickering(pixels: np.ndarray, gains: np.ndarray) -> np.ndarray:
    gains = gains.reshape(len(pixels), *([1, 1] if gains.ndim == 1 else gains.shape[1:]), 1)
    return np.clip(np.rint(pixels * (1 + gains)), 0, 255).astype(np.uint8)


def settled(pixels: np.ndarray, cuts: tuple[int, ...] = (), **settings: float) -> np.ndarray:
    clip = Clip(SIZE, Timeline.constant(len(pixels), Fraction(RATE)), cuts)
    finisher = SettleFlicker(SettleFlickerSettings(**settings), LocalHost(device="cpu"))
    chunks = (FrameChunk(pixels[k : k + 16], k) for k in range(0, len(pixels), 16))
    finisher.begin(clip, finisher.survey(clip, chunks))
    out = []
    for start in range(0, len(pixels), finisher.group):
        stop = min(start + finisher.group, len(pixels))
        low, high = finisher.span(start, stop)
        low, high = max(0, low), min(high, len(pixels))
        out.append(finisher.finish(FrameChunk(pixels[low:high], low), start, stop).pixels)
    return np.concatenate(out)


def light(pixels: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """float64 [T]: how much brighter each frame is than it should be."""
    return pixels.mean((1, 2, 3)) / clean.mean((1, 2, 3)) - 1


WHITE = np.random.default_rng(3).uniform(-0.04, 0.04, FRAMES)
ALTERNATING = 0.04 * (-1.0) ** np.arange(FRAMES)
LAMP = 0.04 * np.sin(2 * np.pi * 7 / RATE * np.arange(FRAMES))


@pytest.mark.parametrize(("name", "gains"), [("white", WHITE), ("alternating", ALTERNATING), ("7 Hz", LAMP)])
def test_four_percent_of_flicker_fall_to_a_quarter_or_less(name, gains):
    clean = scene()
    bad = flickering(clean, gains)
    out = settled(bad)
    before, after = light(bad, clean), light(out, clean)
    print(f"\nflicker {name}: {100 * before.std():.2f} % -> {100 * after.std():.2f} %, {before.std() / after.std():.1f} x; from frame to frame {np.diff(before).std() / np.diff(after).std():.1f} x")  # fmt: skip
    assert before.std() >= 4 * after.std()


def test_flicker_of_one_side_only_is_taken_out_there():
    clean = scene()
    gains = np.zeros((FRAMES, *SIZE[::-1]))
    gains += (ALTERNATING / 0.04 * 0.05)[:, None, None] * np.linspace(1, 0, SIZE[0])[None, None]
    bad = flickering(clean, gains)
    out = settled(bad)
    left, right = np.s_[:, :, : SIZE[0] // 4], np.s_[:, :, -SIZE[0] // 4 :]
    before, after = (light(p[left], clean[left]).std() for p in (bad, out))
    other = light(out[right], clean[right]).std()
    print(f"\nflicker of the left: {100 * before:.2f} % -> {100 * after:.2f} %; on the right {100 * other:.2f} %")
    assert before >= 3 * after and other < 0.012


def test_a_clip_that_does_not_flicker_stays_as_it_is():
    clean = scene()
    assert np.abs(settled(clean).astype(int) - clean).max() <= 1
    # the texture part guesses what a walker uncovers, and now and then wrongly
    away = np.abs(settled(clean[:24], texture=1.0).astype(int) - clean[:24])
    assert (away > 1).mean() < 0.002 and away.max() <= 12


@pytest.mark.parametrize("texture", [0.0, 1.0])
def test_a_moving_edge_keeps_its_contrast(texture):
    """Across the walker's front edge, 1 px to each side of it, in flicker and out of it."""
    clean = scene()

    def contrast(pixels: np.ndarray) -> float:
        steps = []
        for t in range(4, 44):
            x = 5 + 2 * t
            for at in (x, x + 28):
                steps.append(np.abs(pixels[t, 44:64, at].astype(float) - pixels[t, 44:64, at - 1]).mean())
        return float(np.mean(steps))

    bad = flickering(clean, WHITE)
    out = settled(bad, texture=texture)
    kept = contrast(out) / contrast(clean)
    print(f"\nmoving edge, texture {texture:g}: {100 * kept:.2f} % of its contrast")
    assert kept > 0.98


def test_texture_of_single_frames_goes_where_asked_for():
    clean = scene(16)
    rng = np.random.default_rng(5)
    bad = np.clip(clean + 4 * rng.standard_normal((16, SIZE[1] // 4, SIZE[0] // 4, 1)).repeat(4, 1).repeat(4, 2), 0, 255)  # fmt: skip
    bad = np.rint(bad).astype(np.uint8)

    def wobble(pixels: np.ndarray) -> float:
        return float(np.diff(pixels[:, :38].astype(float), axis=0).std())

    assert wobble(settled(bad, texture=1.0)) < 0.75 * wobble(settled(bad))


def test_a_cut_is_no_flicker_and_nothing_reaches_across_it():
    first, second = scene(24), np.clip(scene(24, seed=9) * 1.3, 0, 255).astype(np.uint8)
    both = flickering(np.concatenate([first, second]), np.tile(WHITE, 2)[:48])
    whole = settled(both, cuts=(24,))
    assert np.array_equal(whole[:24], settled(both[:24]))
    assert np.array_equal(whole[24:], settled(both[24:]))


def test_light_that_changes_slowly_is_kept():
    clean = scene()
    fade = np.linspace(-0.1, 0.1, FRAMES)  # 10 % a second
    bad = flickering(clean, fade)
    away = light(settled(bad), clean) - light(bad, clean)
    assert np.abs(away[14:-14]).max() < 0.002  # half a level at 128: the window is even there
    assert np.abs(away).max() < 0.02


def test_a_lamp_switched_on_is_kept():
    clean = scene()
    bad = flickering(clean, np.where(np.arange(FRAMES) < 24, -0.3, 0.0))
    out = settled(bad)
    assert np.abs(light(out, clean) - light(bad, clean)).max() < 0.05


def test_how_much_is_taken_out_follows_the_strength():
    bad, clean = flickering(scene(), ALTERNATING), scene()
    half = light(settled(bad, strength=0.5), clean).std()
    assert 0.4 < half / light(bad, clean).std() < 0.7
    assert np.array_equal(settled(bad, strength=0.0), bad)


def test_the_survey_of_another_clip_is_refused_in_one_line():
    finisher = SettleFlicker(SettleFlickerSettings(), LocalHost(device="cpu"))
    clip = Clip(SIZE, Timeline.constant(10, Fraction(24)))
    found = finisher.survey(clip, iter([FrameChunk(scene(9), 0)]))
    assert found["changes"].nbytes <= 10 * 12 * 12 * 3 * 2  # a few hundred bytes a frame
    with pytest.raises(InputError, match="belongs to another clip"):
        finisher.begin(clip, found)


def test_a_black_clip_and_a_single_frame_are_taken():
    black = np.zeros((5, SIZE[1], SIZE[0], 3), np.uint8)
    assert np.array_equal(settled(black), black)
    one = scene(1)
    assert np.array_equal(settled(one), one)
