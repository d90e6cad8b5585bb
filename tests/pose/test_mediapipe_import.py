"""MediaPipe starts without what it needs for plotting alone, and plotting still works afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from motion_transfer.pose.mediapipe_import import INSTALL

pytest.importorskip("mediapipe")
ROOT = Path(__file__).parents[2]

START = """
import sys
from motion_transfer.pose.mediapipe_import import load_mediapipe, solutions
before = "matplotlib" in sys.modules
load_mediapipe()
solutions()
print(before, sorted(n for n in sys.modules if n.split(".")[0] == "matplotlib"))
from mediapipe.python.solutions import drawing_utils
if sys.argv[1] == "plot":
    print(drawing_utils.plt.figure.__module__)
    import matplotlib.pyplot
    print(matplotlib.pyplot.figure is drawing_utils.plt.figure)
"""


def started(word, first=""):
    told = subprocess.run(
        [sys.executable, "-c", first + START, word], check=True, capture_output=True, text=True, timeout=120
    )
    return told.stdout.splitlines()


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1:]:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
"""
EVERY_WAY = """
from pathlib import Path
from motion_transfer.core import BODY, FACE, LEFT_HAND, RIGHT_HAND
from motion_transfer.pose.character_pose import find_character_pose
from motion_transfer.pose.detector import open_detector
from motion_transfer.pose.mediapipe_graphs import BodyMatteNet
from motion_transfer.pose.still_person import StillWatcher, framings
from motion_transfer.video import open_video, read_character
media = Path("demo/media")
frames = next(iter(open_video(str(media / "dancer.mp4")).chunks(2))).pixels
with open_detector() as detector:
    _, scores = detector.detect(frames)
assert all(scores[:, part].max() > 0.5 for part in (BODY, FACE, LEFT_HAND, RIGHT_HAND))
assert find_character_pose(read_character(str(media / "heroine.png"))).scores[0, BODY].mean() > 0.9
with StillWatcher() as watcher:
    assert watcher.selfie(frames[0], next(iter(framings((frames.shape[2], frames.shape[1]), None)))).max() > 0.5
BodyMatteNet().close()
from mediapipe.tasks import python as tasks
tasks.vision.PoseLandmarkerOptions, tasks.vision.HandLandmarkerOptions, tasks.vision.FaceLandmarkerOptions
print("found")
"""


def blocked(program, *packages):
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + program, *packages], capture_output=True, text=True, timeout=300, cwd=ROOT
    )


def test_joints_hands_face_and_cut_out_need_nothing_but_what_is_asked_for():
    done = blocked(EVERY_WAY, "absl", "flatbuffers", "matplotlib")
    assert done.returncode == 0 and done.stdout == "found\n", done.stderr[-1000:]
    for package in ("absl", "flatbuffers", "matplotlib"):
        assert package not in INSTALL
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert INSTALL.replace("  and  ", "\n") in readme


@pytest.mark.parametrize(("package", "asked"), [("attr", "attrs"), ("google", "protobuf<5")])
def test_what_is_asked_for_is_needed(package, asked):
    done = blocked("from motion_transfer.pose.mediapipe_import import solutions; solutions()", package)
    assert "MissingPackage" in done.stderr and asked in INSTALL


def test_nothing_is_loaded_for_plots():
    assert started("no") == ["False []"]


def test_plots_can_be_made_all_the_same():
    pytest.importorskip("matplotlib")
    assert started("plot")[1:] == ["matplotlib.pyplot", "True"]


def test_a_matplotlib_that_is_there_is_left_alone():
    pytest.importorskip("matplotlib")
    lines = started("plot", "import matplotlib\n")
    assert lines[0].startswith("True ['matplotlib'") and lines[1:] == ["matplotlib.pyplot", "True"]
