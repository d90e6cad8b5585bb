"""Tells ComfyUI's page where the files of a workflow's loaders come from, so that it can offer them.

    python tests/comfy/name_models.py      all workflows, in place; `make workflows` does it too

Places are those of the weights registry: what a missing-file message says and what the page offers are the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from motion_transfer.models.registry import engine_names, engine_spec
from motion_transfer.run.download import hub_place

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
LOADERS = {"UNETLoader", "VAELoader", "CLIPLoader", "CLIPVisionLoader", "LoraLoaderModelOnly", "CheckpointLoaderSimple", "ControlNetLoader", "ImageOnlyCheckpointLoader", "MT_AnimateDiffModel", "MT_LoadMimicMotion"}  # fmt: skip


def known_places() -> dict[str, dict[str, str]]:
    """File name -> what the page wants to know; other precisions of a file are published beside it."""
    places = {}
    for weights in (w for name in engine_names() for w in engine_spec(name).weights):
        repository, folder = hub_place(weights)
        if not repository.startswith("Comfy-Org/"):
            names: tuple[str, ...] = (weights.file,)
        else:
            names = (weights.file, *(n for n in weights.also if n.startswith("umt5_xxl_fp8")))
        for name in names:
            url = f"https://huggingface.co/{repository}/resolve/main/{folder + '/' if folder else ''}{name}"
            places[name] = {"name": name, "url": url, "directory": weights.folder}
    return places


def name_models(workflow: dict[str, Any], places: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The same workflow, its loaders' `properties.models` filled in. KeyError for a file nobody has placed."""
    for node in workflow["nodes"]:
        if node["type"] in LOADERS:
            node["properties"]["models"] = [places[node["widgets_values"][0]]]
    return workflow


def main() -> None:
    places = known_places()
    for path in sorted(WORKFLOWS.glob("*.json")):
        before = path.read_text(encoding="utf-8")
        after = json.dumps(name_models(json.loads(before), places), indent=1, ensure_ascii=False) + "\n"
        if json.loads(after) != json.loads(before):
            path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
