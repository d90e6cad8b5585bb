"""`make node-pictures`: each node as it looks in a workflow, or what it makes where that says more, into its help page.

COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python> PLAYWRIGHT=<playwright-core> python tests/comfy/picture_nodes.py [workflow ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from picture_products import PRODUCTS
from PIL import Image
from real_server import RealServer

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
WORDS = {
    "en": {"node": "The node in a workflow", "product": "What the node makes"},
    "zh": {"node": "工作流中的节点", "product": "节点的产物"},
}
MOST_BYTES = 40_000
SMALL_PX = 480  # wide, for a long node


def keep(picture: Image.Image, node: str) -> None:
    """As JPEG of at most MOST_BYTES, linked in the pages of both languages."""
    target = DOCS / node / "picture.jpg"
    picture = picture.convert("RGB")
    small = picture.resize((SMALL_PX, round(picture.height * SMALL_PX / picture.width)), Image.Resampling.LANCZOS)
    for shown, quality in (
        (picture, 90),
        (picture, 75),
        (small, 75),
        (small, 60),
        (small, 50),
        (small, 40),
        (small, 30),
    ):
        shown.save(target, quality=quality, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            break
    for language in WORDS:
        put_into_page(node, language)


def put_into_page(node: str, language: str) -> None:
    """The link goes under the first paragraph. ComfyUI resolves it from the folder of all pages."""
    page = DOCS / node / f"{language}.md"
    text = page.read_text(encoding="utf-8")
    link = f"({node}/picture.jpg)"
    if link not in text:
        words = WORDS[language]["product" if node in PRODUCTS else "node"]
        title, first, rest = text.split("\n\n", 2)
        page.write_text(f"{title}\n\n{first}\n\n![{words}]{link}\n\n{rest}", encoding="utf-8")


def main() -> None:
    for node, product in PRODUCTS.items():
        keep(Image.fromarray(product()), node)
    with tempfile.TemporaryDirectory() as scratch:
        shots = Path(scratch) / "shots"
        shots.mkdir()
        with RealServer(Path(scratch) / "comfy", with_frontend=True) as server:
            server.put_names_of_models(ROOT / "workflows" / "api")
            script = Path(__file__).with_name("browser") / "picture_nodes.mjs"
            subprocess.run(["node", str(script), server.url, str(ROOT), str(shots), *sys.argv[1:]], check=True)
        for shot in sorted(shots.glob("*.png")):
            if shot.stem not in PRODUCTS:
                with Image.open(shot) as picture:
                    keep(picture, shot.stem)


if __name__ == "__main__":
    main()
