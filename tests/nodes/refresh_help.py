"""`make help-pages`: put today's schemas into the help pages. `--promise` also adds new names to the snapshot."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    import fake_comfy

    with tempfile.TemporaryDirectory() as folder:
        fake_comfy.install(*(Path(folder),) * 4)
        from motion_transfer.nodes.extension import NODES
        from motion_transfer.nodes.help_pages import every_input_path, read_locale, refresh

        schemas = [node.define_schema() for node in NODES]
        for schema in schemas:
            for language in ("en", "zh"):
                path = ROOT / "web" / "docs" / schema.node_id / f"{language}.md"
                page = refresh(path.read_text(encoding="utf-8"), schema, language, read_locale(ROOT, language))
                path.write_text(page, encoding="utf-8")
        if "--promise" in sys.argv:
            names = {s.node_id: {"inputs": every_input_path(s), "outputs": [o.id for o in s.outputs]} for s in schemas}
            snapshot = Path(__file__).with_name("names_are_promises.json")
            snapshot.write_text(json.dumps(names, indent=1) + "\n")


if __name__ == "__main__":
    main()
