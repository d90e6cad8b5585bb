from dataclasses import dataclass

import pytest

from motion_transfer.core import Settings, UsageError, choice, number, switch, text, whole


@dataclass(frozen=True)
class Sample(Settings):
    smooth: float = number(2, 0, 10, help="how much")
    steps: int = whole(20, 1, 100, help="how many", unit="steps")
    mode: str = choice("move", ("move", "replace"), help="which")
    face: bool = switch(True, help="whether")
    prompt: str = text("a dance", help="what")


def test_text_from_a_command_line_becomes_values_of_the_right_type():
    s = Sample.from_plain({"smooth": "3.5", "steps": "12", "mode": "replace", "face": "off", "prompt": " a, b=c "})
    assert s.plain() == {"smooth": 3.5, "steps": 12, "mode": "replace", "face": False, "prompt": "a, b=c"}


def test_plain_values_come_back_equal():
    s = Sample(smooth=1.25, mode="replace")
    assert Sample.from_plain(s.plain()) == s


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"smooth": 11}, ("smooth", "11", "0 to 10")),
        ({"smooth": "nan"}, ("smooth", "nan")),
        ({"smooth": "much"}, ("smooth", "much")),
        ({"smooth": True}, ("smooth", "True")),
        ({"smooth": None}, ("smooth", "None")),
        ({"steps": 2.5}, ("steps", "whole")),
        ({"steps": "inf"}, ("steps", "1 to 100 steps")),
        ({"mode": "Move"}, ("mode", "move, replace")),
        ({"face": "perhaps"}, ("face", "true or false")),
        ({"prompt": 3}, ("prompt", "3", "text")),
        ({"prompt": "a" * 5000}, ("prompt", "aaa...", "4000 characters")),
        ({"colour": 1}, ("colour", "smooth, steps, mode, face, prompt")),
    ],
)
def test_a_refusal_names_the_setting_what_came_and_what_would_work(values, words):
    with pytest.raises(UsageError) as refusal:
        Sample.from_plain(values)
    assert all(word in str(refusal.value) for word in words)
    assert "\n" not in str(refusal.value)
