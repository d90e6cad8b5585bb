"""Settings named inside messages, and what a host makes of them."""

from __future__ import annotations

import pytest

from motion_transfer.core.wording import in_words_of

TABLE = {"mask": "--mask", "quality": "--quality"}


@pytest.mark.parametrize(
    ("message", "worded"),
    [
        ("a mask (`mask`) would work", "a mask (--mask) would work"),
        ("smaller (`quality=low`), or a `mask`", "smaller (--quality low), or a --mask"),
        ("`pose_of_nobody` stays", "`pose_of_nobody` stays"),
        ("a path `of/mine.png`, and a lone ` too", "a path `of/mine.png`, and a lone ` too"),
        ("nothing named", "nothing named"),
    ],
)
def test_a_message_names_settings_as_its_table_does(message, worded):
    assert in_words_of(TABLE, message, between=" ") == worded
