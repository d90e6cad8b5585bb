"""Sizes and frame picking: what Wan-Animate's preprocessing returned (Wan2.2 42bf4cf)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motion_transfer.core.fit import area_size, frames_at_rate

WAN = json.loads((Path(__file__).parent / "data" / "wan_sizes.json").read_text())


@pytest.mark.parametrize("row", WAN["sizes"])
def test_sizes_are_wans(row):
    width, height, area, multiple, *expected = row
    assert list(area_size(width, height, area, multiple)) == expected


@pytest.mark.parametrize("case", WAN["frames"])
def test_frames_are_wans(case):
    num_frames, rate, new_rate = case.split("_")
    assert frames_at_rate(int(num_frames), float(rate), float(new_rate)) == WAN["frames"][case]


def test_a_size_is_never_nothing():
    assert area_size(10000, 10, 100_000) == (10000, 16)
    with pytest.raises(ValueError, match="no size of 100 px in multiples of 16"):
        area_size(100, 100, 100)
