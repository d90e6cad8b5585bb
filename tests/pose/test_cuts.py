"""Cuts are found where shots change, and nowhere else."""

import numpy as np
import pytest

from motion_transfer.pose.cuts import CutFinder, find_cuts


def shot(frames, seed, width=320, height=180, speed=0):
    """A textured picture of its own colours; `speed` px per frame of pan."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 20, (width + frames * speed) // 20 + 2, 3))
    tint = rng.integers(0, 120, 3)
    wide = np.kron(coarse // 2, np.ones((20, 20, 1), int)) + tint
    return np.stack([wide[:height, i * speed : i * speed + width] for i in range(frames)]).astype(np.uint8)


def noisy(frames):
    noise = np.random.default_rng(9).normal(0, 4, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("speed", [0, 2, 5])
def test_cuts_are_found_at_their_first_frame(speed):
    clip = noisy(np.concatenate([shot(11, 1, speed=speed), shot(7, 2, speed=speed), shot(9, 3, speed=speed)]))
    assert find_cuts(clip) == (11, 18)


def test_one_long_shot_has_none():
    assert find_cuts(noisy(shot(40, 4, speed=6))) == ()


def test_a_flash_is_no_cut():
    clip = noisy(shot(20, 5))
    clip[9] = 255
    assert find_cuts(clip) == ()


def test_a_slow_fade_is_no_cut():
    a, b = shot(1, 6)[0].astype(float), shot(1, 7)[0].astype(float)
    assert find_cuts(np.stack([a + (b - a) * t for t in np.linspace(0, 1, 30)]).astype(np.uint8)) == ()


def test_a_cut_at_the_last_frame_counts():
    assert find_cuts(np.concatenate([shot(8, 1), shot(1, 2)])) == (8,)


def test_a_cut_is_suspected_at_once_and_settled_a_frame_later():
    finder = CutFinder()
    clip = np.concatenate([shot(5, 1), shot(3, 2)])
    suspected = [finder.feed(frame) for frame in clip[:6]]
    assert suspected == [False] * 5 + [True] and finder.settled == () and finder.cuts() == (5,)
    assert not finder.feed(clip[6]) and finder.settled == (5,)


def test_one_frame_and_odd_sizes_work():
    assert find_cuts(np.zeros((1, 1, 1, 3), np.uint8)) == ()
    assert find_cuts(np.concatenate([np.zeros((3, 5, 900, 3), np.uint8), np.full((3, 5, 900, 3), 200, np.uint8)])) == (
        3,
    )
