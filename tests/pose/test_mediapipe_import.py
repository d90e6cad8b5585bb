"""MediaPipe starts without what it needs for plotting alone, and plotting still works afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("mediapipe")

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


def test_nothing_is_loaded_for_plots():
    assert started("no") == ["False []"]


def test_plots_can_be_made_all_the_same():
    pytest.importorskip("matplotlib")
    assert started("plot")[1:] == ["matplotlib.pyplot", "True"]


def test_a_matplotlib_that_is_there_is_left_alone():
    pytest.importorskip("matplotlib")
    lines = started("plot", "import matplotlib\n")
    assert lines[0].startswith("True ['matplotlib'") and lines[1:] == ["matplotlib.pyplot", "True"]
