"""Frames between frames: how many and when, which are copied, what lies between, and that nothing crosses a cut."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.core import FrameChunk, Timeline, UsageError
from motion_transfer.finishing.between_by_flow import BetweenByFlow, blended
from motion_transfer.finishing.chain import Chain
from motion_transfer.finishing.finisher import Clip
from motion_transfer.finishing.interpolate import SPEC, InterpolateSettings
from motion_transfer.finishing.interpolate_times import exact_rate, plan_times
from motion_transfer.finishing.interpolator import Interpolator
from motion_transfer.video import open_video

NTSC = Fraction(30000, 1001)
DANCER = Path(__file__).parents[2] / "demo" / "media" / "dancer.mp4"


class NoHost:
    """Lends nothing, or what it was given."""

    def __init__(self, between=None):
        self._between = between

    def lend(self, what):
        return self._between


class Blend:
    """Mixes, so that a test sees from which frames and by how much."""

    fingerprint = "blend"

    def between(self, before, after, shares):
        return blended(before, after, shares)


def clip_of(frames, rate=Fraction(24), cuts=()):
    timeline = rate if isinstance(rate, Timeline) else Timeline.constant(len(frames), rate)
    return Clip((frames.shape[2], frames.shape[1]), timeline, cuts)


def interpolated(frames, fps, rate=Fraction(24), cuts=(), alpha=None, start=0, length=16):
    chain = Chain(clip_of(frames, rate, cuts), lambda first: iter([FrameChunk(frames[first:], first, alpha=None if alpha is None else alpha[first:])]))  # fmt: skip
    chain.add(Interpolator(InterpolateSettings(fps=fps), NoHost(Blend())), {})
    return chain.clip, list(chain.results(start, length))


def psnr(a, b):
    return 10 * np.log10(255**2 / max(1e-9, float(((a.astype(np.float32) - b) ** 2).mean())))


@pytest.mark.parametrize(
    ("said", "meant"),
    [(60, Fraction(60)), (59.94, 2 * NTSC), (29.97, NTSC), (23.976, Fraction(24000, 1001)), (119.88, 4 * NTSC),
     (23.98, Fraction(24000, 1001)), (12.5, Fraction(25, 2)), (59.9, Fraction(599, 10)), (1, Fraction(1))],
)  # fmt: skip
def test_rates_mean_what_people_mean(said, meant):
    assert exact_rate(said) == meant


@pytest.mark.parametrize(
    ("rate", "frames", "fps", "count"),
    [(Fraction(24), 240, 60, 600), (NTSC, 300, 60, 601), (NTSC, 300, 59.94, 600), (Fraction(25), 250, 50, 500),
     (Fraction(24000, 1001), 240, 60, 601), (Fraction(30), 1, 60, 2), (Fraction(16), 81, 30, 152)],
)  # fmt: skip
def test_count_stamps_and_end_are_exact(rate, frames, fps, count):
    source = Timeline.constant(frames, rate)
    made = plan_times(source, (), exact_rate(fps)).timeline
    assert made.num_frames == count
    step = 1 / exact_rate(fps)
    assert [int(p) * made.time_base for p in made.pts] == [k * step for k in range(count)]
    end = int(made.pts[-1] + made.last_duration) * made.time_base
    assert end == frames / rate, "it ends when the source ends"


def test_stamps_in_milliseconds_give_no_extra_frame_and_copy_what_falls_together():
    source = Timeline(np.rint(np.arange(240) * 1000 / 24).astype(np.int64), Fraction(1, 1000), Fraction(24), 42)
    times = plan_times(source, (), Fraction(60))
    assert times.timeline.num_frames == 600
    assert (times.share[::5] == 0).all() and (times.left[::5] == np.arange(0, 240, 2)).all()


def test_uneven_frame_times_are_followed():
    stamps = np.array([1000, 1040, 1120, 1160, 2160, 2200], np.int64)  # late start, uneven, a still of a second
    times = plan_times(Timeline(stamps, Fraction(1, 1000), Fraction(25), 40), (), Fraction(100))
    seconds = [int(p) * times.timeline.time_base for p in times.timeline.pts]
    assert seconds[0] == 1 and len(seconds) == 124 and seconds[-1] == Fraction(223, 100)
    assert times.left[:5].tolist() == [0, 0, 0, 0, 1] and times.share[:5] == pytest.approx([0, 0.25, 0.5, 0.75, 0])
    assert times.share[4:12] == pytest.approx(np.arange(8) / 8), "80 ms are eighths at 100 frames/s"
    still = (times.left == 3).nonzero()[0]
    assert len(still) == 100 and not times.share[still].any(), "a still is held, not slowed down"


def test_every_frame_is_between_the_right_two_and_source_frames_are_kept():
    frames = np.repeat(np.arange(0, 240, 10, dtype=np.uint8), 16 * 16 * 3).reshape(24, 16, 16, 3)
    clip, chunks = interpolated(frames, 60)
    assert clip.num_frames == 60 and clip.timeline.rate == 60
    made = np.concatenate([c.pixels for c in chunks])
    wanted = np.minimum(np.arange(60) * 24 / 60 * 10, 230)
    assert np.abs(made[:, 0, 0, 0] - wanted).max() <= 0.5
    assert (made == made[:, :1, :1, :1]).all()


def test_nothing_crosses_a_cut():
    frames = np.zeros((24, 16, 16, 3), np.uint8)
    frames[11:] = 255
    clip, chunks = interpolated(frames, 60, cuts=(11,))
    made = np.concatenate([c.pixels for c in chunks])[:, 0, 0, 0]
    assert set(made.tolist()) == {0, 255}
    assert (made == 0).sum() == 28 and clip.cuts == (28,), "the new shot begins at its own time: 11/24 s = 27.5/60"
    _, blind = interpolated(frames, 60)
    assert len(set(np.concatenate([c.pixels for c in blind])[:, 0, 0, 0].tolist())) > 2, "the test can fail"


@pytest.mark.parametrize("start", [0, 7, 16, 59])
def test_frames_do_not_depend_on_where_the_work_began(start):
    frames = np.random.default_rng(1).integers(0, 256, (24, 8, 8, 3), np.uint8)
    alpha = frames[..., 0].copy()
    _, whole = interpolated(frames, 60, alpha=alpha)
    _, part = interpolated(frames, 60, alpha=alpha, start=start, length=5)
    assert part[0].start == start and part[-1].stop == 60
    for name in ("pixels", "alpha"):
        assert np.array_equal(
            np.concatenate([getattr(c, name) for c in part]), np.concatenate([getattr(c, name) for c in whole])[start:]
        )


@pytest.mark.parametrize("fps", [24, 23.976, 10])
def test_a_rate_that_is_not_above_the_source_is_refused(fps):
    with pytest.raises(UsageError, match="the clip has 24 frames/s already"):
        SPEC.check(InterpolateSettings(fps=fps), clip_of(np.zeros((4, 8, 8, 3), np.uint8)))
    with pytest.raises(UsageError, match="1 to 1000 frames/s"):
        InterpolateSettings(fps=0.5)


def test_motion_is_followed_where_blending_shows_two_pictures():
    """Every second frame of the dancer left out and made again: blending 27.2 to 32.9 dB, motion 34 to 40."""
    wanted = {k + d for k in (1, 49, 97) for d in (-1, 0, 1)}
    frames = {}
    for chunk in open_video(DANCER).chunks(8):
        frames |= {t: chunk.pixels[t - chunk.start] for t in wanted if chunk.start <= t < chunk.stop}
        if len(frames) == len(wanted):
            break
    gains = []
    for k in (1, 49, 97):
        before, truth, after = frames[k - 1], frames[k], frames[k + 1]
        made = BetweenByFlow().between(before, after, [0.5])[0]
        gains.append(psnr(made, truth) - psnr(blended(before, after, [0.5])[0], truth))
    assert min(gains) > 2.5 and np.mean(gains) > 5


def textured(height, width):
    noise = np.random.default_rng(2).uniform(0, 255, (height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return ((soft - soft.min()) / (soft.max() - soft.min()) * 255).astype(np.uint8)


def test_a_pan_keeps_its_detail_at_any_share():
    wide = textured(96, 160)
    before, after = wide[:, 0:128], wide[:, 8:136]
    made = BetweenByFlow().between(before, after, [0.25, 0.5])
    for picture, shift in zip(made, (2, 4), strict=True):
        truth = wide[:, shift : shift + 128]
        assert psnr(picture[8:-8, 12:-12], truth[8:-8, 12:-12]) > 32  # blending: 20
    assert psnr(blended(before, after, [0.5])[0], wide[:, 4:132]) < 25


def test_a_still_picture_stays_as_it_is():
    picture = textured(64, 64)
    assert np.array_equal(BetweenByFlow().between(picture, picture, [0.3])[0], picture)
    other = picture.copy()
    other[40:60, 40:60] = 255 - other[40:60, 40:60]
    made = BetweenByFlow().between(picture, other, [0.5])[0]
    assert np.array_equal(made[:24, :24], picture[:24, :24]), "far from the change nothing moves"


def test_pixels_do_not_depend_on_the_number_of_threads():
    wide = textured(96, 160)
    before = cv2.getNumThreads()
    made = []
    try:
        for threads in (1, 3):
            cv2.setNumThreads(threads)
            made.append(BetweenByFlow().between(wide[:, :128], wide[:, 9:137], [0.4]))
            assert cv2.getNumThreads() == threads, "left as it was found"
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(*made)
