"""What is said to users below the hosts: no option of the command line, and settings that every host has words for."""

from __future__ import annotations

import argparse
import ast
import functools
import json
import re
from pathlib import Path

from motion_transfer.cli.main import parser
from motion_transfer.cli.option_names import OPTIONS, as_options
from motion_transfer.core.wording import NAMED
from motion_transfer.finishing.registry import finisher_names, finisher_spec
from motion_transfer.models.registry import engine_names, engine_spec

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("core", "video", "sampling", "pose", "face_motion", "models", "finishing", "run", "nodes")
OPTION = re.compile(r"(?<![\w-])(--[a-z]|-o\b)")
WHOLE_COMMANDS = ("pip install", "motion-transfer models get")
"""Commands to be typed as they stand, whoever tells them."""
ITS_OWN_PAGES = "run/report*.py"
"""What only `motion-transfer report` writes, to be read at the terminal that made it."""


def texts(tree):
    """Every string that is not a docstring, an f-string as one with a gap where it is filled in."""
    told = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(v) for v in node.values}
            yield node, "".join(str(v.value) if isinstance(v, ast.Constant) else "\0" for v in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (told | inside):
            yield node, node.value


@functools.cache
def messages():
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", text)
        for floor in FLOORS
        for path in sorted((ROOT / floor).rglob("*.py"))
        if not path.relative_to(ROOT).match(ITS_OWN_PAGES)
        for node, text in texts(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_nothing_below_the_command_line_names_one_of_its_options():
    found = [
        f"{at}: {text}" for at, text in messages() if OPTION.search(text) and not any(t in text for t in WHOLE_COMMANDS)
    ]
    assert not found, "name the setting instead, see core/wording.py:\n" + "\n".join(found)


def test_the_walk_sees_options_and_leaves_docstrings_alone():
    tree = ast.parse('def f(x):\n    """--this"""\n    raise E(f"say --overwrite for {x}, " "or -o")\n')
    assert [bool(OPTION.search(text)) for _, text in texts(tree)] == [True]
    assert not OPTION.search("cut-out, non--commercial, image-on-image")


def named_settings():
    """Name -> where, but for those of engines and finishers, which have the same name everywhere."""
    specs = [*map(engine_spec, engine_names()), *map(finisher_spec, finisher_names())]
    own = {option.name for spec in specs for option in spec.settings.options()} - set(OPTIONS)
    named = {found[1]: at for at, text in messages() for found in NAMED.finditer(text)}
    return {name: at for name, at in named.items() if name not in own}


def test_a_setting_of_an_engine_is_set_by_its_name():
    assert as_options("half precision (`dtype=bf16`)") == "half precision (--set dtype=bf16)"
    assert as_options("see `dtype`; smaller (`quality=low`)") == "see --set dtype; smaller (--quality low)"


def test_every_setting_that_a_message_names_is_an_option_of_the_command_line():
    missing = {name: at for name, at in named_settings().items() if name not in OPTIONS}
    assert len(named_settings()) > 10 and not missing
    commands = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    known = {option for command in commands.values() for option in command._option_string_actions}
    assert set(OPTIONS.values()) <= known


def test_every_setting_that_a_message_names_has_words_in_comfyui():
    tree = ast.parse((ROOT / "nodes" / "input_names.py").read_text(encoding="utf-8"))
    table = next(n.value for n in tree.body if isinstance(n, ast.Assign))  # the module itself needs nothing of ComfyUI
    words = ast.literal_eval(table)
    missing = {name: at for name, at in named_settings().items() if name not in words}
    assert not missing and set(words) == set(OPTIONS)
    nodes = json.loads((ROOT / "tests" / "nodes" / "names_are_promises.json").read_text(encoding="utf-8"))
    inputs = {name for node in nodes.values() for name in node["inputs"]}
    named = [found[1] for said in words.values() for found in re.finditer(r"the (\w+) input", said)]
    assert len(named) >= 6 and set(named) <= inputs


def test_every_translated_setting_is_named_somewhere():
    assert not set(OPTIONS) - set(named_settings()), "no message names them any more: leave them out of both tables"
