"""The rules of the house, read off the syntax trees: who may import whom, and who owns which foreign package."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    tomllib = None

ROOT = Path(__file__).resolve().parent.parent

# Floor -> the floors below that it may import.
FLOORS = {
    "core": set(),
    "video": {"core"},
    "sampling": {"core"},
    "pose": {"core"},
    "face_motion": {"core", "pose"},
    "models": {"core", "sampling", "pose", "face_motion"},
    "finishing": {"core", "sampling", "pose", "face_motion"},
    "run": {"core", "video", "sampling", "pose", "face_motion", "models", "finishing"},
    "nodes": {"core", "video", "sampling", "pose", "face_motion", "models", "finishing", "run"},
    "cli": {"core", "video", "sampling", "pose", "face_motion", "models", "finishing", "run"},
}

# Foreign package -> the only floors that may import it.
ONLY_HERE = {
    "av": {"video"},
    "PIL": {"video", "nodes"},
    "mediapipe": {"pose"},
    "onnxruntime": {"pose"},
    "torch": {"sampling", "pose", "face_motion", "models", "finishing", "nodes"},
    "spandrel": {"finishing"},
    "diffusers": {"models"},
    "transformers": {"models"},
    "comfy": {"nodes"},
    "comfy_api": {"nodes"},
    "folder_paths": {"nodes"},
    "server": {"nodes"},
    "ray": {"cli"},
    "rich": {"cli"},
    "safetensors": {"pose", "face_motion", "models", "finishing"},
    "huggingface_hub": {"run"},
    "comfy_execution": {"nodes"},
}

ALLOWED_IN_CORE = {"numpy"}


def modules():
    return [p for floor in FLOORS for p in sorted((ROOT / floor).rglob("*.py"))]


def imports_of(path: Path):
    """(line, dots, dotted name) of every import, wherever it stands in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level and not node.module:
                for alias in node.names:
                    yield node.lineno, node.level, alias.name
            else:
                yield node.lineno, node.level, node.module or ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path):
    parts = path.relative_to(ROOT).parts
    floor = parts[0]
    package = ["motion_transfer", *parts[:-1]]
    for line, dots, name in imports_of(path):
        if not dots:
            top = name.split(".")[0]
            assert top != "motion_transfer", f"{path}:{line} imports itself by name; ComfyUI loads it under another one"
            if top in ONLY_HERE:
                assert floor in ONLY_HERE[top], f"{path}:{line} {top} belongs to {ONLY_HERE[top] or 'nobody yet'}"
            if floor == "core":
                assert top in sys.stdlib_module_names | ALLOWED_IN_CORE, f"{path}:{line} core knows numpy, not {top}"
            continue
        target = package[: len(package) - dots + 1] + name.split(".")
        assert target[0] == "motion_transfer", f"{path}:{line} reaches out of the package"
        other = target[1]
        if other == floor:
            if floor == "models" and len(parts) > 2 and len(target) > 2 and (ROOT / "models" / target[2]).is_dir():
                assert target[2] == parts[1], f"{path}:{line} engines do not know each other"
            continue
        if other in FLOORS:
            assert other in FLOORS[floor], f"{path}:{line} {floor} may not import {other}"
        else:
            assert other == "__version__", f"{path}:{line} {other} is no floor"


def test_joints_are_found_without_torch_unless_a_torch_network_is_chosen():
    for path in sorted((ROOT / "pose").rglob("*.py")):
        if not path.stem.endswith("_torch"):
            assert not [n for _, dots, n in imports_of(path) if not dots and n.split(".")[0] == "torch"], path


def test_the_light_install_runs_without_torch():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from motion_transfer.models.registry import engine_names, engine_spec\n"
        "import motion_transfer.run.route, motion_transfer.run.check, motion_transfer.cli.main\n"
        "import motion_transfer.pose.detector, motion_transfer.models.puppet.engine\n"
        "[engine_spec(n) for n in engine_names()]\n"
        "heavy = {'diffusers', 'transformers', 'onnxruntime', 'mediapipe'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT.parent)
    assert done.returncode == 0, done.stderr


def test_every_package_folder_is_listed_in_pyproject():
    if tomllib is None:
        pytest.skip("tomllib comes with Python 3.11; the list is checked there")
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {"motion_transfer"}
    for floor in FLOORS:
        for init in (ROOT / floor).rglob("__init__.py"):
            found.add(".".join(("motion_transfer", *init.parent.relative_to(ROOT).parts)))
    assert listed == found


def test_type_checkers_are_told_that_the_package_has_hints():
    if tomllib is None:
        pytest.skip("tomllib comes with Python 3.11; the list is checked there")
    taken = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert taken == {"motion_transfer": ["py.typed"]} and (ROOT / "py.typed").is_file()


def test_the_front_door_imports_nothing_when_executed():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            assert node.module in ("__future__", "typing")
        assert not isinstance(node, ast.Import)


def test_there_are_no_drawers_without_a_name():
    for path in modules():
        words = {"utils", "util", "helpers", "helper", "common", "misc"}
        assert not words & {path.stem, path.parent.name}, f"{path}: name the idea instead"


def test_files_stay_readable():
    long = {str(p.relative_to(ROOT)): n for p in modules() if (n := len(p.read_text().splitlines())) > 400}
    assert not long, f"past 400 lines, ask which two ideas are in it: {long}"


def test_version_is_written_once():
    if tomllib is None:
        pytest.skip("tomllib comes with Python 3.11; the version is checked there")
    import motion_transfer

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == motion_transfer.__version__


def test_the_readme_tells_who_has_opencv_already_what_else_to_install():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    line = re.search(r"Where `pip list` shows `opencv-python` already.*?`pip install (.+?)`", readme, re.DOTALL)
    assert line, "two packages called cv2 overwrite each other"
    wanted = [w.partition(">=")[0] for w in (ROOT / "requirements.txt").read_text(encoding="utf-8").split()]
    named = [w.strip('"').partition(">=")[0] for w in line[1].split()]
    assert named == [w for w in wanted if w != "opencv-python-headless"]
