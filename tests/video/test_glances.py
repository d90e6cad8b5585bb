"""Cheap looks at frames show what the exact ones show, to a few levels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.video import FrameList, glances, open_video

DANCER = Path(__file__).resolve().parents[2] / "demo" / "media" / "dancer.mp4"


def test_a_files_glances_are_its_frames_made_small():
    exact = next(iter(open_video(DANCER).chunks(3)))
    seen = 0
    for glance, pixels, pts in zip(glances(open_video(DANCER), 320), exact.pixels, exact.pts, strict=False):
        small = cv2.resize(pixels, (320, 180), interpolation=cv2.INTER_AREA)
        assert (glance.index, glance.pts) == (seen, pts)
        # swscale's fast way to RGB is some two levels too dark on this clip (see video/colour.py).
        assert np.abs(glance.small.astype(int) - small).mean() < 3
        assert np.abs(glance.picture().astype(int) - pixels).mean() < 3
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(float)
        luma = glance.luma()
        assert luma.shape == grey.shape
        assert np.corrcoef(luma.ravel(), grey.ravel())[0, 1] > 0.99
        seen += 1
    assert seen == 3


def test_a_part_of_a_file_counts_from_its_first_frame():
    part = open_video(DANCER, start_seconds=1.0, stop_seconds=1.25)
    chunk = next(iter(part.chunks(99)))
    assert [g.pts for g in glances(part, 64)] == chunk.pts.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_frames_in_memory_can_be_glanced_at_too(dtype):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 40, 64, 3), dtype=np.uint8)
    given = pixels if dtype == np.uint8 else pixels.astype(np.float32) / 255
    source = FrameList(given, Fraction(24)) if dtype == np.uint8 else _Floats(given)
    got = list(glances(source, 32))
    assert [g.index for g in got] == list(range(5))
    assert got[3].small.shape == (20, 32, 3)
    np.testing.assert_array_equal(got[3].picture(), pixels[3])


class _Floats:
    """A source of more than 8 bits."""

    def __init__(self, pixels):
        self.pixels = pixels

    def chunks(self, length, start=0):
        from motion_transfer.core import FrameChunk

        yield FrameChunk(self.pixels, 0)
