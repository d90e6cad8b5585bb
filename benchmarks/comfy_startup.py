"""What the pack adds to ComfyUI's start: seconds in the very function that ComfyUI loads a pack with.

    COMFYUI_DIR=<checkout> COMFYUI_PYTHON=<its python> python benchmarks/comfy_startup.py

Each round is a new process with core's own nodes loaded before, as in a real start. The first round compiles the pack,
as the very first start does, the later ones find the bytecode. The promise is 0.3 s for the middle of the later ones.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMISE_SECONDS = 0.3

ROUND = """
import sys, time
pack, folder = sys.argv[1:]
sys.argv = ["main.py", "--cpu", "--base-directory", folder]
import asyncio, logging
logging.disable(logging.INFO)
import comfy.options
comfy.options.enable_args_parsing()
import server, nodes
async def load():
    server.PromptServer(asyncio.get_running_loop())
    await nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False)
    before = set(sys.modules)
    begun, busy = time.perf_counter(), time.process_time()
    ok = await nodes.load_custom_node(pack, set(nodes.NODE_CLASS_MAPPINGS), module_parent="custom_nodes")
    took = time.perf_counter() - begun, time.process_time() - busy
    roots = sorted({n.split(".")[0] for n in set(sys.modules) - before if not n.startswith("/")})
    print("\\nTOOK", ok, *took, *roots)
asyncio.run(load())
"""


def one_round(folder: Path) -> tuple[float, float, list[str]]:
    """Seconds on the clock, seconds of the processor, and the foreign packages that came in with the pack."""
    link = folder / "custom_nodes" / "comfyui-motion-transfer"
    for part in ("custom_nodes", "input", "user", "temp", "output", "models"):
        (folder / part).mkdir(exist_ok=True)
    if not link.exists():
        link.symlink_to(ROOT, target_is_directory=True)
    environment = {**os.environ, "PYTHONPATH": ".", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [os.environ.get("COMFYUI_PYTHON", sys.executable), "-c", ROUND, str(link), str(folder)],
        cwd=os.environ["COMFYUI_DIR"], capture_output=True, text=True, env=environment,
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith("TOOK")]
    if not said or said[0].split()[1] != "True":
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    _, _, took, busy, *modules = said[0].split()
    return float(took), float(busy), modules


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounds = [one_round(Path(folder)) for _ in range(given.rounds + 1)]
    took, busy, modules = zip(*rounds, strict=True)
    middle = statistics.median(took[1:])
    print(f"first start, compiling: {took[0]:.2f} s, of which the processor worked {busy[0]:.2f} s")
    print(
        f"later starts: {middle:.2f} s ({min(took[1:]):.2f} to {max(took[1:]):.2f}), worked {statistics.median(busy[1:]):.2f} s"
    )
    print("foreign packages that came in with it:", " ".join(modules[-1]) or "none")
    sys.exit(0 if middle <= PROMISE_SECONDS else 1)


if __name__ == "__main__":
    main()
