"""Queue a motion transfer through ComfyUI's HTTP API: upload, queue, watch, save.

    python examples/queue_over_api.py mascot.png dance.mp4 -o out.mp4
    python examples/queue_over_api.py a.png b.png c.png dance.mp4 -o results/     # one motion, a whole cast
    python examples/queue_over_api.py me.png dance.mp4 -o out.mp4 --set model.driving_smooth=3 --server 127.0.0.1:8188

Needs aiohttp, which every ComfyUI environment has. Exit status 1 when a node failed, with its message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

try:
    import aiohttp
except ImportError:
    sys.exit("aiohttp is missing: run this with ComfyUI's Python, or pip install aiohttp.")

GRAPH = Path(__file__).resolve().parent.parent / "workflows" / "api" / "first_result.json"


async def upload(session: aiohttp.ClientSession, server: str, path: Path) -> str:
    """Puts a picture or a video into ComfyUI's input folder; returns the name under which it lies there."""
    form = aiohttp.FormData()
    form.add_field("image", path.read_bytes(), filename=path.name)
    form.add_field("subfolder", "motion_transfer")
    form.add_field("overwrite", "true")
    async with session.post(f"{server}/upload/image", data=form) as answer:
        answer.raise_for_status()
        stored = await answer.json()
    return f"{stored['subfolder']}/{stored['name']}" if stored["subfolder"] else stored["name"]


def filled(graph: dict[str, Any], character: str, driving: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The bundled graph with our inputs; `settings` are inputs of the Motion Transfer node."""
    graph = json.loads(json.dumps(graph))
    for node in graph.values():
        if node["class_type"] == "LoadImage":
            node["inputs"]["image"] = character
        elif node["class_type"] == "LoadVideo":
            node["inputs"]["file"] = driving
        elif node["class_type"] == "MT_MotionTransfer":
            unknown = set(settings) - set(node["inputs"])
            if unknown:
                raise SystemExit(
                    f"Motion Transfer has no {', '.join(sorted(unknown))}; it has {', '.join(node['inputs'])}."
                )
            node["inputs"].update(settings)
    return graph


async def run(session: aiohttp.ClientSession, server: str, graph: dict[str, Any]) -> dict[str, Any]:
    """Queues the graph, shows progress, and returns its outputs by node."""
    client = uuid.uuid4().hex
    async with session.ws_connect(f"{server}/ws?clientId={client}", max_msg_size=0) as events:
        async with session.post(f"{server}/prompt", json={"prompt": graph, "client_id": client}) as answer:
            said = await answer.json()
            if answer.status != 200:
                raise SystemExit(f"ComfyUI refused the graph: {json.dumps(said.get('node_errors') or said, indent=1)}")
        prompt_id = said["prompt_id"]
        async for event in events:
            if event.type != aiohttp.WSMsgType.TEXT:
                continue  # previews come as binary messages
            message = json.loads(event.data)
            data = message["data"]
            if data.get("prompt_id") not in (prompt_id, None):
                continue
            if message["type"] == "progress":
                print(
                    f"\r{graph[data['node']]['class_type']}: {data['value']}/{data['max']}   ", end="", file=sys.stderr
                )
            elif message["type"] == "execution_error":
                raise SystemExit(f"\n{data['node_type']}: {data['exception_message'].strip()}")
            elif message["type"] == "execution_interrupted":
                raise SystemExit("\nInterrupted; queue the same again and it goes on.")
            elif message["type"] == "execution_success":
                break
    print(file=sys.stderr)
    while True:  # the history is written a moment after the message
        async with session.get(f"{server}/history/{prompt_id}") as answer:
            history = await answer.json()
        if prompt_id in history:
            return history[prompt_id]["outputs"]
        await asyncio.sleep(0.1)


async def save(session: aiohttp.ClientSession, server: str, outputs: dict[str, Any], path: Path) -> None:
    """Fetches the file that Save Video wrote."""
    files = [f for node in outputs.values() for f in node.get("images", [])]
    async with session.get(
        f"{server}/view", params={k: files[0][k] for k in ("filename", "subfolder", "type")}
    ) as answer:
        answer.raise_for_status()
        part = path.with_name(path.name + ".part")
        part.write_bytes(await answer.read())
        part.replace(path)


def value(text: str) -> Any:
    """`3` is a number, `true` a truth value, anything else a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", type=Path, help="one or more pictures, then the driving video")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a file, or a folder for several characters")
    parser.add_argument("--server", default="127.0.0.1:8188")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an input of Motion Transfer")
    asked = parser.parse_args()
    *characters, driving = asked.inputs
    if not characters:
        parser.error("give at least one picture and the driving video")
    for path in asked.inputs:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    server = f"http://{asked.server}"
    settings = {name: value(text) for name, _, text in (s.partition("=") for s in asked.set)}
    folder = asked.output if len(characters) > 1 else asked.output.parent
    folder.mkdir(parents=True, exist_ok=True)
    async with aiohttp.ClientSession() as session:
        clip = await upload(session, server, driving)
        for character in characters:
            graph = filled(
                json.loads(GRAPH.read_text(encoding="utf-8")), await upload(session, server, character), clip, settings
            )
            path = folder / f"{character.stem}_{driving.stem}.mp4" if len(characters) > 1 else asked.output
            await save(session, server, await run(session, server, graph), path)
            print(path)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except aiohttp.ClientConnectorError as error:
        sys.exit(f"No ComfyUI answers at {error.host}:{error.port}: start it, or name another with --server HOST:PORT.")
    except aiohttp.ClientError as error:
        sys.exit(f"ComfyUI did not take it: {error}")
