"""The engine as a caller sees it: every frame once, the same pixels however it is run, the background untouched."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import cv2
import numpy as np
import pytest

from motion_transfer.core import Cancelled, Finished, FrameChunk, PoseTrack, UsageError, VideoInfo
from motion_transfer.models.puppet.spec import PLAIN_COLOURS, SPEC, PuppetSettings


def made(character, motion, host, *, after=None, driving=None, **settings):
    engine = SPEC.open(PuppetSettings(**settings), host, 0)
    return list(engine.transfer(character, motion, after=after, driving=driving))


def frames_of(chunks):
    return np.concatenate([c.pixels for c in chunks])


@pytest.fixture(scope="module")
def kept(figure, make_motion):
    class Deaf:
        device = "cpu"

        def step(self, *_) -> None: ...

        def note(self, message) -> None: ...

    return frames_of(made(figure, make_motion(40), Deaf()))


def test_every_frame_comes_once_in_chunks_of_the_window(figure, make_motion, host):
    chunks = made(figure, make_motion(70), host, background="plain")
    assert [(c.start, c.stop) for c in chunks] == [(0, 32), (32, 64), (64, 70)]
    assert all(c.pixels.shape[1:] == figure.pixels.shape and c.pixels.dtype == np.uint8 for c in chunks)
    done = [s[0] for s in host.steps if s[2] == "frames"]
    assert done == [8, 16, 24, 32, 40, 48, 56, 64, 70], "a cancel is noticed within 8 frames"


def test_a_single_frame_is_enough(figure, make_motion, host):
    assert frames_of(made(figure, make_motion(1), host)).shape[0] == 1


@pytest.mark.parametrize("finished", [1, 32, 33])
def test_a_run_that_goes_on_gives_the_very_same_pixels(figure, make_motion, host, kept, finished):
    after = Finished(finished, kept[:0], None)
    chunks = made(figure, make_motion(40), host, after=after)
    assert chunks[0].start == finished
    assert np.array_equal(frames_of(chunks), kept[finished:])


def test_a_finished_run_has_nothing_to_add(figure, make_motion, host):
    assert made(figure, make_motion(8), host, after=Finished(8, np.zeros((0, 1, 1, 3), np.uint8), None)) == []


def test_away_from_the_character_the_picture_is_untouched(figure, make_motion, host, kept):
    cover = np.concatenate([c.alpha for c in made(figure, make_motion(40), host, background="transparent")])
    # Where the character was, its soft rim and the margin cut out around it are filled.
    was = cv2.dilate(figure.alpha, np.ones((13, 13), np.uint8)) > 0
    free = (cover == 0) & ~was
    assert free.mean() > 0.3
    assert np.array_equal(kept[free], np.broadcast_to(figure.pixels, kept.shape)[free])


def test_the_character_really_moves(kept):
    assert np.abs(kept[0].astype(int) - kept[20]).mean() > 2


def test_transparent_frames_have_straight_colours_and_no_halo(figure, make_motion, host):
    (chunk,) = made(figure, make_motion(6), host, background="transparent")
    assert chunk.alpha is not None and chunk.alpha.shape == chunk.pixels.shape[:3]
    assert (chunk.alpha[:, 0] == 0).all() and (chunk.alpha == 255).any()
    # Soft pixels have colours of the figure, not of the blue-grey picture behind it or of black.
    soft = (chunk.alpha > 40) & (chunk.alpha < 215)
    figures = np.unique(figure.pixels[figure.alpha == 255].reshape(-1, 3) // 8, axis=0) * 8 + 4
    colours = chunk.pixels[soft].astype(int)
    distance = np.abs(colours[:, None] - figures[None].astype(int)).max(2).min(1)
    assert np.percentile(distance, 90) < 16


def test_a_plain_background_is_plain(figure, make_motion, host):
    (chunk,) = made(figure, make_motion(2), host, background="plain", plain_colour="green")
    assert (chunk.pixels[:, :4] == PLAIN_COLOURS["green"]).all()


class Clip:
    """A driving video whose frame number can be read off its colour."""

    info = VideoInfo(200, 100, Fraction(24), 40, Fraction(1, 24))

    def chunks(self, length, start=0):
        for a in range(start, 40, length):
            n = min(length, 40 - a)
            values = (np.arange(a, a + n, dtype=np.uint8) * 5)[:, None, None, None]
            yield FrameChunk(np.broadcast_to(values, (n, 100, 200, 3)).copy(), a)


def test_the_driving_video_runs_behind_in_step(figure, make_motion, host):
    chunks = made(figure, make_motion(40), host, background="driving", driving=Clip())
    assert frames_of(chunks)[:, 0, 0, 0].tolist() == [5 * k for k in range(40)]
    rest = made(
        figure,
        make_motion(40),
        host,
        background="driving",
        driving=Clip(),
        after=Finished(33, chunks[0].pixels[:0], None),
    )
    assert np.array_equal(frames_of(rest), frames_of(chunks)[33:])


def test_without_the_driving_video_that_background_is_refused(figure, make_motion, host):
    with pytest.raises(UsageError, match="transparent"):
        made(figure, make_motion(2), host, background="driving")


def test_a_cancelled_run_stops(figure, make_motion, host):
    def cancel(*_):
        raise Cancelled("stopped")

    host.step = cancel
    with pytest.raises(Cancelled):
        made(figure, make_motion(40), host, background="plain")


def test_a_half_body_stays_rooted_in_the_lower_border(half_figure, make_motion, host):
    frames = frames_of(made(half_figure, make_motion(24), host, background="plain", plain_colour="green"))
    green = np.abs(frames[:, -1, 118:162].astype(int) - PLAIN_COLOURS["green"]).max(2) < 20
    assert not green.any()


def test_without_travel_the_body_stays_on_its_spot(figure, make_motion, host):
    rest = np.repeat(figure.pose.points, 24, 0)
    rest[..., 0] += (20 * np.sin(np.arange(24) / 24 * 2 * np.pi))[:, None]
    still = make_motion(24)
    track = PoseTrack(rest, still.main.scores, still.size)
    motion = dataclasses.replace(still, tracks=(track,))

    def sway(travel):
        (chunk,) = made(figure, motion, host, background="transparent", travel=travel)
        weight = chunk.alpha.astype(float)
        return np.ptp((weight * np.arange(weight.shape[2])).sum((1, 2)) / weight.sum((1, 2)))

    assert sway(1.0) > 30  # of 40 px; smoothing takes a little off
    assert sway(0.0) < 1


def test_what_the_engine_needs_depends_on_the_background():
    assert SPEC.needs(PuppetSettings()) == {"character_pose", "character_alpha"}
    assert "driving_frames" in SPEC.needs(PuppetSettings(background="driving"))
