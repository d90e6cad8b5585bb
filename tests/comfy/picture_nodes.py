"""`make node-pictures`: each node as it looks in a workflow that has run, into its help page.

COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python> PLAYWRIGHT=<playwright-core> python tests/comfy/picture_nodes.py [workflow ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from real_server import RealServer

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
WORDS = {"en": "In a graph, after a run", "zh": "工作流中运行之后"}


def put_into_page(node: str) -> None:
    """The link goes under the first paragraph. ComfyUI resolves it from the folder of all pages."""
    for language, words in WORDS.items():
        page = DOCS / node / f"{language}.md"
        text = page.read_text(encoding="utf-8")
        link = f"![{words}]({node}/picture.jpg)"
        if link not in text:
            title, first, rest = text.split("\n\n", 2)
            page.write_text(f"{title}\n\n{first}\n\n{link}\n\n{rest}", encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        shots = Path(scratch) / "shots"
        shots.mkdir()
        with RealServer(Path(scratch) / "comfy", with_frontend=True) as server:
            server.put_names_of_models(ROOT / "workflows" / "api")
            script = Path(__file__).with_name("browser") / "picture_nodes.mjs"
            subprocess.run(["node", str(script), server.url, str(ROOT), str(shots), *sys.argv[1:]], check=True)
        for shot in sorted(shots.glob("*.png")):
            with Image.open(shot) as picture:
                picture.convert("RGB").save(DOCS / shot.stem / "picture.jpg", quality=88)
            put_into_page(shot.stem)


if __name__ == "__main__":
    main()
