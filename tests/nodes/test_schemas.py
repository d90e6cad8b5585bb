"""What every node promises: tooltips, help in two languages, ids and names that never change."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_name("names_are_promises.json")
LARGEST_PICTURE_BYTES = 40_000


def every_input(schema):
    from motion_transfer.nodes.help_pages import every_input, every_input_path

    return zip((e for e, _ in every_input(schema)), every_input_path(schema), strict=True)


def test_every_input_and_output_has_a_tooltip(schemas):
    bare = [f"{s.node_id}.{name}" for s in schemas.values() for e, name in every_input(s) if not e.tooltip]
    bare += [f"{s.node_id} -> {o.id}" for s in schemas.values() for o in s.outputs if not o.tooltip]
    assert not bare


def test_every_node_has_a_description_and_words_to_be_found_by(schemas):
    assert not [s.node_id for s in schemas.values() if not s.description or not s.search_aliases]
    assert {s.category for s in schemas.values()} == {"motion transfer"}


def test_names_are_promises(schemas):
    """A workflow saved today must load tomorrow: ids, input names and their order only ever grow at the end."""
    kept = json.loads(SNAPSHOT.read_text())
    now = {
        i: {"inputs": [n for _, n in every_input(s)], "outputs": [o.id for o in s.outputs]} for i, s in schemas.items()
    }
    for node_id, promised in kept.items():
        assert node_id in now, f"{node_id} is gone; register a replacement and keep the old id working"
        assert now[node_id]["outputs"][: len(promised["outputs"])] == promised["outputs"]
        own = [n for n in now[node_id]["inputs"] if "[" not in n]
        assert own[: len([n for n in promised["inputs"] if "[" not in n])] == [
            n for n in promised["inputs"] if "[" not in n
        ]
        assert set(promised["inputs"]) <= set(now[node_id]["inputs"])
    assert set(now) == set(kept), "a new node: add it to the snapshot, where its names become a promise"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_node_has_a_help_page_whose_tables_are_those_of_the_schema(schemas, language):
    from motion_transfer.nodes.help_pages import read_locale, refresh

    locale = read_locale(ROOT, language)
    for node_id, schema in schemas.items():
        path = ROOT / "web" / "docs" / node_id / f"{language}.md"
        page = path.read_text(encoding="utf-8")
        assert page == refresh(page, schema, language, locale), f"{path} is out of date: run `make help-pages`"


def test_every_help_page_shows_a_picture_under_its_first_paragraph(schemas):
    """ComfyUI resolves a relative link from the folder of all pages, not from that of the page."""
    docs = ROOT / "web" / "docs"
    for node_id in schemas:
        for language in ("en", "zh"):
            _, _, third = (docs / node_id / f"{language}.md").read_text(encoding="utf-8").split("\n\n", 3)[:3]
            link = re.fullmatch(r"!\[.+\]\((.+)\)", third)
            assert link, f"{node_id}, {language}: run `make node-pictures`"
            picture = docs / link[1]
            assert picture.stat().st_size <= LARGEST_PICTURE_BYTES, picture
            with Image.open(picture) as shown:
                assert 480 <= shown.width <= 640, picture
                assert float(np.asarray(shown.convert("L")).std()) > 10, f"{picture} is of one colour"


def test_chinese_words_exist_for_every_name_that_a_user_sees(schemas):
    from motion_transfer.nodes.help_pages import read_locale

    locale = read_locale(ROOT, "zh")
    missing = []
    for node_id, schema in schemas.items():
        said = locale.get(node_id, {})
        missing += [f"{node_id}.{e.id}" for e, _ in every_input(schema) if e.id not in said.get("inputs", {})]
        missing += [f"{node_id} -> {k}" for k in range(len(schema.outputs)) if str(k) not in said.get("outputs", {})]
    assert not missing
