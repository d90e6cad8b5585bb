"""Settings named inside messages, and what a host makes of them."""

from __future__ import annotations

import pytest

from motion_transfer.core.wording import in_words_of


@pytest.mark.parametrize(
    ("message", "worded"),
    [
        ("a mask (`mask`) would work", "a mask (MASK) would work"),
        ("smaller (`quality=low`), or a `mask`", "smaller (QUALITY is low), or a MASK"),
        ("a path `of/mine.png`, and a lone ` too", "a path `of/mine.png`, and a lone ` too"),
        ("nothing named", "nothing named"),
    ],
)
def test_a_message_names_settings_as_its_host_does(message, worded):
    def word(name, value):
        return name.upper() if value is None else f"{name.upper()} is {value}"

    assert in_words_of(word, message) == worded
