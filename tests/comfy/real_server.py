"""A real ComfyUI server on the CPU with this pack in it, for the length of a test session."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

PACK = Path(__file__).resolve().parents[2]
FOLDER = "comfyui-motion-transfer"
MODEL_FOLDERS = {
    "unet_name": "diffusion_models", "vae_name": "vae", "clip_name": "text_encoders", "lora_name": "loras",
    "ckpt_name": "checkpoints", "control_net_name": "controlnet", "motion_module": "animatediff_models",
}  # fmt: skip
"""Names of core's loader inputs. CLIP vision has `clip_name` as well, so its files lie in both folders."""


@dataclass
class Ran:
    """What became of one queued graph."""

    outputs: dict[str, Any]
    status: str
    messages: list[tuple[str, dict[str, Any]]]
    progress: list[tuple[str, int, int]] = field(default_factory=list)
    previews: int = 0

    @property
    def error(self) -> str:
        return next((m["exception_message"] for kind, m in self.messages if kind == "execution_error"), "")

    @property
    def executed(self) -> set[str]:
        cached = {n for kind, m in self.messages if kind == "execution_cached" for n in m["nodes"]}
        return {n for n, _, _ in self.progress} - cached


class RealServer:
    """`with RealServer(folder) as server`; `COMFYUI_DIR` names the checkout, `COMFYUI_PYTHON` its interpreter."""

    def __init__(self, folder: Path, *, with_frontend: bool = False, beside: Sequence[Path] = ()) -> None:
        """`beside`: further custom-node folders."""
        self.folder = folder
        self._beside = beside
        self._with_frontend = with_frontend
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RealServer:
        for name in ("user", "output", "input", "temp", "models", "custom_nodes", "no_page"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        link = self.folder / "custom_nodes" / FOLDER
        if not link.exists():
            link.symlink_to(PACK, target_is_directory=True)
        for folder in self._beside:
            beside = self.folder / "custom_nodes" / folder.name
            if not beside.exists():
                beside.symlink_to(folder, target_is_directory=True)
        command = [
            os.environ.get("COMFYUI_PYTHON", sys.executable), "main.py", "--cpu", "--port", str(self.port),
            "--base-directory", str(self.folder), "--database-url", "sqlite:///:memory:", "--disable-api-nodes",
            "--disable-auto-launch", "--preview-method", "none",
        ]  # fmt: skip
        if not self._with_frontend:
            command += ["--front-end-root", str(self.folder / "no_page")]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(self.folder / "cache")}
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            command, cwd=os.environ["COMFYUI_DIR"], stdout=self._log, stderr=subprocess.STDOUT, env=environment
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended with {self._process.returncode}:\n{self.log()[-3000:]}")
            try:
                self.get("/system_stats")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.3)
        raise RuntimeError(f"ComfyUI was not ready in 180 s:\n{self.log()[-3000:]}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
        self._log.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.loads(answer.read())

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        data = json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def put_input(self, path: Path, name: str | None = None) -> None:
        shutil.copy(path, self.folder / "input" / (name or path.name))

    def put_names_of_models(self, graphs: Path) -> None:
        """Empty files under the names that the graphs' loaders ask for: enough for the page, which only lists them."""
        for path in graphs.glob("*.json"):
            for node in json.loads(path.read_text()).values():
                for name, folder in MODEL_FOLDERS.items():
                    wanted = node["inputs"].get(name)
                    if isinstance(wanted, str):
                        for kind in (folder, "clip_vision") if folder == "text_encoders" else (folder,):
                            place = self.folder / "models" / kind / wanted
                            place.parent.mkdir(parents=True, exist_ok=True)
                            place.touch()

    def output_file(self, entry: dict[str, str]) -> Path:
        return self.folder / entry["type"] / entry["subfolder"] / entry["filename"]

    def run(self, graph: dict[str, Any], *, timeout: float = 600, interrupt_after: int | None = None) -> Ran:
        """Queue, watch by websocket, read the history. `interrupt_after` previews the run is cancelled."""
        client = uuid.uuid4().hex
        progress, previews = [], 0
        with connect(f"ws://127.0.0.1:{self.port}/ws?clientId={client}", max_size=None) as events:
            status, said = self.post("/prompt", {"prompt": graph, "client_id": client})
            if status != 200:
                raise AssertionError(json.dumps(said, indent=1))
            prompt_id = said["prompt_id"]
            deadline = time.monotonic() + timeout
            interrupted = False
            while True:
                event = events.recv(timeout=max(0.1, deadline - time.monotonic()))
                if isinstance(event, bytes):
                    previews += 1
                else:
                    message = json.loads(event)
                    data = message["data"]
                    if message["type"] == "executing" and data.get("node"):
                        progress.append((data["node"], 0, 0))
                    if message["type"] == "progress":
                        progress.append((data["node"], data["value"], data["max"]))
                    if message["type"] in ("execution_success", "execution_error", "execution_interrupted"):
                        break
                if interrupt_after is not None and not interrupted and previews >= interrupt_after:
                    self.post("/interrupt", {})
                    interrupted = True
        for _ in range(100):  # the history is written a moment after the message
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry:
                break
            time.sleep(0.05)
        messages = [(kind, dict(m)) for kind, m in entry["status"]["messages"]]
        return Ran(entry["outputs"], entry["status"]["status_str"], messages, progress, previews)
