"""`make workflows`: the UI form and the thumbnail of every graph in workflows/api, made by ComfyUI's own page.

    COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python> PLAYWRIGHT=<playwright-core> python tests/comfy/make_workflows.py [workflow ...]

The notes inside the graphs are those of workflows/make/notes.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from real_server import RealServer

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / "workflows"
THUMBNAIL_PX = (768, 432)


def thumbnail(screenshot: Path, target: Path) -> None:
    with Image.open(screenshot) as picture:
        # Off with the page's own bars; the graph is in the rest.
        width, height = picture.size
        graph = picture.convert("RGB").crop((60, 85, width, height))
        graph.thumbnail(THUMBNAIL_PX, Image.Resampling.LANCZOS)
        graph.save(target, quality=85)


def main() -> None:
    graphs = {path.stem for path in (WORKFLOWS / "api").glob("*.json")}
    notes = set(json.loads((WORKFLOWS / "make" / "notes.json").read_text(encoding="utf-8")))
    if graphs != notes:
        print(f"left out, without graph or without note: {', '.join(sorted(graphs ^ notes))}", file=sys.stderr)
    names = sorted(set(sys.argv[1:]) or graphs & notes)
    with tempfile.TemporaryDirectory() as scratch:
        shots = Path(scratch) / "shots"
        shots.mkdir()
        with RealServer(Path(scratch) / "comfy", with_frontend=True) as server:
            server.put_names_of_models(WORKFLOWS / "api")
            script = Path(__file__).with_name("browser") / "make_workflows.mjs"
            subprocess.run(["node", str(script), server.url, str(ROOT), str(shots), *names], check=True, timeout=900)
        subprocess.run([sys.executable, str(Path(__file__).with_name("name_models.py"))], check=True)
        for name in names:
            thumbnail(shots / f"{name}.png", WORKFLOWS / f"{name}.jpg")


if __name__ == "__main__":
    main()
